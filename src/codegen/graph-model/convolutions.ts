/** Convolutions and products. Fused operations take an activation together with a bias only. */
import { InternalError, invariant } from "../../base/invariant.ts";
import { type Argument, isTensor } from "./arguments.ts";
import { type Attributes, flag, int, ints, text, texts } from "./attributes.ts";
import type { NodeList } from "./nodes.ts";
import { type Arguments, hasPads, type Made, type Pads, type Reader, window } from "./reader.ts";

/** tf.conv2d(x, filter, strides, pad, format, dilations) */
export const convolution = (op: string): Reader => {
  return (args) => ({
    op,
    input: [args.node(0), args.node(1)],
    attr: geometry(args.number(2), args.pads(3), args.at(5)),
  });
};

/** tf.fused.conv2d({ x, filter, strides, pad, dilations, bias, activation, preluActivationWeights }) */
export const fusedConvolution = (plain: string, fused: string): Reader => {
  return (args, nodes) => {
    const { x, filter, strides, pad, dilations } = args.record(0);
    return withEpilogue(
      {
        op: plain,
        input: nodesOf([x, filter], args),
        attr: geometry(Number(strides), pad as Pads, dilations),
      },
      fused,
      args,
      nodes,
    );
  };
};

/** tf.fused.matMul({ a, b, bias, activation, preluActivationWeights }) */
export const fusedProduct: Reader = (args, nodes) => {
  const { a, b } = args.record(0);
  const attr = { transpose_a: flag(false), transpose_b: flag(false) };
  return withEpilogue({ op: "MatMul", input: nodesOf([a, b], args), attr }, "_FusedMatMul", args, nodes);
};

function geometry(stride: number, pads: Pads, dilations: Argument | undefined): Attributes {
  const isExplicit = hasPads(pads);
  return {
    strides: window([stride]),
    dilations: window([Number(dilations ?? 1)]),
    padding: text(isExplicit ? "EXPLICIT" : pads === "same" ? "SAME" : "VALID"),
    ...(isExplicit ? { explicit_paddings: ints(pads.flat()) } : {}),
    data_format: text("NHWC"),
  };
}

/** The names that fused operations have for activations, which are also those of the operations by themselves. */
const activations: Readonly<Record<string, string>> = {
  relu: "Relu",
  relu6: "Relu6",
  elu: "Elu",
  sigmoid: "Sigmoid",
  prelu: "Prelu",
};

function withEpilogue(made: Made, fused: string, args: Arguments, nodes: NodeList): Made {
  const { bias, activation = null, preluActivationWeights: slopes } = args.record(0);
  if (activation !== null && !Object.hasOwn(activations, String(activation)))
    throw new InternalError(`no operation takes the activation ${activation} with it`);
  const word = activation === null ? [] : [activations[String(activation)]];
  const more = slopes === undefined ? [] : nodesOf([slopes], args);
  if (bias !== undefined) {
    const operands = [...nodesOf([bias], args), ...more];
    const words = { fused_ops: texts(["BiasAdd", ...word]), num_args: int(operands.length) };
    return { op: fused, input: [...made.input, ...operands], attr: { ...made.attr, ...words } };
  }
  if (word.length === 0) return made;
  const part = nodes.part(made.op === "MatMul" ? "product" : "conv", made.op, made.input, made.attr);
  return { op: word[0], input: [part, ...more] };
}

const nodesOf = (tensors: readonly (Argument | undefined)[], { values }: Arguments): string[] =>
  tensors.map((tensor) => {
    invariant(isTensor(tensor), "an operand is no tensor");
    return values.nodeOf(tensor);
  });
