/**
 * What ops say to ONNX (opset 17) in several calls or in the same words: layers with epilogues, windows, activations,
 * resizing. Maps are NCHW. Shapes begin with 0, "as it comes in", so that any batch goes through.
 */
import type { Activation } from "./activation.ts";
import type { OnnxAttributes, OnnxEmitter } from "./emitters.ts";
import type { Epilogue } from "./epilogue.ts";
import type { Node } from "./graph.ts";
import type { AveragePoolAttrs } from "./ops/average-pool.ts";
import type { Conv2dAttrs } from "./ops/conv2d.ts";
import type { DenseAttrs } from "./ops/dense.ts";
import type { MaxPoolAttrs } from "./ops/max-pool.ts";
import type { ResizeAttrs } from "./ops/resize.ts";
import { elements, noPads, type Pads } from "./tensor.ts";

type Call = readonly [op: string, inputs: readonly string[], attributes?: OnnxAttributes];

// ---- layers ----------------------------------------------------------------------------------------

export function emitConv2d(node: Node<Conv2dAttrs>, out: OnnxEmitter): void {
  const [x, kernel, ...rest] = node.inputs;
  const { groups, dilation, epilogue } = node.attrs;
  const [height, width, ins, outs] = kernel.type.shape;
  const inputs = [out.ref(x), out.weight(kernel, [outs, ins, height, width])];
  if (epilogue.bias) inputs.push(out.ref(rest[0]));
  const attributes = {
    ...windowOf(node.attrs, node.attrs.pads),
    dilations: [dilation, dilation],
    group: groups,
  };
  finish(node, ["Conv", inputs, attributes], out);
}

/** A matrix product over the flattened map, as PyTorch exports it; the result is a 1x1 map again. */
export function emitDense(node: Node<DenseAttrs>, out: OnnxEmitter): void {
  const [x, kernel, ...rest] = node.inputs;
  const { units, epilogue } = node.attrs;
  const row = out.temp("Flatten", [out.ref(x)], { axis: 1 });
  const inputs = [row, out.weight(kernel, [units, elements(kernel.type.shape) / units])];
  if (epilogue.bias) inputs.push(out.ref(rest[0]));
  const product = out.temp("Gemm", inputs, { transB: 1 });
  finish(node, ["Reshape", [product, out.ints(0, units, 1, 1)]], out);
}

/** The call that makes the sum, then what the epilogue does behind the bias. */
function finish(node: Node<{ readonly epilogue: Epilogue }>, call: Call, out: OnnxEmitter): void {
  const { residual, activation } = node.attrs.epilogue;
  const shortcut = node.inputs[node.inputs.length - 1];
  const sum: Call = residual ? ["Add", [out.temp(...call), out.ref(shortcut)]] : call;
  if (activation) emitActivation(node, activation, out.temp(...sum), out);
  else out.result(node, ...sum);
}

/** A vector of the graph beside NCHW maps. */
export const perChannel = (vector: Node, out: OnnxEmitter): string =>
  out.weight(vector, [vector.type.shape[0], 1, 1]);

/** A vector of equal numbers. Expanded from one, as a vector in the file would look like a weight. */
export const filled = (value: number, count: number, out: OnnxEmitter): string =>
  out.temp("Expand", [out.scalar(value), out.ints(count)]);

// ---- windows ---------------------------------------------------------------------------------------

const windowOf = (
  { kernel, stride }: Pick<MaxPoolAttrs, "kernel" | "stride">,
  { top, left, bottom, right }: Pads,
): OnnxAttributes => ({ kernel_shape: kernel, strides: [stride, stride], pads: [top, left, bottom, right] });

/** The pads of a whole map, as Pad takes them: all beginnings, then all ends. */
export const mapPads = (
  { top, left, bottom, right }: Pads,
  out: OnnxEmitter,
  before = 0,
  after = 0,
): string => out.ints(0, before, top, left, 0, after, bottom, right);

/** ONNX Runtime refuses pools whose pads are as large as their windows. */
const isWide = ([height, width]: readonly number[], { top, bottom, left, right }: Pads): boolean =>
  Math.max(top, bottom) >= height || Math.max(left, right) >= width;

export const emitMaxPool = (node: Node<MaxPoolAttrs>, out: OnnxEmitter): void =>
  out.result(node, ...maxPoolCall(node, out));

function maxPoolCall({ attrs, inputs }: Node<MaxPoolAttrs>, out: OnnxEmitter): Call {
  const x = out.ref(inputs[0]);
  if (!isWide(attrs.kernel, attrs.pads)) return ["MaxPool", [x], windowOf(attrs, attrs.pads)];
  const padded = out.temp("Pad", [x, mapPads(attrs.pads, out), out.scalar(-Infinity)]);
  return ["MaxPool", [padded], windowOf(attrs, noPads)];
}

