/**
 * Between lexer and parser: keeps a newline only where a row can end, and balances the brackets, so that
 * the parser never sees an unmatched one and an error stays in its row.
 *
 * 1. inside `( )` newlines are nothing;
 * 2. after an operator, `,` `:` `=` `.` or an opening bracket a newline is nothing;
 * 3. before an operator (not a prefix), `else`, `from`, `,` `.` `=` or a closing bracket a newline is nothing;
 * 4. several separators are one; a comma before `)` is dropped.
 * 5. at the start of a line, words that start a row or declaration do so, whatever stands before them.
 *
 * Brackets: a closing bracket closes what is open inside its `{ }` and reports the rest; a declaration at the
 * start of a line closes everything open, for it exists only at top level, unless all braces of the file close; inside `(` a line that starts a row
 * for certain closes it; what closes nothing is dropped, or closes a bracket of another form that nothing else does.
 */
import { createTokenInstance, type IToken, type TokenType } from "chevrotain";
import * as t from "./tokens.ts";

export type BracketProblem =
  | {
      readonly code: "unclosed-bracket";
      readonly token: IToken;
      readonly missing: string;
      /** The last token inside. */
      readonly after: IToken | undefined;
      /** The first token that cannot stand inside any more; undefined at the end of the file. */
      readonly near: IToken | undefined;
    }
  | { readonly code: "stray-bracket"; readonly token: IToken }
  /** A closing bracket of another form: `token` stands where `wanted` should. */
  | {
      readonly code: "wrong-bracket";
      readonly token: IToken;
      readonly opener: IToken;
      readonly wanted: string;
    };

export interface Separated {
  readonly tokens: IToken[];
  readonly problems: readonly BracketProblem[];
  /** The first bracket that is nested too deep: nothing from there on was looked at. */
  readonly tooDeep?: IToken;
}

const operators = [...t.precedence.keys()];
/** Behind these a row is not at its end. */
export const asksForMore: ReadonlySet<TokenType> = new Set([
  ...operators,
  ...[t.Not, t.Comma, t.Colon, t.Assign, t.Dot],
]);
const cannotEnd = new Set<TokenType>([...asksForMore, ...t.brackets.keys(), t.Separator]);
/** At the start of a line these belong to the row above. */
export const continuesRow: ReadonlySet<TokenType> = new Set([
  ...operators,
  ...[t.Else, t.From, t.Comma, t.Dot, t.Assign],
  ...t.brackets.values(),
]);
/** At the start of a line these close whatever is open. */
export const declarations: ReadonlySet<TokenType> = new Set([t.Net, t.Block, t.Use, t.Names]);
/** At the start of a line these start a row or a declaration. */
export const startsRow: ReadonlySet<TokenType> = new Set([
  ...declarations,
  t.Let,
  t.Input,
  t.Output,
  t.Default,
  t.Expect,
]);
const closerText = new Map([
  [t.RightParen, ")"],
  [t.RightBracket, "]"],
  [t.RightBrace, "}"],
]);

