/** What can be folded: brackets over several lines, runs of comments, runs of `use` rows; and selections that grow. */
import type { IToken } from "chevrotain";
import { positionAt, type Span } from "../base/source.ts";
import * as t from "../parser/tokens.ts";
import type { Document } from "./document.ts";
import { pathTo } from "./walk.ts";

export interface FoldingRange {
  /** Lines from 1; the last one is hidden too, unless a bracket closes on it. */
  readonly startLine: number;
  readonly endLine: number;
  readonly kind: "comment" | "imports" | "region";
}

export function foldingRanges({ source, tokens, module }: Document): readonly FoldingRange[] {
  const lineOf = (offset: number) => positionAt(source, offset).line;
  const found: FoldingRange[] = [];
  const add = (startLine: number, endLine: number, kind: FoldingRange["kind"]) => {
    if (endLine > startLine) found.push({ startLine, endLine, kind });
  };
  const open: IToken[] = [];
  for (const token of tokens) {
    if (t.brackets.has(token.tokenType)) open.push(token);
    const opener = open.findLastIndex(({ tokenType }) => t.brackets.get(tokenType) === token.tokenType);
    if (opener < 0) continue;
    add(lineOf(open[opener].startOffset), lineOf(token.startOffset) - 1, "region");
    open.length = opener;
  }
  const comments = tokens.filter(({ tokenType }) => tokenType === t.Comment || tokenType === t.Doc);
  const alone = comments.filter(({ startOffset }) => {
    const { column } = positionAt(source, startOffset);
    return source.text.slice(startOffset - column + 1, startOffset).trim() === "";
  });
  for (const [first, last] of runs(alone.map(({ startOffset }) => lineOf(startOffset))))
    add(first, last, "comment");
  const uses = (module?.file.items ?? []).filter(({ kind }) => kind === "use");
  const useLines = uses.flatMap(({ span }) => {
    const [from, to] = [lineOf(span.start), lineOf(span.end)];
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  for (const [first, last] of runs(useLines)) add(first, last, "imports");
  return found.sort((a, b) => a.startLine - b.startLine || b.endLine - a.endLine);
}

/** First and last of neighbouring numbers. */
function runs(lines: readonly number[]): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const line of lines) {
    const run = found[found.length - 1];
    if (run && line <= run[1] + 1) run[1] = line;
    else found.push([line, line]);
  }
  return found;
}

/** The spans around an offset, smallest first, each larger than the one before. */
export function selectionRanges({ module, tokens, source }: Document, offset: number): readonly Span[] {
  if (!module) return [];
  const touching = tokens.filter(
    ({ startOffset, image, tokenType }) =>
      tokenType !== t.Separator && startOffset <= offset && offset <= startOffset + image.length,
  );
  // Between a word and a sign the word is meant.
  const token = touching.find(({ image }) => /^\w/.test(image)) ?? touching[touching.length - 1];
  const word = token && { source, start: token.startOffset, end: token.startOffset + token.image.length };
  const spans = [
    ...(word ? [word] : []),
    ...pathTo(module.file, offset)
      .map(({ span }) => span)
      .reverse(),
  ];
  const grown: Span[] = [];
  for (const span of spans) {
    const last = grown[grown.length - 1];
    const grows = !last || span.start < last.start || span.end > last.end;
    if (grows && (!last || (span.start <= last.start && span.end >= last.end))) grown.push(span);
  }
  return grown;
}
