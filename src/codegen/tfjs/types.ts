/** The text of NAME.d.ts: inputs and outputs of this network by name, and the interface that all share. */
import { CodeWriter } from "../code-writer.ts";
import { heading } from "../loader/card.ts";
import type { PictureUse } from "../loader/picture-methods.ts";
import { infoText, pictureMethodTypes, pictureTypes, writePorts } from "../loader/types.ts";
import type { Kernels } from "../target.ts";
import type { ModuleParts } from "./module.ts";

export function typesText({ card, inputs, outputs, kernels, use }: ModuleParts): string {
  const text = new CodeWriter();
  text.doc(...heading(card), "", `Made by ${card.compiler}.`);
  text.line('import type * as tfjs from "@tensorflow/tfjs-core";', "");
  text.doc("What goes in, by name: NHWC, any number of pictures.");
  writePorts("Inputs", inputs, text);
  text.line("");
  text.doc("What comes out, by name.");
  writePorts("Outputs", outputs, text);
  text.line("", interfaceText(kernels, use).trim());
  return text.toString();
}

const kernelsText = `
  /** The module resnetc/tfjs-kernels/register, already loaded; imported when absent. */
  readonly kernels?: { registerKernels(tf: typeof tfjs): unknown };`;

const interfaceText = (kernels: Kernels, use: PictureUse | undefined): string => `
${use ? pictureTypes(use).trimStart() : ""}
export type Backend = "wasm" | "cpu" | "webgl" | "webgpu";

export interface LoadOptions {
  /**
   * "wasm" unless given. It stays the backend of tfjs after load. "auto" measures wasm, webgpu and webgl on this network,
   * those that start here and agree with wasm, and takes the fastest. The choice is remembered for this build and this
   * browser, in localStorage where there is one.
   */
  readonly backend?: Backend | "auto";
  /** A tfjs-core already loaded (import * as tf, or the global of a script); imported when absent. */
  readonly tf?: typeof tfjs;
  /**
   * The weights, or where they are; when absent, the file beside this module. They are read again when a graphics
   * context is lost, so bytes should stay as they are while the network runs on webgl or webgpu.
   */
  readonly weights?: ArrayBuffer | ArrayBufferView | string | URL;
  /**
   * In a page, whether weights that were fetched stay in the browser's Cache storage, under their checksum: true, or
   * the name of a cache; not unless given. Weights of another build at the same address make room.
   */
  readonly cache?: boolean | string;
  /** Called while the weights arrive, in bytes. */
  readonly onProgress?: (progress: { readonly loaded: number; readonly total: number }) => void;
  /** Gives up loading. */
  readonly signal?: AbortSignal;
  /** Where the .wasm files of tfjs are, as its setWasmPaths takes it. */
  readonly wasmPaths?: string | Readonly<Record<string, string>>;${kernels === "own" ? kernelsText : ""}
}

${infoText(
  "and the backend that runs",
  "/** What the network runs on now, and the reason: asked for, measured, or that another was lost. */",
  "readonly backend: Backend;",
  "readonly why: string;",
)}

export interface Network {
  /** Another object once the network has moved to another backend. */
  readonly info: Info;${use ? pictureMethodTypes(use) : ""}
  /**
   * Kept when the network can run: at once, unless the graphics context was lost. Then it moves to wasm, or to cpu where
   * wasm does not start, reads its weights again and says so on the console and in \`info\`. Broken when that fails.
   */
  readonly ready: Promise<void>;
  /**
   * Runs pictures given as numbers; the batch follows from the length. Leaves no tensor behind. Blocks until the results
   * are there, which is slow on webgpu. Throws an error of code "context-lost" where a graphics context is lost:
   * await \`ready\`, then run again.
   */
  run(inputs: Inputs): Outputs;
  /** The same without blocking. Where a graphics context is lost on the way, it runs again on the next backend. */
  runAsync(inputs: Inputs): Promise<Outputs>;
  /**
   * Runs tensors that stay yours; what comes back is yours to dispose of. What lies in a graphics context is lost with
   * it, and zeros are read from there.
   */
  execute(inputs: Inputs<tfjs.Tensor4D>): Outputs<tfjs.Tensor4D>;
  /**
   * The milliseconds of each call, the least of so many runs; NAME.json names the steps. On webgl and webgpu with the time to wait for
   * the result and to read it.
   */
  profile(inputs: Inputs, rounds?: number): number[];
  /** Runs once on zeros, so that the first real run does not pay for compiling and packing. */
  warmUp(): Promise<void>;
  /** Frees the weights; the network is of no use afterwards. */
  dispose(): void;
}

export declare function load(options?: LoadOptions): Promise<Network>;
`;
