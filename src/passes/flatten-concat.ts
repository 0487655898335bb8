/**
 * Puts maps side by side once instead of pair by pair.
 *
 *     %1 = concat %a, %b       ──►     %2 = concat %a, %b, %c
 *     %2 = concat %1, %c
 *
 * A concat that something else reads too stays: its map is needed anyway.
 */
import { isOp, type Node } from "../ir/graph.ts";
import { concat } from "../ir/ops/concat.ts";
import { rewrite } from "../ir/rewrite.ts";
import { noneLeft, type Uses } from "./linear.ts";
import type { Pass } from "./pass.ts";

export const flattenConcat: Pass = {
  name: "flatten-concat",
  summary: "puts maps side by side once instead of pair by pair",
  level: 1,
  numerics: "exact",

  run: (graph) =>
    rewrite(graph, (node, edit) => {
      if (!isOp(node, concat) || !node.inputs.some((from) => isInner(from, edit.uses))) return undefined;
      const operands = node.inputs.flatMap((from) => (isInner(from, edit.uses) ? from.inputs : [from]));
      return edit.node(concat, node, operands, null);
    }),

  ensures: noneLeft(
    (node, uses) => isOp(node, concat) && node.inputs.some((from) => isInner(from, uses)),
    "put together at once",
  ),
};

const isInner = (node: Node, uses: Uses): boolean => isOp(node, concat) && uses(node) === 1;
