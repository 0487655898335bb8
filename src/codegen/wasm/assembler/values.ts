/**
 * Values of WebAssembly as typed expressions: `f32x4.add(a, f32x4.mul(b, c))` is a tree that a function
 * builder writes out in stack order. Names are those of the specification, grouped as there. Integer
 * operands may be plain numbers, and constants fold, so that address arithmetic can be written naively.
 */
import { invariant } from "../../../base/invariant.ts";
import type { ByteWriter } from "./bytes.ts";

export type ValueType = "i32" | "f32" | "v128";

export const typeCodes: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, v128: 0x7b };

export interface Value<T extends ValueType = ValueType> {
  readonly type: T;
  /** Writes the instructions that push it. */
  readonly write: (out: ByteWriter) => void;
  /** Known while assembling; i32 only. */
  readonly constant?: number;
}

export type I32 = Value<"i32"> | number;
export type F32 = Value<"f32">;
export type V128 = Value<"v128">;

const asI32 = (value: I32): Value<"i32"> => (typeof value === "number" ? i32.const(value) : value);

/** An instruction of one byte behind its operands. */
function plain<T extends ValueType>(type: T, code: number, ...operands: readonly Value[]): Value<T> {
  return {
    type,
    write(out) {
      for (const operand of operands) operand.write(out);
      out.byte(code);
    },
  };
}

/** An instruction behind a prefix byte (0xfc numeric, 0xfd vector, 0xfe atomic), with immediates behind it. */
function prefixed<T extends ValueType>(
  type: T,
  prefix: number,
  code: number,
  operands: readonly Value[],
  immediates?: (out: ByteWriter) => void,
): Value<T> {
  return {
    type,
    write(out) {
      for (const operand of operands) operand.write(out);
      out.byte(prefix);
      out.u32(code);
      immediates?.(out);
    },
  };
}

const simd = <T extends ValueType>(type: T, code: number, ...operands: readonly Value[]): Value<T> =>
  prefixed(type, 0xfd, code, operands);

/** Alignment is a hint; four bytes is what all our data have. */
export const memoryArgument = (out: ByteWriter, alignment: number, offset: number): void => {
  out.u32(alignment);
  out.u32(offset);
};

/** What `fold` does not answer is left to the machine. */
const folding =
  (
    code: number,
    fold: (a: number, b: number) => number | undefined,
    neutral?: number,
    isNeutralLeft = false,
  ) =>
  (left: I32, right: I32): Value<"i32"> => {
    const [a, b] = [asI32(left), asI32(right)];
    const folded =
      a.constant !== undefined && b.constant !== undefined ? fold(a.constant, b.constant) : undefined;
    if (folded !== undefined) return i32.const(folded);
    if (neutral !== undefined && b.constant === neutral) return a;
    if (isNeutralLeft && a.constant === neutral) return b;
    return plain("i32", code, a, b);
  };

const i32Binary =
  (code: number) =>
  (left: I32, right: I32): Value<"i32"> =>
    plain("i32", code, asI32(left), asI32(right));

const add = folding(0x6a, (a, b) => (a + b) | 0, 0, true);
const mul = folding(0x6c, Math.imul, 1, true);

