/**
 * The operations of the language: their parameters, and how each becomes nodes. What an operation *means*
 * stands in ir/ops; here is only how it is written. Convolutions and dense layers are lowered without an epilogue,
 * a bias being an op of its own: fusing is the passes' business.
 */
import type { Span } from "../base/source.ts";
import type { Activation, ActivationName } from "../ir/activation.ts";
import type { GraphBuilder } from "../ir/build.ts";
import { noEpilogue } from "../ir/epilogue.ts";
import type { Node } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import type { ParamAttrs, ParamRole } from "../ir/ops/param.ts";
import { standardise } from "../ir/standardise.ts";
import { noPads, type Pads, type Shape, showMap, type Tensor } from "../ir/tensor.ts";
import { reach } from "../ir/window.ts";
import { joinName } from "./naming.ts";
import { fail } from "./row-error.ts";
import type { NumberValue, Value } from "./values.ts";

export type ParameterKind = "int" | "float" | "bool" | "text" | "size" | "path" | "pad" | "tuple";

export interface BuiltinParameter {
  readonly name: string;
  readonly kind: ParameterKind;
  /** Absent: it must be given. */
  readonly default?: Value;
  /** May stay away without a default: `avgpool` without a kernel means the whole map. */
  readonly optional?: boolean;
  /** The smallest value that makes sense. */
  readonly least?: number;
}

/** One application of an operation: where it stands, what comes in, its arguments and weights. */
export interface Application {
  readonly builder: GraphBuilder;
  readonly x: Node;
  readonly name: string;
  readonly span: Span;
  int(parameter: string): number;
  flag(parameter: string): boolean;
  size(parameter: string): readonly [number, number];
  value(parameter: string): Value | undefined;
  /** The weight `NAME.role`, or that of the row whose weights are shared. */
  weight(role: ParamRole, shape: Shape): Node<ParamAttrs>;
}

export interface Builtin {
  readonly name: string;
  readonly summary: string;
  readonly parameters: readonly BuiltinParameter[];
  /** Undefined after the builder reported a problem. */
  build(application: Application): Node | undefined;
}

const number = (value: number): NumberValue => ({ kind: "number", value });
const text = (name: string, value: string): BuiltinParameter => ({
  name,
  kind: "text",
  default: { kind: "text", value },
});
const int = (name: string, fallback?: number, least = 1): BuiltinParameter =>
  fallback === undefined
    ? { name, kind: "int", least }
    : { name, kind: "int", least, default: number(fallback) };
const float = (name: string, fallback: number): BuiltinParameter => ({
  name,
  kind: "float",
  default: number(fallback),
});
const bool = (name: string, value: boolean): BuiltinParameter => ({
  name,
  kind: "bool",
  default: { kind: "bool", value },
});
const kernel: BuiltinParameter = { name: "kernel", kind: "size" };
const padding: BuiltinParameter = { name: "pad", kind: "pad", default: { kind: "text", value: "same" } };

/** A text that is one of a few words. */
function chosenOf<Word extends string>(a: Application, parameter: string, words: readonly Word[]): Word {
  const given = a.value(parameter);
  const found = given?.kind === "text" ? words.find((word) => word === given.value) : undefined;
  if (found) return found;
  const value = given?.kind === "text" ? `"${given.value}"` : "none";
  const wanted = words.map((word) => `"${word}"`).join(" or ");
  fail("out-of-range", a.span, { what: `\`${parameter}\``, wanted, value });
}

