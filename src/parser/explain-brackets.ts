/** Brackets of the wrong form or in the wrong place, and commas. */
import type { IToken } from "chevrotain";
import type { Fix } from "../base/diagnostic.ts";
import { insertAfter, replace, write } from "../base/fix.ts";
import type { Source } from "../base/source.ts";
import { type Explain, type Explanation, operandEnds } from "./explanation.ts";
import { closerOf, isBelow, openerAround, spanFrom, spanOf, touches } from "./token-places.ts";
import * as t from "./tokens.ts";

export const explainBrackets: Explain = (
  { source, tokens, index, rules, isTail },
  { at, type, previous, before, after },
) => {
  const rule = rules[rules.length - 1];
  const swap = (open: string, close: string): { readonly fixes?: readonly Fix[] } => {
    const closer = closerOf(tokens, index);
    if (!closer) return {};
    const edits = [replace(spanOf(source, at), open), replace(spanOf(source, closer), close)];
    return { fixes: [{ title: `write \`${open} ... ${close}\``, edits }] };
  };
  if ((type === t.LeftBracket || type === t.LeftParen) && isDeclared(tokens, index)) {
    return {
      code: "body-brackets",
      params: { what: declaredBefore(tokens, index) },
      hint: `\`${declaredBefore(tokens, index)} ${previous!.image} { ... }\``,
      at,
      ...swap("{", "}"),
    };
  }
  if (type === t.LeftBrace && before === t.Separator && isHeader(tokens, index - 2)) {
    const header = tokens[index - 2];
    const gap = { ...spanOf(source, at), start: spanOf(source, header).end };
    const hint = "the brace stands on the line of its net or block";
    return {
      code: "unexpected-token",
      params: { text: "`{`" },
      hint,
      at,
      fixes: [{ title: "put it there", edits: [replace({ ...gap, end: gap.end - 1 }, " ")] }],
    };
  }
  if ((type === t.LeftBracket || type === t.LeftBrace) && before === t.Name && isTail) {
    return {
      code: "square-arguments",
      params: {},
      hint: `\`${previous!.image}(...)\``,
      at,
      ...swap("(", ")"),
    };
  }
  if (type === t.LeftParen && after === t.RightParen && before !== t.Name) {
    return { code: "empty-parentheses", params: {}, hint: "put what belongs there, or remove them", at };
  }
  if (type === t.RightParen && before === t.LeftParen) {
    const hint = "put what belongs there, or remove them";
    return { code: "empty-parentheses", params: {}, hint, at: previous! };
  }
  if (
    type === t.Colon &&
    rule !== "param" &&
    (rules.includes("args") || rules.includes("arg")) &&
    before === t.Name
  ) {
    const hint = `arguments are named with an equals sign: \`${previous!.image} = ...\``;
    return {
      code: "unexpected-token",
      params: { text: "`:`" },
      hint,
      at,
      fixes: [write(spanOf(source, at), " =")],
    };
  }
  if (rule === "args" && t.startsOperand.has(type)) {
    const fixes = previous
      ? { fixes: [{ title: "add a comma", edits: [insertAfter(spanOf(source, previous), ",")] }] }
      : {};
    return { code: "missing-comma", params: {}, hint: `write \`, ${at.image}\``, at, ...fixes };
  }
  if (type === t.Assign && rules.includes("choice")) {
    const fixes = [write(spanOf(source, at), "==")];
    return { code: "unexpected-token", params: { text: "`=`" }, hint: "equal is written `==`", at, fixes };
  }
  if ((rule === "group" && rules[rules.length - 2] === "choice") || before === t.Else) {
    const braces = type === t.LeftBrace ? swap("[", "]") : {};
    return { code: "missing-brackets", params: {}, hint: "`if a > b [ ... ] else [ ... ]`", at, ...braces };
  }
  const opener = openerAround(tokens, index);
  if (
    t.startsOperand.has(type) &&
    opener >= 0 &&
    tokens[opener].tokenType === t.LeftParen &&
    previous &&
    isBelow(at, previous)
  ) {
    const closer = closerOf(tokens, opener);
    const edits = closer && [
      replace(spanOf(source, tokens[opener]), "["),
      replace(spanOf(source, closer), "]"),
    ];
    const isCall = operandEnds.has(tokens[opener - 1]?.tokenType);
    if (!isCall) {
      return {
        code: "round-group",
        params: {},
        hint: "rows are grouped by `[ ... ]`",
        at: tokens[opener],
        ...(edits ? { fixes: [{ title: "write `[ ... ]`", edits }] } : {}),
      };
    }
  }
  if (rules.length <= 2 && (type === t.Name || after === t.Colon) && !rules.includes("rows")) {
    return { code: "row-outside", params: {}, hint: "`net name { ... }`", at };
  }
  if (type === t.Comma) return explainComma(source, tokens, index);
  return undefined;
};