export const i32 = {
  /** Signed or unsigned: -1 and 2^32 - 1 are the same number. */
  const: (value: number): Value<"i32"> => {
    invariant(Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 32, `${value} is no i32`);
    return {
      type: "i32",
      constant: value | 0,
      write(out) {
        out.byte(0x41);
        out.s32(value);
      },
    };
  },
  /** Any number of terms. */
  add: (first: I32, ...rest: readonly I32[]): Value<"i32"> => rest.reduce<Value<"i32">>(add, asI32(first)),
  sub: folding(0x6b, (a, b) => (a - b) | 0, 0),
  mul,
  /** Divisions trap where the quotient is no i32. */
  div_s: folding(0x6d, (a, b) => (b === 0 || a / b === 2 ** 31 ? undefined : Math.trunc(a / b)), 1),
  div_u: folding(0x6e, (a, b) => (b === 0 ? undefined : Math.trunc((a >>> 0) / (b >>> 0))), 1),
  rem_u: i32Binary(0x70),
  and: i32Binary(0x71),
  or: i32Binary(0x72),
  xor: i32Binary(0x73),
  shl: folding(0x74, (a, b) => a << b, 0),
  shr_s: folding(0x75, (a, b) => a >> b, 0),
  shr_u: folding(0x76, (a, b) => (a >>> b) | 0, 0),
  eqz: (value: Value<"i32">): Value<"i32"> => plain("i32", 0x45, value),
  eq: i32Binary(0x46),
  ne: i32Binary(0x47),
  lt_s: i32Binary(0x48),
  lt_u: i32Binary(0x49),
  gt_s: i32Binary(0x4a),
  gt_u: i32Binary(0x4b),
  le_s: i32Binary(0x4c),
  le_u: i32Binary(0x4d),
  ge_s: i32Binary(0x4e),
  ge_u: i32Binary(0x4f),
  load: (address: I32, offset = 0): Value<"i32"> => loadPlain("i32", 0x28, 2, address, offset),
  load8_u: (address: I32, offset = 0): Value<"i32"> => loadPlain("i32", 0x2d, 0, address, offset),
  load16_u: (address: I32, offset = 0): Value<"i32"> => loadPlain("i32", 0x2f, 1, address, offset),
  reinterpret_f32: (value: F32): Value<"i32"> => plain("i32", 0xbc, value),
  /** min and max, which the machine lacks: operands are evaluated twice, so they must be without effects. */
  min_u: (a: I32, b: I32): Value<"i32"> => select(asI32(a), asI32(b), i32.lt_u(a, b)),
  max_u: (a: I32, b: I32): Value<"i32"> => select(asI32(a), asI32(b), i32.gt_u(a, b)),
  min_s: (a: I32, b: I32): Value<"i32"> => select(asI32(a), asI32(b), i32.lt_s(a, b)),
  max_s: (a: I32, b: I32): Value<"i32"> => select(asI32(a), asI32(b), i32.gt_s(a, b)),
};

function loadPlain<T extends ValueType>(
  type: T,
  code: number,
  alignment: number,
  address: I32,
  offset: number,
): Value<T> {
  const from = asI32(address);
  return {
    type,
    write(out) {
      from.write(out);
      out.byte(code);
      memoryArgument(out, alignment, offset);
    },
  };
}

/** `first` if the condition is not zero, else `second`; both are evaluated. */
export function select<T extends ValueType>(
  first: Value<T>,
  second: Value<T>,
  condition: Value<"i32">,
): Value<T> {
  const { type } = first;
  return {
    type,
    write(out) {
      first.write(out);
      second.write(out);
      condition.write(out);
      // The plain select takes numbers only; vectors need the typed one.
      if (type !== "v128") return out.byte(0x1b);
      out.byte(0x1c);
      out.u32(1);
      out.byte(typeCodes[type]);
    },
  };
}

export const f32 = {
  const: (value: number): F32 => ({
    type: "f32",
    write(out) {
      out.byte(0x43);
      out.f32(value);
    },
  }),
  load: (address: I32, offset = 0): F32 => loadPlain("f32", 0x2a, 2, address, offset),
  add: (a: F32, b: F32): F32 => plain("f32", 0x92, a, b),
  sub: (a: F32, b: F32): F32 => plain("f32", 0x93, a, b),
  mul: (a: F32, b: F32): F32 => plain("f32", 0x94, a, b),
  div: (a: F32, b: F32): F32 => plain("f32", 0x95, a, b),
  min: (a: F32, b: F32): F32 => plain("f32", 0x96, a, b),
  max: (a: F32, b: F32): F32 => plain("f32", 0x97, a, b),
  sqrt: (a: F32): F32 => plain("f32", 0x91, a),
  convert_i32_u: (a: I32): F32 => plain("f32", 0xb3, asI32(a)),
  convert_i32_s: (a: I32): F32 => plain("f32", 0xb2, asI32(a)),
};

// ---- vectors ------------------------------------------------------------------------------------

const vectorLoad =
  (code: number, alignment: number) =>
  (address: I32, offset = 0): V128 =>
    prefixed("v128", 0xfd, code, [asI32(address)], (out) => memoryArgument(out, alignment, offset));

const unary =
  (code: number) =>
  (a: V128): V128 =>
    simd("v128", code, a);

const binary =
  (code: number) =>
  (a: V128, b: V128): V128 =>
    simd("v128", code, a, b);

const shift =
  (code: number) =>
  (a: V128, by: I32): V128 =>
    simd("v128", code, a, asI32(by));

export const v128 = {
  load: vectorLoad(0, 2),
  load32_splat: vectorLoad(9, 2),
  load32_zero: vectorLoad(92, 2),
  load64_zero: vectorLoad(93, 2),
  /** Four unsigned 16-bit numbers become four of 32 bits. */
  load16x4_u: vectorLoad(4, 1),
  /** Eight unsigned bytes become eight numbers of 16 bits. */
  load8x8_u: vectorLoad(2, 0),
  not: unary(77),
  and: binary(78),
  andnot: binary(79),
  or: binary(80),
  xor: binary(81),
  /** Bits of `a` where the mask has ones, of `b` elsewhere. */
  bitselect: (a: V128, b: V128, mask: V128): V128 => simd("v128", 82, a, b, mask),
  any_true: (a: V128): Value<"i32"> => simd("i32", 83, a),
};

