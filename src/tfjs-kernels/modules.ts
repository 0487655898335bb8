/**
 * Modules with kernels on tfjs' memory: one for each program, and one for each kernel that all of them share. They
 * have no data and start nothing. Engines take some runs until they have optimised a function, so what many layers
 * have in common is worth sharing.
 */
import { ModuleBuilder } from "../codegen/wasm/assembler/module.ts";
import { type Kernel, stepArguments, stepSignature } from "../codegen/wasm/kernels/kernel.ts";
import { KernelLibrary } from "../codegen/wasm/kernels/library.ts";
import type { Host } from "./host.ts";

/** Input, weights, output, bias, residual, extra, first unit, last + 1, scratch. */
export type KernelFunction = (...args: number[]) => void;

export class Modules {
  readonly host: Host;
  readonly #shared = new Map<string, KernelFunction>();

  constructor(host: Host) {
    this.host = host;
  }

  /** The kernels as functions, by name. */
  make(kernels: Iterable<Kernel>): Readonly<Record<string, KernelFunction>> {
    const module = new ModuleBuilder();
    const library = new KernelLibrary(module);
    // tfjs' memory of threads has a maximum of all that there is, the other has none.
    module.memory({ initial: 0, ...(this.host.isShared ? { maximum: 65536, shared: true } : {}) });
    const made = new Set<string>();
    for (const { name, emit } of kernels) {
      if (made.has(name)) continue;
      made.add(name);
      const ref = module.function(name, stepSignature, (f) => emit(f, stepArguments(f), library));
      module.export(name, ref);
    }
    const compiled = new WebAssembly.Module(module.encode() as Uint8Array<ArrayBuffer>);
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory: this.host.memory } });
    return exports as Record<string, KernelFunction>;
  }

  /** One kernel, the same function whoever asks for it. */
  share(kernel: Kernel): KernelFunction {
    let shared = this.#shared.get(kernel.name);
    if (!shared) {
      shared = this.make([kernel])[kernel.name];
      this.#shared.set(kernel.name, shared);
    }
    return shared;
  }
}