/** Pads of one direction by the window rule: "same" is torch's, "tf" TensorFlow's SAME. */
function padsOf(
  pad: Value | undefined,
  size: number,
  window: number,
  stride: number,
): readonly [number, number] {
  if (pad?.kind === "number") return [pad.value, pad.value];
  if (pad?.kind === "text" && pad.value === "tf") {
    const total = Math.max((Math.ceil(size / stride) - 1) * stride + window - size, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  }
  const both = Math.floor((window - 1) / 2);
  return [both, both];
}

function windowPads(a: Application, dilation: number): Pads {
  const [, h, w] = a.x.type.shape;
  const [kh, kw] = a.size("kernel");
  const stride = a.int("stride");
  const [top, bottom] = padsOf(a.value("pad"), h, reach(kh, dilation), stride);
  const [left, right] = padsOf(a.value("pad"), w, reach(kw, dilation), stride);
  return { top, bottom, left, right };
}

/**
 * What rounding up adds behind the pads: as much as the last window lacks, unless that window would start in
 * the padding at the end.
 */
function overhang(a: Application, pads: Pads): { bottom: number; right: number } {
  if (!a.flag("ceil")) return { bottom: 0, right: 0 };
  const stride = a.int("stride");
  const [kh, kw] = a.size("kernel");
  const along = (size: number, window: number, before: number, after: number) => {
    const free = size + before + after - window;
    let steps = Math.ceil(free / stride);
    if (steps < 0) return 0;
    if (steps * stride >= size + before) steps--;
    return Math.max(0, steps * stride - free);
  };
  const [, h, w] = a.x.type.shape;
  return { bottom: along(h, kh, pads.top, pads.bottom), right: along(w, kw, pads.left, pads.right) };
}

function biased(a: Application, value: Node | undefined, channels: number): Node | undefined {
  if (!value || !a.flag("bias")) return value;
  const vector = a.weight("bias", [channels]);
  return a.builder.add(ops.bias, joinName(a.name, "add_bias"), [value, vector], null, a.span);
}

/** The kernel that a standardised convolution runs with; computed at build, so that no target need know of it. */
function standardised(a: Application, kernel: Node<ParamAttrs>): Node | undefined {
  const eps = (a.value("standardize") as NumberValue).value;
  if (eps === 0) return kernel;
  const compute = ([{ data }]: readonly Tensor[]) => standardise(data, kernel.attrs.shape, eps);
  const attrs = { role: "weight", shape: kernel.attrs.shape, compute, standardised: true } as const;
  return a.builder.computed(joinName(a.name, "standardised"), [kernel], attrs, a.span);
}

const conv: Builtin = {
  name: "conv",
  summary: "convolution",
  parameters: [
    kernel,
    int("channels"),
    int("stride", 1),
    int("groups", 1),
    int("dilation", 1),
    padding,
    bool("bias", false),
    float("standardize", 0),
  ],
  build(a) {
    const channels = a.int("channels");
    const groups = a.int("groups");
    const dilation = a.int("dilation");
    const comesIn = a.x.type.shape[3];
    // Before the weight is made: its own shape needs a whole number of channels a group.
    if (comesIn % groups) fail("groups-mismatch", a.span, { groups, channels: comesIn, side: "come in" });
    const window = a.size("kernel");
    const shape = [...window, comesIn / groups, channels];
    const values = standardised(a, a.weight("weight", shape));
    if (!values) return undefined;
    const attrs = {
      kernel: window,
      channels,
      stride: a.int("stride"),
      dilation,
      groups,
      pads: windowPads(a, dilation),
      epilogue: noEpilogue,
    };
    return biased(a, a.builder.add(ops.conv2d, a.name, [a.x, values], attrs, a.span), channels);
  },
};

const dense: Builtin = {
  name: "dense",
  summary: "every output reads the whole map",
  parameters: [int("units"), bool("bias", true)],
  build(a) {
    const units = a.int("units");
    const [, ...map] = a.x.type.shape;
    const values = a.weight("weight", [...map, units]);
    const attrs = { units, epilogue: noEpilogue };
    return biased(a, a.builder.add(ops.dense, a.name, [a.x, values], attrs, a.span), units);
  },
};

const bn: Builtin = {
  name: "bn",
  summary: "batch normalisation",
  parameters: [float("eps", 1e-5), bool("scale", true), bool("shift", true)],
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
    const vectors = roles.map((role) => a.weight(role, shape));
    const eps = (a.value("eps") as NumberValue).value;
    return a.builder.add(ops.batchNorm, a.name, [a.x, ...vectors], { eps, scale, shift }, a.span);
  },
};

const affine: Builtin = {
  name: "affine",
  summary: "scales and shifts each channel",
  parameters: [],
  build(a) {
    const shape = [a.x.type.shape[3]];
    const vectors = (["scale", "shift"] as const).map((role) => a.weight(role, shape));
    return a.builder.add(ops.affine, a.name, [a.x, ...vectors], null, a.span);
  },
};

/** A pool of one place that moves by one: option A's subsampling where there is no stride. */
function doesNothing({
  kernel,
  stride,
  pads,
}: {
  kernel: readonly [number, number];
  stride: number;
  pads: Pads;
}): boolean {
  return (
    kernel[0] === 1 && kernel[1] === 1 && stride === 1 && Object.values(pads).every((side) => side === 0)
  );
}