export function separate(tokens: readonly IToken[], deepest: number): Separated {
  const out: IToken[] = [];
  const open: IToken[] = [];
  const problems: BracketProblem[] = [];

  const insert = (type: TokenType, image: string, near: IToken) =>
    out.push(createTokenInstance(type, image, near.startOffset, near.startOffset, 0, 0, 0, 0));
  const closeTop = (at: IToken, near: IToken | undefined) => {
    const opener = open.pop()!;
    const type = t.brackets.get(opener.tokenType)!;
    const missing = closerText.get(type)!;
    problems.push({ code: "unclosed-bracket", token: opener, missing, near, after: out[out.length - 1] });
    insert(type, missing, at);
  };
  const closeAll = (at: IToken, near: IToken | undefined, while_: (opener: IToken) => boolean) => {
    while (open.length > 0 && while_(open[open.length - 1])) closeTop(at, near);
  };
  /** Whether the innermost bracket is closed further on in its row. */
  const isClosedLater = (from: number) => {
    const wanted = t.brackets.get(open[open.length - 1].tokenType);
    let depth = 0;
    for (
      let i = from;
      i < tokens.length && tokens[i].tokenType !== t.RightBrace && !isSeparator(tokens[i]);
      i++
    ) {
      if (tokens[i].tokenType === wanted && depth === 0) return true;
      if (t.brackets.get(tokens[i].tokenType) === wanted) depth++;
      else if (tokens[i].tokenType === wanted) depth--;
    }
    return false;
  };
  const dropSeparators = () => {
    while (out.length > 0 && out[out.length - 1].tokenType === t.Separator) out.pop();
  };

  // The next two tokens that are no separators, looked up from the end once.
  const next = new Array<number>(tokens.length + 1).fill(tokens.length);
  for (let i = tokens.length - 1; i >= 0; i--)
    next[i] = tokens[i].tokenType === t.Separator ? next[i + 1] : i;

  const isBalanced = bracesBalance(tokens);

  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    const type = token.tokenType;
    const startsLine = i === 0 || tokens[i - 1].image === "\n";

    // `names: conv(…)` is a row with a bad label, not a declaration.
    const starts = startsLine && startsRow.has(type) && tokens[next[i + 1]]?.tokenType !== t.Colon;
    // In a file whose braces all close, a declaration inside a body is nested: the parser tells.
    const isNested = isBalanced && open.some((opener) => opener.tokenType === t.LeftBrace);
    if (starts && declarations.has(type) && !isNested) {
      dropSeparators();
      closeAll(token, token, () => true);
    }
    if (starts && out.length > 0) {
      // Whatever the row above ends in: these words continue nothing.
      const last = out[out.length - 1].tokenType;
      if (last !== t.Separator && !t.brackets.has(last)) insert(t.Separator, "\n", token);
    }
    if (type === t.Separator) {
      const following: IToken | undefined = tokens[next[i]];
      const afterThat: IToken | undefined = following && tokens[next[next[i] + 1]];
      const isNewline = token.image === "\n";
      if (isNewline && open[open.length - 1]?.tokenType === t.LeftParen) {
        const before = out[out.length - 1]?.tokenType;
        const label =
          following?.tokenType === t.Name &&
          afterThat?.tokenType === t.Colon &&
          before !== t.Comma &&
          before !== t.LeftParen;
        // A quote that is never closed has swallowed the bracket that would close the call.
        const swallowed =
          tokens[i - 1].tokenType === t.BadText &&
          open[open.length - 1].startLine === tokens[i - 1].startLine;
        if (following && !startsRow.has(following.tokenType) && !label && !swallowed) continue;
        closeAll(token, following, (opener) => opener.tokenType === t.LeftParen);
      }
      const last = out[out.length - 1]?.tokenType;
      if (!following || !last || cannotEnd.has(last)) continue;
      if (isNewline && continuesRow.has(following.tokenType)) continue;
      if (following.tokenType === t.RightBrace || following.tokenType === t.RightBracket) continue;
      out.push(token);
      continue;
    }
    if (t.brackets.has(type)) {
      open.push(token);
      if (open.length > deepest) return { tokens: out, problems, tooDeep: token };
    } else if (t.closers.has(type)) {
      if (type === t.RightParen && out[out.length - 1]?.tokenType === t.Comma) out.pop();
      const opener = open.findLastIndex((o) => t.brackets.get(o.tokenType) === type);
      const brace = open.findLastIndex((o) => o.tokenType === t.LeftBrace);
      if (opener < 0 || (type !== t.RightBrace && opener < brace)) {
        if (type === t.RightBrace || brace === open.length - 1 || isClosedLater(i + 1)) {
          problems.push({ code: "stray-bracket", token });
          continue;
        }
        const top = open.pop()!;
        const wanted = t.brackets.get(top.tokenType)!;
        problems.push({ code: "wrong-bracket", token, opener: top, wanted: closerText.get(wanted)! });
        insert(wanted, closerText.get(wanted)!, token);
        continue;
      }
      while (open.length - 1 > opener) closeTop(token, token);
      open.pop();
    }
    out.push(token);
  }
  const last = tokens[tokens.length - 1];
  if (last) {
    dropSeparators();
    while (open.length > 0) closeTop(last, undefined);
  }
  return { tokens: out, problems };
}

const isSeparator = ({ tokenType }: IToken): boolean => tokenType === t.Separator;

/** Whether every brace closes, counted alone. */
function bracesBalance(tokens: readonly IToken[]): boolean {
  let depth = 0;
  for (const { tokenType } of tokens) {
    if (tokenType === t.LeftBrace) depth++;
    else if (tokenType === t.RightBrace && --depth < 0) return false;
  }
  return depth === 0;
}
