/** Changes to texts, and the one that several features make: bringing a name of std into a file. */
import type { Span } from "../base/source.ts";
import * as t from "../parser/tokens.ts";
import type { Document } from "./document.ts";

export interface Edit {
  readonly span: Span;
  readonly text: string;
}

/** Adds a name to the `use` row of a module, or such a row below those there are. */
export function addUse({ source, module, tokens, lineBreak }: Document, name: string, from = "std"): Edit {
  const at = (offset: number) => ({ source, start: offset, end: offset });
  const uses = (module?.file.items ?? []).filter((item) => item.kind === "use");
  const last = uses.find((use) => !use.isPath && use.module.text === from)?.names.at(-1);
  if (last) return { span: at(last.span.end), text: `, ${name}` };
  const row = `use ${name} from ${from}`;
  const edition = tokens.find(({ tokenType }) => tokenType === t.Edition);
  const above = uses.at(-1)?.span.end ?? (edition && edition.startOffset + edition.image.length);
  if (above !== undefined) return { span: at(endOfLine(source.text, above)), text: `${lineBreak}${row}` };
  // What takes the place of a byte-order mark stays the first.
  return { span: at(source.text.startsWith(" ") ? 1 : 0), text: `${row}${lineBreak}${lineBreak}` };
}

/** Behind what else stands in the line, comments included. */
function endOfLine(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return text.slice(0, end < 0 ? text.length : end).trimEnd().length;
}

/** A text after edits that do not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let changed = text;
  for (const { span, text: inserted } of [...edits].sort((a, b) => b.span.start - a.span.start))
    changed = changed.slice(0, span.start) + inserted + changed.slice(span.end);
  return changed;
}
