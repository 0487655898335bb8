/** The kernels that look at many values at once, resize and reflectPad, against the float64 references. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { channelConvKernel } from "../src/codegen/wasm/kernels/channel-conv.ts";
import { groupNormKernel } from "../src/codegen/wasm/kernels/group-norm.ts";
import type { Kernel, MapLayout } from "../src/codegen/wasm/kernels/kernel.ts";
import { layerNormKernel } from "../src/codegen/wasm/kernels/layer-norm.ts";
import { lrnKernel } from "../src/codegen/wasm/kernels/lrn.ts";
import { reflectPadKernel } from "../src/codegen/wasm/kernels/reflect-pad.ts";
import { resizeKernel } from "../src/codegen/wasm/kernels/resize.ts";
import { softmaxKernel } from "../src/codegen/wasm/kernels/softmax.ts";
import { ops } from "../src/ir/ops/index.ts";
import type { Tensor } from "../src/ir/tensor.ts";
import { assertClose } from "./support/close-to.ts";
import { randomTensor } from "./support/random.ts";
import { reference } from "./support/reference.ts";
import { denseLayout, gappedLayout, panels, runKernel } from "./support/wasm-kernel.ts";

const sizes = [
  [1, 1],
  [5, 3],
  [7, 7],
] as const;

/** Dense to gapped, the other way round, and in place. */
function* ways(channels: number): Generator<{ input: MapLayout; output: MapLayout; inPlace: boolean }> {
  for (const [height, width] of sizes) {
    const [plain, gapped] = [
      denseLayout(height, width, channels),
      gappedLayout(height, width, channels, 4, 2),
    ];
    yield { input: plain, output: gapped, inPlace: false };
    yield { input: gapped, output: plain, inPlace: false };
    yield { input: gapped, output: gapped, inPlace: true };
  }
}

const mapOf = ({ height, width, channels }: MapLayout, low: number, high: number) =>
  randomTensor(1, [1, height, width, channels], low, high);

function run(
  kernel: Kernel,
  x: Tensor,
  { input, output, inPlace }: { input: MapLayout; output: MapLayout; inPlace: boolean },
  vectors: { weights?: Float32Array; bias?: Float32Array } = {},
): { data: Float32Array } {
  const data = runKernel({
    kernel,
    input: { layout: input, values: x.data },
    output: { layout: output },
    ...vectors,
    ...(inPlace ? { inPlace: "input" as const } : {}),
  });
  return { data };
}

test("softmax", () => {
  const cases = [
    [1, 0],
    [3, 0],
    [7, 0],
    [8, 0],
    [20, 0],
    [1000, 0],
    [6, 2],
    [7, 7],
    [15, 3],
    [16, 2],
    [20, 5],
    [64, 4],
  ];
  for (const [channels, parts] of cases) {
    for (const way of ways(channels)) {
      if (channels === 1000 && way.input.height > 1) continue;
      for (const [low, high] of [
        [-8, 8],
        [80, 120],
        [-3e4, 3e4],
      ]) {
        const x = mapOf(way.input, low, high);
        const kernel = softmaxKernel({ ...way, parts, places: false });
        assertClose(
          run(kernel, x, way),
          reference(ops.softmax, { parts, places: false }, [x]),
          1e-6,
          kernel.name,
        );
      }
    }
  }
});

test("softmax sums to one and gives small probabilities to five digits", () => {
  const layout = denseLayout(1, 1, 1000);
  const x = mapOf(layout, -30, 10);
  const way = { input: layout, output: layout, inPlace: false };
  const { data } = run(softmaxKernel({ ...way, parts: 0, places: false }), x, way);
  const expected = reference(ops.softmax, { parts: 0, places: false }, [x]).data;
  assert.ok(Math.abs(data.reduce((sum, value) => sum + value, 0) - 1) < 1e-6);
  for (const [i, value] of data.entries())
    assert.ok(Math.abs(value / expected[i] - 1) < 5e-6, `probability ${i}`);
});

test("softmax over places", () => {
  for (const channels of [1, 3, 8, 20]) {
    for (const way of ways(channels)) {
      for (const [low, high] of [
        [-8, 8],
        [80, 120],
      ]) {
        const attrs = { parts: 0, places: true };
        const x = mapOf(way.input, low, high);
        const kernel = softmaxKernel({ ...way, ...attrs });
        assertClose(run(kernel, x, way), reference(ops.softmax, attrs, [x]), 1e-6, kernel.name);
      }
    }
  }
});

test("layerNorm", () => {
  for (const channels of [1, 3, 7, 8, 20, 96, 1025]) {
    for (const way of ways(channels)) {
      if (channels === 1025 && way.input.height > 1) continue;
      for (const [low, high] of [
        [-8, 8],
        [50, 54],
      ]) {
        for (const center of [true, false]) {
          const attrs = { eps: 1e-3, center, shift: center };
          const x = mapOf(way.input, low, high);
          const [scale, shift] = [2, 3].map((seed) => randomTensor(seed, [channels], -1, 1));
          const vectors = { weights: panels(scale.data), bias: panels(shift.data) };
          const kernel = layerNormKernel({ ...way, ...attrs });
          const expected = reference(ops.layerNorm, attrs, center ? [x, scale, shift] : [x, scale]);
          assertClose(run(kernel, x, way, vectors), expected, 1e-5, kernel.name);
        }
      }
    }
  }
});

