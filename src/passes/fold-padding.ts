/**
 * Moves zeros around a map into the convolution that reads it.
 *
 *     %1 = pad map 1,1,0,0 %x   ──►     %2 = conv2d 3x3/1 pad 2,2,1,1 %x
 *     %2 = conv2d 3x3/1 pad 1 %1
 *
 * Both are zeros, so the sums have the same terms. Pads in a row become one first, channels included; zeros
 * beside the channels stay, since no convolution makes them. A pad that something else reads too stays as well:
 * its result is needed anyway.
 */
import { isOp, type Node } from "../ir/graph.ts";
import { conv2d } from "../ir/ops/conv2d.ts";
import { type PadAttrs, pad } from "../ir/ops/pad.ts";
import { rewrite } from "../ir/rewrite.ts";
import type { Pads } from "../ir/tensor.ts";
import { noneLeft, type Uses } from "./linear.ts";
import type { Pass } from "./pass.ts";

export const foldPadding: Pass = {
  name: "fold-padding",
  summary: "moves zeros around a map into the conv2d that reads it",
  level: 1,
  numerics: "exact",

  run: (graph) =>
    rewrite(graph, (node, edit) => {
      const inner = foldablePad(node, edit.uses);
      if (!inner) return undefined;
      const { pads, before, after } = inner.attrs;
      const inputs = [inner.inputs[0], ...node.inputs.slice(1)];
      if (isOp(node, conv2d)) {
        return edit.node(conv2d, node, inputs, { ...node.attrs, pads: sum(node.attrs.pads, pads) });
      }
      if (!isOp(node, pad)) return undefined;
      return edit.node(pad, node, inputs, {
        pads: sum(node.attrs.pads, pads),
        before: node.attrs.before + before,
        after: node.attrs.after + after,
      });
    }),

  ensures: noneLeft(foldablePad, "rid of the padding before it"),
};

/** The pad before `node` that can become part of it. */
function foldablePad(node: Node, uses: Uses): Node<PadAttrs> | undefined {
  const [inner] = node.inputs;
  if (!isOp(inner, pad) || uses(inner) !== 1) return undefined;
  if (isOp(node, pad)) return inner;
  const ofMap = inner.attrs.before === 0 && inner.attrs.after === 0;
  return isOp(node, conv2d) && ofMap ? inner : undefined;
}

const sum = (a: Pads, b: Pads): Pads => ({
  top: a.top + b.top,
  bottom: a.bottom + b.bottom,
  left: a.left + b.left,
  right: a.right + b.right,
});
