/** The text of NAME.d.ts: inputs and outputs of this network by name, and the interface that all share. */
import { CodeWriter } from "../code-writer.ts";
import { heading } from "../loader/card.ts";
import type { PictureUse } from "../loader/picture-methods.ts";
import { infoText, pictureMethodTypes, pictureTypes, writePorts } from "../loader/types.ts";
import type { ModuleParts } from "./module-text.ts";

export function typesText({ card, inputs, outputs, use }: ModuleParts): string {
  const text = new CodeWriter();
  text.doc(...heading(card), "", `Made by ${card.compiler}.`);
  text.line("");
  text.doc("What goes in, by name: NHWC, any number of pictures.");
  writePorts("Inputs", inputs, text);
  text.line("");
  text.doc("What comes out, by name.");
  writePorts("Outputs", outputs, text);
  text.line("", interfaceText(use).trim());
  return text.toString();
}

const interfaceText = (use: PictureUse | undefined): string => `${use ? pictureTypes(use) : ""}
/** Bytes, or where they are. */
export type Source = ArrayBuffer | ArrayBufferView | string | URL;

export interface LoadOptions {
  /** "auto", the default: the processors there are, 8 at most. A page must be cross-origin isolated for more than 1. */
  readonly threads?: "auto" | number;
  /**
   * The weights, or where they are; when absent, what is beside this module. A list is files that follow each other.
   * A download that is cut off goes on where it was cut, five times before it fails.
   */
  readonly weights?: Source | readonly Source[];
  /** The kernels (NAME.wasm), or where they are; when absent, the file beside this module. */
  readonly wasm?: Source;
  /**
   * Kernels with fused multiply-adds, where the build has them (--fast-math relaxed) and the engine takes them: true
   * unless \`wasm\` is given; then it says which those are.
   */
  readonly relaxed?: boolean;
  /**
   * Vectors of eight floats: about 1.4 times as fast, in Node 24 and newer. It sets V8's experimental flag
   * --experimental-wasm-revectorize for the whole process, compares results bit by bit, and takes a second or two.
   */
  readonly wide?: boolean;
  /**
   * In a page, whether weights that were fetched stay in the browser's Cache storage, under their checksum: true, or
   * the name of a cache; not unless given. Weights of another build at the same address make room.
   */
  readonly cache?: boolean | string;
  /** Whether all work is done in a worker, away from the main thread: \`run\` promises its outputs then. */
  readonly worker?: boolean;
  /** Called while the weights arrive, in bytes. */
  readonly onProgress?: (progress: { readonly loaded: number; readonly total: number }) => void;
  /** Gives up loading. */
  readonly signal?: AbortSignal;
}

${infoText(
  "and what this load made of it",
  "/** The threads that run, and the reason for their number. */",
  "readonly threads: { readonly used: number; readonly why: string };",
  "/** Whether multiply-adds are fused: faster, and last bits differ between machines. */",
  "readonly relaxed: boolean;",
  "/** Whether vectors of eight floats are used, and the reason. */",
  "readonly wide: { readonly used: boolean; readonly why: string };",
  "/** Sizes of the weights file and of the memory that is used. */",
  "readonly bytes: { readonly weights: number; readonly memory: number };",
)}

export interface Network {
  readonly info: Info;${use ? pictureMethodTypes(use) : ""}
  /** Runs pictures, one after the other; the batch follows from the length. Results go to arrays given, or new ones. */
  run(inputs: Inputs, outputs?: Outputs): Outputs;
  /** Runs once on zeros: the first run after \`load\` may be a little slower than others. */
  warmUp(): Promise<void>;
  /** The milliseconds of each step, the least of so many runs of the first picture; NAME.json names the steps. */
  profile(inputs: Inputs, rounds?: number): number[];
  /** Stops the threads and frees the memory; the network is of no use afterwards. */
  dispose(): void;
}

/** The same in a worker: what goes in is copied, and what comes out is promised. */
export interface WorkerNetwork extends Omit<Network, "run" | "profile"> {
  run(inputs: Inputs): Promise<Outputs>;
  profile(inputs: Inputs, rounds?: number): Promise<number[]>;
}

/** Files that do not belong to this module are fetched once more, past caches; then this fails with code "other-build". */
export declare function load(options: LoadOptions & { readonly worker: true }): Promise<WorkerNetwork>;
export declare function load(options?: LoadOptions & { readonly worker?: false }): Promise<Network>;
`;
