/**
 * Moves a bias into the epilogue of the convolution or dense layer before it.
 *
 *     %1 = conv2d %x            ──►     %2 = conv2d bias %x
 *     %2 = bias %1
 *
 * Exact: the epilogue adds the same vector to the same sum. A bias on top of a bias would change the rounding,
 * so that is left to fold-batch-norm, which adds the vectors as it does with every shift.
 */
import { isOp, type Node } from "../ir/graph.ts";
import { bias } from "../ir/ops/bias.ts";
import { rewrite } from "../ir/rewrite.ts";
import { type Linear, noneLeft, onlySource, relinear, type Uses } from "./linear.ts";
import type { Pass } from "./pass.ts";

export const foldBias: Pass = {
  name: "fold-bias",
  summary: "moves a bias into the conv2d or dense before it",
  level: 1,
  numerics: "exact",

  run: (graph) =>
    rewrite(graph, (node, edit) => {
      const source = unbiased(node, edit.uses);
      if (!source) return undefined;
      const epilogue = { ...source.attrs.epilogue, bias: true };
      return relinear(edit, source, [...source.inputs, node.inputs[1]], epilogue);
    }),

  ensures: noneLeft(unbiased, "part of the layer before it"),
};

/** The layer before a bias that has an empty epilogue. */
function unbiased(node: Node, uses: Uses): Linear | undefined {
  const source = isOp(node, bias) ? onlySource(node, uses) : undefined;
  if (!source) return undefined;
  const { epilogue } = source.attrs;
  return epilogue.bias || epilogue.residual || epilogue.activation ? undefined : source;
}
