/** What an editor offers to do about the diagnostics in a range: the fixes they come with, as changes to this text. */
import type { Diagnostic } from "../base/diagnostic.ts";
import type { Span } from "../base/source.ts";
import { standardLibrary } from "../lower/modules.ts";
import type { Expr } from "../parser/ast.ts";
import type { Document } from "./document.ts";
import { addUse, type Edit } from "./edit.ts";
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
    const fixes = fixesOf(diagnostic, document).filter(({ edits }) =>
      edits.every(({ span }) => span.source === document.source),
    );
    return fixes.map(({ title, edits }) => ({ title, diagnostic, edits, isPreferred: fixes.length === 1 }));
  });
}

interface Fix {
  readonly title: string;
  readonly edits: readonly Edit[];
}

function fixesOf(diagnostic: Diagnostic, document: Document): readonly Fix[] {
  const { fixes = [] } = diagnostic as Diagnostic & { readonly fixes?: readonly Fix[] };
  if (fixes.length > 0) return fixes;
  const { code, span, hint = "", message } = diagnostic;
  if (!span) return [];
  if (code === "expectation-failed") return updateExpectation(document, span);
  const name = span.source.text.slice(span.start, span.end);
  if (code === "unknown-name" && standardLibrary().exports.has(name))
    return [{ title: `add \`use ${name} from std\``, edits: [addUse(document, name)] }];
  const meant = /did you mean `([^`]+)`(, from std)?/.exec(hint);
  const wrong = meant && misspelt(span, message);
  if (!meant || !wrong) return [];
  const [, right, fromStd] = meant;
  const edits = [{ span: wrong, text: right }, ...(fromStd ? [addUse(document, right)] : [])];
  return [{ title: `write \`${right}\``, edits }];
}

/** Of the names that a sentence speaks of the one that stands in the span. */
function misspelt(span: Span, message: string): Span | undefined {
  const { source, start, end } = span;
  const text = source.text.slice(start, end);
  for (const [, name] of [...message.matchAll(/`([^`]+)`/g)].reverse()) {
    const at = text.search(new RegExp(`(?<![\\w.])${name.replace(/\W/g, "\\$&")}(?!\\w)`));
    if (at >= 0) return { source, start: start + at, end: start + at + name.length };
  }
  return undefined;
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
  return [{ title: `expect ${what} ${text}`, edits: [{ span: row.value.span, text }] }];
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
