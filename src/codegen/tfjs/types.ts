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
  /** "wasm" unless given. It stays the backend of tfjs after load. */
  readonly backend?: Backend;
  /** A tfjs-core already loaded (import * as tf, or the global of a script); imported when absent. */
  readonly tf?: typeof tfjs;
  /** The weights, or where they are; when absent, the file beside this module. */
  readonly weights?: ArrayBuffer | ArrayBufferView | string | URL;
  /** Called while the weights arrive, in bytes. */
  readonly onProgress?: (progress: { readonly loaded: number; readonly total: number }) => void;
  /** Where the .wasm files of tfjs are, as its setWasmPaths takes it. */
  readonly wasmPaths?: string | Readonly<Record<string, string>>;${kernels === "own" ? kernelsText : ""}
}

${infoText("and the backend that runs", "readonly backend: Backend;")}

export interface Network {
  readonly info: Info;${use ? pictureMethodTypes(use) : ""}
  /** Runs pictures given as numbers; the batch follows from the length. Leaves no tensor behind. */
  run(inputs: Inputs): Outputs;
  /** Runs tensors that stay yours; what comes back is yours to dispose of. */
  execute(inputs: Inputs<tfjs.Tensor4D>): Outputs<tfjs.Tensor4D>;
  /** Runs once on zeros, so that the first real run does not pay for compiling and packing. */
  warmUp(): Promise<void>;
  /** Frees the weights; the network is of no use afterwards. */
  dispose(): void;
}

export declare function load(options?: LoadOptions): Promise<Network>;
`;
