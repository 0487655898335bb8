/** JSON from bytes a stranger wrote: what is wrong becomes the reason why the checkpoint cannot be read. */
import { Unreadable } from "./unreadable.ts";

/** `what` starts the sentence: "its header is no JSON". */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Unreadable(`${what} is no UTF-8 text`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Unreadable(`${what} is no JSON`);
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether this can be a shape, or offsets: whole numbers that are not negative. */
export const isSizes = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((side) => Number.isSafeInteger(side) && side >= 0);
