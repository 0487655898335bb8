/** The kernels that move and combine values, each against the float64 reference of its operation. */
import { suite, test } from "uvu";
import * as assert from "uvu/assert";
import { averagePoolKernel } from "../src/codegen/wasm/kernels/average-pool.ts";
import { globalAveragePoolKernel } from "../src/codegen/wasm/kernels/global-average-pool.ts";
import type { MapLayout } from "../src/codegen/wasm/kernels/kernel.ts";
import { maxPoolKernel } from "../src/codegen/wasm/kernels/max-pool.ts";
import {
  fitsPointwise,
  type PointwiseOperation,
  pointwiseKernel,
} from "../src/codegen/wasm/kernels/pointwise.ts";
import { ops } from "../src/ir/ops/index.ts";
import { noPads, type Pads, type Tensor } from "../src/ir/tensor.ts";
import { assertClose } from "./support/close-to.ts";
import { around, pad } from "./support/operands.ts";
import { randomTensor, randomValues } from "./support/random.ts";
import { reference } from "./support/reference.ts";
import { denseLayout, gappedLayout, panels, runKernel } from "./support/wasm-kernel.ts";

/** Odd sizes, a single place, one row; channels of less than a panel, of one, of some, of several blocks. */
const sizes = [
  [1, 1],
  [7, 7],
  [5, 9],
  [1, 6],
] as const;
const channelCounts = [1, 3, 7, 8, 20, 48];

/** Every size and count; every other map has gaps behind its pixels and rows. */
function* layouts(): Generator<MapLayout> {
  let count = 0;
  for (const channels of channelCounts) {
    for (const [height, width] of sizes) yield layout(height, width, channels, count++ % 2 === 1);
  }
}

const layout = (height: number, width: number, channels: number, hasGaps: boolean): MapLayout =>
  hasGaps ? gappedLayout(height, width, channels, 4, 3) : denseLayout(height, width, channels);

const mapOf = ({ height, width, channels }: MapLayout, seed = 1): Tensor =>
  randomTensor(seed, [1, height, width, channels], -8, 8);

const values = ({ data }: Tensor) => data;

// ---- pools ----------------------------------------------------------------------------------------

const windows: readonly { kernel: readonly [number, number]; stride: number; pads: Pads }[] = [
  { kernel: [3, 3], stride: 2, pads: around(1) },
  { kernel: [3, 3], stride: 1, pads: around(1) },
  { kernel: [2, 2], stride: 2, pads: noPads },
  { kernel: [1, 1], stride: 2, pads: noPads },
  { kernel: [3, 3], stride: 2, pads: pad(0, 1, 0, 1) },
  { kernel: [2, 3], stride: 3, pads: pad(1, 0, 0, 2) },
  { kernel: [5, 5], stride: 1, pads: around(2) },
  { kernel: [7, 7], stride: 3, pads: pad(3, 2, 1, 4) },
];

const pools = suite("pools");

for (const { kernel, stride, pads } of windows) {
  const name = `${kernel.join("x")}/${stride} pads ${Object.values(pads)}`;
  const outputOf = ({ shape: [, height, width, channels] }: Tensor, hasGaps: boolean) =>
    layout(height, width, channels, hasGaps);
  const fits = ({ height, width }: MapLayout) =>
    height + pads.top + pads.bottom >= kernel[0] && width + pads.left + pads.right >= kernel[1];

  pools(`maxPool ${name}`, () => {
    for (const input of layouts()) {
      if (!fits(input)) continue;
      const x = mapOf(input);
      const expected = reference(ops.maxPool, { kernel, stride, pads }, [x]);
      const output = outputOf(expected, input.width % 3 === 0);
      const spec = maxPoolKernel({ input, output, kernel, stride, pads });
      const y = runKernel({
        kernel: spec,
        input: { layout: input, values: values(x) },
        output: { layout: output },
      });
      assertClose({ data: y }, expected, 0, spec.name);
    }
  });

  for (const countPads of [true, false]) {
    pools(`averagePool ${name}${countPads ? ", pads count" : ""}`, () => {
      for (const [i, input] of [...layouts()].entries()) {
        if (!fits(input)) continue;
        const x = mapOf(input);
        const overhang = i % 3 === 0 ? { bottom: stride - 1, right: stride - 1 } : { bottom: 0, right: 0 };
        const expected = reference(ops.averagePool, { kernel, stride, pads, overhang, countPads }, [x]);
        // Rounding up may add windows that hold nothing; frameworks forbid them.
        if (expected.data.some(Number.isNaN)) continue;
        const output = outputOf(expected, input.width % 3 === 0);
        const spec = averagePoolKernel({ input, output, kernel, stride, pads, countPads });
        const y = runKernel({
          kernel: spec,
          input: { layout: input, values: values(x) },
          output: { layout: output },
        });
        assertClose({ data: y }, expected, 5e-7, spec.name);
      }
    });
  }
}

pools("maxPool of windows that hold nothing", () => {
  const input = denseLayout(2, 3, 8);
  const x = mapOf(input);
  const window = { kernel: [1, 2], stride: 1, pads: pad(2, 1, 3, 2) } as const;
  const expected = reference(ops.maxPool, window, [x]);
  const output = denseLayout(expected.shape[1], expected.shape[2], 8);
  const y = runKernel({
    kernel: maxPoolKernel({ input, output, ...window }),
    input: { layout: input, values: values(x) },
    output: { layout: output },
  });
  assertClose({ data: y }, expected, 0);
});

