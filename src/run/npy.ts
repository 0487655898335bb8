/**
 * NumPy arrays, .npy: "\x93NUMPY", version, header length, a Python dict as text, then the elements.
 *
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (1, 224, 224, 3), }
 *
 * Pure over bytes. Numbers come back as float32 where they were, else as float64.
 */
import type { Report } from "../base/diagnostic.ts";
import { elements, type Shape, type Tensor } from "../ir/tensor.ts";
import { decodeElements, type ElementType, elementBytes, numpyElements } from "../weights/elements.ts";
import { describeContent } from "../weights/signature.ts";

const magic = "\x93NUMPY";

/** The array in `bytes`, or undefined when it was reported why not. The data may be a view on `bytes`. */
export function readNpy(bytes: Uint8Array, path: string, report: Report): Tensor | undefined {
  const found = parseNpy(bytes);
  if (typeof found !== "string") return found;
  report("bad-array", undefined, { path, why: found });
  return undefined;
}

/** The array, or why it is none. */
function parseNpy(bytes: Uint8Array): Tensor | string {
  const start = latin1(bytes.subarray(0, 6));
  if (start !== magic) return `it is no NumPy array: ${describeContent(bytes)}`;
  const version = bytes[6];
  if (!(version >= 1 && version <= 3))
    return `it is a .npy file of version ${version ?? "none"}, 1 to 3 are read`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const headerAt = version === 1 ? 10 : 12;
  if (bytes.length < headerAt) return `it ends at byte ${bytes.length}, in its header`;
  const dataAt = headerAt + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (dataAt > bytes.length) return `its header should end at byte ${dataAt}, the file has ${bytes.length}`;
  const header = parseHeader(latin1(bytes.subarray(headerAt, dataAt)));
  if (typeof header === "string") return header;
  const { type, shape } = header;
  const wanted = elements(shape) * elementBytes[type];
  const there = bytes.length - dataAt;
  if (there < wanted)
    return `[${shape.join(", ")}] takes ${wanted} bytes, the file has ${there}: it was cut short`;
  return { shape, data: decodeElements(bytes.subarray(dataAt, dataAt + wanted), type) };
}

interface Header {
  readonly type: ElementType;
  readonly shape: Shape;
}

function parseHeader(text: string): Header | string {
  const descr = /['"]descr['"]\s*:\s*['"]([<>|=])(\w{1,8})['"]/.exec(text);
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text);
  const sides = /['"]shape['"]\s*:\s*\(([\d,\sL]{0,400})\)/.exec(text);
  if (!descr) return "its elements are no plain numbers (a record or an object array)";
  if (!order || !sides) return "its header does not say its shape and order";
  const [, byteOrder, code] = descr;
  if (!Object.hasOwn(numpyElements, code))
    return `its elements are \`${code}\`, which are no numbers that resnetc reads`;
  const type = numpyElements[code];
  if (byteOrder === ">" && elementBytes[type] > 1) return "its numbers have the highest byte first";
  const shape = sides[1]
    .split(",")
    .map((side) => side.trim())
    .filter((side) => side !== "")
    .map(Number.parseFloat);
  if (!shape.every((side) => Number.isSafeInteger(side)))
    return "its shape has sides that are no whole numbers";
  if (order[1] === "True" && shape.length > 1) {
    return "its first index runs fastest (Fortran order): save numpy.ascontiguousarray(a)";
  }
  return { type, shape };
}

/** The bytes of a .npy file: float32 or float64, as the data are. */
export function writeNpy({ shape, data }: Tensor): Uint8Array {
  const type = data instanceof Float32Array ? "<f4" : "<f8";
  // A tuple of one has a comma: (3,).
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sides}), }`;
  // The header ends in a newline and at a multiple of 64.
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  const text = `${magic}\x01\x00${String.fromCharCode(length & 255, length >> 8)}${dict.padEnd(length - 1)}\n`;
  const bytes = new Uint8Array(text.length + data.byteLength);
  bytes.set(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), text.length);
  return bytes;
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return text;
}
