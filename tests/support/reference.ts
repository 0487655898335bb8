/** The float64 meaning of one operation on given values. */
import { isProblem } from "../../src/base/diagnostic.ts";
import type { Op } from "../../src/ir/op.ts";
import { ops } from "../../src/ir/ops/index.ts";
import type { Tensor } from "../../src/ir/tensor.ts";

export function reference<A>(op: Op<A>, attrs: A, operands: readonly Tensor[]): Tensor {
  const types = operands.map(({ shape }) => ({ dtype: "f32" as const, shape }));
  const type = op.infer(types, attrs);
  if (isProblem(type)) throw new Error(`${op.name} does not type: ${JSON.stringify(type)}`);
  const inputs = types.map((type, i) => ({
    name: `x${i}`,
    op: ops.input as Op,
    inputs: [],
    attrs: { shape: type.shape },
    type,
  }));
  return op.reference(operands, { name: "y", op, inputs, attrs, type });
}
