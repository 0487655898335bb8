/**
 * Texts with marks, as TypeSpec's and fourslash tests have them: `┆` is the cursor, `⟦` and `⟧` stand around ranges that
 * are expected, in the order of their starts. None of them can occur in the language, and none is escaped.
 */
import type { Span } from "../../src/base/source.ts";
import type { Document } from "../../src/language/document.ts";
import { Workspace } from "../../src/language/workspace.ts";

export interface Marked {
  readonly text: string;
  /** Where the cursors stand. */
  readonly cursors: readonly number[];
  readonly ranges: readonly { readonly start: number; readonly end: number }[];
}

export function readMarks(marked: string): Marked {
  const cursors: number[] = [];
  const ranges: { start: number; end: number }[] = [];
  const open: { start: number; end: number }[] = [];
  let text = "";
  for (const part of marked.split(/([┆⟦⟧])/)) {
    if (part === "┆") cursors.push(text.length);
    else if (part === "⟦") {
      const range = { start: text.length, end: text.length };
      ranges.push(range);
      open.push(range);
    } else if (part === "⟧") {
      const range = open.pop();
      if (!range) throw new Error("a range ends that never began");
      range.end = text.length;
    } else text += part;
  }
  if (open.length > 0) throw new Error("a range never ends");
  return { text, cursors, ranges };
}

export interface Opened extends Marked {
  readonly document: Document;
  readonly workspace: Workspace;
  /** The first cursor. */
  readonly at: number;
}

/** A marked text as an open document, with other files beside it by name. */
export function openMarked(marked: string, others: Readonly<Record<string, string>> = {}): Opened {
  const marks = readMarks(marked);
  const files = new Map(Object.entries(others));
  const workspace = new Workspace({
    resolve: (request) => `${request.replace(/^\.\//, "")}.resnet`,
    read: (name) => files.get(name) ?? { why: "there is no such file" },
    list: () => files.keys(),
  });
  const document = workspace.open("main.resnet", marks.text);
  return { ...marks, document, workspace, at: marks.cursors[0] ?? 0 };
}

/** Spans as a text's own marks, so that a mismatch shows where they are. */
export function showRanges(text: string, spans: readonly Pick<Span, "start" | "end">[]): string {
  const marks = spans.flatMap(({ start, end }) => [
    { at: start, mark: "⟦", order: 1 },
    { at: end, mark: "⟧", order: 0 },
  ]);
  marks.sort((a, b) => b.at - a.at || b.order - a.order);
  let shown = text;
  for (const { at, mark } of marks) shown = shown.slice(0, at) + mark + shown.slice(at);
  return shown;
}