pools("globalAveragePool", () => {
  for (const input of layouts()) {
    const x = mapOf(input);
    for (const sum of [false, true]) {
      const expected = reference(ops.globalAveragePool, { sum }, [x]);
      const kernel = globalAveragePoolKernel({ input, sum });
      const output = denseLayout(1, 1, input.channels);
      const y = runKernel({
        kernel,
        input: { layout: input, values: values(x) },
        output: { layout: output },
      });
      assertClose({ data: y }, expected, 2e-6, kernel.name);
    }
  }
});

pools("globalAveragePool loses little on large maps of values far from 0", () => {
  const input = denseLayout(97, 113, 8);
  const x = randomTensor(1, [1, 97, 113, 8], 100, 101);
  const y = runKernel({
    kernel: globalAveragePoolKernel({ input, sum: false }),
    input: { layout: input, values: values(x) },
    output: { layout: denseLayout(1, 1, 8) },
  });
  assertClose({ data: y }, reference(ops.globalAveragePool, { sum: false }, [x]), 3e-7);
});

pools.run();

// ---- pointwise ------------------------------------------------------------------------------------

const pointwise = suite("pointwise");

const relu = { op: "activation", activation: { fn: "relu" } } as const;

const chains: readonly (readonly PointwiseOperation[])[] = [
  [relu],
  [{ op: "affine" }],
  [{ op: "bias" }, relu],
  [{ op: "add" }, relu],
  [{ op: "mul" }],
  [{ op: "gate" }],
  [{ op: "weigh" }],
  [{ op: "affine" }, { op: "weigh" }, relu],
  [{ op: "prelu" }],
  [{ op: "affine" }, relu, { op: "gate" }, { op: "activation", activation: { fn: "tanh" } }],
  [{ op: "prelu" }, { op: "add" }, { op: "affine" }],
  [
    { op: "activation", activation: { fn: "leaky", slope: 0.1 } },
    { op: "bias" },
    { op: "mul" },
    { op: "prelu" },
  ],
];

/** The chain by the operations' references. */
function chainReference(
  chain: readonly PointwiseOperation[],
  x: Tensor,
  second: Tensor,
  vectors: { weights: Tensor; bias: Tensor; extra: Tensor },
): Tensor {
  const { weights, bias, extra } = vectors;
  return chain.reduce((y, step) => {
    if (step.op === "activation") return reference(ops.activation, step.activation, [y]);
    if (step.op === "affine") return reference(ops.affine, null, [y, weights, bias]);
    if (step.op === "bias") return reference(ops.bias, null, [y, bias]);
    if (step.op === "add") return reference(ops.add, null, [y, second]);
    if (step.op === "prelu") return reference(ops.prelu, null, [y, extra]);
    return reference(ops.mul, null, [y, second]);
  }, x);
}

const writeChain = (chain: readonly PointwiseOperation[]) =>
  chain.map((step) => (step.op === "activation" ? step.activation.fn : step.op)).join(" ");

for (const chain of chains) {
  const ownsSecond = chain.some(({ op }) => op === "add" || op === "mul");
  const hasGate = chain.some(({ op }) => op === "gate");
  const weighs = chain.some(({ op }) => op === "weigh");
  pointwise(writeChain(chain), () => {
    assert.ok(fitsPointwise(chain));
    for (const [i, input] of [...layouts()].entries()) {
      const { height, width, channels } = input;
      const vector = (seed: number) => ({ shape: [channels], data: randomValues(seed, channels) });
      const vectors = { weights: vector(3), bias: vector(4), extra: vector(5) };
      const x = mapOf(input);
      const second = hasGate
        ? randomTensor(2, [1, 1, 1, channels])
        : weighs
          ? randomTensor(2, [1, height, width, 1])
          : mapOf(input, 2);
      const secondLayout = hasGate
        ? denseLayout(1, 1, channels)
        : layout(height, width, weighs ? 1 : channels, i % 4 > 1);
      const inPlace = i % 3 === 0 ? "input" : i % 3 === 1 && ownsSecond ? "residual" : undefined;
      const output =
        inPlace === "input" ? input : inPlace ? secondLayout : layout(height, width, channels, i % 5 > 2);
      const kernel = pointwiseKernel({
        input,
        output,
        ...(ownsSecond || weighs ? { second: secondLayout } : {}),
        chain,
      });
      const y = runKernel({
        kernel,
        input: { layout: input, values: values(x) },
        weights: panels(vectors.weights.data),
        output: { layout: output },
        bias: panels(vectors.bias.data),
        ...(ownsSecond || hasGate || weighs
          ? { residual: { layout: secondLayout, values: values(second) } }
          : {}),
        extra: panels(vectors.extra.data),
        ...(inPlace ? { inPlace } : {}),
      });
      assertClose({ data: y }, chainReference(chain, x, second, vectors), 5e-7, kernel.name);
    }
  });
}

pointwise("a chain takes each argument once", () => {
  assert.not(fitsPointwise([{ op: "bias" }, { op: "affine" }]));
  assert.not(fitsPointwise([{ op: "add" }, relu, { op: "gate" }]));
  assert.ok(fitsPointwise([relu, relu, { op: "affine" }, { op: "prelu" }, { op: "mul" }]));
});

pointwise.run();

test.run();
