/**
 * Moves an activation into the epilogue of the convolution or dense layer before it.
 *
 *     %1 = conv2d bias %x       ──►     %1 = conv2d bias relu %x
 *     %2 = activation relu %1
 *
 * Exact: the same function of the same value, before it goes to memory instead of after.
 */
import { isOp, type Node } from "../ir/graph.ts";
import { activation } from "../ir/ops/activation.ts";
import { type Edit, rewrite } from "../ir/rewrite.ts";
import { type Linear, noneLeft, onlySource, relinear, type Uses } from "./linear.ts";
import type { Pass } from "./pass.ts";

export const fuseActivation: Pass = {
  name: "fuse-activation",
  summary: "moves an activation into the conv2d or dense before it",
  level: 1,
  numerics: "exact",
  run: (graph) => rewrite(graph, fuseActivationAt),
  ensures: noneLeft(inactive, "part of the layer before it"),
};

/** The rule at one node; fuse-residual applies it behind the sums that it takes in. */
export function fuseActivationAt(node: Node, edit: Edit): Node | undefined {
  const source = inactive(node, edit.uses);
  if (!source || !isOp(node, activation)) return undefined;
  return relinear(edit, source, source.inputs, { ...source.attrs.epilogue, activation: node.attrs });
}

/** The layer before an activation that has none yet. */
export function inactive(node: Node, uses: Uses): Linear | undefined {
  const source = isOp(node, activation) ? onlySource(node, uses) : undefined;
  return source?.attrs.epilogue.activation ? undefined : source;
}
