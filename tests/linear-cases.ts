/** Cases of convolution and dense layers, which tfjs has to be told in more ways than the others. */
import { type Epilogue, noEpilogue } from "../src/ir/epilogue.ts";
import type { Conv2dAttrs } from "../src/ir/ops/conv2d.ts";
import type { DenseAttrs } from "../src/ir/ops/dense.ts";
import { noPads } from "../src/ir/tensor.ts";
import {
  around,
  type Case,
  epilogue,
  everyActivation,
  map,
  type Operand,
  pad,
  weight,
} from "./support/operands.ts";

const plainConv = {
  kernel: [3, 3],
  channels: 5,
  stride: 1,
  dilation: 1,
  groups: 1,
  pads: around(1),
  epilogue: noEpilogue,
} satisfies Conv2dAttrs;

/** A convolution of x with the operands that its attributes ask for. */
function conv(
  title: string,
  x: Operand,
  attrs: Partial<Conv2dAttrs>,
  out?: readonly number[],
): Case<Conv2dAttrs> {
  const all: Conv2dAttrs = { ...plainConv, ...attrs };
  const operands = [x, weight(...all.kernel, x.shape[3] / all.groups, all.channels)];
  if (all.epilogue.bias) operands.push(weight(all.channels));
  if (all.epilogue.residual) operands.push(map(...(out ?? [...x.shape.slice(0, 3), all.channels])));
  return { title, operands, attrs: all };
}

function dense(title: string, x: Operand, units: number, more: Partial<Epilogue>): Case<DenseAttrs> {
  const operands = [x, weight(...x.shape.slice(1), units)];
  if (more.bias) operands.push(weight(units));
  if (more.residual) operands.push(map(x.shape[0], 1, 1, units));
  return { title, operands, attrs: { units, epilogue: epilogue(more) } };
}

const all = epilogue({ bias: true, residual: true, activation: { fn: "relu" } });

/** Every way a convolution is emitted, for the epilogues below. */
const convKinds = [
  { kind: "plain", x: map(2, 7, 5, 4), attrs: { channels: 6 } },
  { kind: "depthwise", x: map(2, 7, 5, 3), attrs: { channels: 6, groups: 3 } },
  { kind: "grouped", x: map(2, 7, 5, 4), attrs: { channels: 6, groups: 2 } },
  {
    kind: "wide groups",
    x: map(2, 5, 3, 128),
    attrs: { channels: 6, groups: 2, kernel: [1, 1], pads: noPads },
  },
] as const;

const convEpilogues = convKinds.flatMap(({ kind, x, attrs }) => [
  ...everyActivation.flatMap((activation) => [
    conv(`${kind}, ${activation.fn} without bias`, x, { ...attrs, epilogue: epilogue({ activation }) }),
    conv(`${kind}, bias and ${activation.fn}`, x, {
      ...attrs,
      epilogue: epilogue({ bias: true, activation }),
    }),
  ]),
  conv(`${kind}, bias`, x, { ...attrs, epilogue: epilogue({ bias: true }) }),
  conv(`${kind}, residual`, x, { ...attrs, epilogue: epilogue({ residual: true }) }),
  conv(`${kind}, bias and residual`, x, { ...attrs, epilogue: epilogue({ bias: true, residual: true }) }),
  conv(`${kind}, bias, residual and relu`, x, { ...attrs, epilogue: all }),
  conv(`${kind}, residual and leaky`, x, {
    ...attrs,
    epilogue: epilogue({ residual: true, activation: { fn: "leaky", slope: 0.2 } }),
  }),
]);

