/** The two vectors that a batch norm amounts to, as recipes for computed params. */
import type { Node } from "../ir/graph.ts";
import { type BatchNormAttrs, batchNormOperands } from "../ir/ops/batch-norm.ts";
import { mapValues, type Tensor } from "../ir/tensor.ts";

/** A vector that follows from params; `compute` gets their values in the order of `from`. */
export interface ComputedVector {
  readonly from: readonly Node[];
  readonly compute: (values: readonly Tensor[]) => Float64Array;
}

/** s = scale / √(var + eps). */
export function batchNormScale(norm: Node<BatchNormAttrs>): ComputedVector {
  const { variance, scale } = batchNormOperands(norm.inputs, norm.attrs);
  const { eps } = norm.attrs;
  return {
    from: scale ? [variance, scale] : [variance],
    compute: ([variances, scales]) =>
      mapValues(variances.data, (v, c) => (scales ? scales.data[c] : 1) / Math.sqrt(v + eps)),
  };
}

/** t = shift − s mean. */
export function batchNormShift(norm: Node<BatchNormAttrs>): ComputedVector {
  const { mean, shift } = batchNormOperands(norm.inputs, norm.attrs);
  const s = batchNormScale(norm);
  return {
    from: [mean, ...s.from, ...(shift ? [shift] : [])],
    compute([means, ...rest]) {
      const scales = s.compute(rest.slice(0, s.from.length));
      const shifts = shift ? rest[rest.length - 1].data : undefined;
      return scales.map((value, c) => (shifts ? shifts[c] : 0) - value * means.data[c]);
    },
  };
}
