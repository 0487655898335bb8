/**
 * How deep evaluation and expansion have nested. Expressions, `let`s and blocks are walked recursively, each within
 * bounds of its own; together they could still exhaust the stack, which no caller could recover from cleanly.
 */
import type { Span } from "../base/source.ts";
import { fail } from "./row-error.ts";

export const deepest = 700;

let depth = 0;

/** Every `enter` that returns is followed by one `leave`, whatever happens in between. */
export function enter(span: Span): void {
  if (depth >= deepest) fail("nesting-too-deep", span, { what: "steps", limit: deepest });
  depth++;
}

export function leave(): void {
  depth--;
}
