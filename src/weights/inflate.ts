/**
 * Deflated bytes of a stranger: the size that they should have is known before, nothing larger is ever made,
 * and CRC-32 says whether they are what was packed. `fflate` does the inflating.
 */
import { inflateSync } from "fflate";
import { ensure, Unreadable } from "./unreadable.ts";

/** Deflate's best: 258 bytes for two bits, a length and a distance. */
const mostFromOne = 1032;

/** The `size` bytes that `packed` holds; `what` starts the sentence when it does not. */
export function inflate(packed: Uint8Array, size: number, what: string): Uint8Array {
  ensure(
    size <= mostFromOne * packed.length,
    `${what} says that its ${packed.length} bytes inflate to ${size}, which they cannot`,
  );
  // One byte more than there should be: fflate fills what it is given and drops what is beyond.
  const room = allocate(size + 1, what);
  let found: Uint8Array;
  try {
    found = inflateSync(packed, { out: room });
  } catch {
    throw new Unreadable(`${what} is damaged: its compressed bytes do not inflate`);
  }
  const more = found.length > size ? "more" : found.length;
  ensure(found.length === size, `${what} should inflate to ${size} bytes, it has ${more}`);
  return found;
}

function allocate(size: number, what: string): Uint8Array {
  try {
    return new Uint8Array(size);
  } catch {
    throw new Unreadable(`${what} takes ${size} bytes, for which there is no memory`);
  }
}

let sums: Int32Array | undefined;

/** The checksum of zip, gzip and PNG: polynomial 0xedb88320, a byte at a time. */
export function crc32(bytes: Uint8Array): number {
  sums ??= Int32Array.from({ length: 256 }, (_, byte) => {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
    return sum;
  });
  const table = sums;
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]) & 255];
  return ~crc >>> 0;
}
