/**
 * A program: the steps that the emitted module executes, as numbers. It is data of the module, not code: one
 * function in it reads a range of steps and calls their kernels, so the same way serves a run, the preparation of
 * weights, a single step under a profiler, and every thread.
 */
import { ByteWriter } from "./assembler/bytes.ts";
import type { Kernel } from "./kernels/kernel.ts";

export interface Step {
  /** For people: the node it computes and the part of it, such as "conv3.0.conv1 transform". */
  readonly label: string;
  readonly kernel: Kernel;
  /** Absolute addresses in bytes; 0 for what the kernel does not take. */
  readonly input: number;
  readonly weights: number;
  readonly output: number;
  readonly bias: number;
  readonly residual: number;
  readonly extra: number;
}

/** Bytes of a step: element of the table, units, six addresses; all i32, little-endian. */
export const stepBytes = 32;

/** The steps as data; `elementOf` numbers the kernels in the module's table. */
export function encodeSteps(steps: readonly Step[], elementOf: (kernel: Kernel) => number): Uint8Array {
  const out = new ByteWriter();
  const word = (value: number) =>
    out.bytes([value, value >> 8, value >> 16, value >>> 24].map((b) => b & 255));
  for (const step of steps) {
    const { kernel, input, weights, output, bias, residual, extra } = step;
    for (const value of [elementOf(kernel), kernel.units, input, weights, output, bias, residual, extra])
      word(value);
  }
  return out.result().slice();
}
