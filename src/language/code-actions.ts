/**
 * What an editor offers to do about the diagnostics in a range: the fixes they come with, and for an `expect` that fails
 * what the net has - which is nothing that a compiler should decide by itself, but often what is wanted.
 */
import type { Diagnostic, Edit, Fix } from "../base/diagnostic.ts";
import { replace } from "../base/fix.ts";
import type { Span } from "../base/source.ts";
import type { Expr } from "../parser/ast.ts";
import type { Document } from "./document.ts";
import { isA, pathTo } from "./walk.ts";

export interface CodeAction {
  /** An order: "write `bottleneck`". */
  readonly title: string;
  readonly diagnostic: Diagnostic;
  readonly edits: readonly Edit[];
  /** The only thing to do about it. */
  readonly isPreferred: boolean;
}

export function codeActions(document: Document, start: number, end: number): readonly CodeAction[] {
  const touching = document.diagnostics.filter(
    ({ span }) => span?.source === document.source && span.start <= end && start <= span.end,
  );
  return touching.flatMap((diagnostic) => {
    const { code, span, fixes = [] } = diagnostic;
    const own = fixes.filter(({ edits }) => edits.every((edit) => edit.span.source === document.source));
    const updated = code === "expectation-failed" && span ? updateExpectation(document, span) : [];
    return [...own, ...updated].map((fix) => ({
      title: fix.title,
      diagnostic,
      edits: document.place(fix.edits),
      isPreferred: own.length === 1 && fix === own[0],
    }));
  });
}

/** The value of an `expect` becomes what the net has; one with a suffix keeps its precision. */
function updateExpectation(document: Document, span: Span): readonly Fix[] {
  const path = document.module ? pathTo(document.module.file, span.start) : [];
  const row = path.find((node) => isA(node, "expect"));
  const net = path.find((node) => isA(node, "net"));
  if (!isA(row, "expect") || !isA(net, "net")) return [];
  const what = row.reference.parts.join(".") + (row.comparison === "==" ? "" : ` ${row.comparison}`);
  const verdict = document.net(net.name.text)?.verdicts.find((given) => given.what === what && !given.holds);
  if (!verdict) return [];
  const text = atPrecisionOf(row.value, verdict.found);
  return [{ title: `expect ${what} ${text}`, edits: [replace(row.value.span, text)] }];
}

/** 1_957_928 written like 25.6M: 2.0M. */
function atPrecisionOf(wanted: Expr, found: string): string {
  if (wanted.kind !== "number" || wanted.slack === 0) return found;
  const suffix = wanted.text[wanted.text.length - 1];
  const unit = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 }[suffix] ?? 1;
  const decimals = Math.max(0, Math.round(Math.log10((0.5 * unit) / wanted.slack)));
  const rounded = (Number(found.replaceAll("_", "")) / unit).toFixed(decimals);
  return Number(rounded) === 0 ? found : `${rounded}${suffix}`;
}
