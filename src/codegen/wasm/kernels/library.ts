/**
 * Functions that kernels call, made once a module and only where used: activations of more than an instruction or
 * two, the products inside Winograd convolution.
 */
import type { FunctionBuilder, Signature } from "../assembler/function.ts";
import type { FunctionRef, ModuleBuilder } from "../assembler/module.ts";

export class KernelLibrary {
  readonly #module: ModuleBuilder;
  readonly #made = new Map<string, FunctionRef>();

  constructor(module: ModuleBuilder) {
    this.#module = module;
  }

  /** A function made at its first use; the name says all that it depends on. */
  function(name: string, signature: Signature, build: (f: FunctionBuilder) => void): FunctionRef {
    const found = this.#made.get(name);
    if (found) return found;
    const made = this.#module.function(name, signature, build);
    this.#made.set(name, made);
    return made;
  }

  /** v128 → v128. */
  vectorFunction(name: string, build: (f: FunctionBuilder) => void): FunctionRef {
    return this.function(name, { params: ["v128"], result: "v128" }, build);
  }
}