const convShapes = [
  conv("odd map", map(1, 7, 5, 3), {}),
  conv("1x1", map(1, 4, 6, 3), { kernel: [1, 1], pads: noPads }),
  conv("1x1 stride 2", map(2, 7, 6, 3), { kernel: [1, 1], stride: 2, pads: noPads }),
  conv("1x1 with pads", map(1, 4, 3, 2), { kernel: [1, 1] }),
  conv("7x7 stride 2 pad 3, even map", map(1, 16, 14, 3), { kernel: [7, 7], stride: 2, pads: around(3) }),
  conv("3x3 stride 2 pad 1, even map", map(2, 8, 6, 3), { stride: 2 }),
  conv("3x3 stride 2 pad 1, odd map", map(1, 9, 7, 3), { stride: 2 }),
  conv("stride 3 that leaves a rest", map(1, 10, 12, 2), { stride: 3, pads: noPads }),
  conv("1x5 kernel", map(1, 4, 9, 2), { kernel: [1, 5], pads: pad(0, 0, 2, 2) }),
  conv("5x1 kernel", map(1, 9, 4, 2), { kernel: [5, 1], pads: pad(2, 2, 0, 0) }),
  conv("2x2 kernel, pads behind only", map(1, 5, 6, 2), { kernel: [2, 2], pads: pad(0, 1, 0, 1) }),
  conv("four different pads", map(1, 6, 7, 2), { pads: pad(0, 1, 2, 3) }),
  conv("pads as large as the kernel", map(1, 3, 3, 2), { pads: around(3) }),
  conv("map smaller than the kernel", map(1, 1, 2, 2), {}),
  conv("dilation 2", map(1, 9, 8, 2), { dilation: 2, pads: around(2) }),
  conv("dilation 3, four pads", map(1, 11, 10, 2), { dilation: 3, pads: pad(3, 2, 1, 0) }),
  conv("dilation 2 stride 2", map(2, 9, 10, 3), { dilation: 2, stride: 2, pads: around(2) }),
  conv("2x3 dilation 3 stride 2", map(1, 12, 9, 2), {
    kernel: [2, 3],
    dilation: 3,
    stride: 2,
    pads: around(1),
  }),
  conv("one output channel", map(1, 5, 5, 3), { channels: 1 }),
  conv("many channels", map(1, 5, 4, 67), { channels: 35 }),
  conv("depthwise", map(2, 7, 6, 5), { groups: 5 }),
  conv("depthwise stride 2", map(1, 8, 7, 4), { groups: 4, channels: 4, stride: 2 }),
  conv("depthwise four pads", map(1, 6, 7, 3), { groups: 3, channels: 3, pads: pad(2, 0, 1, 3) }),
  conv("depthwise 5x3", map(1, 6, 7, 3), { groups: 3, channels: 3, kernel: [5, 3], pads: pad(2, 2, 1, 1) }),
  conv("depthwise dilation 2", map(1, 9, 9, 3), { groups: 3, channels: 3, dilation: 2, pads: around(2) }),
  conv("depthwise dilation 2 stride 2", map(1, 9, 8, 3), { groups: 3, channels: 3, dilation: 2, stride: 2 }),
  conv("depthwise multiplier 3", map(2, 5, 6, 4), { groups: 4, channels: 12 }),
  conv("depthwise multiplier 2 stride 2", map(1, 5, 6, 3), { groups: 3, channels: 6, stride: 2 }),
  conv("2 groups", map(2, 6, 5, 6), { groups: 2, channels: 4 }),
  conv("3 groups stride 2", map(1, 7, 8, 6), { groups: 3, channels: 9, stride: 2 }),
  conv("32 groups of 4", map(1, 5, 5, 128), { groups: 32, channels: 128 }),
  conv("2 groups dilation 2", map(1, 7, 7, 4), { groups: 2, channels: 6, dilation: 2, pads: around(2) }),
  conv("2 groups dilation 2 stride 2", map(1, 8, 7, 4), { groups: 2, channels: 6, dilation: 2, stride: 2 }),
  conv("2 groups, four pads", map(1, 6, 7, 4), { groups: 2, channels: 2, pads: pad(0, 1, 2, 3) }),
  conv("wide groups", map(2, 4, 5, 128), { groups: 2, channels: 8 }),
  conv("wide groups dilation 2 stride 2", map(1, 7, 6, 192), {
    groups: 3,
    channels: 6,
    dilation: 2,
    stride: 2,
  }),
];

export const denseCases = [
  dense("vector", map(1, 1, 1, 7), 3, {}),
  dense("map, batch 2", map(2, 3, 4, 5), 6, {}),
  // Beyond 48 inputs a wasm kernel of tfjs 4.22 gets bias and relu wrong, which the emitter must not reach.
  ...everyActivation.flatMap((activation) => [
    dense(`300 inputs, batch 3, ${activation.fn}`, map(3, 5, 6, 10), 9, { activation }),
    dense(`300 inputs, batch 3, bias and ${activation.fn}`, map(3, 5, 6, 10), 9, { bias: true, activation }),
  ]),
  dense("512 inputs, batch 4, bias", map(4, 1, 1, 512), 10, { bias: true }),
  dense("bias and residual", map(2, 1, 1, 64), 5, { bias: true, residual: true }),
  dense("bias, residual and relu", map(2, 1, 1, 64), 5, {
    bias: true,
    residual: true,
    activation: { fn: "relu" },
  }),
];

export const convCases = [...convShapes, ...convEpilogues];
