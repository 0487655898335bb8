/** What the tabs have in common. */
import type { Compiler } from "./compiler.ts";
import type { Shown, Spec } from "./protocol.ts";

/** A text without errors, and what its net costs. */
export interface Subject extends Spec {
  readonly shown: Shown;
}

export interface View {
  /** Called when the tab is seen and the text is another than before. */
  show(subject: Subject): void | Promise<void>;
}

/** What a tab may ask of the page. */
export interface Page {
  /** Answers while one types. */
  readonly compiler: Compiler;
  /** For what takes seconds: builds and checkpoints. */
  readonly jobs: Compiler;
  /** Puts a text in the editor. */
  write(text: string, net?: string): void;
  choose(tab: string): void;
}
