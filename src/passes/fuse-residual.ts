/**
 * Takes a residual sum, and the activation behind it, into the convolution that makes one of its addends.
 *
 *     %2 = conv2d bias %1               ──►     %2 = conv2d bias residual relu %1, %x
 *     %3 = add %2, %x
 *     %4 = activation relu %3
 *
 * Exact: y = (conv + bias) + x either way. It cannot make a cycle: the sum is the convolution's only reader,
 * so the other addend does not depend on it. Not part of the standard pipeline, since a target whose
 * convolutions take no residual would only take it apart again. An activation on the convolution forbids it:
 * the epilogue adds first.
 */
import { isOp, type Node } from "../ir/graph.ts";
import { add } from "../ir/ops/add.ts";
import { type Conv2dAttrs, conv2d } from "../ir/ops/conv2d.ts";
import { rewrite } from "../ir/rewrite.ts";
import { fuseActivationAt, inactive } from "./fuse-activation.ts";
import { noneLeft, type Uses } from "./linear.ts";
import type { Pass } from "./pass.ts";

export const fuseResidual: Pass = {
  name: "fuse-residual",
  summary: "takes a residual sum and its activation into the conv2d before it",
  level: 1,
  numerics: "exact",

  run: (graph) =>
    rewrite(graph, (node, edit) => {
      const conv = addedConv(node, edit.uses);
      if (!conv) return activatesSum(node, edit.uses) ? fuseActivationAt(node, edit) : undefined;
      const other = node.inputs.find((addend) => addend !== conv)!;
      const attrs = { ...conv.attrs, epilogue: { ...conv.attrs.epilogue, residual: true } };
      return edit.node(conv2d, conv, [...conv.inputs, other], attrs);
    }),

  ensures: noneLeft(
    (node, uses) => addedConv(node, uses) ?? activatesSum(node, uses),
    "part of the convolution before it",
  ),
};

/**
 * The convolution that can take the sum in. Where both addends could, it is the right one: depth first, that
 * is the later, so that the other is there when it runs.
 */
function addedConv(node: Node, uses: Uses): Node<Conv2dAttrs> | undefined {
  if (!isOp(node, add)) return undefined;
  return node.inputs.findLast((addend): addend is Node<Conv2dAttrs> => {
    if (!isOp(addend, conv2d) || uses(addend) !== 1) return false;
    return !addend.attrs.epilogue.residual && !addend.attrs.epilogue.activation;
  });
}

/** Whether a node is the activation behind a sum that a convolution took in. */
const activatesSum = (node: Node, uses: Uses): boolean =>
  inactive(node, uses)?.attrs.epilogue.residual ?? false;