export const emitAveragePool = (node: Node<AveragePoolAttrs>, out: OnnxEmitter): void =>
  out.result(node, ...averagePoolCall(node, out));

/**
 * Pads count as values or not, the overhang never does; ONNX has one switch for both, and versions differ in what
 * `ceil_mode` makes of it. So zeros that count are put around the map where they are not alone.
 */
function averagePoolCall({ attrs, inputs }: Node<AveragePoolAttrs>, out: OnnxEmitter): Call {
  const { kernel, pads, overhang, countPads } = attrs;
  const x = out.ref(inputs[0]);
  const around = { ...pads, bottom: pads.bottom + overhang.bottom, right: pads.right + overhang.right };
  const hangs = overhang.bottom > 0 || overhang.right > 0;
  if (!countPads || (!hangs && !isWide(kernel, pads))) {
    return ["AveragePool", [x], { ...windowOf(attrs, around), count_include_pad: Number(countPads) }];
  }
  // With a channel more than there is: else ONNX Runtime takes the zeros into the pool, whatever counts there.
  const [, , , channels] = inputs[0].type.shape;
  const padded = out.temp("Pad", [x, mapPads(pads, out, 0, 1)]);
  const rest = { ...windowOf(attrs, { ...noPads, ...overhang }), count_include_pad: 0 };
  const means = out.temp("AveragePool", [padded], rest);
  return ["Slice", [means, out.ints(0), out.ints(channels), out.ints(1)]];
}

// ---- resizing --------------------------------------------------------------------------------------

export const emitResize = (node: Node<ResizeAttrs>, out: OnnxEmitter): void =>
  out.result(node, ...resizeCall(node, out));

function resizeCall(
  { attrs: { height, width, method }, inputs: [x] }: Node<ResizeAttrs>,
  out: OnnxEmitter,
): Call {
  const [, h, w] = x.type.shape;
  const map = out.ref(x);
  const byScales = (attributes: OnnxAttributes): Call => {
    return ["Resize", [map, "", out.floats(1, 1, scaleOf(h, height), scaleOf(w, width))], attributes];
  };
  if (method === "bilinear") {
    return byScales({ mode: "linear", coordinate_transformation_mode: "half_pixel" });
  }
  if (height % h === 0 && width % w === 0) {
    const rule = { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
    return byScales({ mode: "nearest", ...rule });
  }
  // i * in / out in floating point may fall below the whole number that it is.
  const rows = out.temp("Gather", [map, nearestPlaces(h, height, out)], { axis: 2 });
  return ["Gather", [rows, nearestPlaces(w, width, out)], { axis: 3 }];
}

const nearestPlaces = (from: number, to: number, out: OnnxEmitter): string =>
  out.ints(...Array.from({ length: to }, (_, i) => Math.floor((i * from) / to)));

/** The float32 that, times `from`, is `to` or just above: runtimes round the size down. */
function scaleOf(from: number, to: number): number {
  const bits = new Uint32Array(1);
  const scale = new Float32Array(bits.buffer);
  scale[0] = to / from;
  if (scale[0] * from < to) bits[0]++;
  return scale[0];
}

// ---- activations -----------------------------------------------------------------------------------

/** `node` = activation(x). */
export const emitActivation = (node: Node, activation: Activation, x: string, out: OnnxEmitter): void =>
  out.result(node, ...activationCall(activation, x, out));

function activationCall({ fn, slope = 0 }: Activation, x: string, out: OnnxEmitter): Call {
  switch (fn) {
    case "relu":
      return ["Relu", [x]];
    case "elu":
      return ["Elu", [x]];
    case "sigmoid":
      return ["Sigmoid", [x]];
    case "tanh":
      return ["Tanh", [x]];
    case "relu6":
      return ["Clip", [x, out.scalar(0), out.scalar(6)]];
    case "leaky":
      return ["LeakyRelu", [x], { alpha: { float: slope } }];
    case "hsigmoid":
      return ["HardSigmoid", [x], sixth];
    case "hswish":
      return ["Mul", [x, out.temp("HardSigmoid", [x], sixth)]];
    case "swish":
      return ["Mul", [x, out.temp("Sigmoid", [x])]];
    case "mish":
      return ["Mul", [x, out.temp("Tanh", [out.temp("Softplus", [x])])]];
    case "gelu": {
      // As PyTorch exports it, which runtimes know as one operation.
      const erf = out.temp("Erf", [out.temp("Div", [x, out.scalar(Math.SQRT2)])]);
      const product = out.temp("Mul", [x, out.temp("Add", [erf, out.scalar(1)])]);
      return ["Mul", [product, out.scalar(0.5)]];
    }
  }
}

/** x / 6 + 1/2, between 0 and 1. */
const sixth = { alpha: { float: 1 / 6 }, beta: { float: 0.5 } };
