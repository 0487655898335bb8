/** The matrix products inside Winograd convolution: a function of the module that all layers of one depth share. */
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import type { FunctionRef } from "../assembler/module.ts";
import { f32x4, i32, type Value, v128 } from "../assembler/values.ts";
import { type Engine, emitInner, makeAccumulators, tileRows } from "./gemm.ts";
import { bytes } from "./kernel.ts";
import type { KernelLibrary } from "./library.ts";
import {
  chunkDepth,
  chunksOf,
  productFloats,
  rowFloats,
  type Slot,
  slotFloats,
  type WinogradSpec,
  weightStep,
} from "./winograd-geometry.ts";

interface ProductSpec {
  /** Channels in: the depth of the products. */
  readonly depth: number;
  /** From a row of V to the next, in floats. */
  readonly rowStep: number;
  /** From a tile of M to the next. */
  readonly step: number;
  readonly engine: Engine;
  /** The products are added to what M holds. */
  readonly adds: boolean;
}

/** (V rows, U, M, large tiles, small tiles): M[row][8] = V[row] U for the rows of all tiles, or += that. */
function productFunction(library: KernelLibrary, spec: ProductSpec): FunctionRef {
  const { depth, rowStep, step, engine, adds } = spec;
  const name = [
    `product ${depth}${rowStep === depth ? "" : `@${rowStep}`}>@${step}`,
    ...(engine.relaxed ? ["relaxed"] : []),
    ...(adds ? ["adding"] : []),
  ];
  return library.function(name.join(" "), { params: Array(5).fill("i32") }, (f) => {
    const [v, u, m, large, small] = f.params as Local<"i32">[];
    for (const [rows, count] of [
      [tileRows, large],
      [tileRows - 1, small],
    ] as const) {
      f.block((none) => {
        f.branchIf(none, i32.eqz(count));
        f.loop((again) => {
          f.scope(() => {
            const sums = makeAccumulators(f, rows, 2);
            const each = (visit: (sum: Local<"v128">, offset: number) => void) =>
              sums.forEach((row, r) => {
                row.forEach((sum, j) => {
                  visit(sum, bytes(r * step + 4 * j));
                });
              });
            each((sum, offset) => f.set(sum, adds ? v128.load(m, offset) : f32x4.const(0)));
            // Masked for nothing: an engine that knows the upper half of the register to be zero saves two moves
            // in the inner loop, 6 % of V8 11.3's time.
            const a = f.let("i32", i32.and(v, -4));
            const b = f.let("i32", i32.and(u, -4));
            emitInner(f, sums, a, b, { rowStep, depth, engine });
            each((sum, offset) => f.store(m, sum, offset));
          });
          f.increment(v, bytes(rows * rowStep));
          f.increment(m, bytes(rows * step));
          f.increment(count, -1);
          f.branchIf(again, count);
        });
      });
    }
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

/**
 * The products of all slots for one panel, or one chunk of it, which adds to M. With `count` they cover that many
 * tiles of every slot.
 */
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
  const { engine, algorithm } = spec;
  const depth = chunkDepth(spec);
  const step = productFloats(algorithm);
  const product = productFunction(library, {
    ...{ depth, rowStep: rowFloats(spec), step, engine },
    adds: chunksOf(spec) > 1,
  });
  const dynamic = count && tileCounts(f, count);
  const calls = slots.map(({ weight, start, count: own }, slot) => ({
    u: bytes(weight * weightStep(spec)),
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
      const [large, small] = dynamic ?? tileCountsOf(run.first.count);
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
