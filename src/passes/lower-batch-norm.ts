/**
 * Replaces the batch norms that no layer could take in by a scale and a shift.
 *
 *     %1 = batchNorm eps 1e-5 %x   ──►     %1 = affine %x
 *
 * Pre-activation nets (He et al. 2016b, figure 4e) and dense blocks normalise before the convolution, across a
 * sum or a concat that stands between. What is left is y = s x + t; dividing by √(var + eps) at run time,
 * as tfjs's kernel does for every value, is slow for nothing.
 */
import { isOp } from "../ir/graph.ts";
import { affine } from "../ir/ops/affine.ts";
import { batchNorm } from "../ir/ops/batch-norm.ts";
import { rewrite } from "../ir/rewrite.ts";
import { noneLeft } from "./linear.ts";
import type { Pass } from "./pass.ts";
import { batchNormScale, batchNormShift } from "./per-channel.ts";

export const lowerBatchNorm: Pass = {
  name: "lower-batch-norm",
  summary: "replaces the batchNorms that are left by affine",
  level: 2,
  numerics: "reassociates",

  run: (graph) =>
    rewrite(graph, (node, edit) => {
      if (!isOp(node, batchNorm)) return undefined;
      const [x, mean] = node.inputs;
      const { shape } = mean.type;
      const scale = batchNormScale(node);
      const shift = batchNormShift(node);
      return edit.node(
        affine,
        node,
        [
          x,
          edit.computed(`${node.name}.scale.folded`, "scale", shape, scale.from, scale.compute),
          edit.computed(`${node.name}.shift.folded`, "shift", shape, shift.from, shift.compute),
        ],
        null,
      );
    }),

  ensures: noneLeft((node) => isOp(node, batchNorm), "an affine"),
};
