/** Values of the language features → those of the protocol: places count lines and UTF-16 units from 0 there. */
import {
  type CompletionItem,
  CompletionItemKind,
  DiagnosticSeverity,
  DiagnosticTag,
  type Location,
  type Diagnostic as LspDiagnostic,
  type DocumentSymbol as LspSymbol,
  MarkupKind,
  type Position,
  type Range,
  SymbolKind,
  type TextEdit,
} from "vscode-languageserver/node";
import type { Diagnostic, Edit } from "../base/diagnostic.ts";
import { lineStarts, positionAt, type Source, type Span } from "../base/source.ts";
import type { Completion, CompletionKind } from "../language/complete.ts";
import type { DocumentSymbol } from "../language/symbols.ts";
import { pageOf } from "./files.ts";

/** How the names of files become addresses. */
export type UriOf = (name: string) => string;

export function toPosition(source: Source, offset: number): Position {
  const { line, column } = positionAt(source, offset);
  return { line: line - 1, character: column - 1 };
}

export const toRange = ({ source, start, end }: Span): Range => ({
  start: toPosition(source, start),
  end: toPosition(source, end),
});

export const toLocation = (span: Span, uriOf: UriOf): Location => ({
  uri: uriOf(span.source.name),
  range: toRange(span),
});

/** Places outside the text are those nearest to them in it, as the protocol wants. */
export function toOffset(source: Source, { line, character }: Position): number {
  const starts = lineStarts(source);
  if (line < 0) return 0;
  if (line >= starts.length) return source.text.length;
  const end = line + 1 < starts.length ? starts[line + 1] - 1 : source.text.length;
  return Math.min(starts[line] + Math.max(0, character), end);
}

export const toTextEdit = ({ span, text }: Edit): TextEdit => ({ range: toRange(span), newText: text });

export const toMarkdown = (value: string) => ({ kind: MarkupKind.Markdown, value });

const severities = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  info: DiagnosticSeverity.Information,
} as const;

/** What is wrong elsewhere is shown at `fallback`, with the place itself beside it. */
export function toDiagnostic(
  { code, severity, message, span, notes, hint }: Diagnostic,
  source: Source,
  fallback: Span,
  uriOf: UriOf,
): LspDiagnostic {
  const page = pageOf(code);
  const isHere = span?.source === source;
  const elsewhere = span && !isHere ? [{ message, span }] : [];
  const related = [...elsewhere, ...notes].flatMap((note) =>
    note.span ? [{ message: note.message, location: toLocation(note.span, uriOf) }] : [],
  );
  const told = notes.filter((note) => !note.span).map((note) => note.message);
  return {
    range: toRange(isHere ? span : fallback),
    severity: severities[severity],
    code,
    ...(page ? { codeDescription: { href: page } } : {}),
    source: "resnetc",
    message: [message, ...told, ...(hint ? [`hint: ${hint}`] : [])].join("\n"),
    ...(related.length > 0 ? { relatedInformation: related } : {}),
    ...(code === "unused-row" || code === "unused-name" ? { tags: [DiagnosticTag.Unnecessary] } : {}),
  };
}

const completionKinds: Readonly<Record<CompletionKind, CompletionItemKind>> = {
  keyword: CompletionItemKind.Keyword,
  value: CompletionItemKind.Value,
  argument: CompletionItemKind.Field,
  part: CompletionItemKind.Field,
  module: CompletionItemKind.Module,
  file: CompletionItemKind.Module,
  operation: CompletionItemKind.Function,
  function: CompletionItemKind.Function,
  block: CompletionItemKind.Function,
  net: CompletionItemKind.Class,
  setting: CompletionItemKind.Field,
  parameter: CompletionItemKind.Variable,
  let: CompletionItemKind.Variable,
  index: CompletionItemKind.Variable,
  label: CompletionItemKind.Variable,
  property: CompletionItemKind.Property,
  metric: CompletionItemKind.Property,
  table: CompletionItemKind.Module,
};

export function toCompletionItem(completion: Completion, index: number): CompletionItem {
  const { label, kind, insert, span, detail, documentation, edits, rank } = completion;
  return {
    label,
    kind: completionKinds[kind],
    sortText: `${rank}${String(index).padStart(4, "0")}`,
    filterText: insert,
    textEdit: { range: toRange(span), newText: insert },
    ...(detail ? { detail } : {}),
    ...(documentation ? { documentation: toMarkdown(documentation) } : {}),
    ...(edits ? { additionalTextEdits: edits.map(toTextEdit) } : {}),
  };
}

const symbolKinds = {
  net: SymbolKind.Class,
  block: SymbolKind.Function,
  let: SymbolKind.Variable,
  names: SymbolKind.Namespace,
  label: SymbolKind.Field,
  input: SymbolKind.Property,
} as const;

export const toSymbol = ({ name, kind, detail, span, selection, children }: DocumentSymbol): LspSymbol => ({
  name,
  kind: symbolKinds[kind],
  detail,
  range: toRange(span),
  selectionRange: toRange(selection),
  children: children.map(toSymbol),
});
