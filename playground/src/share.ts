/** A text in the address of the page: deflated, in the part behind "#", which no server sees. */
import { deflateSync, inflateSync, strFromU8, strToU8 } from "fflate";
import type { Spec } from "./protocol.ts";

/** Longer texts are not unpacked: a link of a kilobyte could ask for a gigabyte. */
const most = 1_000_000;

export function toHash({ text, net }: Spec): string {
  const bytes = deflateSync(strToU8(text), { level: 9 });
  const packed = btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
  return `#spec=${packed}${net === undefined ? "" : `&net=${encodeURIComponent(net)}`}`;
}

/** Undefined where there is no text in it, or none that can be read. */
export function fromHash(hash: string): Spec | undefined {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const packed = given.get("spec");
  if (packed === null) return undefined;
  try {
    const bytes = Uint8Array.from(atob(packed.replaceAll("-", "+").replaceAll("_", "/")), (character) =>
      character.charCodeAt(0),
    );
    // A buffer of a fixed size ends what grows beyond.
    const text = strFromU8(inflateSync(bytes, { out: new Uint8Array(most) }));
    return { text, net: given.get("net") ?? undefined };
  } catch {
    return undefined;
  }
}
