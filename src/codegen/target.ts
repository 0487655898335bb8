/** What a target is: an optimised graph and its weights in, files out. Targets never touch a disk. */
import type { Report } from "../base/diagnostic.ts";
import type { Graph } from "../ir/graph.ts";
import type { WeightSource } from "../ir/interpret.ts";
import type { Preprocess } from "../ir/ops/input.ts";
import type { Shape } from "../ir/tensor.ts";
import type { Pass } from "../passes/pass.ts";
import type { NamesTable } from "../weights/names.ts";

export interface Artifact {
  /** Relative to the output folder, with forward slashes. */
  readonly path: string;
  readonly contents: string | Uint8Array;
}

/** What NAME.json says about a built network. */
export interface Card {
  readonly name: string;
  /** The doc comment of the net. */
  readonly summary: string;
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: Shape;
    readonly preprocess?: Preprocess;
  }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: Shape;
    /** The result of a softmax; logits otherwise. */
    readonly probabilities?: true;
  }[];
  readonly params: number;
  readonly state: number;
  readonly macs: number;
  readonly depth: number;
  /** Where the weights come from: a file's name, or "he initialisation, seed 0". */
  readonly weights: string;
  readonly compiler: string;
}

/** Whether the one output is a vector: a number for each class. */
export const givesClasses = ({ outputs }: Pick<Card, "outputs">): boolean =>
  outputs.length === 1 && outputs[0].shape[1] === 1 && outputs[0].shape[2] === 1;

/** How weights are stored: float32; IEEE 754 half precision; a byte a value, in the range of its output channel. */
export type Precision = "f32" | "f16" | "u8";

export const precisions: readonly Precision[] = ["f32", "f16", "u8"];

/** What may be done to the bits of results. */
export interface Arithmetic {
  /** Sums in the order of the definition: no Winograd convolution. */
  readonly exact?: boolean;
  /** Fused multiply-adds where the engine has them: faster, last bits differ between machines. */
  readonly relaxed?: boolean;
  /** float32 when absent. All computing is in float32. */
  readonly precision?: Precision | undefined;
}

/** Whose kernels run a tfjs module on the wasm backend: those of tfjs, or ours in their place. */
export type Kernels = "stock" | "own";

/** What an ONNX file is written for, with the settings that it wants beside the model. */
export type Server = "triton";

export interface EmitRequest {
  /** Already through the passes of the target. */
  readonly graph: Graph;
  readonly weights: WeightSource;
  readonly card: Card;
  /** The names of the classes; only runnable targets use them. */
  readonly labels?: readonly string[] | undefined;
  /** The file name every artifact starts with. */
  readonly name: string;
  readonly report: Report;
  /** The wasm target has all of the choices, graph-model that of the precision. */
  readonly arithmetic?: Arithmetic | undefined;
  /** Only the tfjs target has a choice; "stock" unless given. */
  readonly kernels?: Kernels | undefined;
  /** Only the onnx target has a choice; for no one in particular unless given. */
  readonly server?: Server | undefined;
  /** The targets wasm and graph-model cut their weights into files of a size; wasm only if it is given. */
  readonly shardBytes?: number | undefined;
  /** The names of the weights in what is written for other frameworks; only the pytorch target has a choice. */
  readonly names?: NamesTable | undefined;
  /** The block that each scope of names is written as: "conv2.0" is a bottleneck. */
  readonly blocks?: ReadonlyMap<string, string> | undefined;
  /** Whether the weights are of a checkpoint. */
  readonly hasWeights?: boolean | undefined;
  /** Told what people may want to know of the result, a line each. */
  readonly onNote?: ((line: string) => void) | undefined;
  /** Called as weights are written, for progress: bytes done of bytes to do. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface Target {
  readonly name: string;
  readonly summary: string;
  /** What the graph goes through before `emit`. */
  readonly passes: readonly Pass[];
  /** Whether `emit` reads weights: pictures do not. */
  readonly needsWeights: boolean;
  /** Whether `emit` writes the weights of a checkpoint where there is one. */
  readonly takesWeights?: boolean;
  emit(request: EmitRequest): readonly Artifact[];
}
