/**
 * What stands before a cursor, from the tokens alone: the text around it is half typed, and a tree of it says little.
 * Rows and brackets end where the parser has them end (parser/separators.ts).
 */
import type { IToken, TokenType } from "chevrotain";
import type { Span } from "../base/source.ts";
import { asksForMore, continuesRow, declarations, startsRow } from "../parser/separators.ts";
import * as t from "../parser/tokens.ts";
import type { Document } from "./document.ts";

export interface Cursor {
  /** What was typed of the word at the cursor, empty where none was begun. */
  readonly word: Span;
  /** The comment or text that the cursor is in. */
  readonly inside: IToken | undefined;
  /** Brackets open at the cursor, innermost last. */
  readonly open: readonly Bracket[];
  /** Tokens before the word, line breaks and comments left out. */
  readonly tokens: readonly IToken[];
  /** Those of the row that the cursor is in; empty at its start. */
  readonly row: readonly IToken[];
}

export interface Bracket {
  readonly type: TokenType;
  /** Its place among the cursor's tokens, and that of the first token of the row it is in. */
  readonly index: number;
  readonly rowFrom: number;
}

const words = new Set<TokenType>([t.Name, ...t.words]);
const openers = new Set<TokenType>(t.brackets.keys());
const closers = new Set<TokenType>(t.brackets.values());
const comments = new Set<TokenType>([t.Comment, t.Doc]);

export function cursorAt({ source, tokens: all }: Document, offset: number): Cursor {
  const tokens: IToken[] = [];
  const open: Bracket[] = [];
  let rowFrom = 0;
  let start = offset;
  let inside: IToken | undefined;
  /** Whether the next token begins a row. */
  let isFresh = true;
  let isFirstOfLine = true;
  for (const [i, token] of all.entries()) {
    const { tokenType: type, startOffset, image } = token;
    const end = startOffset + image.length;
    if (startOffset >= offset) break;
    if (comments.has(type)) {
      if (offset <= end) inside = token;
      continue;
    }
    const isText = type === t.Text || type === t.BadText;
    if (isText && offset < end + (type === t.BadText ? 1 : 0)) inside = token;
    const before = tokens[tokens.length - 1]?.tokenType;
    const innermost = open[open.length - 1]?.type;
    if (type === t.Separator) {
      isFirstOfLine = image === "\n";
      if (!isFirstOfLine || (innermost !== t.LeftParen && !(before && asksForMore.has(before))))
        isFresh = true;
      continue;
    }
    const labels = type === t.Name && all[i + 1]?.tokenType === t.Colon;
    const isRow = startsRow.has(type) || (labels && before !== t.Comma && before !== t.LeftParen);
    if (isFirstOfLine && innermost === t.LeftParen && isRow) {
      while (open[open.length - 1]?.type === t.LeftParen) open.pop();
      isFresh = true;
    }
    // Whatever the row above ends in, these words continue nothing.
    if (isFirstOfLine && startsRow.has(type)) isFresh = true;
    if (isFirstOfLine && declarations.has(type)) open.length = 0;
    isFirstOfLine = false;
    if (offset <= end && words.has(type)) {
      start = startOffset;
      break;
    }
    if (isFresh && !continuesRow.has(type)) rowFrom = tokens.length;
    isFresh = false;
    if (openers.has(type)) {
      open.push({ type, index: tokens.length, rowFrom });
      isFresh = type !== t.LeftParen;
    } else if (closers.has(type)) {
      const opener = open.findLastIndex((bracket) => t.brackets.get(bracket.type) === type);
      if (opener >= 0) {
        rowFrom = open[opener].rowFrom;
        open.length = opener;
      }
    }
    tokens.push(token);
  }
  const word = { source, start, end: offset };
  return { word, inside, open, tokens, row: isFresh ? [] : tokens.slice(rowFrom) };
}
