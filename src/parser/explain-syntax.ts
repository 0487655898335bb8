/**
 * What the parser stumbled over → a sentence a person wants to read. Chevrotain's own messages are never
 * shown; rules here look at the token, its neighbours and where in the grammar it stood. The first that
 * fits wins, so the specific stand before the general.
 */
import type { IToken, TokenType } from "chevrotain";
import { insertAfter, insertBefore, replace, write } from "../base/fix.ts";
import type { Source } from "../base/source.ts";
import { explainBrackets } from "./explain-brackets.ts";
import { explainForeign, explainPieces, explainPoint } from "./explain-foreign.ts";
import {
  type Context,
  contextOf,
  type Explain,
  type Explanation,
  operandEnds,
  type Stumble,
  startsRow,
} from "./explanation.ts";
import { spanFrom, spanOf, touches } from "./token-places.ts";
import * as t from "./tokens.ts";

const operators = new Set<TokenType>([...t.precedence.keys()]);
const pathOperators = new Set<TokenType>([t.Arrow, t.Bar, t.Plus, t.Star, t.Times, t.Slash, t.Minus]);
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

export function explainSyntax(stumble: Stumble): Explanation {
  const { tokens, index } = stumble;
  const at = tokens[index];
  if (!at) {
    return {
      code: "incomplete-row",
      params: { where: "the file ends in the middle of a row" },
      hint: "finish the row or remove it",
      at: tokens[index - 1],
    };
  }
  if (at.tokenType === t.Edition) {
    const params = { text: `\`${at.image}\`` };
    return { code: "unexpected-token", params, hint: "the edition is the first line of a file", at };
  }
  for (const explain of explanations) {
    const found = explain(stumble, contextOf(stumble));
    if (found) return found;
  }
  return explainRest(stumble, contextOf(stumble));
}

