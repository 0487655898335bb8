/** How kernels walk over maps: units of work, channel vectors in blocks, parts of a vector. */
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32x4, type I32, i32, shuffle32, type V128, type Value, v128 } from "../assembler/values.ts";
import { at, bytes, hold, lanes, type MapLayout, type StepArguments } from "./kernel.ts";

export const vectorBytes = 16;

/** Vectors of four lanes that a pixel takes; an even number. */
export const vectorsOf = (channels: number): number => lanes(channels) / 4;

/** Units that are rows, or equal parts of the vectors of a row. */
export interface RowUnits {
  readonly units: number;
  readonly parts: number;
  /** Vectors of a part. */
  readonly vectors: number;
}

/** So that eight threads find two or three units each even where rows are few. */
const enoughUnits = 20;

/** A row's pixels are cut only into parts of at least a cache line. */
const leastVectors = 4;

export function rowUnits(height: number, channels: number): RowUnits {
  const all = vectorsOf(channels);
  let parts = 1;
  for (let more = 2; height * parts < enoughUnits && all / more >= leastVectors; more++) {
    if (all % more === 0) parts = more;
  }
  return { units: height * parts, parts, vectors: all / parts };
}

/** The units of a call: `body` gets the row and, in bytes, where in each pixel the part starts. */
export function eachRowUnit(
  f: FunctionBuilder,
  { from, to }: StepArguments,
  { parts, vectors }: RowUnits,
  body: (row: I32, start: I32) => void,
): void {
  const unit = f.local("i32");
  f.for(unit, from, to, 1, () =>
    f.scope(() => {
      if (parts === 1) return body(unit, 0);
      const row = hold(f, i32.div_u(unit, parts));
      body(row, hold(f, i32.mul(i32.sub(unit, i32.mul(row, parts)), vectors * vectorBytes)));
    }),
  );
}

/** Units that are rows: `body` for each of their places, with the addresses of its first channels. */
export function eachPlace(
  f: FunctionBuilder,
  args: StepArguments,
  { input, output }: { readonly input: MapLayout; readonly output: MapLayout },
  body: (from: Local<"i32">, to: Local<"i32">) => void,
): void {
  const [row, column] = [f.local("i32"), f.local("i32")];
  f.for(row, args.from, args.to, 1, () =>
    f.scope(() => {
      const from = hold(f, at(args.input, row, input.rowStride));
      const to = hold(f, at(args.output, row, output.rowStride));
      f.for(column, 0, output.width, 1, () => {
        f.scope(() => body(from, to));
        f.increment(from, bytes(input.pixelStride));
        f.increment(to, bytes(output.pixelStride));
      });
    }),
  );
}

/**
 * `body(start, count)` for blocks of at most `most` of so many vectors, `start` in bytes. A block is unrolled by
 * `body`, so `most` is bounded by the registers: Node 20's compiler moves the loads of a basic block, up to a
 * store, before its arithmetic.
 */
export function eachBlock(
  f: FunctionBuilder,
  vectors: number,
  most: number,
  body: (start: I32, count: number) => void,
): void {
  const whole = Math.floor(vectors / most);
  if (whole === 1) f.scope(() => body(0, most));
  else if (whole > 1) {
    f.scope(() => {
      const start = f.local("i32");
      f.for(start, 0, whole * most * vectorBytes, most * vectorBytes, () => f.scope(() => body(start, most)));
    });
  }
  const rest = vectors - whole * most;
  if (rest > 0) f.scope(() => body(whole * most * vectorBytes, rest));
}

/** A run of indices that `eachOther` leaves out under a condition. */
export interface LeftOut {
  readonly when: Value<"i32">;
  readonly first: number;
  readonly count: number;
}

/** `body` for the indices below `end`, without those left out: what remains beside a fast path in the middle. */
export function eachOther(
  f: FunctionBuilder,
  index: Local<"i32">,
  end: number,
  leftOut: LeftOut | undefined,
  body: () => void,
): void {
  f.set(index, 0);
  f.block((done) =>
    f.loop((again) => {
      if (leftOut) {
        const { when, first, count } = leftOut;
        f.if(i32.and(when, i32.eq(index, first)), () => f.increment(index, count));
      }
      f.branchIf(done, i32.ge_u(index, end));
      f.scope(body);
      f.increment(index, 1);
      f.branch(again);
    }),
  );
}

export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Lanes of `x` up to `count`, of `other` from there. */
export const firstLanes = (x: V128, count: number, other: V128): V128 =>
  shuffle32(x, other, [0, 1, 2, 3].map((lane) => (lane < count ? lane : lane + 4)) as Lanes);

type Lanes = [number, number, number, number];

/** Loads 1 to 4 floats and nothing behind them; the lanes beyond are zero. */
export function loadFloats(address: I32, count: number, offset = 0): V128 {
  if (count === 4) return v128.load(address, offset);
  if (count === 1) return v128.load32_zero(address, offset);
  const two = v128.load64_zero(address, offset);
  return count === 2 ? two : shuffle32(two, v128.load32_zero(address, offset + bytes(2)), [0, 1, 4, 5]);
}

/** Stores the first 1 to 4 lanes and nothing behind them. */
export function storeFloats(f: FunctionBuilder, address: I32, value: Local<"v128">, count: number): void {
  if (count === 4) f.store(address, value);
  else for (const lane of range(count)) f.store(address, f32x4.extract_lane(value, lane), bytes(lane));
}

/** The sum of the four lanes, or whatever `combine` makes of them, in every lane. */
export function acrossLanes(
  f: FunctionBuilder,
  x: V128,
  combine: (a: V128, b: V128) => V128 = f32x4.add,
): V128 {
  const four = f.let("v128", x);
  const two = f.let("v128", combine(four, shuffle32(four, four, [2, 3, 0, 1])));
  return combine(two, shuffle32(two, two, [1, 0, 3, 2]));
}
