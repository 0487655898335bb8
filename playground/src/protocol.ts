/** What the page asks its compile workers, and what these answer. Everything here crosses by structured clone. */
import type { Colouring } from "../../src/draw/colours.ts";
import type { Layer } from "../../src/run/layers.ts";

/** A text, and which of its nets is meant; without a name the first that one would look at. */
export interface Spec {
  readonly text: string;
  readonly net?: string | undefined;
}

export interface Change {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
}

export interface Fix {
  readonly title: string;
  readonly changes: readonly Change[];
}

export interface Problem {
  readonly from: number;
  readonly to: number;
  /** Of `from`, from 1. */
  readonly line: number;
  readonly severity: "error" | "warning" | "info";
  readonly message: string;
  readonly hint: string | undefined;
  readonly notes: readonly string[];
  readonly fixes: readonly Fix[];
}

export interface StageRow {
  readonly name: string;
  readonly shape: string;
  readonly params: number;
  readonly macs: number;
  /** The side of what one place sees of the input. */
  readonly field: number;
}

export interface Judged {
  readonly what: string;
  readonly wanted: string;
  readonly found: string;
  readonly holds: boolean;
}

/** A net that could be built. */
export interface Shown {
  readonly name: string;
  readonly doc: string;
  readonly stages: readonly StageRow[];
  readonly params: number;
  readonly state: number;
  readonly macs: number;
  readonly depth: number;
  readonly verdicts: readonly Judged[];
}

export interface Checked {
  readonly problems: readonly Problem[];
  /** Of the file. */
  readonly nets: readonly string[];
  /** Absent where the net fails. */
  readonly shown: Shown | undefined;
}

export interface PictureAsk extends Spec {
  readonly unfold: readonly string[] | "all";
  readonly colour: Colouring;
  /** How many passes are run before. */
  readonly passes?: number;
  /** Milliseconds by the names of operations. */
  readonly times?: readonly (readonly [string, number])[] | undefined;
}

export interface HoverAnswer {
  readonly from: number;
  readonly to: number;
  readonly markdown: string;
}

export interface CompletionAnswer {
  readonly label: string;
  readonly kind: string;
  readonly insert: string;
  readonly from: number;
  readonly to: number;
  readonly detail: string | undefined;
  readonly documentation: string | undefined;
  readonly changes: readonly Change[];
  readonly rank: number;
}

export interface PassRow {
  /** "lower" stands for the graph as it is written. */
  readonly name: string;
  readonly summary: string;
  /** Operations, weights left out. */
  readonly nodes: number;
  /** Lines of the printed graph, each with "-" or "+" in front. */
  readonly changes: readonly string[];
  readonly ms: number;
}

export interface Gallery {
  readonly examples: readonly { readonly name: string; readonly doc: string }[];
  /** SOURCE:MODEL of published networks. */
  readonly zoo: readonly string[];
}

export type CodeKind = "plan" | "wasm" | "tfjs" | "pytorch" | "ir";

export interface CheckpointAsk extends Spec {
  /** The file asked for first, then those beside it. */
  readonly files: readonly { readonly name: string; readonly bytes: ArrayBuffer }[];
}

export interface CheckpointAnswer {
  /** "ResNet-20, names of torchvision, f32"; absent where the file could not be read. */
  readonly title: string | undefined;
  /** What the shapes say, what was assumed, what went wrong. */
  readonly lines: readonly string[];
  /** A text that loads it. */
  readonly spec: string | undefined;
  /** Whether it can be bound to the net in the editor, and how. */
  readonly fit: Fit;
}

export interface Fit {
  readonly fits: boolean;
  readonly lines: readonly string[];
}

export interface BuildAsk extends Spec {
  readonly target: "wasm" | "tfjs";
  /** Whether the checkpoint that was opened last is bound; random weights otherwise. */
  readonly trained: boolean;
}

export interface Built {
  readonly name: string;
  readonly weightsFrom: string;
  readonly trained: boolean;
  readonly files: readonly { readonly path: string; readonly contents: string | Uint8Array<ArrayBuffer> }[];
  readonly seconds: number;
  readonly notes: readonly string[];
}

export interface Comparison {
  readonly names: readonly [string, string];
  /** Of the second text. */
  readonly nets: readonly string[];
  /** What the field calls the differences; none of nets that compute the same in the same way. */
  readonly words: readonly string[];
  /** Only what differs. */
  readonly rows: readonly ComparedRow[];
}

export interface ComparedRow {
  /** Of the stage. */
  readonly name: string;
  readonly what: string;
  readonly a: string;
  readonly b: string;
  /** Of numbers: "+35.6 M". */
  readonly change: string;
}

/** The questions by name: what is asked, what is answered. */
export interface Questions {
  check: { ask: Spec; answer: Checked };
  picture: { ask: PictureAsk; answer: string };
  hover: { ask: Spec & { offset: number }; answer: HoverAnswer | undefined };
  complete: { ask: Spec & { offset: number }; answer: readonly CompletionAnswer[] };
  format: { ask: Spec; answer: readonly Change[] };
  passes: { ask: Spec; answer: readonly PassRow[] };
  code: { ask: Spec & { kind: CodeKind }; answer: string };
  gallery: { ask: undefined; answer: Gallery };
  galleryText: { ask: { name: string }; answer: string };
  checkpoint: { ask: CheckpointAsk; answer: CheckpointAnswer };
  fit: { ask: Spec; answer: Fit };
  build: { ask: BuildAsk; answer: Built };
  layers: { ask: { times: readonly number[] }; answer: readonly Layer[] };
  compare: { ask: { a: Spec; b: Spec }; answer: Comparison };
}

export type Kind = keyof Questions;

export interface Question<K extends Kind = Kind> {
  readonly id: number;
  readonly kind: K;
  readonly ask: Questions[K]["ask"];
}

/** `error` is a sentence for people. */
export type Answer =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: string };
