/**
 * What the parser stumbled over → a sentence a person wants to read. Chevrotain's own messages are never
 * shown; rules here look at the token, its neighbours and where in the grammar it stood. The first that
 * fits wins, so the specific stand before the general.
 */
import type { IToken, TokenType } from "chevrotain";
import type { Code } from "../base/diagnostic.ts";
import type { MessageParams } from "../base/messages.ts";
import * as t from "./tokens.ts";

export interface Stumble {
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
  };
}[Code];

const operandStarts = new Set<TokenType>([
  t.Name,
  t.NumberToken,
  t.BadNumber,
  t.Size,
  t.Text,
  t.In,
  t.None,
  t.True,
  t.False,
  t.LeftBracket,
  t.If,
]);
const operandEnds = new Set<TokenType>([
  t.Name,
  t.NumberToken,
  t.Size,
  t.In,
  t.None,
  t.RightParen,
  t.RightBracket,
]);
const pathOperators = new Set<TokenType>([t.Arrow, t.Bar, t.Plus, t.Star, t.Times, t.Slash, t.Minus]);
const closers = new Set<TokenType>(t.brackets.values());
const declarations = new Set<TokenType>([t.Net, t.Block, t.Names, t.Use]);
const wordSet = new Set(t.words);

const needs = new Map<TokenType, readonly [needs: string, example: string]>([
  [t.Let, ["a name and a value", "`let mid = 4 * width`"]],
  [t.Expect, ["what to check", "`expect params 25_557_032` or `expect conv5 -> 7x7x2048`"]],
  [t.Input, ["a shape", "`input imagenet(224x224x3)`"]],
  [t.Output, ["the label of a row", "`output conv4, conv5`"]],
  [t.Default, ["settings", "`default bn(eps = 1e-3)`"]],
  [t.Use, ["names and where they come from", "`use bottleneck from std`"]],
]);

