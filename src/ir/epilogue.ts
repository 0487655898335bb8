/**
 * Epilogue: what a convolution or dense layer does to its result in the same pass over the output. Fusion
 * is an attribute, so no target needs new cases when a pass is added.
 *
 *     y = activation(result + bias + residual)
 */
import type { Problem } from "../base/diagnostic.ts";
import { type Activation, applyActivation, printActivation } from "./activation.ts";
import { type Shape, sameShape, showMap, type Tensor, type TensorType } from "./tensor.ts";

export interface Epilogue {
  /** A per-channel vector, the operand after the kernel. */
  readonly bias: boolean;
  /** A map of the result's shape, the last operand. */
  readonly residual: boolean;
  readonly activation?: Activation | undefined;
}

export const noEpilogue: Epilogue = { bias: false, residual: false };

/** The Problem with the operands after the kernel, if there is one. */
export function epilogueOperands(
  op: string,
  operands: readonly TensorType[],
  { bias, residual }: Epilogue,
  shape: Shape,
): Problem | undefined {
  const channels = shape[shape.length - 1];
  const vector = bias ? operands[0] : undefined;
  if (vector && !sameShape(vector.shape, [channels])) {
    const params = { op, role: "bias", wanted: `${channels}`, found: vector.shape.join("x") };
    return { code: "param-shape", params };
  }
  const map = residual ? operands[bias ? 1 : 0] : undefined;
  if (map && !sameShape(map.shape, shape)) {
    const params = {
      verb: "add",
      left: showMap(shape),
      right: showMap(map.shape),
      differ: "the shapes differ",
    };
    return { code: "shape-mismatch", params };
  }
  return undefined;
}

/** Applies the epilogue to `y` in place; `operands` are those after the kernel. */
export function applyEpilogue(
  y: Tensor,
  operands: readonly Tensor[],
  { bias, residual, activation }: Epilogue,
): void {
  const channels = y.shape[y.shape.length - 1];
  const vector = bias ? operands[0].data : undefined;
  const map = residual ? operands[bias ? 1 : 0].data : undefined;
  for (let i = 0; i < y.data.length; i++) {
    let value = y.data[i];
    if (vector) value += vector[i % channels];
    if (map) value += map[i];
    y.data[i] = activation ? applyActivation(activation, value) : value;
  }
}

export function printEpilogue({ bias, residual, activation }: Epilogue): string[] {
  return [
    ...(bias ? ["bias"] : []),
    ...(residual ? ["residual"] : []),
    ...(activation ? [printActivation(activation)] : []),
  ];
}
