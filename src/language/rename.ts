/**
 * Renaming, checked before anything is changed: the new name must be free wherever the old one is seen, as nothing
 * may hide anything, and every use must be known from the text alone.
 */
import type { Edit } from "../base/diagnostic.ts";
import type { Span } from "../base/source.ts";
import { stdName } from "../lower/modules.ts";
import { nameSteps } from "../lower/naming.ts";
import * as t from "../parser/tokens.ts";
import { occurrenceAt } from "./bind.ts";
import type { Document } from "./document.ts";
import { documentsAround, occurrencesOf } from "./references.ts";
import { type Definition, type Owner, sameDefinition, scopeOf, visibleIn, type Written } from "./scopes.ts";
import type { Workspace } from "./workspace.ts";

export interface Refusal {
  readonly why: string;
}

export interface Renamable {
  readonly span: Span;
  readonly name: string;
}

export interface Renaming {
  /** By the name of the file. */
  readonly edits: ReadonlyMap<string, readonly Edit[]>;
  /** What else changes with the name. */
  readonly warning: string | undefined;
}

export const isRefused = (result: object): result is Refusal => "why" in result;

/** Whether what stands at an offset has a name that can be changed. */
export function prepareRename(document: Document, offset: number): Renamable | Refusal {
  const found = occurrenceAt(document.binding, offset);
  if (!found) return { why: "there is no name here" };
  const { definition, span } = found;
  const { name } = definition;
  if (!("span" in definition)) return { why: `\`${name}\` is built in` };
  if (definition.kind === "file") return { why: `"${name}" is the name of a file` };
  if (definition.span.source.name === stdName)
    return { why: `\`${name}\` is a name of the standard library` };
  return { span, name };
}

export function rename(
  workspace: Workspace,
  document: Document,
  offset: number,
  wanted: string,
): Renaming | Refusal {
  const prepared = prepareRename(document, offset);
  if (isRefused(prepared)) return prepared;
  const definition = occurrenceAt(document.binding, offset)!.definition as Written;
  const { name } = definition;
  if (!isName(wanted)) return { why: `\`${wanted}\` is not a name, or a word of the language` };
  const documents = documentsAround(workspace, document, definition);
  const occurrences = occurrencesOf(definition, documents);
  if (wanted !== name) {
    const why =
      openUse(definition, documents) ??
      strideUse(definition, wanted) ??
      collision(definition, wanted, documents);
    if (why !== undefined) return { why };
  }
  const edits = new Map<string, Edit[]>();
  for (const { span } of occurrences) {
    const own = edits.get(span.source.name);
    if (own) own.push({ span, text: wanted });
    else edits.set(span.source.name, [{ span, text: wanted }]);
  }
  return { edits, warning: consequence(definition, wanted, documents) };
}

/** A single token that the lexer takes for a name. */
function isName(text: string): boolean {
  const { tokens, errors, groups } = t.lexer.tokenize(text);
  const isOne = tokens.length === 1 && errors.length === 0 && (groups.comments ?? []).length === 0;
  return isOne && tokens[0].tokenType === t.Name && tokens[0].image === text;
}

/** A label or parameter that is named where only a built net would show whose it is. */
function openUse({ kind, name }: Definition, documents: readonly Document[]): string | undefined {
  if (kind !== "label" && kind !== "parameter") return undefined;
  const where = documents.find(({ binding }) => binding?.open.has(name));
  if (!where) return undefined;
  const use = kind === "label" ? "a part" : "an argument";
  return `${where.source.name} has ${use} \`${name}\` whose owner is only known when a net is built: it may be this one`;
}

/** `/2` sets the parameter that is called `stride`. */
function strideUse({ kind, name }: Definition, wanted: string): string | undefined {
  if (kind !== "parameter" || (name !== "stride" && wanted !== "stride")) return undefined;
  return "`/2` sets the parameter that is called `stride`, so this would change what it means";
}

/** Where the new name already means something that it would hide, or that would hide it. */
function collision(definition: Written, wanted: string, documents: readonly Document[]): string | undefined {
  for (const { module, binding, source } of documents) {
    if (
      !module ||
      !binding?.occurrences.some((occurrence) => sameDefinition(occurrence.definition, definition))
    )
      continue;
    const owners = module.file.items.filter((item) => item.kind !== "use" && item.kind !== "names");
    const seeing = owners.filter((owner) => isSeenIn(definition, owner, module));
    // A part of what another net made is no name here.
    if (isLocal(definition) && seeing.length === 0) continue;
    const outer = visibleIn(module).get(wanted);
    if (outer) return taken(wanted, outer, source.name);
    for (const owner of seeing) {
      const inner = scopeOf(owner, module).locals.get(wanted);
      if (inner) return taken(wanted, inner, source.name);
    }
  }
  return undefined;
}

const isLocal = (definition: Written): boolean =>
  "owner" in definition && (definition.kind !== "let" || definition.owner !== definition.row);

/** Whether a name of the file, or of a declaration, is visible in a declaration. */
function isSeenIn(definition: Written, owner: Owner, module: Written["module"]): boolean {
  if (!isLocal(definition)) return true;
  const seen = scopeOf(owner, module).locals.get(definition.name);
  return seen !== undefined && sameDefinition(seen, definition);
}

function taken(name: string, by: Definition, file: string): string {
  const what = by.kind === "table" ? "table of names" : by.kind;
  return "span" in by ? `${file} has a ${what} \`${name}\` already` : `\`${name}\` is built in`;
}

/** Labels are in the names of weights, and so are the words of steps without one. */
function consequence(
  definition: Definition,
  wanted: string,
  documents: readonly Document[],
): string | undefined {
  const { kind, name } = definition;
  if (name === wanted) return undefined;
  const change = "tables of names and saved checkpoints need the same change";
  if (kind === "label")
    return `weights called \`${name}.…\` are called \`${wanted}.…\` from here on: ${change}`;
  if (!documents.some((document) => namesSteps(definition, document))) return undefined;
  return `the weights of steps without a label are called after \`${name}\`, and after \`${wanted}\` from here on: ${change}`;
}

/** Whether a step without a label is written with a name. */
function namesSteps(definition: Definition, { module, binding }: Document): boolean {
  const uses = new Set<number>();
  for (const occurrence of binding?.occurrences ?? [])
    if (sameDefinition(occurrence.definition, definition)) uses.add(occurrence.span.start);
  return (module?.file.items ?? []).some((item) => {
    if (item.kind !== "block" && item.kind !== "net") return false;
    // A step that is named by its label has no name of its own.
    return [...nameSteps(item.rows)].some(([step, own]) => own !== "" && uses.has(step.span.start));
  });
}
