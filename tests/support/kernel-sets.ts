/** tfjs' kernels and ours, to be put in and out in turns: ours keep what they have made of the weights. */
import type * as core from "@tensorflow/tfjs-core";
import { type KernelOptions, registerKernels } from "../../src/tfjs-kernels/register.ts";

export interface KernelSets {
  use(which: "stock" | "own"): void;
  unregister(): void;
}

/** Ours are in to begin with. */
export function kernelSets(tf: typeof core, options?: KernelOptions): KernelSets {
  const before = tf.getKernelsForBackend("wasm");
  const registration = registerKernels(tf, options);
  const own = tf
    .getKernelsForBackend("wasm")
    .filter(({ kernelName, kernelFunc }) =>
      before.some((stock) => stock.kernelName === kernelName && stock.kernelFunc !== kernelFunc),
    );
  const names = own.map(({ kernelName }) => kernelName);
  const sets = { own, stock: before.filter(({ kernelName }) => names.includes(kernelName)) };
  return {
    use(which) {
      for (const config of sets[which]) {
        tf.unregisterKernel(config.kernelName, "wasm");
        tf.registerKernel(config);
      }
    },
    unregister() {
      registration.unregister();
    },
  };
}