/** Words of the language where names should stand, and signs behind words that want none. */
const explainWords: Explain = ({ source, tokens, index }, { at, type, previous, before, next, after }) => {
  // `input = 8x8x3`, `input: 8x8x3`, `expect params = 0`: the sign is one too many.
  const sign =
    type === t.Colon || type === t.Assign
      ? at
      : after === t.Colon && isShape(tokens[index + 2])
        ? next
        : undefined;
  const word = sign === at ? previous : at;
  const inExpect = tokens[index - 2]?.tokenType === t.Expect && sign === at;
  if (
    sign &&
    word &&
    (inExpect ||
      (wantsNoSign.has(word.tokenType) &&
        (sign.tokenType === t.Assign || isShape(tokens[tokens.indexOf(sign) + 1]))))
  ) {
    const params = { sign: sign.image, word: word.image };
    const fix = write(spanOf(source, sign), "");
    const rest = source.text
      .slice(spanOf(source, sign).end)
      .split(/[\n;}#]/)[0]
      .trim();
    const hint = rest ? `remove it: \`${inExpect ? "expect " : ""}${word.image} ${rest}\`` : "remove it";
    return { code: "stray-sign", params, hint, at: sign, fixes: [fix] };
  }
  const reserved = reservedLabel(at, next) ?? (type === t.Colon ? reservedLabel(previous, at) : undefined);
  if (reserved) {
    const { image } = reserved;
    const isTimes = reserved.tokenType === t.Times;
    const hint = isTimes ? "`x` is the sign for repetition" : `call the row \`${image}1\` or anything else`;
    return { code: "reserved-label", params: { word: image }, hint, at: reserved };
  }
  const need = before && needs.get(before);
  if (need && type !== t.Colon) {
    const params = { word: previous!.image, needs: need[0] };
    return {
      code: "missing-part",
      params,
      hint: need[1],
      at: type === t.Separator || t.closers.has(type) ? previous! : at,
    };
  }
  const first: IToken | undefined = tokens[index - 2];
  const endsRow = type === t.Separator || t.closers.has(type);
  if (endsRow && before === t.Name && (first?.tokenType === t.Let || first?.tokenType === t.Use)) {
    const [part, example] = needs.get(first.tokenType)!;
    const lacking = first.tokenType === t.Let ? "a value" : part;
    return {
      code: "missing-part",
      params: { word: first.image, needs: lacking },
      hint: example,
      at: first,
      span: spanFrom(source, first, previous!),
    };
  }
  if (before === t.Block || before === t.Net || before === t.Names) {
    const hint = `\`${previous!.image} name${before === t.Names ? "" : "(...)"} { ... }\``;
    return { code: "missing-name", params: { what: previous!.image }, hint, at: previous! };
  }
  return undefined;
};

const wantsNoSign = new Set<TokenType>([t.Input, t.Output, t.Expect]);

/** What an input may be: then `input:` is no label. */
const isShape = (token: IToken | undefined): boolean =>
  token !== undefined &&
  (token.tokenType === t.Size ||
    token.tokenType === t.NumberToken ||
    token.tokenType === t.LeftParen ||
    /^(image|imagenet|caffe|cifar10|dlib_face)$/.test(token.image));

const explainRows: Explain = (
  { source, tokens, index, rules, isTail },
  { at, type, previous, before, next, after },
) => {
  if (type === t.Assign) return explainAssignment({ source, tokens, index, rules });
  if (type === t.Colon && tokens[index - 2]?.tokenType === t.Let && after === t.Name) {
    const hint = "a `let` has the kind of its value: `let n = 3`";
    const fixes = [write(spanFrom(source, at, next!), "")];
    return { code: "unexpected-token", params: { text: "`:`" }, hint, at, fixes };
  }
  if (wordSet.has(type) && after === t.Assign && (rules.includes("args") || rules.includes("params"))) {
    const hint = `\`${at.image}\` is a word of the language, and no parameter is called so`;
    return { code: "unexpected-token", params: { text: `\`${at.image}\`` }, hint, at };
  }
  if (type === t.Colon && (before === t.Name || before === t.NumberToken)) {
    const joined = joinedName(source, tokens, index);
    if (joined) return joined;
    const last: IToken | undefined = tokens[index - 2];
    if (last?.startLine === previous!.startLine) {
      const hint = "a label stands at the start of a row";
      return { code: "unexpected-token", params: { text: "`:`" }, hint, at };
    }
    const hint = `remove the \`${last?.image ?? "->"}\` at the end of the row above, or go on after it`;
    const notes = last ? { notes: [{ message: "the row above ends here", span: spanOf(source, last) }] } : {};
    return { code: "unfinished-row", params: { label: previous!.image }, hint, at: previous!, ...notes };
  }
  const begins = startsRow(before) || !before || before === t.Colon;
  if (pathOperators.has(type) && begins) {
    const isLeadingArrow = before === t.Colon && type === t.Arrow && next !== undefined;
    const hint =
      before === t.Colon
        ? `the row starts from the row above anyway: leave out \`${at.image}\``
        : "put a step, a label or `in` before it";
    const fixes = isLeadingArrow
      ? { fixes: [write({ ...spanOf(source, at), end: spanOf(source, next).start }, "")] }
      : {};
    return { code: "missing-operand", params: { side: "before", operator: at.image }, hint, at, ...fixes };
  }
  if (before && operators.has(before)) {
    const hint =
      before === t.Times
        ? "say how often: `x 3`"
        : before === t.Slash
          ? "say the stride: `/2`"
          : before === t.Percent
            ? "`%` is the remainder of a division; a share is a number such as 0.5"
            : type === before
              ? `there is one \`${at.image}\` too many`
              : "finish the row or remove it";
    const fixes =
      type === before && type === t.Arrow
        ? { fixes: [write({ ...spanOf(source, at), start: spanOf(source, previous!).end }, "")] }
        : {};
    return {
      code: "missing-operand",
      params: { side: "after", operator: previous!.image },
      hint,
      at: previous!,
      ...fixes,
    };
  }
  if (type === t.Separator || ((before === t.Colon || before === t.Assign) && t.closers.has(type))) {
    const label = before === t.Colon ? tokens[index - 2]?.image : undefined;
    const named = before === t.Assign ? `\`${tokens[index - 2]?.image} =\`` : undefined;
    const where =
      label !== undefined
        ? `nothing follows \`${label}:\``
        : named !== undefined
          ? `nothing follows ${named}`
          : "the row ends too early";
    const hint =
      before === t.Comma ? "remove the comma, or add what should follow it" : "finish the row or remove it";
    return { code: "incomplete-row", params: { where }, hint, at: previous ?? at };
  }
  if (t.startsOperand.has(type) && before && operandEnds.has(before) && isTail) {
    return explainNeighbours(source, previous!, at);
  }
  if (declarations.has(type)) {
    const hint = "declare it at the top of the file, behind the `}` of the one above";
    return { code: "nested-declaration", params: { word: at.image }, hint, at };
  }
  return undefined;
};

/** `conv1 = ...`: a label, or a number that has no `let`. */
function explainAssignment({
  source,
  tokens,
  index,
  rules,
}: Pick<Stumble, "source" | "tokens" | "index" | "rules">): Explanation {
  const at = tokens[index];
  if (rules.includes("names")) {
    const hint = "the lines of a table have an arrow: `scale -> weight`";
    return { code: "stray-assignment", params: {}, hint, at, fixes: [write(spanOf(source, at), "->")] };
  }
  const [before, label]: readonly (IToken | undefined)[] = [tokens[index - 2], tokens[index - 1]];
  if (before?.tokenType === t.Default) {
    const hint = "`default` takes settings of a block or operation: `default bn(eps = 1e-3)`";
    return { code: "stray-assignment", params: {}, hint, at };
  }
  const isName = label?.tokenType === t.Name;
  const name = isName ? label.image : "name";
  const hint = `a label has a colon: \`${name}: ...\`; a number is named with \`let ${name} = ...\``;
  if (!isName || !startsRow(before?.tokenType)) return { code: "stray-assignment", params: {}, hint, at };
  const value: IToken | undefined = tokens[index + 1];
  const isNumber =
    value?.tokenType === t.NumberToken && t.endsRows.has(tokens[index + 2]?.tokenType ?? t.Separator);
  const place = spanOf(source, label);
  const fix = isNumber
    ? { title: `write \`let ${name} = ...\``, edits: [insertBefore(place, "let ")] }
    : {
        title: `write \`${name}: ...\``,
        edits: [replace({ ...spanOf(source, at), start: place.end }, ":")],
      };
  return { code: "stray-assignment", params: {}, hint, at, fixes: [fix] };
}

/** Two steps, or a step and a number, with nothing between them. */
function explainNeighbours(source: Source, previous: IToken, at: IToken): Explanation {
  const span = spanOf(source, at);
  const { tokenType: type } = at;
  if (type === t.Size || type === t.NumberToken) {
    const isCalled = previous.tokenType !== t.Name;
    if (isCalled && type === t.NumberToken) {
      const hint = `a block is repeated with \`x ${at.image}\`, and its stride is \`/${at.image}\``;
      const fixes = [`x ${at.image}`, `/${at.image}`].map((text) => write(span, text));
      return { code: "missing-arrow", params: {}, hint, at, fixes };
    }
    const hint = isCalled
      ? "a size is an argument: `conv(3x3, 64)`"
      : `arguments go in parentheses: \`${previous.image}(${at.image})\``;
    return { code: "missing-arrow", params: {}, hint, at };
  }
  const fixes = [{ title: "add `->`", edits: [insertAfter(spanOf(source, previous), " ->")] }];
  return { code: "missing-arrow", params: {}, hint: `write \`-> ${at.image}\``, at, fixes };
}

/** A row that begins with `my-stem:` or `layer1.0:`. */
function joinedName(source: Source, tokens: readonly IToken[], index: number): Explanation | undefined {
  let first = index - 1;
  while (
    first > 0 &&
    touches(tokens[first - 1], tokens[first]) &&
    !t.brackets.has(tokens[first - 1].tokenType) &&
    tokens[first - 1].tokenType !== t.Separator
  )
    first--;
  if (first === index - 1 || !startsRow(tokens[first - 1]?.tokenType)) return undefined;
  const span = spanFrom(source, tokens[first], tokens[index - 1]);
  const text = source.text.slice(span.start, span.end);
  const name = text.replace(/\W+/g, "_");
  const hint = `names have letters, digits and \`_\`: \`${name}\``;
  return { code: "bad-name", params: { text }, hint, at: tokens[first], span, fixes: [write(span, name)] };
}

const explanations: readonly Explain[] = [
  explainForeign,
  explainPieces,
  explainWords,
  explainBrackets,
  explainPoint,
  explainRows,
];

function explainRest({ source, rules }: Stumble, { at, type, previous, before }: Context): Explanation {
  const params = { text: `\`${at.image}\`` };
  if (rules.includes("params")) {
    if (type === t.Name && before === t.Name && kinds.has(previous!.image)) {
      const written = `${at.image}: ${previous!.image}`;
      const fixes = [write(spanFrom(source, previous!, at), written)];
      return {
        code: "unexpected-token",
        params,
        hint: `the kind stands behind the name: \`${written}\``,
        at,
        fixes,
      };
    }
    const hint = "a parameter is `name`, `name: kind` or `name = default`";
    return { code: "unexpected-token", params, hint, at };
  }
  if (rules.includes("names")) {
    const hint = 'a line of a table is `scale -> weight` or `"fc.{*}" -> "linear.{*}"`';
    return { code: "unexpected-token", params, hint, at };
  }
  if (type === t.NumberToken && startsRow(before ?? t.Separator)) {
    const hint = "if line numbers came along with the text, remove them; a row is `label: step -> step`";
    return { code: "unexpected-token", params, hint, at };
  }
  const hint =
    type === t.Else
      ? "`else` follows the `]` of an `if`"
      : "a row is `label: step -> step`; grammar/README.md shows every form";
  return { code: "unexpected-token", params, hint, at };
}

const kinds = new Set(["int", "float", "bool", "text", "size", "path"]);

/** A word of the language that stands where a label would: before a colon. */
function reservedLabel(token: IToken | undefined, next: IToken | undefined): IToken | undefined {
  return token && wordSet.has(token.tokenType) && next?.tokenType === t.Colon ? token : undefined;
}
