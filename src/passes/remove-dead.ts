/**
 * Removes operations that change nothing, and what no output needs.
 *
 *     %2 = activation relu %1   ──►     %1
 *     %3 = pad %2
 *     %4 = concat %3
 *
 * Nets come by such steps honestly: a dense block's first concat has one operand, an option A shortcut may
 * pad by nothing, `/1` of a 1x1 pool is the map itself. Inputs stay, needed or not: they are the signature.
 */

import type { ActivationName } from "../ir/activation.ts";
import { isOp, type Node } from "../ir/graph.ts";
import { activation } from "../ir/ops/activation.ts";
import { averagePool } from "../ir/ops/average-pool.ts";
import { concat } from "../ir/ops/concat.ts";
import { globalAveragePool } from "../ir/ops/global-average-pool.ts";
import { input } from "../ir/ops/input.ts";
import { maxPool } from "../ir/ops/max-pool.ts";
import { pad } from "../ir/ops/pad.ts";
import { reflectPad } from "../ir/ops/reflect-pad.ts";
import { resize } from "../ir/ops/resize.ts";
import { slice } from "../ir/ops/slice.ts";
import { rewrite } from "../ir/rewrite.ts";
import { sameShape } from "../ir/tensor.ts";
import { printPads } from "../ir/window.ts";
import { isLinear, usesIn } from "./linear.ts";
import type { Pass } from "./pass.ts";

export const removeDead: Pass = {
  name: "remove-dead",
  summary: "removes operations that change nothing, and what no output needs",
  level: 1,
  numerics: "exact",

  run: (graph) => rewrite(graph, (node) => (isNoOp(node) ? node.inputs[0] : undefined)),

  ensures(graph) {
    const uses = usesIn(graph);
    const left = graph.nodes.find((node) => isNoOp(node) || (uses(node) === 0 && !isOp(node, input)));
    return left && `${left.name} could still be removed`;
  },
};

/** Activations after which another one changes nothing, by the range of what they make. */
const unchangedAfter: Partial<Record<ActivationName, readonly ActivationName[]>> = {
  relu: ["relu", "relu6", "sigmoid", "hsigmoid"],
  relu6: ["relu6", "sigmoid", "hsigmoid"],
};

/** Whether a node's result is its first operand, bit for bit. */
function isNoOp(node: Node): boolean {
  const [x] = node.inputs;
  if (isOp(node, reflectPad)) return printPads(node.attrs.pads) === "";
  if (isOp(node, pad)) return printPads(node.attrs.pads) === "" && !node.attrs.before && !node.attrs.after;
  if (isOp(node, concat)) return node.inputs.length === 1;
  if (isOp(node, maxPool)) return isPointwise(node) && printPads(node.attrs.pads) === "";
  if (isOp(node, averagePool)) {
    const { pads, overhang } = node.attrs;
    return isPointwise(node) && printPads(pads) === "" && !overhang.bottom && !overhang.right;
  }
  if (isOp(node, globalAveragePool)) return x.type.shape[1] === 1 && x.type.shape[2] === 1;
  if (isOp(node, resize) || isOp(node, slice)) return sameShape(node.type.shape, x.type.shape);
  if (!isOp(node, activation)) return false;
  const before = lastActivation(x);
  return before !== undefined && (unchangedAfter[node.attrs.fn]?.includes(before) ?? false);
}

const isPointwise = ({ attrs }: Node<{ readonly kernel: readonly number[]; readonly stride: number }>) =>
  attrs.stride === 1 && attrs.kernel.every((side) => side === 1);

/** The activation that made a value, as a node of its own or in an epilogue. */
function lastActivation(node: Node): ActivationName | undefined {
  if (isOp(node, activation)) return node.attrs.fn;
  return isLinear(node) ? node.attrs.epilogue.activation?.fn : undefined;
}
