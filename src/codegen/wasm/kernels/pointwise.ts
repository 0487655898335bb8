/** A chain of elementwise operations in one pass over a map. The output may lie upon the input, or upon the second map. */
import { invariant } from "../../../base/invariant.ts";
import { type Activation, printActivation } from "../../../ir/activation.ts";
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32x4, type I32, i32, type V128, type Value, v128 } from "../assembler/values.ts";
import { applyActivation } from "./epilogue.ts";
import {
  at,
  bytes,
  hold,
  holdVector,
  type Kernel,
  lanes,
  type MapLayout,
  printLayout,
  type StepArguments,
} from "./kernel.ts";
import type { KernelLibrary } from "./library.ts";
import { eachBlock, eachRowUnit, range, rowUnits, vectorBytes } from "./walk.ts";

/** Vectors come in whole panels, filled up with zeros. */
export type PointwiseOperation =
  /** x scale + shift: scale at `weights`, shift at `bias`. */
  | { readonly op: "affine" }
  /** The vector at `bias` is added. */
  | { readonly op: "bias" }
  /** The second map, at `residual`, is added. */
  | { readonly op: "add" }
  /** The second map is a factor. */
  | { readonly op: "mul" }
  /** As `mul`, the second map being 1x1. */
  | { readonly op: "gate" }
  /** As `mul`, the second map having one channel. */
  | { readonly op: "weigh" }
  /** Slopes of negative values at `extra`. */
  | { readonly op: "prelu" }
  | { readonly op: "activation"; readonly activation: Activation };

export interface PointwiseSpec {
  readonly input: MapLayout;
  readonly output: MapLayout;
  /** The second map's, for `add`, `mul` and `weigh`; of a gate there is nothing to know. */
  readonly second?: MapLayout;
  readonly chain: readonly PointwiseOperation[];
}

type Slot = "weights" | "bias" | "residual" | "extra";

const slotsOf: Readonly<Record<PointwiseOperation["op"], readonly Slot[]>> = {
  affine: ["weights", "bias"],
  bias: ["bias"],
  add: ["residual"],
  mul: ["residual"],
  gate: ["residual"],
  weigh: ["residual"],
  prelu: ["extra"],
  activation: [],
};

/** Whether one kernel can do the chain: no argument is needed twice. */
export function fitsPointwise(chain: readonly PointwiseOperation[]): boolean {
  const slots = chain.flatMap(({ op }) => slotsOf[op]);
  return new Set(slots).size === slots.length;
}

/** input (and what the chain takes) > output. */
export function pointwiseKernel(spec: PointwiseSpec): Kernel {
  const { input, output, chain } = spec;
  const takesMap = chain.some(({ op }) => op === "add" || op === "mul" || op === "weigh");
  invariant(spec.second || !takesMap, "the chain takes a second map");
  const second = takesMap ? spec.second : undefined;
  const units = rowUnits(output.height, output.channels);
  const layouts = second ? [input, second, output] : [input, output];
  const words = chain.map((step) => (step.op === "activation" ? printActivation(step.activation) : step.op));
  return {
    name: `pointwise ${words.join(" ")} ${layouts.map(printLayout).join(">")}`,
    units: units.units,
    emit(f, args, library) {
      // Nothing depends on the channel and nothing lies between pixels: a row is one long pixel.
      const isFlat =
        units.parts === 1 &&
        chain.every(({ op }) => ["add", "mul", "activation"].includes(op)) &&
        layouts.every(({ channels, pixelStride }) => pixelStride === lanes(channels));
      const width = isFlat ? 1 : output.width;
      const vectors = isFlat ? output.width * units.vectors : units.vectors;
      const loads = 1 + chain.reduce((sum, { op }) => sum + slotsOf[op].length, 0);
      const weighs = chain.some(({ op }) => op === "weigh");
      eachRowUnit(f, args, units, (row, start) => {
        const rowOf = (address: Local<"i32">, { rowStride }: MapLayout, first = start) =>
          hold(f, i32.add(at(address, row, rowStride), first));
        const from = rowOf(args.input, input);
        const to = rowOf(args.output, output);
        const other = second && rowOf(args.residual, second, weighs ? 0 : start);
        f.for(f.local("i32"), 0, width, 1, () => {
          eachBlock(f, vectors, Math.min(4, Math.floor(12 / loads)), (block, count) => {
            const source = hold(f, i32.add(from, block));
            const target = hold(f, i32.add(to, block));
            const operand = operandAddresses(
              f,
              args,
              chain,
              i32.add(start, block),
              other,
              weighs ? 0 : block,
            );
            const results = range(count).map((i) => {
              const x = holdVector(f, v128.load(source, i * vectorBytes));
              for (const step of chain) f.set(x, apply(f, step, x, operand, i * vectorBytes, library));
              return x;
            });
            for (const [i, result] of results.entries()) f.store(target, result, i * vectorBytes);
          });
          f.increment(from, bytes(input.pixelStride));
          f.increment(to, bytes(output.pixelStride));
          if (other && second) f.increment(other, bytes(second.pixelStride));
        });
      });
    },
  };
}

type Operands = Readonly<Partial<Record<Slot, Local<"i32">>>>;

/** Where a block's vectors lie in the arguments that the chain takes. */
function operandAddresses(
  f: FunctionBuilder,
  args: StepArguments,
  chain: readonly PointwiseOperation[],
  channel: Value<"i32">,
  other: Local<"i32"> | undefined,
  block: I32,
): Operands {
  const slots = chain.flatMap(({ op }) => slotsOf[op]);
  return Object.fromEntries(
    slots.map((slot) => {
      const isMap = slot === "residual" && other;
      return [slot, hold(f, isMap ? i32.add(other, block) : i32.add(args[slot], channel))];
    }),
  );
}

function apply(
  f: FunctionBuilder,
  step: PointwiseOperation,
  x: Local<"v128">,
  operands: Operands,
  offset: number,
  library: KernelLibrary,
): V128 {
  const load = (slot: Slot) => v128.load(operands[slot]!, offset);
  switch (step.op) {
    case "affine":
      return f32x4.add(f32x4.mul(x, load("weights")), load("bias"));
    case "bias":
      return f32x4.add(x, load("bias"));
    case "add":
      return f32x4.add(x, load("residual"));
    case "mul":
    case "gate":
      return f32x4.mul(x, load("residual"));
    case "weigh":
      return f32x4.mul(x, v128.load32_splat(operands.residual!));
    case "prelu":
      return v128.bitselect(f32x4.mul(x, load("extra")), x, f32x4.lt(x, f32x4.const(0)));
    case "activation":
      return applyActivation(x, step.activation, library, f);
  }
}
