/**
 * `import "resnetc/tfjs-kernels"` makes the convolutions of tfjs' wasm backend faster, for whatever runs on it. The
 * module `register` beside does the same for a tfjs that it is given.
 */
import {
  backend_util,
  engine,
  env,
  getKernel,
  registerKernel,
  unregisterKernel,
} from "@tensorflow/tfjs-core";
import { type KernelOptions, type Registration, registerKernels } from "./register.ts";

export type { KernelOptions, Registration };

const tf = { backend_util, engine, env, getKernel, registerKernel, unregisterKernel };

let registration = registerKernels(tf);

/** Registers the kernels again, with options, or after `unregister`. */
export function register(options?: KernelOptions): Registration {
  registration = registerKernels(tf, options);
  return registration;
}

/** Puts tfjs' kernels back. */
export const unregister = (): void => registration.unregister();

/** What the kernels have done so far; see Registration. */
export const report = (): ReturnType<Registration["report"]> => registration.report();
