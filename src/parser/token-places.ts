/** Where tokens stand in their text, and which brackets belong together. */
import type { IToken } from "chevrotain";
import type { Source, Span } from "../base/source.ts";
import * as t from "./tokens.ts";

/** The place of a token; what recovery inserted, and the end of the file, have none and are put at the end. */
export function spanOf(source: Source, token: IToken): Span {
  const start = Number.isNaN(token.startOffset) ? source.text.length : token.startOffset;
  return { source, start, end: start + (token.image === "\n" || !isWritten(token) ? 0 : token.image.length) };
}

/** From the start of one token to the end of another. */
export function spanFrom(source: Source, first: IToken, last: IToken): Span {
  return { source, start: spanOf(source, first).start, end: spanOf(source, last).end };
}

/** Whether nothing stands between two tokens. */
export const touches = (a: IToken | undefined, b: IToken | undefined): boolean =>
  a !== undefined && b !== undefined && a.startOffset + a.image.length === b.startOffset;

/** The bracket that closes the one at `index`, if it stands in the text. */
export function closerOf(tokens: readonly IToken[], index: number): IToken | undefined {
  let depth = 0;
  for (let i = index; i < tokens.length; i++) {
    if (t.brackets.has(tokens[i].tokenType)) depth++;
    else if (t.closers.has(tokens[i].tokenType) && --depth === 0)
      return isWritten(tokens[i]) ? tokens[i] : undefined;
  }
  return undefined;
}

/** The innermost bracket that is open at `index`. */
export function openerAround(tokens: readonly IToken[], index: number): number {
  let depth = 0;
  for (let i = index - 1; i >= 0; i--) {
    if (t.closers.has(tokens[i].tokenType)) depth++;
    else if (t.brackets.has(tokens[i].tokenType) && depth-- === 0) return i;
  }
  return -1;
}

/** Whether a token stands in the text: the separators step closes open brackets with tokens that do not. */
const isWritten = ({ startLine }: IToken): boolean => startLine !== 0;

/** Whether `b` stands on a line below `a`. */
export const isBelow = (b: IToken, a: IToken): boolean => (a.startLine ?? 0) < (b.startLine ?? 0);
