/**
 * What the folding passes share: convolution and dense layer are both linear in their input with an epilogue
 * behind, and the output channel runs fastest in both kernels (HWIO and [height, width, channels, units],
 * grouped or not). So scaling channel c of the result is scaling every place i of the kernel with i % channels = c.
 */

import type { Epilogue } from "../ir/epilogue.ts";
import { countUses, type Graph, isOp, type Node } from "../ir/graph.ts";
import { type Conv2dAttrs, conv2d } from "../ir/ops/conv2d.ts";
import { type DenseAttrs, dense } from "../ir/ops/dense.ts";
import type { Edit } from "../ir/rewrite.ts";

export type Linear = Node<Conv2dAttrs> | Node<DenseAttrs>;

/** How many nodes and outputs read a node: `edit.uses` while a pass runs, `usesIn` in its `ensures`. */
export type Uses = (node: Node) => number;

export const isLinear = (node: Node | undefined): node is Linear => isOp(node, conv2d) || isOp(node, dense);

export function usesIn(graph: Graph): Uses {
  const uses = countUses(graph);
  return (node) => uses.get(node) ?? 0;
}

/** The same layer with other operands and another epilogue. */
export function relinear(edit: Edit, node: Linear, inputs: readonly Node[], epilogue: Epilogue): Node {
  return isOp(node, conv2d)
    ? edit.node(conv2d, node, inputs, { ...node.attrs, epilogue })
    : edit.node(dense, node as Node<DenseAttrs>, inputs, { ...(node as Node<DenseAttrs>).attrs, epilogue });
}

/** The layer that makes the first operand of `node`, if nothing else reads its result. */
export function onlySource(node: Node, uses: Uses): Linear | undefined {
  const [source] = node.inputs;
  return isLinear(source) && uses(source) === 1 ? source : undefined;
}

/** `ensures` of a pass whose predicate says what it would still do at a node. */
export function noneLeft(could: (node: Node, uses: Uses) => unknown, what: string) {
  return (graph: Graph): string | undefined => {
    const uses = usesIn(graph);
    const left = graph.nodes.find((node) => could(node, uses));
    return left && `${left.name} could still be ${what}`;
  };
}
