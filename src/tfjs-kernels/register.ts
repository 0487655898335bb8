/**
 * Puts our kernels in the place of tfjs' in its registry, which all copies of tfjs-core in a page or process share.
 * Each of ours keeps the one that it replaces and hands on what it does not do itself.
 *
 * tfjs' backend may be imported and started before or after: a kernel of no use of its own is registered beside, and
 * tfjs calls the set-up functions of all kernels whenever it turns to a backend.
 */
import { baseline, relaxedSimd } from "../codegen/wasm/kernels/gemm.ts";
import { kernels } from "./calls.ts";
import { Guest } from "./guest.ts";
import { hostOf } from "./host.ts";
import type { KernelConfig, KernelParams, TensorInfo, Tf, WasmBackend } from "./tfjs.ts";

export interface KernelOptions {
  /** Sums in the order of the definition: no Winograd convolution. */
  readonly exact?: boolean;
  /** Fused multiply-adds, for engines with relaxed SIMD: last bits differ between machines. */
  readonly relaxed?: boolean;
  /** Also where tfjs runs on several threads. Our kernels run on one. */
  readonly threads?: boolean;
}

export interface Registration {
  /** Calls so far: done by our kernels, and handed on to tfjs' by reason. */
  readonly report: () => { readonly own: number; readonly stock: Readonly<Record<string, number>> };
  /** Puts tfjs' kernels back and frees what ours have of its memory. */
  readonly unregister: () => void;
}

const backendName = "wasm";
const hookName = "ResnetcKernels";

/** The kernel beside, through which a later registration finds an earlier one, also of another copy of this file. */
interface Hook extends KernelConfig {
  readonly registration: Registration;
}

/** Registers our kernels. Where they are already, they stay; with options they are registered anew. */
export function registerKernels(tf: Tf, options?: KernelOptions): Registration {
  const earlier = (tf.getKernel(hookName, backendName) as Hook | undefined)?.registration;
  if (earlier && !options) return earlier;
  earlier?.unregister();
  return new Kernels(tf, options ?? {}).register();
}

class Kernels implements Registration {
  readonly #tf: Tf;
  readonly #options: KernelOptions;
  /** Ours, and those that they replace. */
  readonly #replaced = new Map<KernelConfig, KernelConfig>();
  /** A reason where our kernels cannot run. */
  readonly #guests = new Map<WasmBackend, Guest | string>();
  readonly #stock: Record<string, number> = {};
  #own = 0;
  #ended = false;

  constructor(tf: Tf, options: KernelOptions) {
    this.#tf = tf;
    this.#options = options;
  }

  register(): Registration {
    const hook: Hook = {
      kernelName: hookName,
      backendName,
      registration: this,
      kernelFunc: () => {
        throw new Error(`${hookName} computes nothing`);
      },
      setupFunc: (backend) => {
        if (this.#ended) return;
        this.#replace();
        this.#guestOf(backend as WasmBackend);
      },
      disposeFunc: (backend) => {
        // Its memory goes with it.
        this.#guests.delete(backend as WasmBackend);
      },
    };
    this.#tf.registerKernel(hook);
    this.#replace();
    return this;
  }

  readonly report = () => ({ own: this.#own, stock: { ...this.#stock } });

  readonly unregister = (): void => {
    const tf = this.#tf;
    for (const [own, stock] of this.#replaced) {
      if (tf.getKernel(own.kernelName, backendName) !== own) continue;
      tf.unregisterKernel(own.kernelName, backendName);
      tf.registerKernel(stock);
    }
    this.#replaced.clear();
    this.#ended = true;
    if ((tf.getKernel(hookName, backendName) as Hook | undefined)?.registration === this)
      tf.unregisterKernel(hookName, backendName);
    for (const guest of this.#guests.values()) if (typeof guest !== "string") guest.leave();
    this.#guests.clear();
  };

  /** All kernels that are registered and not ours yet. */
  #replace(): void {
    const tf = this.#tf;
    for (const kernelName of Object.keys(kernels)) {
      const stock = tf.getKernel(kernelName, backendName);
      if (!stock || this.#replaced.has(stock)) continue;
      const own: KernelConfig = { ...stock, kernelFunc: (params) => this.#run(stock, params) };
      this.#replaced.set(own, stock);
      // tfjs warns of a kernel that takes another's place.
      tf.unregisterKernel(kernelName, backendName);
      tf.registerKernel(own);
    }
  }

  #run(stock: KernelConfig, params: KernelParams): TensorInfo | TensorInfo[] {
    const made = this.#try(stock.kernelName, params);
    if (typeof made !== "string") {
      this.#own++;
      return made;
    }
    this.#stock[made] = (this.#stock[made] ?? 0) + 1;
    return stock.kernelFunc(params);
  }

  #try(kernelName: string, params: KernelParams): TensorInfo | string {
    // tfjs can copy kernels to backends of other names, where they are not found to be put back.
    if (this.#ended) return "unregistered";
    const guest = this.#guestOf(params.backend as WasmBackend);
    if (typeof guest === "string") return guest;
    // Weights of training change with every step.
    if (this.#tf.engine().state.gradientDepth > 0) return "gradients are wanted";
    const call = kernels[kernelName](this.#tf, params);
    return call ? guest.run(call) : "arguments of another version of tfjs";
  }

  #guestOf(backend: WasmBackend): Guest | string {
    let guest = this.#guests.get(backend);
    if (guest === undefined) {
      const { exact = false, relaxed = false, threads = false } = this.#options;
      const host = hostOf(this.#tf, backend, threads);
      const options = { exact, engine: relaxed ? relaxedSimd : baseline };
      guest = typeof host === "string" ? host : new Guest(host, options);
      this.#guests.set(backend, guest);
      if (typeof guest === "string") console.warn(`resnetc: tfjs' own kernels stay: ${guest}.`);
    }
    return guest;
  }
}