const constant = (bytes: Uint8Array): V128 => prefixed("v128", 0xfd, 12, [], (out) => out.bytes(bytes));

export const f32x4 = {
  /** The same number in every lane. */
  const: (value: number): V128 =>
    constant(new Uint8Array(Float32Array.of(value, value, value, value).buffer)),
  splat: (value: F32): V128 => simd("v128", 19, value),
  extract_lane: (a: V128, lane: number): F32 => prefixed("f32", 0xfd, 31, [a], (out) => out.byte(lane)),
  eq: binary(65),
  ne: binary(66),
  lt: binary(67),
  gt: binary(68),
  le: binary(69),
  ge: binary(70),
  ceil: unary(103),
  floor: unary(104),
  trunc: unary(105),
  nearest: unary(106),
  abs: unary(224),
  neg: unary(225),
  sqrt: unary(227),
  add: binary(228),
  sub: binary(229),
  mul: binary(230),
  div: binary(231),
  min: binary(232),
  max: binary(233),
  /** b < a ? b : a, one instruction on every machine; a NaN in `a` stays. */
  pmin: binary(234),
  /** a < b ? b : a, one instruction on every machine; a NaN in `a` stays. */
  pmax: binary(235),
  convert_i32x4_s: unary(250),
  convert_i32x4_u: unary(251),
  /** a b + c with one rounding or two, as the machine likes (relaxed SIMD). */
  relaxed_madd: (a: V128, b: V128, c: V128): V128 => simd("v128", 0x105, a, b, c),
};

export const i32x4 = {
  const: (value: number): V128 => constant(new Uint8Array(Int32Array.of(value, value, value, value).buffer)),
  splat: (value: I32): V128 => simd("v128", 17, asI32(value)),
  extract_lane: (a: V128, lane: number): Value<"i32"> =>
    prefixed("i32", 0xfd, 27, [a], (out) => out.byte(lane)),
  eq: binary(55),
  gt_s: binary(59),
  shl: shift(171),
  shr_s: shift(172),
  shr_u: shift(173),
  add: binary(174),
  sub: binary(177),
  mul: binary(181),
  trunc_sat_f32x4_s: unary(248),
  extend_low_i16x8_u: unary(169),
  extend_high_i16x8_u: unary(170),
};

export const i16x8 = {
  extend_low_i8x16_u: unary(137),
};

/** Sixteen bytes picked from the thirty-two of both operands, `a` first. */
export const i8x16 = {
  shuffle: (a: V128, b: V128, lanes: readonly number[]): V128 =>
    prefixed("v128", 0xfd, 13, [a, b], (out) => out.bytes(lanes)),
};

/** Four lanes of 32 bits picked from the eight of both operands. */
export const shuffle32 = (a: V128, b: V128, lanes: readonly [number, number, number, number]): V128 =>
  i8x16.shuffle(
    a,
    b,
    lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]),
  );

// ---- shared memory ------------------------------------------------------------------------------

const atomic = (code: number, operands: readonly Value[], offset: number): Value<"i32"> =>
  prefixed("i32", 0xfe, code, operands, (out) => memoryArgument(out, 2, offset));

export const atomics = {
  load: (address: I32, offset = 0): Value<"i32"> => atomic(0x10, [asI32(address)], offset),
  /** Adds and gives what was there before. */
  add: (address: I32, value: I32, offset = 0): Value<"i32"> =>
    atomic(0x1e, [asI32(address), asI32(value)], offset),
  /** Puts `wanted` where `expected` is, and gives what was there before. */
  cmpxchg: (address: I32, expected: I32, wanted: I32, offset = 0): Value<"i32"> =>
    atomic(0x48, [asI32(address), asI32(expected), asI32(wanted)], offset),
  /** Wakes at most `count` waiters and gives how many. */
  notify: (address: I32, count: I32, offset = 0): Value<"i32"> =>
    atomic(0x00, [asI32(address), asI32(count)], offset),
  /** Sleeps while the place holds `expected`: 0 woken, 1 it held something else. For ever, if nobody notifies. */
  wait32: (address: I32, expected: I32, offset = 0): Value<"i32"> => {
    const forever: Value = {
      type: "i32",
      write(out) {
        out.byte(0x42); // i64.const -1
        out.byte(0x7f);
      },
    };
    return atomic(0x01, [asI32(address), asI32(expected), forever], offset);
  },
};
