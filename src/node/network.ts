/**
 * What `load` of a built module takes and gives, whatever the net: the types of a program that does not know it, and of
 * resnetc/client. NAME.d.ts has the names of the net itself.
 */

export interface NetworkOptions {
  /** wasm: the number of threads; "auto", the default, takes the processors there are, 8 at most. */
  readonly threads?: "auto" | number;
  /** wasm: the network runs in a worker, and its methods give promises. */
  readonly worker?: boolean;
  /** tfjs: the backend; "wasm" unless given. */
  readonly backend?: "wasm" | "cpu" | "webgl" | "webgpu";
  /** Where the weights are; beside the module unless given. */
  readonly weights?: ArrayBuffer | ArrayBufferView | string | URL;
  /** wasm: in a page, whether the weights stay in the browser's cache. */
  readonly cache?: boolean | string;
  readonly onProgress?: (progress: { readonly loaded: number; readonly total: number }) => void;
  readonly signal?: AbortSignal;
  /** What else the target has. */
  readonly [option: string]: unknown;
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

export interface Network {
  readonly info: NetworkInfo;
  /** Values by the names of the inputs, float32 NHWC; the batch follows from the length. */
  run(inputs: Readonly<Record<string, Float32Array>>): Record<string, Float32Array>;
  /** The best classes of a picture, where the net has one as its input and classes as its output. */
  classify(image: unknown, options?: { readonly top?: number }): Promise<NetworkGuess[]>;
  /** The picture as `run` takes it. */
  prepare(image: unknown): Promise<Float32Array>;
  warmUp(): Promise<void>;
  dispose(): void;
}
