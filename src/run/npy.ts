/**
 * NumPy arrays as what a net takes and gives: reads what `weights/npy.ts` parses, writes version 1.0.
 *
 * Pure over bytes. Numbers come back as float32 where they were, else as float64.
 */
import type { Report } from "../base/diagnostic.ts";
import type { Tensor } from "../ir/tensor.ts";
import { npyMagic, parseNpy } from "../weights/npy.ts";
import { Unreadable } from "../weights/unreadable.ts";

/** The array in `bytes`, or undefined when it was reported why not. The data may be a view on `bytes`. */
export function readNpy(bytes: Uint8Array, path: string, report: Report): Tensor | undefined {
  try {
    const { shape, read } = parseNpy(bytes);
    return { shape, data: read() };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    report("bad-array", undefined, { path, why: error.message });
    return undefined;
  }
}

/** The bytes of a .npy file: float32 or float64, as the data are. */
export function writeNpy({ shape, data }: Tensor): Uint8Array {
  const type = data instanceof Float32Array ? "<f4" : "<f8";
  // A tuple of one has a comma: (3,).
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sides}), }`;
  // The header ends in a newline and at a multiple of 64.
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  const text = `${npyMagic}\x01\x00${String.fromCharCode(length & 255, length >> 8)}${dict.padEnd(length - 1)}\n`;
  const bytes = new Uint8Array(text.length + data.byteLength);
  bytes.set(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), text.length);
  return bytes;
}
