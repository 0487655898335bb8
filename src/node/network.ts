/**
 * What `load` of a built module takes and gives, whatever the net: the types of a program that does not know it, and of
 * resnetc/client. NAME.d.ts has the names of the net itself.
 */

/** Bytes, or where they are. */
type Source = ArrayBuffer | ArrayBufferView | string | URL;

export interface NetworkOptions {
  /** wasm: the number of threads; "auto", the default, takes the processors there are, 8 at most. */
  readonly threads?: "auto" | number;
  /** wasm: the network runs in a worker, and its methods give promises. */
  readonly worker?: boolean;
  /** tfjs: the backend; "wasm" unless given. */
  readonly backend?: "wasm" | "cpu" | "webgl" | "webgpu";
  /** Where the weights are, in parts too; beside the module unless given. */
  readonly weights?: Source | readonly Source[];
  /** wasm: in a page, whether the weights stay in the browser's cache. */
  readonly cache?: boolean | string;
  readonly onProgress?: (progress: { readonly loaded: number; readonly total: number }) => void;
  readonly signal?: AbortSignal;
  /** wasm: the kernels, or where they are; beside the module unless given. */
  readonly wasm?: Source;
  /** wasm: kernels with fused multiply-adds, where the build has them. */
  readonly relaxed?: boolean;
  /** wasm: vectors of eight floats, in Node 24 and newer. */
  readonly wide?: boolean;
  /** tfjs: a tfjs-core that is loaded already. */
  readonly tf?: unknown;
  /** tfjs: where its own .wasm files are. */
  readonly wasmPaths?: string | Readonly<Record<string, string>>;
}

export interface NetworkInfo {
  readonly name: string;
  readonly summary: string;
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly probabilities?: true;
  }[];
  readonly params: number;
  readonly macs: number;
  readonly depth: number;
  /** Where they come from; "He initialisation, seed 0" for random ones. */
  readonly weights: string;
  readonly compiler: string;
}

export interface NetworkGuess {
  readonly index: number;
  readonly score: number;
  /** Where the net has labels. */
  readonly label?: string;
}

export interface ClassifyOptions {
  /** How many classes; 5 unless given. */
  readonly top?: number;
  readonly signal?: AbortSignal;
}

export interface Network {
  readonly info: NetworkInfo;
  /** Values by the names of the inputs, float32 NHWC; the batch follows from the length. */
  run(inputs: Readonly<Record<string, Float32Array>>): Record<string, Float32Array>;
  /** Of a net that takes one picture and gives classes: what is on it, the most probable first. */
  classify(image: unknown, options?: ClassifyOptions): Promise<NetworkGuess[]>;
  /** The names of all classes. */
  labels(): Promise<readonly string[]>;
  /** Of a net that takes one picture: as `run` takes it. */
  prepare(image: unknown): Promise<Float32Array>;
  warmUp(): Promise<void>;
  dispose(): void;
}

/** The same in a worker. */
export interface WorkerNetwork extends Omit<Network, "run"> {
  run(inputs: Readonly<Record<string, Float32Array>>): Promise<Record<string, Float32Array>>;
}

/** What a built module exports. */
export interface NetworkModule {
  load(options: NetworkOptions & { readonly worker: true }): Promise<WorkerNetwork>;
  load(options?: NetworkOptions & { readonly worker?: false }): Promise<Network>;
}