test("lrn", () => {
  for (const channels of [1, 3, 7, 8, 20, 96]) {
    for (const way of ways(channels)) {
      for (const attrs of [
        { size: 5, alpha: 1e-4, beta: 0.75, k: 1 },
        { size: 3, alpha: 2, beta: 0.5, k: 2 },
        { size: 9, alpha: 1, beta: 1, k: 1 },
        { size: 1, alpha: 0.5, beta: 0.6, k: 0.25 },
        { size: 21, alpha: 3, beta: 2.5, k: 1.5 },
      ]) {
        const x = mapOf(way.input, -8, 8);
        const kernel = lrnKernel({ ...way, ...attrs });
        assertClose(run(kernel, x, way), reference(ops.lrn, attrs, [x]), 1e-6, kernel.name);
      }
    }
  }
});

test("channelConv", () => {
  for (const channels of [1, 3, 7, 8, 20, 96]) {
    for (const way of ways(channels)) {
      for (const kernel of [1, 3, 5, 9, 21]) {
        const x = mapOf(way.input, -8, 8);
        const taps = randomTensor(2, [kernel], -1, 1);
        const weights = new Float32Array(kernel);
        weights.set(taps.data);
        const { data } = run(channelConvKernel({ ...way, kernel }), x, way, { weights });
        const expected = reference(ops.channelConv, { kernel }, [x, taps]);
        assertClose({ data }, expected, 1e-6, `${channels} channels, ${kernel} taps`);
      }
    }
  }
});

test("lrn without a constant", () => {
  const attrs = { size: 3, alpha: 1, beta: 1, k: 0 };
  const layout = denseLayout(2, 3, 13);
  const way = { input: layout, output: layout, inPlace: false };
  const x = mapOf(layout, 1, 8);
  assertClose(run(lrnKernel({ ...way, ...attrs }), x, way), reference(ops.lrn, attrs, [x]), 1e-6);
});

const groupings: readonly (readonly [channels: number, groups: number])[] = [
  [1, 1],
  [3, 1],
  [3, 3],
  [8, 2],
  [7, 7],
  [20, 4],
  [20, 10],
  [48, 16],
  [64, 32],
  [64, 4],
  [96, 8],
  [40, 1],
  [27, 9],
];

for (const [channels, groups] of groupings) {
  test(`groupNorm, ${channels} channels in ${groups} groups`, () => {
    const vector = (seed: number, low: number) => randomTensor(seed, [channels], low, 1);
    const [scale, shift] = [vector(2, 0.5), vector(3, -1)];
    const vectors = { weights: panels(scale.data), bias: panels(shift.data) };
    for (const way of ways(channels)) {
      for (const [low, high] of [
        [-8, 8],
        [1000, 1001],
      ]) {
        const attrs = { groups, eps: low > 0 ? 1e-3 : 1e-5 };
        const x = mapOf(way.input, low, high);
        const kernel = groupNormKernel({ ...way, ...attrs });
        const expected = reference(ops.groupNorm, attrs, [x, scale, shift]);
        // Values of 1000 are given to 3e-5, a ten-thousandth of their deviation.
        assertClose(run(kernel, x, way, vectors), expected, low > 0 ? 5e-4 : 2e-6, kernel.name);
      }
    }
  });
}

const methods = ["nearest", "bilinear"] as const;

test("resize", () => {
  for (const channels of [1, 3, 7, 8, 20, 48]) {
    for (const { input } of ways(channels)) {
      const { height: h, width: w } = input;
      const made = [
        [h, w],
        [2 * h, 2 * w],
        [3 * h, 3 * w],
        [h + 1, 2 * w + 1],
        [Math.ceil(h / 2), Math.ceil(w / 3)],
      ];
      for (const [height, width] of made) {
        for (const method of methods) {
          const size = [height, width, channels] as const;
          const output = height % 2 ? gappedLayout(...size, 4, 1) : denseLayout(...size);
          const x = mapOf(input, -8, 8);
          const kernel = resizeKernel({ input, output, method });
          const y = run(kernel, x, { input, output, inPlace: false });
          const expected = reference(ops.resize, { height, width, method }, [x]);
          assertClose(y, expected, method === "nearest" ? 0 : 1e-6, kernel.name);
        }
      }
    }
  }
});

test("reflectPad", () => {
  for (const channels of [1, 7, 8, 20, 48]) {
    for (const { input } of ways(channels)) {
      const { height, width } = input;
      for (const most of [0, 1, 2, 6]) {
        const [down, across] = [Math.min(most, height - 1), Math.min(most, width - 1)];
        const pads = { top: down, bottom: Math.min(1, down), left: Math.min(2, across), right: across };
        const size = [height + pads.top + pads.bottom, width + pads.left + pads.right, channels] as const;
        for (const output of [denseLayout(...size), gappedLayout(...size, 4, 2)]) {
          const x = mapOf(input, -8, 8);
          const kernel = reflectPadKernel({ input, output, pads });
          const y = run(kernel, x, { input, output, inPlace: false });
          assertClose(y, reference(ops.reflectPad, { pads }, [x]), 0, kernel.name);
        }
      }
    }
  }
});

test.run();
