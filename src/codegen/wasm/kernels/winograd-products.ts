/** The matrix products inside Winograd convolution: a function of the module that all layers of one depth share. */
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import type { FunctionRef } from "../assembler/module.ts";
import { f32x4, i32, type Value } from "../assembler/values.ts";
import { type Engine, emitInner, makeAccumulators, tileRows } from "./gemm.ts";
import { bytes } from "./kernel.ts";
import type { KernelLibrary } from "./library.ts";
import { productFloats, rowFloats, type Slot, slotFloats, type WinogradSpec } from "./winograd-geometry.ts";

interface ProductSpec {
  /** Channels in: the depth of the products. */
  readonly depth: number;
  /** From a tile of M to the next. */
  readonly step: number;
  readonly engine: Engine;
  /** Register tiles a product has, where the next weights are to be fetched meanwhile. */
  readonly passes?: number | undefined;
}

/** Weights are fetched ahead in pieces of this depth. */
const fetchDepth = 64;

/** (V rows, U, M, large tiles, small tiles): M[row][8] = V[row] U for the rows of all tiles. */
function productFunction(library: KernelLibrary, spec: ProductSpec): FunctionRef {
  const { depth, step, engine, passes } = spec;
  const fetches = passes !== undefined && depth % fetchDepth === 0;
  const name = [
    `product ${depth}>@${step}`,
    ...(engine.relaxed ? ["relaxed"] : []),
    ...(fetches ? [`fetching ${passes}`] : []),
  ];
  return library.function(name.join(" "), { params: Array(5).fill("i32") }, (f) => {
    const [v, u, m, large, small] = f.params as Local<"i32">[];
    const next = f.let("i32", i32.add(u, depth * 32));
    const seen = f.let("i32", 0);
    for (const [rows, count] of [
      [tileRows, large],
      [tileRows - 1, small],
    ] as const) {
      f.block((none) => {
        f.branchIf(none, i32.eqz(count));
        f.loop((again) => {
          f.scope(() => {
            const sums = makeAccumulators(f, rows, 2);
            for (const row of sums) for (const sum of row) f.set(sum, f32x4.const(0));
            // Masked for nothing: an engine that knows the upper half of the register to be zero saves two moves
            // in the inner loop, 6 % of V8 11.3's time.
            const a = f.let("i32", i32.and(v, -4));
            const b = f.let("i32", i32.and(u, -4));
            const inner = (run: number) =>
              emitInner(f, sums, a, b, { rowStep: rowFloats(spec), depth: run, engine });
            if (fetches) {
              // Read, because there is no prefetch; a piece at a time, or the first tile would wait for all of it.
              const left = f.let("i32", depth / fetchDepth);
              const lines = Math.ceil(fetchDepth / 2 / passes);
              f.loop((again) => {
                for (let line = 0; line < lines; line++) f.set(seen, i32.or(seen, i32.load(next, 64 * line)));
                f.increment(next, 64 * lines);
                inner(fetchDepth);
                f.increment(left, -1);
                f.branchIf(again, left);
              });
            } else inner(depth);
            sums.forEach((row, r) => {
              row.forEach((sum, j) => {
                f.store(m, sum, bytes(r * step + 4 * j));
              });
            });
          });
          f.increment(v, bytes(rows * rowFloats(spec)));
          f.increment(m, bytes(rows * step));
          f.increment(count, -1);
          f.branchIf(again, count);
        });
      });
    }
    // Stored behind the last row, so that the reads are not dropped; no tile needs this slot there.
    if (fetches) f.store(m, seen);
  });
}

type Counts = readonly [large: Value<"i32"> | number, small: Value<"i32"> | number];

/** How many tiles of 4 and of 3 rows cover so many rows: 4 l + 3 s with s = -rows mod 4. */
function tileCounts(f: FunctionBuilder, rows: Local<"i32">): Counts {
  const small = f.let("i32", i32.and(i32.sub(0, rows), 3));
  const large = f.let("i32", i32.shr_s(i32.sub(rows, i32.mul(small, 3)), 2));
  // 1, 2 or 5 rows: tiles of 3, which do a row or two for nothing.
  f.if(i32.lt_s(large, 0), () => {
    f.set(small, i32.div_u(i32.add(rows, 2), 3));
    f.set(large, 0);
  });
  return [large, small];
}

/** The same for a number known here. */
function tileCountsOf(rows: number): readonly [large: number, small: number] {
  const small = -rows & 3;
  const large = (rows - 3 * small) / 4;
  return large < 0 ? [0, Math.ceil(rows / 3)] : [large, small];
}

/** The products of all slots for one panel. With `count` they cover that many tiles of every slot. */
export function emitProducts(
  f: FunctionBuilder,
  library: KernelLibrary,
  spec: WinogradSpec,
  slots: readonly Slot[],
  capacity: number,
  {
    v,
    u,
    m,
    count,
  }: {
    readonly v: Local<"i32">;
    readonly u: Local<"i32">;
    readonly m: Local<"i32">;
    readonly count?: Local<"i32">;
  },
): void {
  const { depth, engine, algorithm } = spec;
  const step = productFloats(algorithm);
  const dynamic = count && tileCounts(f, count);
  const calls = slots.map(({ weight, start, count: own }, slot) => ({
    u: weight * depth * 32,
    v: bytes(slot * slotFloats(spec, capacity) + (count ? 0 : start * rowFloats(spec))),
    m: 32 * slot + (count ? 0 : bytes(start * step)),
    count: count ? -1 : own,
  }));
  for (const run of runsOf(calls.filter((call) => call.count !== 0))) {
    f.scope(() => {
      const [vAt, uAt, mAt] = [
        f.let("i32", i32.add(v, run.first.v)),
        f.let("i32", i32.add(u, run.first.u)),
        f.let("i32", i32.add(m, run.first.m)),
      ];
      const fixed = tileCountsOf(run.first.count);
      const [large, small] = dynamic ?? fixed;
      const passes = spec.prefetch && !dynamic ? fixed[0] + fixed[1] : undefined;
      const product = productFunction(library, { depth, step, engine, passes });
      const call = () => f.do(product.call("i32", vAt, uAt, mAt, large, small));
      if (run.length === 1) return call();
      const left = f.let("i32", run.length);
      f.loop((again) => {
        call();
        f.increment(vAt, run.step.v);
        f.increment(uAt, run.step.u);
        f.increment(mAt, run.step.m);
        f.increment(left, -1);
        f.branchIf(again, left);
      });
    });
  }
}

interface ProductCall {
  readonly u: number;
  readonly v: number;
  readonly m: number;
  readonly count: number;
}

/** Calls whose addresses advance evenly, as loops. */
function runsOf(calls: readonly ProductCall[]) {
  const runs: { first: ProductCall; step: { u: number; v: number; m: number }; length: number }[] = [];
  let previous: ProductCall | undefined;
  for (const call of calls) {
    const run = runs.at(-1);
    const step = previous && { u: call.u - previous.u, v: call.v - previous.v, m: call.m - previous.m };
    const isNext = run && step && run.first.count === call.count;
    if (isNext && run.length === 1) {
      run.step = step;
      run.length = 2;
    } else if (isNext && step.u === run.step.u && step.v === run.step.v && step.m === run.step.m)
      run.length++;
    else runs.push({ first: call, step: { u: 0, v: 0, m: 0 }, length: 1 });
    previous = call;
  }
  return runs;
}
