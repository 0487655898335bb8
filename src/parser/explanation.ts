/** What explaining a stumble of the parser works with: the stumble, the tokens around it, and what comes of it. */
import type { IToken, TokenType } from "chevrotain";
import type { Code, Fix, Note } from "../base/diagnostic.ts";
import type { MessageParams } from "../base/messages.ts";
import type { Source, Span } from "../base/source.ts";
import * as t from "./tokens.ts";

export interface Stumble {
  readonly source: Source;
  /** The tokens of the parse, and where in them it stumbled; `tokens.length` is the end of the file. */
  readonly tokens: readonly IToken[];
  readonly index: number;
  /** The grammar rules it was in, outermost first. */
  readonly rules: readonly string[];
  /** The rest of a row that already read as a whole. */
  readonly isTail: boolean;
}

export type Explanation = {
  [C in Code]: {
    readonly code: C;
    readonly params: MessageParams<C>;
    readonly hint?: string;
    readonly at: IToken;
    /** More than the token. */
    readonly span?: Span;
    readonly notes?: readonly Note[];
    readonly fixes?: readonly Fix[];
  };
}[Code];

/** What an operand may end in. */
export const operandEnds = new Set<TokenType>([
  t.Name,
  t.NumberToken,
  t.Size,
  t.In,
  t.None,
  t.RightParen,
  t.RightBracket,
]);
/** The tokens around the stumble. */
export interface Context {
  readonly at: IToken;
  readonly type: TokenType;
  readonly previous: IToken | undefined;
  readonly before: TokenType | undefined;
  readonly next: IToken | undefined;
  readonly after: TokenType | undefined;
}

export function contextOf({ tokens, index }: Stumble): Context {
  const at = tokens[index];
  const previous: IToken | undefined = tokens[index - 1];
  const next: IToken | undefined = tokens[index + 1];
  return { at, type: at.tokenType, previous, before: previous?.tokenType, next, after: next?.tokenType };
}

/** Undefined where it fits nothing that this knows. */
export type Explain = (stumble: Stumble, context: Context) => Explanation | undefined;

export const startsRow = (before: TokenType | undefined): boolean =>
  before === undefined || t.startsRows.has(before);
