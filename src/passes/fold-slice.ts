/**
 * Takes channels where they come from: from an operand of a concat instead of from the concat, from a map instead of
 * from its slice.
 *
 *     %1 = concat %a, %b (8 channels each)
 *     %2 = slice channels 8..15 %1         ──►     %b
 *     %3 = slice channels 2..5 %1                  %3 = slice channels 2..5 %a
 *
 * So parts that are convolved one after the other need not wait for the map that they are put together in. A slice over
 * parts of several operands stays.
 */
import { isOp, type Node } from "../ir/graph.ts";
import { concat } from "../ir/ops/concat.ts";
import { type SliceAttrs, slice } from "../ir/ops/slice.ts";
import { rewrite } from "../ir/rewrite.ts";
import { noneLeft } from "./linear.ts";
import type { Pass } from "./pass.ts";

export const foldSlice: Pass = {
  name: "fold-slice",
  summary: "takes channels from where they come from instead of from a concat or slice",
  level: 1,
  numerics: "exact",

  run: (graph) =>
    rewrite(graph, (node, edit) => {
      if (!isOp(node, slice)) return undefined;
      // What it comes from may be a concat or slice again.
      const [from, first] = originOf(node);
      if (from === node.inputs[0]) return undefined;
      const { channels } = node.attrs;
      return from.type.shape[3] === channels ? from : edit.node(slice, node, [from], { first, channels });
    }),

  ensures: noneLeft(
    (node) => isOp(node, slice) && originOf(node)[0] !== node.inputs[0],
    "taken from where it comes from",
  ),
};

/** The map that all channels of a slice come from, and the number of the first of them there. */
function originOf({ inputs, attrs: { first, channels } }: Node<SliceAttrs>): readonly [Node, number] {
  let from = inputs[0];
  let start = first;
  for (;;) {
    if (isOp(from, slice)) {
      start += from.attrs.first;
      from = from.inputs[0];
      continue;
    }
    if (!isOp(from, concat)) return [from, start];
    let before = 0;
    const operand = from.inputs.find(({ type: { shape } }) => {
      if (start < before + shape[3]) return true;
      before += shape[3];
      return false;
    });
    if (!operand || start + channels > before + operand.type.shape[3]) return [from, start];
    from = operand;
    start -= before;
  }
}
