/** `resnetc/pictures`: picture files to pixels, in Node. */
import type { Pixels } from "../pictures/resize.ts";
import { decode as decodeFile } from "./picture.ts";

export type { Pixels };

/** PNG and JPEG, with the package sharp whatever that reads; an Error says why not. Upright, alpha dropped. */
export async function decode(bytes: Uint8Array): Promise<Pixels> {
  const found = await decodeFile(bytes);
  if (typeof found === "string") throw new Error(`The picture cannot be read: ${found}.`);
  return found;
}
