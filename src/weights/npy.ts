/**
 * NumPy arrays, .npy: "\x93NUMPY", version, header length, a Python dict as text, then the elements.
 *
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (1, 224, 224, 3), }
 *
 * The length has 2 bytes in version 1 and 4 since. Arrays whose first index runs fastest are turned when they
 * are read.
 */
import type { Shape } from "../ir/tensor.ts";
import {
  decodeElements,
  type ElementType,
  elementBytes,
  type Floats,
  gather,
  numpyElements,
} from "./elements.ts";
import { countElements } from "./shapes.ts";
import { describeContent } from "./signature.ts";
import { ensure } from "./unreadable.ts";

export interface NpyArray {
  readonly shape: Shape;
  readonly dtype: ElementType;
  /** In row-major order: float32 where they were float32 or less, else float64; perhaps a view on the file. */
  read(): Floats;
}

export const npyMagic = "\x93NUMPY";

export function parseNpy(bytes: Uint8Array): NpyArray {
  const start = latin1(bytes.subarray(0, 6));
  ensure(start === npyMagic, `it is no NumPy array: ${describeContent(bytes)}`);
  const version = bytes[6];
  ensure(version >= 1 && version <= 3, `it is a .npy file of version ${version ?? "none"}, 1 to 3 are read`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const headerAt = version === 1 ? 10 : 12;
  ensure(bytes.length >= headerAt, `it ends at byte ${bytes.length}, in its header`);
  const dataAt = headerAt + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  ensure(dataAt <= bytes.length, `its header should end at byte ${dataAt}, the file has ${bytes.length}`);
  const { dtype, shape, turned } = parseHeader(latin1(bytes.subarray(headerAt, dataAt)));
  const width = elementBytes[dtype];
  const wanted = countElements(shape, "it") * width;
  const there = bytes.length - dataAt;
  ensure(
    wanted <= there,
    `[${shape.join(", ")}] takes ${wanted} bytes, the file has ${there}: it was cut short`,
  );
  const data = bytes.subarray(dataAt, dataAt + wanted);
  const inOrder = () =>
    turned ? gather(data, width, { shape, strides: fromFirst(shape), offset: 0 }) : data;
  return { shape, dtype, read: () => decodeElements(inOrder(), dtype) };
}

/** Strides of an array whose first index runs fastest. */
function fromFirst(shape: Shape): readonly number[] {
  let stride = 1;
  return shape.map((side) => {
    const own = stride;
    stride *= side;
    return own;
  });
}

interface Header {
  readonly dtype: ElementType;
  readonly shape: Shape;
  readonly turned: boolean;
}

function parseHeader(text: string): Header {
  const descr = /['"]descr['"]\s*:\s*['"]([<>|=])(\w{1,8})['"]/.exec(text);
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text);
  const sides = /['"]shape['"]\s*:\s*\(([\d,\sL]{0,1400})\)/.exec(text);
  ensure(descr, "its elements are no plain numbers (a record or an object array)");
  ensure(order && sides, "its header does not say its shape and order");
  const [, byteOrder, code] = descr;
  ensure(code !== "O", "its elements are Python objects, which nothing but Python reads");
  const isNumber = Object.hasOwn(numpyElements, code);
  ensure(isNumber, `its elements are \`${code}\`, which are no numbers that resnetc reads`);
  const dtype = numpyElements[code];
  ensure(byteOrder !== ">" || elementBytes[dtype] === 1, "its numbers have the highest byte first");
  const shape = sides[1]
    .split(",")
    .map((side) => side.trim())
    .filter((side) => side !== "")
    .map(Number.parseFloat);
  ensure(shape.every(Number.isSafeInteger), "its shape has sides that are no whole numbers");
  return { dtype, shape, turned: order[1] === "True" && shape.length > 1 };
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return text;
}
