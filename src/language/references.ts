/** Where a name is defined, and where else it stands: in this file and in those that use it. */
import type { Span } from "../base/source.ts";
import { type Occurrence, occurrenceAt } from "./bind.ts";
import type { Document } from "./document.ts";
import { type Definition, sameDefinition } from "./scopes.ts";
import type { Workspace } from "./workspace.ts";

export interface Place {
  /** What stands at the offset that was asked about. */
  readonly origin: Span;
  readonly target: Span;
}

/** Undefined for what the compiler has built in. */
export function definition(document: Document, offset: number): Place | undefined {
  const found = occurrenceAt(document.binding, offset);
  return found && "span" in found.definition
    ? { origin: found.span, target: found.definition.span }
    : undefined;
}

/** Every occurrence in files that are open or listed, declarations first within a file's order. */
export function references(workspace: Workspace, document: Document, offset: number): readonly Occurrence[] {
  const found = occurrenceAt(document.binding, offset);
  if (!found) return [];
  return occurrencesOf(found.definition, documentsAround(workspace, document, found.definition));
}

/** The same within one text. */
export function highlights(document: Document, offset: number): readonly Occurrence[] {
  const found = occurrenceAt(document.binding, offset);
  return found ? occurrencesOf(found.definition, [document]) : [];
}

export function occurrencesOf(wanted: Definition, documents: Iterable<Document>): readonly Occurrence[] {
  const found: Occurrence[] = [];
  for (const { binding } of documents) {
    for (const occurrence of binding?.occurrences ?? [])
      if (sameDefinition(occurrence.definition, wanted)) found.push(occurrence);
  }
  return found;
}

/** The documents that may speak of a definition, each once: its own, the one asked in, all others of the workspace. */
export function documentsAround(
  workspace: Workspace,
  document: Document,
  wanted: Definition,
): readonly Document[] {
  const home = "span" in wanted ? workspace.document(wanted.span.source.name) : undefined;
  return [...new Set([...(home ? [home] : []), document, ...workspace.documentsWith(wanted.name)])];
}
