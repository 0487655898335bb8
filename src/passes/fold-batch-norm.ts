/**
 * Folds batch normalisation into the convolution or dense layer before it.
 *
 *     %1 = conv2d %x            ──►     %1 = conv2d bias %x
 *     %2 = batchNorm %1
 *
 * At inference a batch norm is one affine map per channel,
 *     y = s x + t   with   s = scale / √(var + eps),   t = shift − s mean
 * and a convolution is linear, so scaling output channel c of the kernel by s and of the bias too, then adding
 * t, computes the same function without another trip through memory (Ioffe & Szegedy 2015, section 3.1).
 * An `affine` has its s and t already, a `bias` on top of a bias is s = 1. The new weights are computed
 * params: nothing is read here, the arithmetic runs in float64 when a target asks for a value.
 */
import { isOp, type Node } from "../ir/graph.ts";
import { affine } from "../ir/ops/affine.ts";
import { batchNorm } from "../ir/ops/batch-norm.ts";
import { bias } from "../ir/ops/bias.ts";
import { type ParamAttrs, param } from "../ir/ops/param.ts";
import { type Edit, rewrite } from "../ir/rewrite.ts";
import { type Linear, noneLeft, onlySource, relinear, type Uses } from "./linear.ts";
import type { Pass } from "./pass.ts";
import { batchNormScale, batchNormShift, type ComputedVector } from "./per-channel.ts";

export const foldBatchNorm: Pass = {
  name: "fold-batch-norm",
  summary: "folds batchNorm, affine and a second bias into the conv2d or dense before it",
  level: 2,
  numerics: "reassociates",

  run: (graph) =>
    rewrite(graph, (node, edit) => {
      const source = foldableSource(node, edit.uses);
      return source && fold(source, perChannel(node), edit);
    }),

  ensures: noneLeft(foldableSource, "folded into the layer before it"),
};

/** The layer that a per-channel map can be folded into: nothing else reads it and its epilogue is a bias at most. */
function foldableSource(node: Node, uses: Uses): Linear | undefined {
  const isAffine = isOp(node, batchNorm) || isOp(node, affine);
  const source = isAffine || isOp(node, bias) ? onlySource(node, uses) : undefined;
  if (!source || source.attrs.epilogue.residual || source.attrs.epilogue.activation) return undefined;
  // A first bias is fold-bias's: that is exact, this is not.
  if (!isAffine && !source.attrs.epilogue.bias) return undefined;
  const weights = [...source.inputs.slice(1), ...node.inputs.slice(1)];
  return weights.every((weight) => isOp(weight, param)) ? source : undefined;
}

interface PerChannel {
  /** Absent where it is 1 throughout. */
  readonly scale?: ComputedVector;
  readonly shift: ComputedVector;
}

function perChannel(node: Node): PerChannel {
  if (isOp(node, batchNorm)) return { scale: batchNormScale(node), shift: batchNormShift(node) };
  const [, ...vectors] = node.inputs;
  const shift = vectors[vectors.length - 1];
  const itself = (from: Node): ComputedVector => ({
    from: [from],
    compute: ([vector]) => Float64Array.from(vector.data),
  });
  return isOp(node, affine) ? { scale: itself(vectors[0]), shift: itself(shift) } : { shift: itself(shift) };
}

function fold(source: Linear, { scale, shift }: PerChannel, edit: Edit): Node {
  const [x, kernel, old] = source.inputs;
  const channels = source.type.shape[3];
  const scaled = scale ? scaleKernel(kernel as Node<ParamAttrs>, channels, scale, edit) : kernel;
  // The scale is for the old bias: t has it already.
  const from = [...shift.from, ...(old ? [...(scale?.from ?? []), old] : [])];
  const name = foldedName(old ?? `${source.name}.bias`);
  const vector = edit.computed(name, "bias", [channels], from, (values) => {
    const t = shift.compute(values.slice(0, shift.from.length));
    if (!old) return t;
    const s = scale?.compute(values.slice(shift.from.length, -1));
    const { data } = values[values.length - 1];
    return t.map((value, c) => value + data[c] * (s ? s[c] : 1));
  });
  return relinear(edit, source, [x, scaled, vector], { ...source.attrs.epilogue, bias: true });
}

function scaleKernel(kernel: Node<ParamAttrs>, channels: number, scale: ComputedVector, edit: Edit): Node {
  const { shape } = kernel.attrs;
  return edit.computed(foldedName(kernel), "weight", shape, [kernel, ...scale.from], ([values, ...rest]) => {
    const s = scale.compute(rest);
    const from = values.data;
    const scaled = new Float64Array(from.length);
    // The output channel runs fastest, in groups too. Plain loops: networks have a hundred million weights.
    for (let at = 0; at < from.length; at += channels) {
      for (let c = 0; c < channels; c++) scaled[at + c] = from[at + c] * s[c];
    }
    return scaled;
  });
}

/** `conv1.weight.folded`, however often it is folded: the graph numbers what is taken. */
function foldedName(from: Node | string): string {
  const name = typeof from === "string" ? from : from.name;
  const again = typeof from !== "string" && isOp(from, param) && from.attrs.compute;
  return `${again ? name.replace(/\.folded(_\d+)?$/, "") : name}.folded`;
}