function explainComma(source: Source, tokens: readonly IToken[], index: number): Explanation {
  const at = tokens[index];
  const previous: IToken | undefined = tokens[index - 1];
  const next: IToken | undefined = tokens[index + 1];
  const isNumber = (token: IToken | undefined) => token?.tokenType === t.NumberToken;
  const told = (hint: string, fix?: Fix): Explanation => ({
    code: "stray-comma",
    params: {},
    hint,
    at,
    ...(fix ? { fixes: [fix] } : {}),
  });
  if (next?.tokenType === t.Slash)
    return told("the stride follows without one: `x 3 /2`", write(spanOf(source, at), ""));
  if (next?.tokenType === t.Comma || previous?.tokenType === t.Comma) {
    return told("one comma stands between two arguments", write(spanOf(source, at), ""));
  }
  if (
    isNumber(previous) &&
    isNumber(next) &&
    touches(previous, at) &&
    touches(at, next) &&
    /^\d{3}$/.test(next!.image)
  ) {
    return explainThousands(source, tokens, index);
  }
  const opener = openerAround(tokens, index);
  if (opener >= 0 && tokens[opener].tokenType === t.LeftBracket && isNumber(previous) && isNumber(next)) {
    const closer = tokens[index + 2];
    const size = `${previous!.image}x${next!.image}`;
    const fits = opener === index - 2 && closer?.tokenType === t.RightBracket;
    return told(
      `a size is written ${size}`,
      fits ? write(spanFrom(source, tokens[opener], closer), size) : undefined,
    );
  }
  if (previous?.tokenType === t.Size && isNumber(next)) {
    const call = `conv(${previous.image}, ${next!.image})`;
    return told(`a convolution is written \`${call}\``, write(spanFrom(source, previous, next!), call));
  }
  if (opener >= 0 && tokens[opener].tokenType === t.LeftParen) return told("commas stand between arguments");
  return told("steps are joined with `->`; commas stand between arguments, in parentheses");
}

/** `25,557,032`: a number with the commas of English. */
function explainThousands(source: Source, tokens: readonly IToken[], index: number): Explanation {
  let last = index + 1;
  while (
    touches(tokens[last], tokens[last + 1]) &&
    tokens[last + 1]?.tokenType === t.Comma &&
    /^\d{3}$/.test(tokens[last + 2]?.image ?? "")
  )
    last += 2;
  const span = spanFrom(source, tokens[index - 1], tokens[last]);
  const number = source.text.slice(span.start, span.end).replaceAll(",", "_");
  const hint = `thousands are set apart by \`_\`: ${number}`;
  return { code: "stray-comma", params: {}, hint, at: tokens[index], fixes: [write(span, number)] };
}

/** Whether a bracket stands where the body of a declaration begins. */
function isDeclared(tokens: readonly IToken[], index: number): boolean {
  return (
    tokens[index - 1]?.tokenType === t.Name &&
    /^(net|block)$/.test(tokens[index - 2]?.image ?? "") &&
    tokens[index].tokenType === t.LeftBracket
  );
}

const declaredBefore = (tokens: readonly IToken[], index: number): string => tokens[index - 2].image;

/** Whether a declaration without a body ends at `index`: `net m`, `block b(w)`. */
function isHeader(tokens: readonly IToken[], index: number): boolean {
  const row = tokens
    .slice(0, index + 1)
    .findLastIndex(({ tokenType }) => tokenType === t.Net || tokenType === t.Block);
  return (
    row >= 0 &&
    tokens
      .slice(row, index + 1)
      .every(({ tokenType }) => tokenType !== t.Separator && tokenType !== t.LeftBrace)
  );
}
