/**
 * The operations of the language: their parameters, and how each becomes nodes. What an operation *means*
 * stands in ir/ops; here is only how it is written. Convolutions and dense layers are lowered without an epilogue,
 * a bias being an op of its own: fusing is the passes' business.
 */
import type { Activation, ActivationName } from "../ir/activation.ts";
import type { Node } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import type { ParamRole } from "../ir/ops/param.ts";
import { elements, type Shape, showMap } from "../ir/tensor.ts";
import {
  type Application,
  type Builtin,
  type BuiltinParameter,
  bool,
  chosenOf,
  eps,
  float,
  int,
  text,
} from "./builtin.ts";
import { joinName } from "./naming.ts";
import { fail } from "./row-error.ts";
import type { NumberValue } from "./values.ts";
import { avgpool, blurpool, conv, dense, maxpool, sumpool } from "./windows.ts";

/** A vector that no checkpoint has. */
function constant(a: Application, role: ParamRole, shape: Shape, value: number): Node {
  const compute = () => new Float64Array(elements(shape)).fill(value);
  return a.builder.computed(joinName(a.name, role), [], { role, shape, compute }, a.span)!;
}

const bn: Builtin = {
  name: "bn",
  summary: "batch normalisation",
  parameters: [eps, bool("scale", true), bool("shift", true), bool("frozen", false)],
  build(a) {
    const shape = [a.x.type.shape[3]];
    const scale = a.flag("scale");
    const shift = a.flag("shift");
    const roles: ParamRole[] = [
      "mean",
      "var",
      ...(scale ? ["scale" as const] : []),
      ...(shift ? ["shift" as const] : []),
    ];
    const vectors = roles.map((role) => a.weight(role, shape, a.flag("frozen")));
    const eps = (a.value("eps") as NumberValue).value;
    return a.builder.add(ops.batchNorm, a.name, [a.x, ...vectors], { eps, scale, shift }, a.span);
  },
};

const affine: Builtin = {
  name: "affine",
  summary: "scales and shifts each channel",
  parameters: [bool("shift", true)],
  build(a) {
    const shape = [a.x.type.shape[3]];
    const scale = a.weight("scale", shape);
    // A scale alone is a gate whose values are weights.
    const shift = a.flag("shift") ? a.weight("shift", shape) : constant(a, "shift", shape, 0);
    return a.builder.add(ops.affine, a.name, [a.x, scale, shift], null, a.span);
  },
};

const times: Builtin = {
  name: "times",
  summary: "every value times a number",
  parameters: [{ name: "factor", kind: "float" }],
  build(a) {
    const shape = [a.x.type.shape[3]];
    const factor = constant(a, "scale", shape, (a.value("factor") as NumberValue).value);
    return a.builder.add(ops.affine, a.name, [a.x, factor, constant(a, "shift", shape, 0)], null, a.span);
  },
};

const extend: Builtin = {
  name: "extend",
  summary: "fills with zeros up to a size, or around the map",
  parameters: [
    ...["channels", "height", "width"].map((name) => int(name, 0, 0)),
    bool("center", false),
    ...["top", "left", "bottom", "right"].map((name) => int(name, 0, 0)),
  ],
  build(a) {
    const [, h, w, c] = a.x.type.shape;
    const around = { top: a.int("top"), left: a.int("left"), bottom: a.int("bottom"), right: a.int("right") };
    const own = [h + around.top + around.bottom, w + around.left + around.right, c];
    const to = ["height", "width", "channels"].map((side, i) => a.int(side) || own[i]);
    if (to.some((side, i) => side < own[i])) {
      const hint = `zeros only fill up: \`extend\` goes to ${own.join("x")} at least`;
      fail("bad-extension", a.span, { from: showMap(a.x.type.shape), to: to.join("x") }, { hint });
    }
    const center = a.flag("center");
    const split = (total: number) => (center ? Math.floor(total / 2) : 0);
    const [height, width, channels] = to.map((side, i) => side - own[i]);
    const pads = {
      top: around.top + split(height),
      bottom: around.bottom + height - split(height),
      left: around.left + split(width),
      right: around.right + width - split(width),
    };
    const before = split(channels);
    const nothing = [...Object.values(pads), channels].every((n) => n === 0);
    if (nothing) return a.x;
    return a.builder.add(ops.pad, a.name, [a.x], { pads, before, after: channels - before }, a.span);
  },
};

const upsample: Builtin = {
  name: "upsample",
  summary: "repeats each place (nearest neighbour)",
  parameters: [int("scale", 2)],
  build(a) {
    const [, h, w] = a.x.type.shape;
    const scale = a.int("scale");
    const attrs = { height: scale * h, width: scale * w, method: "nearest" } as const;
    return a.builder.add(ops.resize, a.name, [a.x], attrs, a.span);
  },
};

const resize: Builtin = {
  name: "resize",
  summary: "the map at another size, between the places of the old one or from the nearest",
  parameters: [{ name: "size", kind: "size" }, text("method", "bilinear")],
  build(a) {
    const [height, width] = a.size("size");
    const method = chosenOf(a, "method", ["bilinear", "nearest"]);
    return a.builder.add(ops.resize, a.name, [a.x], { height, width, method }, a.span);
  },
};

const slice: Builtin = {
  name: "slice",
  summary: "some of the channels, from the one numbered `first` on",
  parameters: [int("first", undefined, 0), int("channels", 0, 0)],
  build(a) {
    const first = a.int("first");
    const channels = a.int("channels") || Math.max(1, a.x.type.shape[3] - first);
    return a.builder.add(ops.slice, a.name, [a.x], { first, channels }, a.span);
  },
};

