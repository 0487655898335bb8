/**
 * The checksum of a weights file: 128 bits, in the manner of xxHash32 with sixteen lanes, so that SIMD computes it
 * as fast as memory is read. It finds damage in transport and files of different builds that got mixed up. It is
 * no defence against somebody who wants the sums to agree.
 *
 * Chunks count: each begins at the first accumulator, whatever the one before ended with.
 */
import { invariant } from "../../base/invariant.ts";

export const checksumPrimes = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d] as const;

/** What goes into the accumulators at a time, and how far they turn behind that. */
export const checksumBlock = { bytes: 64, rotation: 13 } as const;

/** How far each accumulator turns for the end result. */
export const checksumRotations = [1, 7, 12, 18] as const;

const [prime1, prime2, prime3] = checksumPrimes;

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** Four words of 32 bits, of chunks of whole vectors. */
export function checksum(chunks: Iterable<Uint8Array>): readonly number[] {
  return checksumOfWords(chunks, 16);
}

/** The same of chunks that are whole words: lanes beyond the end get nothing. */
export function checksumOfWords(chunks: Iterable<Uint8Array>, unit = 4): readonly number[] {
  // [accumulator][lane]
  const sums = new Int32Array(16);
  let length = 0;
  for (const bytes of chunks) {
    invariant(bytes.length % unit === 0, `a chunk is whole units of ${unit} bytes`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let lane = 0; lane < 16; lane++) {
      let sum = sums[lane];
      for (let at = 4 * lane; at < bytes.length; at += checksumBlock.bytes) {
        const taken = (sum + Math.imul(view.getInt32(at, true), prime2)) | 0;
        sum = Math.imul(rotate(taken, checksumBlock.rotation), prime1);
      }
      sums[lane] = sum;
    }
    length += bytes.length;
  }
  return [0, 1, 2, 3].map((lane) => {
    let sum = length | 0;
    checksumRotations.forEach((rotation, i) => {
      sum = (sum + rotate(sums[4 * i + lane], rotation)) | 0;
    });
    sum = Math.imul(sum ^ (sum >>> 15), prime2);
    sum = Math.imul(sum ^ (sum >>> 13), prime3);
    return (sum ^ (sum >>> 16)) >>> 0;
  });
}

export const hexOf = (words: readonly number[]): string =>
  words.map((word) => word.toString(16).padStart(8, "0")).join("");
