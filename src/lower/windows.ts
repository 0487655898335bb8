/** The operations that look through a window, and dense layers, whose window is the whole map. */
import { noEpilogue } from "../ir/epilogue.ts";
import type { Node } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import type { ParamAttrs } from "../ir/ops/param.ts";
import { standardise } from "../ir/standardise.ts";
import { noPads, type Pads, type Tensor } from "../ir/tensor.ts";
import { reach } from "../ir/window.ts";
import { type Application, type Builtin, type BuiltinParameter, bool, float, int } from "./builtin.ts";
import { joinName } from "./naming.ts";
import { fail } from "./row-error.ts";
import type { NumberValue, Value } from "./values.ts";

const kernel: BuiltinParameter = { name: "kernel", kind: "size" };
const padding: BuiltinParameter = { name: "pad", kind: "pad", default: { kind: "text", value: "same" } };

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
  const attrs = { role: "weight", shape: kernel.attrs.shape, compute, standardised: eps } as const;
  return a.builder.computed(joinName(a.name, "standardised"), [kernel], attrs, a.span);
}

export const conv: Builtin = {
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

export const dense: Builtin = {
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

export const maxpool: Builtin = {
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

export const avgpool: Builtin = {
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
    if (!a.value("kernel"))
      return a.builder.add(ops.globalAveragePool, a.name, [a.x], { sum: false }, a.span);
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

export const sumpool: Builtin = {
  name: "sumpool",
  summary: "the sum of the whole map",
  parameters: [],
  build: (a) => a.builder.add(ops.globalAveragePool, a.name, [a.x], { sum: true }, a.span),
};

/** The binomial kernel of so many places, for each channel: HWIO, height x width x 1 x channels, of sum 1. */
function binomialKernel(places: number, channels: number): Float64Array {
  let row = [1];
  for (let i = 1; i < places; i++) row = [...row, 0].map((value, k) => (value + (row[k - 1] ?? 0)) / 2);
  const taps = row.flatMap((y) => row.map((x) => y * x));
  return Float64Array.from({ length: taps.length * channels }, (_, i) => taps[Math.floor(i / channels)]);
}

/** Zhang 2019, "Making Convolutional Networks Shift-Invariant Again", as timm's BlurPool2d pads it. */
export const blurpool: Builtin = {
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