const maxpool: Builtin = {
  name: "maxpool",
  summary: "the largest value in each window",
  parameters: [kernel, int("stride", 1), padding, bool("ceil", false)],
  build(a) {
    const pads = windowPads(a, 1);
    const { bottom, right } = overhang(a, pads);
    const all = { ...pads, bottom: pads.bottom + bottom, right: pads.right + right };
    const attrs = { kernel: a.size("kernel"), stride: a.int("stride"), pads: all };
    if (doesNothing(attrs)) return a.x;
    return a.builder.add(ops.maxPool, a.name, [a.x], attrs, a.span);
  },
};

const avgpool: Builtin = {
  name: "avgpool",
  summary: "the mean of each window, or of the whole map",
  parameters: [
    { ...kernel, optional: true },
    int("stride", 1),
    padding,
    bool("ceil", false),
    bool("count_pad", true),
  ],
  build(a) {
    if (!a.value("kernel")) return a.builder.add(ops.globalAveragePool, a.name, [a.x], null, a.span);
    const pads = windowPads(a, 1);
    const attrs = {
      kernel: a.size("kernel"),
      stride: a.int("stride"),
      pads,
      overhang: overhang(a, pads),
      countPads: a.flag("count_pad"),
    };
    if (doesNothing(attrs)) return a.x;
    return a.builder.add(ops.averagePool, a.name, [a.x], attrs, a.span);
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
      fail("bad-extension", a.span, { from: showMap(a.x.type.shape), to: to.join("x") });
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

/** The binomial kernel of so many places, for each channel: HWIO, height x width x 1 x channels, of sum 1. */
function binomialKernel(places: number, channels: number): Float64Array {
  let row = [1];
  for (let i = 1; i < places; i++) row = [...row, 0].map((value, k) => (value + (row[k - 1] ?? 0)) / 2);
  const taps = row.flatMap((y) => row.map((x) => y * x));
  return Float64Array.from({ length: taps.length * channels }, (_, i) => taps[Math.floor(i / channels)]);
}

/** Zhang 2019, "Making Convolutional Networks Shift-Invariant Again", as timm's BlurPool2d pads it. */
const blurpool: Builtin = {
  name: "blurpool",
  summary: "a binomial mean of each window, the map mirrored beyond its edges",
  parameters: [int("kernel", 3), int("stride", 2)],
  build(a) {
    const [places, stride] = [a.int("kernel"), a.int("stride")];
    const channels = a.x.type.shape[3];
    const side = Math.floor((stride + places - 2) / 2);
    const pads = { top: side, bottom: side, left: side, right: side };
    const padded = a.builder.add(ops.reflectPad, joinName(a.name, "mirror"), [a.x], { pads }, a.span);
    const shape = [places, places, 1, channels];
    const compute = () => binomialKernel(places, channels);
    const values = a.builder.computed(
      joinName(a.name, "binomial"),
      [],
      { role: "weight", shape, compute },
      a.span,
    );
    if (!padded || !values) return undefined;
    const attrs = {
      kernel: [places, places],
      channels,
      stride,
      dilation: 1,
      groups: channels,
      pads: noPads,
      epilogue: noEpilogue,
    } as const;
    return a.builder.add(ops.conv2d, a.name, [padded, values], attrs, a.span);
  },
};

const softmax: Builtin = {
  name: "softmax",
  summary: "exponentials scaled to sum 1: over the channels, or among equal parts of them",
  parameters: [int("parts", 0, 0)],
  build: (a) => a.builder.add(ops.softmax, a.name, [a.x], { parts: a.int("parts") }, a.span),
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
  parameters: [int("groups", 32), float("eps", 1e-5)],
  build(a) {
    const channels = a.x.type.shape[3];
    const groups = a.int("groups");
    if (channels % groups) fail("groups-mismatch", a.span, { groups, channels, side: "come in" });
    const vectors = (["scale", "shift"] as const).map((role) => a.weight(role, [channels]));
    const eps = (a.value("eps") as NumberValue).value;
    return a.builder.add(ops.groupNorm, a.name, [a.x, ...vectors], { groups, eps }, a.span);
  },
};

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
  affine,
  maxpool,
  avgpool,
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
];
