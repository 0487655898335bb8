/**
 * What a model's tensors are to the net, in its metadata, so that `--weights model.json` finds the weights again: which are
 * none of its weights, and which weights are there under another name, in pieces or in another shape.
 */
import type { Node } from "../../ir/graph.ts";
import { isConstant, type ParamAttrs } from "../../ir/ops/param.ts";
import { type Shape, sameShape } from "../../ir/tensor.ts";
import type { Constant } from "./nodes.ts";

export interface Origins {
  /** Shapes, axes and numbers of operations, and kernels that are not learned. */
  readonly constants: readonly string[];
  /** By the net's name: the shape it has there, and the tensors it was made into, side by side along the last dimension. */
  readonly origins: Readonly<Record<string, { readonly shape: Shape; readonly tensors: readonly string[] }>>;
}

export function describeWeights(constants: readonly Constant[]): Origins {
  const pieces = new Map<Node<ParamAttrs>, Constant[]>();
  const others: string[] = [];
  for (const constant of constants) {
    const param = "make" in constant.from ? constant.from.param : undefined;
    if (param && !isConstant(param)) pieces.set(param, [...(pieces.get(param) ?? []), constant]);
    else others.push(constant.name);
  }
  const changed = [...pieces].flatMap(([{ name, attrs }, made]) => {
    const { shape } = attrs;
    const isSame = made.length === 1 && made[0].name === name && sameShape(made[0].shape, shape);
    return isSame ? [] : [[name, { shape, tensors: made.map((piece) => piece.name) }] as const];
  });
  return { constants: others, origins: Object.fromEntries(changed) };
}
