/** A call that is being typed: what is called, which arguments are done, and in which one the cursor is. */
import type { IToken, TokenType } from "chevrotain";
import * as t from "../parser/tokens.ts";
import type { Bracket, Cursor } from "./cursor.ts";
import { type Callee, calleeOf, type Scope } from "./scopes.ts";
import { parametersOf, type Taken } from "./signature.ts";

const closers = new Set<TokenType>(t.brackets.values());

/** What the parenthesis belongs to; undefined where it holds no arguments. */
export function calleeBefore(
  { tokens, word }: Cursor,
  { index }: Bracket,
  scope: Scope,
): Callee["definition"] | undefined {
  const name = tokens[index - 1];
  const before = tokens[index - 2]?.tokenType;
  if (name?.tokenType !== t.Name || before === t.Dot || before === t.Block || before === t.Net)
    return undefined;
  const span = { source: word.source, start: name.startOffset, end: name.startOffset + name.image.length };
  return calleeOf({ kind: "name", name: name.image, span }, scope)?.definition;
}

export interface Filled {
  readonly names: ReadonlySet<string>;
  readonly positional: number;
}

export interface TypedArguments {
  /** Tokens and name of the argument that the cursor is in. */
  readonly current: readonly IToken[];
  readonly name: string | undefined;
  /** Those before it. */
  readonly filled: Filled;
}

/** The tokens behind a parenthesis, up to the cursor. */
export function argumentsIn(tokens: readonly IToken[]): TypedArguments {
  const args: IToken[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (t.brackets.has(token.tokenType)) depth++;
    else if (closers.has(token.tokenType)) depth--;
    if (depth === 0 && token.tokenType === t.Comma) args.push([]);
    else args[args.length - 1].push(token);
  }
  const nameOf = (arg: readonly IToken[]) => (arg[1]?.tokenType === t.Assign ? arg[0].image : undefined);
  const current = args[args.length - 1];
  const done = args.slice(0, -1);
  const names = new Set(done.flatMap((arg) => nameOf(arg) ?? []));
  const filled = { names, positional: done.filter((arg) => nameOf(arg) === undefined).length };
  return { current, name: nameOf(current), filled };
}

/** The parameter that the next argument without a name fills. */
export function nextFree(callee: Callee["definition"], { positional }: Filled): Taken | undefined {
  // Functions take any number of numbers.
  return parametersOf(callee)[callee.kind === "function" ? 0 : positional];
}
