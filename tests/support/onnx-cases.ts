/**
 * ONNX's single-op cases (../shared/facts/onnx-node-tests.json) as cases of our ops: the one set of expectations
 * that neither we nor tfjs made. ONNX is NCHW with OIHW kernels; what our ops cannot express is left out.
 */
import { pathToFileURL } from "node:url";
import type { ActivationName } from "../../src/ir/activation.ts";
import { noEpilogue } from "../../src/ir/epilogue.ts";
import type { Op } from "../../src/ir/op.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { elements, type Tensor } from "../../src/ir/tensor.ts";
import {
  hwio,
  nhwc,
  type OnnxCase,
  type OnnxTensor,
  rows,
  tensor,
  transpose,
  vector,
  windowOf,
} from "./onnx-tensors.ts";
import { sharedPath } from "./shared.ts";

/** Our operands and what they must give. */
export interface Expectation {
  readonly name: string;
  readonly op: Op<never>;
  readonly attrs: unknown;
  readonly operands: readonly Tensor[];
  readonly expected: Tensor;
}

type Rule = (from: OnnxCase, inputs: readonly OnnxTensor[]) => Omit<Expectation, "name"> | undefined;

export async function onnxExpectations(): Promise<readonly Expectation[]> {
  const file = pathToFileURL(sharedPath("facts/onnx-node-tests.mjs")).href;
  const { load } = (await import(file)) as { load(): readonly OnnxCase[] };
  return load().flatMap((from) => {
    const inputs = from.inputs.filter((tensor) => tensor !== null);
    const found = from.output.dtype === "float32" ? rules[from.op]?.(from, inputs) : undefined;
    return found ? [{ name: from.name, ...found }] : [];
  });
}

// ---- ops ----------------------------------------------------------------------------------------

const conv: Rule = (from, [x, kernel, bias]) => {
  const window = windowOf(from, x);
  if (!window) return undefined;
  const { overhang: _, ...geometry } = window;
  const groups = Number(from.attrs.group ?? 1);
  return {
    op: ops.conv2d,
    attrs: {
      ...geometry,
      groups,
      channels: kernel.dims[0],
      epilogue: { ...noEpilogue, bias: bias !== undefined },
    },
    operands: [nhwc(x), hwio(kernel), ...(bias ? [vector(bias)] : [])],
    expected: nhwc(from.output),
  };
};

const maxPool: Rule = (from, [x]) => {
  const window = windowOf(from, x);
  if (window?.dilation !== 1) return undefined;
  const { kernel, stride, pads, overhang } = window;
  const all = { ...pads, bottom: pads.bottom + overhang.bottom, right: pads.right + overhang.right };
  return {
    op: ops.maxPool,
    attrs: { kernel, stride, pads: all },
    operands: [nhwc(x)],
    expected: nhwc(from.output),
  };
};

const averagePool: Rule = (from, [x]) => {
  const window = windowOf(from, x);
  if (window?.dilation !== 1) return undefined;
  const countPads = from.attrs.count_include_pad === 1;
  return {
    op: ops.averagePool,
    attrs: { ...window, countPads },
    operands: [nhwc(x)],
    expected: nhwc(from.output),
  };
};

const batchNorm: Rule = ({ attrs, output }, [x, scale, shift, mean, variance]) => {
  if (x.dims.length !== 4) return undefined;
  const operands = [nhwc(x), ...[mean, variance, scale, shift].map(vector)];
  const eps = Number(attrs.epsilon ?? 1e-5);
  return { op: ops.batchNorm, attrs: { eps, scale: true, shift: true }, operands, expected: nhwc(output) };
};

/** Instance norm is a group norm with a channel a group. */
const groupNorm: Rule = ({ attrs, output }, [x, scale, shift]) => {
  if (x.dims.length !== 4) return undefined;
  const groups = Number(attrs.num_groups ?? x.dims[1]);
  const operands = [nhwc(x), vector(scale), vector(shift)];
  return {
    op: ops.groupNorm,
    attrs: { groups, eps: Number(attrs.epsilon ?? 1e-5) },
    operands,
    expected: nhwc(output),
  };
};

const lrn: Rule = ({ attrs, output }, [x]) => ({
  op: ops.lrn,
  attrs: {
    size: Number(attrs.size),
    alpha: Number(attrs.alpha ?? 1e-4),
    beta: Number(attrs.beta ?? 0.75),
    k: Number(attrs.bias ?? 1),
  },
  operands: [nhwc(x)],
  expected: nhwc(output),
});

const globalAveragePool: Rule = ({ output }, [x]) => {
  if (x.dims.length !== 4) return undefined;
  return { op: ops.globalAveragePool, attrs: { sum: false }, operands: [nhwc(x)], expected: nhwc(output) };
};

/** Elementwise, so the shape does not matter. */
const elementwise =
  (fn: ActivationName, slope?: (attrs: OnnxCase["attrs"]) => number | undefined): Rule =>
  ({ attrs, output }, [x]) => ({
    op: ops.activation,
    attrs: slope ? { fn, slope: slope(attrs) } : { fn },
    operands: [rows(x)],
    expected: rows(output),
  });

const onlyIf =
  (fits: (from: OnnxCase, inputs: readonly OnnxTensor[]) => boolean, rule: Rule): Rule =>
  (from, inputs) =>
    fits(from, inputs) ? rule(from, inputs) : undefined;