export function explainSyntax({ tokens, index, rules, isTail }: Stumble): Explanation {
  const at = tokens[index];
  const previous: IToken | undefined = tokens[index - 1];
  const next: IToken | undefined = tokens[index + 1];
  const rule = rules[rules.length - 1];
  if (!at) {
    return {
      code: "incomplete-row",
      params: { where: "the file ends in the middle of a row" },
      hint: "finish the row or remove it",
      at: previous,
    };
  }
  const type = at.tokenType;
  const before = previous?.tokenType;
  const after = next?.tokenType;

  if (type === t.Edition) {
    const params = { text: `\`${at.image}\`` };
    return { code: "unexpected-token", params, hint: "the edition is the first line of a file", at };
  }

  // ---- signs and words of other notations ----
  if (type === t.Slash && before === t.Slash) {
    return { code: "slash-comment", params: {}, hint: "comments start with #", at: previous };
  }
  if (type === t.Name && /^x\d+$/.test(at.image)) {
    const hint = `repetition has a space: \`x ${at.image.slice(1)}\``;
    return { code: "joined-word", params: { text: at.image }, hint, at };
  }
  if (type === t.Name && ["stride", "strides", "s", "by"].includes(at.image) && isTail) {
    const stride = after === t.NumberToken ? next.image : "2";
    return { code: "stride-word", params: {}, hint: `\`/${stride}\` after the block`, at };
  }
  if (type === t.Name && ["repeat", "times"].includes(at.image) && isTail) {
    return { code: "repeat-word", params: { text: at.image }, hint: "a block is repeated with `x 3`", at };
  }
  if (type === t.Name && at.image === "X") {
    return { code: "capital-x", params: {}, hint: "write `x 3`", at };
  }

  // ---- words in the place of names ----
  const reserved = reservedLabel(at, next) ?? (type === t.Colon ? reservedLabel(previous, at) : undefined);
  if (reserved) {
    const { image } = reserved;
    const isTimes = reserved.tokenType === t.Times;
    const hint = isTimes ? "`x` is the sign for repetition" : `call the row \`${image}1\` or anything else`;
    return { code: "reserved-label", params: { word: image }, hint, at: reserved };
  }
  const need = before && needs.get(before);
  if (need && type !== t.Colon) {
    const params = { word: previous.image, needs: need[0] };
    return {
      code: "missing-part",
      params,
      hint: need[1],
      at: type === t.Separator || closers.has(type) ? previous : at,
    };
  }
  if (before === t.Block || before === t.Net || before === t.Names) {
    const hint = `\`${previous.image} name${before === t.Names ? "" : "(...)"} { ... }\``;
    return { code: "missing-name", params: { what: previous.image }, hint, at: previous };
  }

  // ---- brackets and commas ----
  if (type === t.LeftBracket && before === t.Name && isTail) {
    return { code: "square-arguments", params: {}, hint: `\`${previous.image}(...)\``, at };
  }
  if (type === t.LeftParen && after === t.RightParen && before !== t.Name) {
    return { code: "empty-parentheses", params: {}, hint: "put what belongs there, or remove them", at };
  }
  if (type === t.RightParen && before === t.LeftParen) {
    const hint = "put what belongs there, or remove them";
    return { code: "empty-parentheses", params: {}, hint, at: previous };
  }
  if (rule === "args" && operandStarts.has(type)) {
    return { code: "missing-comma", params: {}, hint: `write \`, ${at.image}\``, at };
  }
  if ((rule === "group" && rules[rules.length - 2] === "choice") || before === t.Else) {
    return { code: "missing-brackets", params: {}, hint: "`if a > b [ ... ] else [ ... ]`", at };
  }
  if (rules.length <= 2 && (type === t.Name || after === t.Colon) && !rules.includes("rows")) {
    return { code: "row-outside", params: {}, hint: "`net name { ... }`", at };
  }
  if (type === t.Comma) {
    const hint =
      after === t.Slash
        ? "the stride follows without one: `x 3 /2`"
        : before === t.Size || before === t.NumberToken
          ? "a convolution is written `conv(3x3, 64)`"
          : "commas stand between arguments, inside parentheses";
    return { code: "stray-comma", params: {}, hint, at };
  }

  // ---- rows ----
  if (type === t.Assign) {
    const name = before === t.Name ? previous.image : "name";
    const hint = `a label has a colon: \`${name}: ...\`; a number is named with \`let ${name} = ...\``;
    return { code: "stray-assignment", params: {}, hint, at };
  }
  if (type === t.Colon && before === t.Name) {
    const last: IToken | undefined = tokens[index - 2];
    if (last?.startLine === previous.startLine) {
      const hint = "a label stands at the start of a row";
      return { code: "unexpected-token", params: { text: "`:`" }, hint, at };
    }
    const hint = `remove the \`${last?.image ?? "->"}\` at the end of the row above`;
    return { code: "unfinished-row", params: { label: previous.image }, hint, at: previous };
  }
  const startsRow =
    !before ||
    before === t.Colon ||
    before === t.Separator ||
    before === t.LeftBrace ||
    before === t.LeftBracket;
  if (pathOperators.has(type) && startsRow) {
    const hint =
      before === t.Colon
        ? `the row starts from the row above anyway: leave out \`${at.image}\``
        : "put a step, a label or `in` before it";
    return { code: "missing-operand", params: { side: "before", operator: at.image }, hint, at };
  }
  if (before && pathOperators.has(before)) {
    const hint =
      before === t.Times
        ? "say how often: `x 3`"
        : before === t.Slash
          ? "say the stride: `/2`"
          : "finish the row or remove it";
    return {
      code: "missing-operand",
      params: { side: "after", operator: previous.image },
      hint,
      at: previous,
    };
  }
  if (type === t.Separator || ((before === t.Colon || before === t.Assign) && closers.has(type))) {
    const hint =
      before === t.Comma ? "remove the comma, or add what should follow it" : "finish the row or remove it";
    return { code: "incomplete-row", params: { where: "the row ends too early" }, hint, at: previous ?? at };
  }
  if (operandStarts.has(type) && before && operandEnds.has(before) && isTail) {
    const isNumber = type === t.NumberToken || type === t.Size;
    const hint = isNumber
      ? `arguments go in parentheses: \`${previous.image}(${at.image})\``
      : `write \`-> ${at.image}\``;
    return { code: "missing-arrow", params: {}, hint, at };
  }
  if (declarations.has(type)) {
    const hint = "declare it at the top of the file, behind the `}` of the one above";
    return { code: "nested-declaration", params: { word: at.image }, hint, at };
  }
  if (rules.includes("params")) {
    const hint = "a parameter is `name`, `name: kind` or `name = default`";
    return { code: "unexpected-token", params: { text: `\`${at.image}\`` }, hint, at };
  }
  if (rules.includes("names")) {
    const hint = 'a line of a table is `scale -> weight` or `"fc.{*}" -> "linear.{*}"`';
    return { code: "unexpected-token", params: { text: `\`${at.image}\`` }, hint, at };
  }
  const hint =
    type === t.Else
      ? "`else` follows the `]` of an `if`"
      : "a row is `label: step -> step`; grammar/README.md shows every form";
  return { code: "unexpected-token", params: { text: `\`${at.image}\`` }, hint, at };
}

/** A word of the language that stands where a label would: before a colon. */
function reservedLabel(token: IToken | undefined, next: IToken | undefined): IToken | undefined {
  return token && wordSet.has(token.tokenType) && next?.tokenType === t.Colon ? token : undefined;
}

export type NumberProblem = { readonly text: string; readonly hint: string };

/** Why `3X3`, `3x`, `64k` or `1000d` is no number. */
export function explainNumber(text: string): NumberProblem {
  const hint = /^\d+(?:[xX]\d+)+$/.test(text)
    ? `sizes use a small x: ${text.replaceAll("X", "x")}`
    : /^\d+[xX]$/.test(text)
      ? `repetition comes after the block: \`block x ${text.slice(0, -1)}\``
      : /^[\d_.]+[kmgt]$/.test(text)
        ? `the suffixes are capital: ${text.slice(0, -1)}${text.slice(-1).toUpperCase()}`
        : /^[\d_.]+[A-Za-z]$/.test(text)
          ? "the number suffixes are K, M, G and T"
          : "names cannot start with a digit";
  return { text, hint };
}
