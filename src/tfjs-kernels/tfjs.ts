/**
 * What is used of TensorFlow.js, and what of its wasm backend, which is private there: the memory and its allocator,
 * and where tensors lie in it. All of it is looked for before use; src/tfjs-kernels/host.ts says what is missing.
 */
import type * as core from "@tensorflow/tfjs-core";

/** A tfjs-core, whole or these parts of it. */
export type Tf = Pick<
  typeof core,
  "backend_util" | "engine" | "env" | "getKernel" | "registerKernel" | "unregisterKernel"
>;

export type KernelConfig = core.KernelConfig;
export type KernelParams = Parameters<core.KernelFunc>[0];
export type TensorInfo = core.TensorInfo;

/** What stands for a tensor's numbers; several tensors may share it, of different shapes. */
export type DataId = TensorInfo["dataId"];

/** An instance of BackendWasm of @tensorflow/tfjs-backend-wasm 4.x. */
export interface WasmBackend {
  readonly wasm: WasmModule;
  /** `get` moves tensors of other backends here. */
  readonly dataIdMap: { get(dataId: DataId): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: "float32"): TensorInfo;
  /** True when the numbers are gone: nothing else refers to them. */
  disposeData(dataId: DataId, force?: boolean): boolean;
}

/** Emscripten's module. */
export interface WasmModule {
  _malloc(bytes: number): number;
  _free(address: number): void;
  /** In the build with threads. */
  readonly wasmMemory?: unknown;
  /** The exports of the instance, in the builds without. */
  readonly asm?: Readonly<Record<string, unknown>>;
  readonly tfjs: { getThreadsCount(): number };
}