const sameDims = (_: OnnxCase, [left, right]: readonly OnnxTensor[]) =>
  String(left.dims) === String(right.dims);

const binary =
  (op: Op<null>): Rule =>
  ({ output }, [left, right]) => ({
    op,
    attrs: null,
    operands: [rows(left), rows(right)],
    expected: rows(output),
  });

const prelu: Rule = ({ output }, [x, slope]) => {
  const channels = x.dims[1];
  const perChannel = slope.data.length === 1 || slope.data.length === channels;
  if (x.dims.length !== 4 || !perChannel || slope.dims.length !== 1) return undefined;
  const slopes = Array.from({ length: channels }, (_, k) => Number(slope.data[k % slope.data.length]));
  return {
    op: ops.prelu,
    attrs: null,
    operands: [nhwc(x), tensor([channels], slopes)],
    expected: nhwc(output),
  };
};

const softmax: Rule = ({ attrs, opset, output }, [x]) => {
  const rank = x.dims.length;
  const axis = (Number(attrs.axis ?? -1) + rank) % rank;
  // Before opset 13 softmax ran over all dimensions from the axis on.
  if (opset < 13 && axis !== rank - 1) return undefined;
  const order = [...x.dims.keys()].filter((dim) => dim !== axis).concat(axis);
  const last = (from: OnnxTensor) => {
    const { data } = transpose(from, order);
    return tensor([1, 1, data.length / x.dims[axis], x.dims[axis]], data);
  };
  return { op: ops.softmax, attrs: { parts: 0, places: false }, operands: [last(x)], expected: last(output) };
};

const concat: Rule = ({ attrs, output }, inputs) => {
  const { dims } = output;
  const axis = (Number(attrs.axis) + dims.length) % dims.length;
  const cut = (from: OnnxTensor) => rows(from, elements(from.dims.slice(axis)));
  return { op: ops.concat, attrs: null, operands: inputs.map(cut), expected: cut(output) };
};

const zeroPad: Rule = ({ attrs, output }, inputs) => {
  const [x, pads, value, axes] = inputs;
  const all = (attrs.pads ?? pads?.data ?? []) as ArrayLike<number>;
  const fill = Number(attrs.value ?? value?.data[0] ?? 0);
  if (x.dims.length !== 4 || attrs.mode !== "constant" || fill !== 0 || axes || all.length !== 8)
    return undefined;
  const [, before, top, left, , after, bottom, right] = Array.from(all, Number);
  if (Array.from(all).some((size) => Number(size) < 0) || Number(all[0]) || Number(all[4])) return undefined;
  const given = { pads: { top, bottom, left, right }, before, after };
  return { op: ops.pad, attrs: given, operands: [nhwc(x)], expected: nhwc(output) };
};

/** Matrix products, as a dense layer over 1x1 maps. */
const matrixProduct: Rule = ({ attrs, output }, [a, b, c]) => {
  if (a.dims.length !== 2 || b.dims.length !== 2) return undefined;
  const left = attrs.transA ? transpose(a, [1, 0]) : vector(a);
  const right = attrs.transB ? transpose(b, [1, 0]) : vector(b);
  const [batch, size] = left.shape;
  const units = right.shape[1];
  const alpha = Number(attrs.alpha ?? 1);
  const beta = Number(attrs.beta ?? 1);
  if (c && c.data.length !== units && c.data.length !== 1) return undefined;
  if (c && c.dims.length === 2 && c.dims[1] !== units) return undefined;
  const bias = c && Array.from({ length: units }, (_, u) => beta * Number(c.data[u % c.data.length]));
  return {
    op: ops.dense,
    attrs: { units, epilogue: { ...noEpilogue, bias: bias !== undefined } },
    operands: [
      tensor([batch, 1, 1, size], left.data),
      tensor(
        [1, 1, size, units],
        Array.from(right.data, (value) => alpha * value),
      ),
      ...(bias ? [tensor([units], bias)] : []),
    ],
    expected: tensor([batch, 1, 1, units], output.data),
  };
};

const slopeOf = (attrs: OnnxCase["attrs"]) => Number(attrs.alpha ?? 0.01);
const alphaIs =
  (wanted: number, otherwise: number) =>
  ({ attrs }: OnnxCase) =>
    Math.abs(Number(attrs.alpha ?? otherwise) - wanted) < 1e-6;

const rules: Readonly<Record<string, Rule | undefined>> = {
  Conv: conv,
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
  BatchNormalization: batchNorm,
  GroupNormalization: groupNorm,
  InstanceNormalization: groupNorm,
  LRN: lrn,
  Relu: elementwise("relu"),
  LeakyRelu: elementwise("leaky", slopeOf),
  Elu: onlyIf(alphaIs(1, 1), elementwise("elu")),
  Sigmoid: elementwise("sigmoid"),
  Tanh: elementwise("tanh"),
  HardSwish: elementwise("hswish"),
  Swish: onlyIf(alphaIs(1, 1), elementwise("swish")),
  Gelu: onlyIf(({ attrs }) => attrs.approximate !== "tanh", elementwise("gelu")),
  Mish: elementwise("mish"),
  PRelu: prelu,
  Add: onlyIf(sameDims, binary(ops.add)),
  Mul: onlyIf(sameDims, binary(ops.mul)),
  Softmax: softmax,
  Concat: concat,
  Pad: zeroPad,
  Gemm: matrixProduct,
  MatMul: matrixProduct,
};
