/** The end of a convolution or pointwise step, on vectors: the residual is added, the activation applied. */
import type { Activation } from "../../../ir/activation.ts";
import type { FunctionBuilder } from "../assembler/function.ts";
import { f32x4, type V128 } from "../assembler/values.ts";
import { activationVector } from "./activations.ts";
import type { KernelLibrary } from "./library.ts";

/** See activationVector. */
export function applyActivation(
  value: V128,
  activation: Activation | undefined,
  library: KernelLibrary,
  f?: FunctionBuilder,
): V128 {
  return activation ? activationVector(activation, value, library, f) : value;
}

/** activation(value + residual). */
export function epilogue(
  value: V128,
  residual: V128 | undefined,
  activation: Activation | undefined,
  library: KernelLibrary,
  f?: FunctionBuilder,
): V128 {
  return applyActivation(residual ? f32x4.add(value, residual) : value, activation, library, f);
}
