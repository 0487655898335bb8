/**
 * Element types of stored tensors and how their bytes become numbers. Everything is little-endian, as all
 * three formats are; views assume that this machine is too (every browser and every WebAssembly engine is).
 *
 * float32 and float64 come back as views on the file where the bytes are aligned, so a reader holds nothing
 * twice: treat what comes back as read-only. The 16-bit floats become float32, exactly; integers float64.
 */

export type ElementType =
  | "f64"
  | "f32"
  | "f16"
  | "bf16"
  | "i64"
  | "i32"
  | "i16"
  | "i8"
  | "u64"
  | "u32"
  | "u16"
  | "u8"
  | "bool";

export type Floats = Float32Array | Float64Array;

export const elementBytes: Readonly<Record<ElementType, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  i64: 8,
  i32: 4,
  i16: 2,
  i8: 1,
  u64: 8,
  u32: 4,
  u16: 2,
  u8: 1,
  bool: 1,
};

export const isFloating = (type: ElementType): boolean =>
  type === "f64" || type === "f32" || type === "f16" || type === "bf16";

/** The numbers in `bytes`, whose length is a multiple of the element's. */
export function decodeElements(bytes: Uint8Array, type: ElementType): Floats {
  switch (type) {
    case "f32":
      return new Float32Array(...aligned(bytes, 4));
    case "f64":
      return new Float64Array(...aligned(bytes, 8));
    case "f16":
      return float16(new Uint16Array(...aligned(bytes, 2)));
    case "bf16":
      return bfloat16(new Uint16Array(...aligned(bytes, 2)));
    case "i64":
      return wide(new Int32Array(...aligned(bytes, 4)));
    case "u64":
      return wide(new Uint32Array(...aligned(bytes, 4)));
    case "i32":
      return Float64Array.from(new Int32Array(...aligned(bytes, 4)));
    case "u32":
      return Float64Array.from(new Uint32Array(...aligned(bytes, 4)));
    case "i16":
      return Float64Array.from(new Int16Array(...aligned(bytes, 2)));
    case "u16":
      return Float64Array.from(new Uint16Array(...aligned(bytes, 2)));
    case "i8":
      return Float64Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length));
    case "u8":
      return Float64Array.from(bytes);
    case "bool":
      return new Float64Array(bytes).map((byte) => (byte ? 1 : 0));
  }
}

/** Where a typed array of this width may look: at the bytes themselves, or at a copy if they are not aligned. */
function aligned(bytes: Uint8Array, width: number): [ArrayBufferLike, number, number] {
  const length = bytes.length / width;
  if (bytes.byteOffset % width === 0) return [bytes.buffer, bytes.byteOffset, length];
  // Not bytes.slice(): a Buffer's slice is a view.
  return [new Uint8Array(bytes).buffer, 0, length];
}

let halves: Float32Array | undefined;

/** float16 has only 65,536 values, so a table is both the simplest and the fastest way. */
function float16(codes: Uint16Array): Float32Array {
  halves ??= Float32Array.from({ length: 65536 }, (_, code) => halfValue(code));
  const values = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) values[i] = halves[codes[i]];
  return values;
}

function halfValue(code: number): number {
  const sign = code & 0x8000 ? -1 : 1;
  const exponent = (code >> 10) & 31;
  const fraction = code & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 is the upper half of a float32. */
function bfloat16(codes: Uint16Array): Float32Array {
  const bits = new Uint32Array(codes.length);
  for (let i = 0; i < codes.length; i++) bits[i] = codes[i] << 16;
  return new Float32Array(bits.buffer);
}

/** 64-bit integers from their 32-bit halves, low half first; the type of `halves` says whether they are signed. */
function wide(halves: Int32Array | Uint32Array): Float64Array {
  const values = new Float64Array(halves.length / 2);
  for (let i = 0; i < values.length; i++) values[i] = halves[2 * i + 1] * 2 ** 32 + (halves[2 * i] >>> 0);
  return values;
}

export interface Strided {
  readonly shape: readonly number[];
  /** In elements, as is the offset. */
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Whether the elements of a strided tensor stand one after the other in row-major order. */
export function isContiguous({ shape, strides }: Strided): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== expected) return false;
    expected *= shape[i];
  }
  return true;
}

/** Copies the elements of a strided tensor out of its storage in row-major order. */
export function gather(storage: Uint8Array, width: number, { offset, ...window }: Strided): Uint8Array {
  // Sides of 1 move nothing, and dozens of them would cost time with each element.
  const shape = window.shape.filter((side) => side !== 1);
  const strides = window.strides.filter((_, axis) => window.shape[axis] !== 1);
  const count = shape.reduce((product, side) => product * side, 1);
  const out = new Uint8Array(count * width);
  const index = shape.map(() => 0);
  let from = offset;
  for (let i = 0; i < count; i++) {
    for (let b = 0; b < width; b++) out[i * width + b] = storage[from * width + b];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}

/** The element types by NumPy's codes, without the byte order. */
export const numpyElements: Readonly<Record<string, ElementType>> = {
  f8: "f64",
  f4: "f32",
  f2: "f16",
  i8: "i64",
  i4: "i32",
  i2: "i16",
  i1: "i8",
  u8: "u64",
  u4: "u32",
  u2: "u16",
  u1: "u8",
  b1: "bool",
};
