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
const comments = new Set<TokenType>([t.Comment, t.Doc]);

export function cursorAt({ source, tokens: all }: Document, offset: number): Cursor {
  const reader = new Reader();
  let start = offset;
  let inside: IToken | undefined;
  for (const [i, token] of all.entries()) {
    const { tokenType: type, startOffset, image } = token;
    const end = startOffset + image.length;
    if (startOffset >= offset) break;
    if (comments.has(type)) {
      if (offset <= end) inside = token;
      continue;
    }
    // Behind its last character an open quote goes on, a closed one is over.
    if ((type === t.Text && offset < end) || (type === t.BadText && offset <= end)) inside = token;
    if (type === t.Separator) {
      reader.endLine(image);
      continue;
    }
    reader.reach(type, all[i + 1]?.tokenType === t.Colon);
    if (offset <= end && words.has(type)) {
      start = startOffset;
      break;
    }
    reader.take(token);
  }
  const { tokens, open, row } = reader;
  return { word: { source, start, end: offset }, inside, open, tokens, row };
}

/** Follows rows and brackets through the tokens of a text. */
class Reader {
  readonly tokens: IToken[] = [];
  readonly open: Bracket[] = [];
  #rowFrom = 0;
  /** Whether the next token begins a row, and whether it begins a line. */
  #isFresh = true;
  #isFirst = true;

  /** What was read of the row that the next token belongs to. */
  get row(): readonly IToken[] {
    return this.#isFresh ? [] : this.tokens.slice(this.#rowFrom);
  }

  get #last(): TokenType | undefined {
    return this.tokens[this.tokens.length - 1]?.tokenType;
  }

  get #innermost(): TokenType | undefined {
    return this.open[this.open.length - 1]?.type;
  }

  /** A line break or `;`. */
  endLine(image: string): void {
    this.#isFirst = image === "\n";
    const goesOn = this.#innermost === t.LeftParen || (this.#last && asksForMore.has(this.#last));
    if (!this.#isFirst || !goesOn) this.#isFresh = true;
  }

  /** A token comes next: what it ends by starting a row. */
  reach(type: TokenType, isBeforeColon: boolean): void {
    const isLabel = type === t.Name && isBeforeColon && this.#last !== t.Comma && this.#last !== t.LeftParen;
    if (this.#isFirst && this.#innermost === t.LeftParen && (isLabel || startsRow.has(type))) {
      while (this.#innermost === t.LeftParen) this.open.pop();
      this.#isFresh = true;
    }
    // Whatever the row above ends in, these words continue nothing.
    if (this.#isFirst && startsRow.has(type)) this.#isFresh = true;
    if (this.#isFirst && declarations.has(type)) this.open.length = 0;
    this.#isFirst = false;
  }

  take(token: IToken): void {
    const type = token.tokenType;
    if (this.#isFresh && !continuesRow.has(type)) this.#rowFrom = this.tokens.length;
    this.#isFresh = false;
    if (t.brackets.has(type)) {
      this.open.push({ type, index: this.tokens.length, rowFrom: this.#rowFrom });
      this.#isFresh = type !== t.LeftParen;
    }
    const opener = this.open.findLastIndex((bracket) => t.brackets.get(bracket.type) === type);
    if (opener >= 0) {
      this.#rowFrom = this.open[opener].rowFrom;
      this.open.length = opener;
    }
    this.tokens.push(token);
  }
}