const softmax: Builtin = {
  name: "softmax",
  summary: "exponentials scaled to sum 1: over the channels, among equal parts of them, or over the places",
  parameters: [int("parts", 0, 0), bool("places", false)],
  build(a) {
    const [parts, places] = [a.int("parts"), a.flag("places")];
    if (parts && places)
      fail("out-of-range", a.span, {
        what: "`parts` of `softmax`",
        wanted: "0 over places",
        value: String(parts),
      });
    return a.builder.add(ops.softmax, a.name, [a.x], { parts, places }, a.span);
  },
};

const lrn: Builtin = {
  name: "lrn",
  summary: "local response normalisation across channels",
  parameters: [int("size", 5), float("alpha", 1e-4), float("beta", 0.75), float("k", 1)],
  build(a) {
    const [size, alpha, beta, k] = ["size", "alpha", "beta", "k"].map(
      (name) => (a.value(name) as NumberValue).value,
    );
    return a.builder.add(ops.lrn, a.name, [a.x], { size, alpha, beta, k }, a.span);
  },
};

const elementwise = (name: string, fn: ActivationName, summary: string): Builtin => ({
  name,
  summary,
  parameters: fn === "leaky" ? [float("slope", 0.1)] : [],
  build(a) {
    const attrs: Activation =
      fn === "leaky" ? { fn, slope: (a.value("slope") as NumberValue).value } : { fn };
    return a.builder.add(ops.activation, a.name, [a.x], attrs, a.span);
  },
});

const gn: Builtin = {
  name: "gn",
  summary: "group normalisation",
  parameters: [int("groups", 32), eps],
  build(a) {
    const channels = a.x.type.shape[3];
    const groups = a.int("groups");
    if (channels % groups) fail("groups-mismatch", a.span, { groups, channels, side: "come in" });
    const vectors = (["scale", "shift"] as const).map((role) => a.weight(role, [channels]));
    const eps = (a.value("eps") as NumberValue).value;
    return a.builder.add(ops.groupNorm, a.name, [a.x, ...vectors], { groups, eps }, a.span);
  },
};

/** A norm over the channels of each place. */
const placeNorm = (name: string, center: boolean, summary: string): Builtin => ({
  name,
  summary,
  parameters: [eps],
  build(a) {
    const roles = center ? (["scale", "shift"] as const) : (["scale"] as const);
    const vectors = roles.map((role) => a.weight(role, [a.x.type.shape[3]]));
    const eps = (a.value("eps") as NumberValue).value;
    return a.builder.add(ops.layerNorm, a.name, [a.x, ...vectors], { eps, center, shift: center }, a.span);
  },
});

const prelu: Builtin = {
  name: "prelu",
  summary: "max(x, 0) + weight * min(x, 0), a weight a channel",
  parameters: [],
  build(a) {
    const values = a.weight("weight", [a.x.type.shape[3]]);
    return a.builder.add(ops.prelu, a.name, [a.x, values], null, a.span);
  },
};

const channelconv: Builtin = {
  name: "channelconv",
  summary: "convolution along the channels, the same at every place",
  parameters: [int("kernel", 3)],
  build(a) {
    const taps = a.weight("weight", [a.int("kernel")]);
    return a.builder.add(ops.channelConv, a.name, [a.x, taps], { kernel: a.int("kernel") }, a.span);
  },
};

const list: readonly Builtin[] = [
  conv,
  dense,
  bn,
  gn,
  placeNorm("ln", true, "layer normalisation over the channels of each place"),
  placeNorm("rms", false, "division by the root mean square of the channels of each place"),
  affine,
  times,
  maxpool,
  avgpool,
  sumpool,
  blurpool,
  extend,
  slice,
  upsample,
  resize,
  elementwise("relu", "relu", "max(x, 0)"),
  elementwise("relu6", "relu6", "min(max(x, 0), 6)"),
  elementwise("leaky", "leaky", "x, or slope * x below 0"),
  prelu,
  elementwise("elu", "elu", "x, or exp(x) - 1 below 0"),
  elementwise("sigmoid", "sigmoid", "1 / (1 + exp(-x))"),
  elementwise("hsigmoid", "hsigmoid", "relu6(x + 3) / 6"),
  elementwise("tanh", "tanh", "hyperbolic tangent"),
  elementwise("swish", "swish", "x * sigmoid(x), also called SiLU"),
  elementwise("hswish", "hswish", "x * relu6(x + 3) / 6"),
  elementwise("gelu", "gelu", "x * Phi(x), exact"),
  elementwise("mish", "mish", "x * tanh(softplus(x))"),
  softmax,
  lrn,
  channelconv,
];

/** Every operation by its word. */
export const builtins: ReadonlyMap<string, Builtin> = new Map(list.map((builtin) => [builtin.name, builtin]));

/** Functions of numbers. */
export const functions: ReadonlyMap<string, (...args: number[]) => number> = new Map([
  ["min", Math.min],
  ["max", Math.max],
  ["floor", Math.floor],
  ["ceil", Math.ceil],
  ["round", Math.round],
]);

export const imageParameters: readonly BuiltinParameter[] = [
  { name: "size", kind: "size" },
  { name: "mean", kind: "tuple", optional: true },
  { name: "std", kind: "tuple", optional: true },
  float("range", 1),
  text("order", "rgb"),
  int("resize", 0, 0),
  text("labels", ""),
  text("filter", "bilinear"),
];
