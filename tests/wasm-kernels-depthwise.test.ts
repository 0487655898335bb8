/** Depthwise convolution against the float64 reference. */
import { setFlagsFromString } from "node:v8";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { depthwiseKernel, packDepthwise } from "../src/codegen/wasm/kernels/depthwise.ts";
import { baseline, relaxedSimd } from "../src/codegen/wasm/kernels/gemm.ts";
import type { Activation } from "../src/ir/activation.ts";
import type { Epilogue } from "../src/ir/epilogue.ts";
import { ops } from "../src/ir/ops/index.ts";
import { noPads, type Pads } from "../src/ir/tensor.ts";
import { reach } from "../src/ir/window.ts";
import { assertClose } from "./support/close-to.ts";
import { around, epilogue, pad } from "./support/operands.ts";
import { randomTensor } from "./support/random.ts";
import { reference } from "./support/reference.ts";
import { gappedLayout, panels, runKernel } from "./support/wasm-kernel.ts";

interface Shape {
  readonly size: readonly [height: number, width: number];
  readonly channels: number;
  readonly kernel: readonly [height: number, width: number];
  readonly stride: number;
  readonly dilation: number;
  readonly pads: Pads;
}

function check(
  { size, channels, kernel, stride, dilation, pads }: Shape,
  more: Partial<Epilogue>,
  engine = baseline,
) {
  const [height, width] = size;
  const attrs = {
    kernel,
    channels,
    stride,
    dilation,
    groups: channels,
    pads,
    epilogue: epilogue({ bias: true, ...more }),
  };
  const x = randomTensor(1, [1, height, width, channels]);
  const weights = randomTensor(2, [...kernel, 1, channels]);
  const bias = randomTensor(3, [channels]);
  const plain = reference(ops.conv2d, { ...attrs, epilogue: epilogue({}) }, [x, weights]);
  const residual = randomTensor(4, plain.shape);
  const operands = [x, weights, bias, ...(more.residual ? [residual] : [])];
  const expected = reference(ops.conv2d, attrs, operands);

  const input = gappedLayout(height, width, channels, channels % 3 === 0 ? 4 : 0, pads.left + pads.right);
  const [, rows, columns] = expected.shape;
  const output = gappedLayout(rows, columns, channels, channels % 2 ? 8 : 0, kernel[0] % 2);
  const other = gappedLayout(rows, columns, channels, 0, 2);
  const spec = depthwiseKernel({
    input,
    output,
    ...(more.residual ? { residual: other } : {}),
    kernel,
    stride,
    dilation,
    activation: more.activation,
    engine,
  });
  const y = runKernel({
    kernel: spec,
    input: { layout: input, values: x.data, halo: pads, origin: [-pads.top, -pads.left] },
    weights: packDepthwise(weights.data, kernel, channels),
    output: { layout: output },
    bias: panels(bias.data),
    ...(more.residual ? { residual: { layout: other, values: residual.data } } : {}),
  });
  assertClose({ data: y }, expected, 1e-6, spec.name);
}

const windows: readonly Pick<Shape, "kernel" | "stride" | "dilation" | "pads">[] = [
  { kernel: [3, 3], stride: 1, dilation: 1, pads: around(1) },
  { kernel: [3, 3], stride: 2, dilation: 1, pads: around(1) },
  { kernel: [3, 3], stride: 2, dilation: 1, pads: pad(0, 1, 0, 1) },
  { kernel: [3, 3], stride: 1, dilation: 2, pads: around(2) },
  { kernel: [3, 3], stride: 3, dilation: 4, pads: around(4) },
  { kernel: [5, 5], stride: 1, dilation: 1, pads: around(2) },
  { kernel: [5, 5], stride: 2, dilation: 1, pads: pad(1, 2, 2, 1) },
  { kernel: [7, 7], stride: 1, dilation: 1, pads: around(3) },
  { kernel: [1, 1], stride: 1, dilation: 1, pads: noPads },
  { kernel: [1, 5], stride: 3, dilation: 1, pads: pad(0, 0, 4, 0) },
  { kernel: [4, 2], stride: 1, dilation: 1, pads: pad(3, 0, 0, 1) },
];

const sizes = [
  [1, 1],
  [7, 7],
  [5, 14],
  [9, 3],
] as const;

const fits = (size: Shape["size"], { kernel, dilation, pads }: (typeof windows)[number]) =>
  size[0] + pads.top + pads.bottom >= reach(kernel[0], dilation) &&
  size[1] + pads.left + pads.right >= reach(kernel[1], dilation);

for (const window of windows) {
  const { kernel, stride, dilation } = window;
  test(`${kernel.join("x")}/${stride}${dilation > 1 ? ` dilation ${dilation}` : ""}`, () => {
    for (const channels of [1, 3, 7, 8, 20, 48]) {
      for (const size of sizes) if (fits(size, window)) check({ size, channels, ...window }, {});
    }
  });
}

test("bias, residual and activations", () => {
  const activations: readonly Activation[] = [{ fn: "relu6" }, { fn: "swish" }, { fn: "leaky", slope: 0.1 }];
  for (const window of windows.slice(0, 2)) {
    for (const activation of [undefined, ...activations]) {
      for (const residual of [false, true])
        check({ size: [7, 10], channels: 20, ...window }, { activation, residual });
    }
  }
});

test("fused multiply-add", () => {
  setFlagsFromString("--experimental-wasm-relaxed-simd");
  for (const window of windows) check({ size: [7, 10], channels: 20, ...window }, {}, relaxedSimd);
});

test("weights lie by vectors of channels", () => {
  const packed = packDepthwise(
    Float32Array.from({ length: 2 * 6 }, (_, i) => i),
    [1, 2],
    6,
  );
  assert.equal([...packed], [0, 1, 2, 3, 6, 7, 8, 9, 4, 5, 0, 0, 10, 11, 0, 0]);
});

test.run();
