/**
 * The inner loops of convolution: a tile of output pixels by a panel of output channels, kept in registers.
 *
 * Sizes follow from what V8 does. Its TurboFan of Node 20 hoists all loads of a basic block above the
 * arithmetic, so a loop body spills unless loads + accumulators + 1 fit 15 registers: 4 pixels x 8 channels
 * (4 + 2 loads, 8 accumulators) without unrolling is the largest tile that does. With the fused multiply-add of
 * relaxed SIMD 6 x 8 would fit engines that keep program order, but it gains 2 % there and spills in V8 12.4.
 */
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32x4, i32, type V128, v128 } from "../assembler/values.ts";
import { bytes } from "./kernel.ts";

/** What the emitted code may assume of the engine that runs it. */
export interface Engine {
  /** Fused multiply-add of relaxed SIMD: faster, last bits differ between machines. */
  readonly relaxed: boolean;
}

/** Any engine with SIMD. */
export const baseline: Engine = { relaxed: false };

/** Engines with relaxed SIMD, for those who asked for it. */
export const relaxedSimd: Engine = { relaxed: true };

/** accumulators[row][vector]. */
export type Accumulators = readonly (readonly Local<"v128">[])[];

export const makeAccumulators = (f: FunctionBuilder, rows: number, vectors: number): Accumulators =>
  Array.from({ length: rows }, () => Array.from({ length: vectors }, () => f.local("v128")));

/** a b + c. */
export const multiplyAdd = (engine: Engine, a: V128, b: V128, c: V128): V128 =>
  engine.relaxed ? f32x4.relaxed_madd(a, b, c) : f32x4.add(c, f32x4.mul(a, b));

/**
 * accumulators[m][v] += sum over k < depth of  a[m rowStep + k] b[(k vectors + v) 4 …]. Leaves `a` behind the
 * run of row 0 and `b` behind the panel's rows.
 */
export function emitInner(
  f: FunctionBuilder,
  accumulators: Accumulators,
  a: Local<"i32">,
  b: Local<"i32">,
  { rowStep, depth, engine }: { readonly rowStep: number; readonly depth: number; readonly engine: Engine },
): void {
  f.scope(() => {
    const factors = accumulators[0].map(() => f.local("v128"));
    const value = f.local("v128");
    const step = () => {
      for (const [v, factor] of factors.entries()) f.set(factor, v128.load(b, 16 * v));
      for (const [m, row] of accumulators.entries()) {
        f.set(value, v128.load32_splat(a, bytes(m * rowStep)));
        for (const [v, sum] of row.entries()) f.set(sum, multiplyAdd(engine, value, factors[v], sum));
      }
      f.increment(b, 16 * factors.length);
      f.increment(a, 4);
    };
    if (depth === 1) {
      step();
      return;
    }
    const end = f.let("i32", i32.add(a, bytes(depth)));
    f.loop((again) => {
      step();
      f.branchIf(again, i32.ne(a, end));
    });
  });
}

/**
 * Reads a run of weights once from front to back, a line at a time: so they come at the rate that memory has, when the
 * products would wait for each line in turn. What was read goes to `scratch`, or the engine would drop the reads. Up
 * to 255 bytes behind the run are read too.
 */
export function fetchWeights(
  f: FunctionBuilder,
  from: Local<"i32">,
  size: number,
  scratch: Local<"i32">,
): void {
  f.scope(() => {
    const seen = f.let("i32", 0);
    const line = f.local("i32");
    f.for(line, from, i32.add(from, size), 256, () => {
      for (let offset = 0; offset < 256; offset += 64) f.set(seen, i32.or(seen, i32.load(line, offset)));
    });
    f.store(scratch, seen);
  });
}

/** Rows of the register tile; what is left over goes to tiles of one row less. */
export const tileRows = 4;

/** What a tile of so many rows takes, in the time of a full row; measured with panels of eight. */
const costOfRows = [0, 2.6, 3, 3.3, 4.2];

export interface RowGroup {
  readonly rows: number;
  readonly count: number;
}

/** Splits `size` pixels into register tiles, the cheapest way: 14 = 2 x 4 + 2 x 3, never a rest of one. */
export function splitRows(size: number): readonly RowGroup[] {
  const best = [0];
  const choice = [0];
  for (let done = 1; done <= size; done++) {
    best[done] = Number.POSITIVE_INFINITY;
    for (let rows = 1; rows <= Math.min(tileRows, done); rows++) {
      const cost = best[done - rows] + costOfRows[rows];
      if (cost < best[done] - 1e-9) [best[done], choice[done]] = [cost, rows];
    }
  }
  const counts = new Map<number, number>();
  for (let left = size; left > 0; left -= choice[left])
    counts.set(choice[left], (counts.get(choice[left]) ?? 0) + 1);
  return [...counts].map(([rows, count]) => ({ rows, count })).sort((a, b) => b.rows - a.rows);
}
