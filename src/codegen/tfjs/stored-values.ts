/** The values of what ops had stored, each weight evaluated once and let go of before the next. */
import { invariant } from "../../base/invariant.ts";
import type { Node } from "../../ir/graph.ts";
import { paramValue, type WeightSource } from "../../ir/interpret.ts";
import type { ParamAttrs } from "../../ir/ops/param.ts";
import { elements, sameShape, type Tensor } from "../../ir/tensor.ts";
import type { Stored } from "./emitter.ts";

export interface StoredValue {
  /** Its place in the list of what is stored. */
  readonly index: number;
  readonly data: Tensor["data"];
  /** Whether it is the last piece of its weight. */
  readonly last: boolean;
}

/** Not in the list's order: a weight that is stored in several pieces makes them together. */
export function* storedValues(stored: readonly Stored[], weights: WeightSource): Generator<StoredValue> {
  const pieces = new Map<Node<ParamAttrs> | Stored, number[]>();
  stored.forEach((piece, i) => {
    const key = piece.param ?? piece;
    pieces.set(key, [...(pieces.get(key) ?? []), i]);
  });
  for (const indices of pieces.values()) {
    const { param } = stored[indices[0]];
    const value = param && paramValue(param, weights);
    for (const index of indices) {
      const { name, shape, make } = stored[index];
      const { data, shape: made } = make(value);
      invariant(
        sameShape(made, shape) && data.length === elements(shape),
        `${name} is not ${shape.join("x")}`,
      );
      yield { index, data, last: index === indices[indices.length - 1] };
    }
  }
}
