/**
 * Every op with sizes and attributes that go wrong easily: odd maps, strides that do not divide, pads of four
 * kinds, groups, batches. tests/ops.test.ts runs each case on each target against the reference.
 */
import type { Op } from "../src/ir/op.ts";
import type { OpName, ops } from "../src/ir/ops/index.ts";
import { noPads } from "../src/ir/tensor.ts";
import { convCases, denseCases } from "./linear-cases.ts";
import { around, type Case, everyActivation, map, pad, variance, weight } from "./support/operands.ts";

type AttrsOf<Name extends OpName> = (typeof ops)[Name] extends Op<infer A> ? A : never;

const noOverhang = { bottom: 0, right: 0 };

export const opCases = {
  input: [{ title: "straight out", operands: [], attrs: { shape: [2, 3, 4, 5] } }],
  param: [
    { title: "loaded", operands: [], attrs: { role: "bias", shape: [6] } },
    {
      title: "computed",
      operands: [weight(6), weight(6)],
      attrs: {
        role: "bias",
        shape: [6],
        compute: ([a, b]) => Float64Array.from(a.data, (x, i) => 2 * x + b.data[i]),
      },
    },
  ],
  conv2d: convCases,
  dense: denseCases,
  bias: [{ title: "batch 2", operands: [map(2, 3, 5, 4), weight(4)], attrs: null }],
  batchNorm: [
    {
      title: "scale and shift",
      operands: [map(2, 3, 5, 4), weight(4), variance(4), weight(4), weight(4)],
      attrs: { eps: 1e-5, scale: true, shift: true },
    },
    {
      title: "shift only",
      operands: [map(1, 3, 2, 4), weight(4), variance(4), weight(4)],
      attrs: { eps: 1e-3, scale: false, shift: true },
    },
    {
      title: "scale only",
      operands: [map(1, 3, 2, 4), weight(4), variance(4), weight(4)],
      attrs: { eps: 0.1, scale: true, shift: false },
    },
    {
      title: "neither",
      operands: [map(1, 3, 2, 4), weight(4), variance(4)],
      attrs: { eps: 1e-5, scale: false, shift: false },
    },
  ],
  affine: [{ title: "batch 2", operands: [map(2, 3, 5, 4), weight(4), weight(4)], attrs: null }],
  groupNorm: [
    { title: "2 groups", operands: [map(2, 3, 5, 6), weight(6), weight(6)], attrs: { groups: 2, eps: 1e-5 } },
    { title: "1 group", operands: [map(2, 4, 3, 5), weight(5), weight(5)], attrs: { groups: 1, eps: 1e-3 } },
    {
      title: "a channel a group",
      operands: [map(2, 3, 3, 4), weight(4), weight(4)],
      attrs: { groups: 4, eps: 0.1 },
    },
    {
      title: "32 groups, 1x1",
      operands: [map(3, 1, 1, 64), weight(64), weight(64)],
      attrs: { groups: 32, eps: 1e-5 },
    },
  ],
  layerNorm: [
    {
      title: "odd channels",
      operands: [map(2, 3, 5, 7), weight(7), weight(7)],
      attrs: { eps: 1e-6, center: true, shift: true },
    },
    {
      title: "a vector",
      operands: [map(2, 1, 1, 24), weight(24), weight(24)],
      attrs: { eps: 0.1, center: true, shift: true },
    },
    {
      title: "far from zero",
      operands: [{ ...map(1, 2, 3, 40), low: 50, high: 54 }, weight(40), weight(40)],
      attrs: { eps: 1e-5, center: true, shift: true },
    },
    {
      title: "root mean square",
      operands: [map(2, 4, 3, 6), weight(6)],
      attrs: { eps: 1e-5, center: false, shift: false },
    },
  ],
  activation: everyActivation.map((attrs) => ({ title: attrs.fn, operands: [map(2, 5, 7, 3)], attrs })),
  prelu: [{ title: "batch 2", operands: [map(2, 5, 7, 3), weight(3)], attrs: null }],
  add: [{ title: "batch 2", operands: [map(2, 5, 3, 4), map(2, 5, 3, 4)], attrs: null }],
  mul: [
    { title: "maps", operands: [map(2, 5, 3, 4), map(2, 5, 3, 4)], attrs: null },
    { title: "gate on the right", operands: [map(2, 5, 3, 4), map(2, 1, 1, 4)], attrs: null },
    { title: "gate on the left", operands: [map(2, 1, 1, 4), map(2, 5, 3, 4)], attrs: null },
    { title: "one channel on the right", operands: [map(2, 5, 3, 20), map(2, 5, 3, 1)], attrs: null },
    { title: "one channel on the left", operands: [map(2, 5, 3, 1), map(2, 5, 3, 7)], attrs: null },
    { title: "one value", operands: [map(2, 1, 1, 6), map(2, 1, 1, 1)], attrs: null },
  ],
  concat: [
    { title: "two", operands: [map(2, 3, 5, 4), map(2, 3, 5, 1)], attrs: null },
    { title: "three", operands: [map(1, 3, 5, 4), map(1, 3, 5, 7), map(1, 3, 5, 2)], attrs: null },
    { title: "one", operands: [map(1, 3, 5, 4)], attrs: null },
  ],
  pad: [
    { title: "map", operands: [map(2, 3, 4, 2)], attrs: { pads: pad(0, 1, 2, 3), before: 0, after: 0 } },
    { title: "channels", operands: [map(2, 3, 4, 2)], attrs: { pads: noPads, before: 1, after: 3 } },
    { title: "both", operands: [map(1, 3, 4, 2)], attrs: { pads: pad(1, 0, 0, 2), before: 2, after: 0 } },
    { title: "nothing", operands: [map(1, 3, 4, 2)], attrs: { pads: noPads, before: 0, after: 0 } },
  ],
  maxPool: [
    {
      title: "3x3/2 pad 1, even",
      operands: [map(2, 8, 6, 3)],
      attrs: { kernel: [3, 3], stride: 2, pads: around(1) },
    },
    {
      title: "3x3/2 pad 1, odd",
      operands: [map(1, 9, 7, 3)],
      attrs: { kernel: [3, 3], stride: 2, pads: around(1) },
    },
    {
      title: "negative values",
      operands: [{ ...map(1, 5, 5, 2), high: -1 }],
      attrs: { kernel: [3, 3], stride: 1, pads: around(1) },
    },
    {
      title: "3x3/2 rounded up",
      operands: [map(1, 6, 8, 2)],
      attrs: { kernel: [3, 3], stride: 2, pads: pad(0, 1, 0, 1) },
    },
    { title: "2x3/1", operands: [map(1, 5, 6, 2)], attrs: { kernel: [2, 3], stride: 1, pads: noPads } },
    {
      title: "5x5/1 pad 2",
      operands: [map(1, 4, 3, 2)],
      attrs: { kernel: [5, 5], stride: 1, pads: around(2) },
    },
    {
      title: "1x1/2, subsampling",
      operands: [map(2, 7, 6, 3)],
      attrs: { kernel: [1, 1], stride: 2, pads: noPads },
    },
    {
      title: "1x1/1, nothing",
      operands: [map(1, 3, 4, 2)],
      attrs: { kernel: [1, 1], stride: 1, pads: noPads },
    },
    {
      title: "window larger than the map",
      operands: [map(1, 2, 2, 3)],
      attrs: { kernel: [3, 3], stride: 2, pads: around(1) },
    },
  ],
  averagePool: [
    {
      title: "2x2/2",
      operands: [map(2, 6, 8, 3)],
      attrs: { kernel: [2, 2], stride: 2, pads: noPads, overhang: noOverhang, countPads: true },
    },
    {
      title: "3x3/2 pad 1, pads count",
      operands: [map(2, 7, 6, 3)],
      attrs: { kernel: [3, 3], stride: 2, pads: around(1), overhang: noOverhang, countPads: true },
    },
    {
      title: "3x3/2 pad 1, pads do not",
      operands: [map(2, 7, 6, 3)],
      attrs: { kernel: [3, 3], stride: 2, pads: around(1), overhang: noOverhang, countPads: false },
    },
    {
      title: "rounded up",
      operands: [map(1, 7, 5, 2)],
      attrs: { kernel: [2, 2], stride: 2, pads: noPads, overhang: { bottom: 1, right: 1 }, countPads: false },
    },
    {
      title: "rounded up, pads count",
      operands: [map(1, 6, 8, 2)],
      attrs: {
        kernel: [3, 3],
        stride: 2,
        pads: pad(1, 1, 0, 0),
        overhang: { bottom: 1, right: 1 },
        countPads: true,
      },
    },
    {
      title: "2x3/1, four pads",
      operands: [map(1, 5, 6, 2)],
      attrs: { kernel: [2, 3], stride: 1, pads: pad(1, 0, 0, 2), overhang: noOverhang, countPads: false },
    },
    {
      title: "1x1/2, subsampling",
      operands: [map(1, 5, 6, 2)],
      attrs: { kernel: [1, 1], stride: 2, pads: noPads, overhang: noOverhang, countPads: true },
    },
  ],
  globalAveragePool: [
    { title: "odd map", operands: [map(2, 7, 5, 3)], attrs: { sum: false } },
    { title: "1x1, nothing", operands: [map(2, 1, 1, 3)], attrs: { sum: false } },
    { title: "sum", operands: [map(2, 4, 5, 12)], attrs: { sum: true } },
    { title: "sum of 1x1", operands: [map(1, 1, 1, 3)], attrs: { sum: true } },
  ],
  resize: [
    ...(["nearest", "bilinear"] as const).flatMap((method) => [
      { title: `${method} x2`, operands: [map(2, 3, 5, 4)], attrs: { height: 6, width: 10, method } },
      { title: `${method} x3`, operands: [map(1, 4, 3, 2)], attrs: { height: 12, width: 9, method } },
      { title: `${method}, odd`, operands: [map(2, 5, 7, 12)], attrs: { height: 11, width: 9, method } },
      { title: `${method}, smaller`, operands: [map(1, 9, 8, 3)], attrs: { height: 4, width: 5, method } },
      { title: `${method}, of a pixel`, operands: [map(1, 1, 1, 9)], attrs: { height: 3, width: 4, method } },
      { title: `${method}, nothing`, operands: [map(1, 4, 3, 2)], attrs: { height: 4, width: 3, method } },
    ]),
  ],
  slice: [
    { title: "in the middle", operands: [map(2, 3, 5, 7)], attrs: { first: 2, channels: 3 } },
    { title: "at a multiple of four", operands: [map(2, 3, 5, 24)], attrs: { first: 8, channels: 5 } },
    { title: "to the end", operands: [map(1, 3, 5, 12)], attrs: { first: 4, channels: 8 } },
    { title: "all", operands: [map(1, 3, 5, 4)], attrs: { first: 0, channels: 4 } },
  ],
  reflectPad: [
    { title: "all sides", operands: [map(2, 5, 4, 3)], attrs: { pads: pad(1, 2, 3, 1) } },
    { title: "as far as it goes", operands: [map(1, 3, 2, 9)], attrs: { pads: pad(2, 2, 1, 1) } },
    { title: "two sides", operands: [map(1, 4, 6, 2)], attrs: { pads: pad(0, 1, 0, 2) } },
    { title: "nothing", operands: [map(1, 3, 4, 2)], attrs: { pads: noPads } },
  ],
  softmax: [
    { title: "vector", operands: [map(2, 1, 1, 10)], attrs: { parts: 0, places: false } },
    { title: "map", operands: [map(2, 3, 4, 5)], attrs: { parts: 0, places: false } },
    {
      title: "large values",
      operands: [{ ...map(2, 1, 1, 10), low: 80, high: 120 }],
      attrs: { parts: 0, places: false },
    },
    { title: "two parts", operands: [map(2, 1, 1, 16)], attrs: { parts: 2, places: false } },
    { title: "parts of a map", operands: [map(2, 3, 2, 15)], attrs: { parts: 3, places: false } },
    { title: "as many parts as channels", operands: [map(1, 3, 2, 6)], attrs: { parts: 6, places: false } },
    { title: "one part", operands: [map(1, 2, 2, 5)], attrs: { parts: 1, places: false } },
    { title: "places", operands: [map(2, 3, 5, 1)], attrs: { parts: 0, places: true } },
    { title: "places of channels", operands: [map(2, 4, 3, 13)], attrs: { parts: 0, places: true } },
    { title: "one place", operands: [map(1, 1, 1, 5)], attrs: { parts: 0, places: true } },
    {
      title: "large values in parts",
      operands: [{ ...map(1, 1, 1, 28), low: 80, high: 120 }],
      attrs: { parts: 4, places: false },
    },
  ],
  channelConv: [
    { title: "3 taps", operands: [map(2, 3, 4, 12), weight(3)], attrs: { kernel: 3 } },
    { title: "1 tap", operands: [map(1, 2, 2, 5), weight(1)], attrs: { kernel: 1 } },
    { title: "5 taps of a vector", operands: [map(2, 1, 1, 21), weight(5)], attrs: { kernel: 5 } },
    { title: "more taps than channels", operands: [map(1, 3, 4, 3), weight(9)], attrs: { kernel: 9 } },
  ],
  lrn: [
    { title: "AlexNet's", operands: [map(2, 3, 4, 12)], attrs: { size: 5, alpha: 1e-4, beta: 0.75, k: 1 } },
    { title: "strong, 3 of 5", operands: [map(1, 3, 4, 5)], attrs: { size: 3, alpha: 2, beta: 0.5, k: 2 } },
    {
      title: "wider than the channels",
      operands: [map(1, 3, 4, 3)],
      attrs: { size: 9, alpha: 1, beta: 1, k: 1 },
    },
  ],
} as const satisfies { readonly [Name in OpName]: readonly Case<AttrsOf<Name>>[] };
