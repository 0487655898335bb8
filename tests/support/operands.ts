/** The words that test cases of operations are written in. */
import { type Activation, type ActivationName, activations } from "../../src/ir/activation.ts";
import { type Epilogue, noEpilogue } from "../../src/ir/epilogue.ts";
import type { Pads, Shape } from "../../src/ir/tensor.ts";

/** A feature map, which the caller of a network gives, or a weight; values lie in low..high. */
export interface Operand {
  readonly kind: "map" | "weight";
  readonly shape: Shape;
  readonly low: number;
  readonly high: number;
}

export interface Case<A = unknown> {
  readonly title: string;
  readonly operands: readonly Operand[];
  readonly attrs: A;
}

/** Values beyond every bend of every activation. */
export const map = (...shape: number[]): Operand => ({ kind: "map", shape, low: -8, high: 8 });
export const weight = (...shape: number[]): Operand => ({ kind: "weight", shape, low: -1, high: 1 });
export const variance = (channels: number): Operand => ({
  kind: "weight",
  shape: [channels],
  low: 0.1,
  high: 3,
});

export const pad = (top: number, bottom: number, left: number, right: number): Pads => ({
  top,
  bottom,
  left,
  right,
});
export const around = (size: number): Pads => pad(size, size, size, size);

export const epilogue = (more: Partial<Epilogue>): Epilogue => ({ ...noEpilogue, ...more });

export const everyActivation = (Object.keys(activations) as ActivationName[]).map(
  (fn): Activation => (fn === "leaky" ? { fn, slope: 0.1 } : { fn }),
);
