/** Words, signs and numbers of other notations. */
import type { IToken } from "chevrotain";
import { replace, write } from "../base/fix.ts";
import { allNearest } from "../base/suggest.ts";
import { type Explain, operandEnds, startsRow } from "./explanation.ts";
import { mistypedWord, otherWord, useBackwards } from "./other-words.ts";
import { closerOf, openerAround, spanFrom, spanOf, touches } from "./token-places.ts";
import * as t from "./tokens.ts";

/** Words and signs of other notations. */
export const explainForeign: Explain = ({ source, tokens, index, isTail, rules }, context) => {
  const { at, type, previous, before, next, after } = context;
  const span = spanOf(source, at);
  if (type === t.Slash && before === t.Slash) {
    const first = before === t.Slash ? previous! : at;
    const isQuotient =
      tokens[index - 2]?.tokenType === t.NumberToken || openerOf(tokens, index)?.tokenType === t.LeftParen;
    if (isQuotient && before === t.Slash) {
      const hint = "a quotient that is rounded down is `floor(a / b)`; comments start with #";
      return {
        code: "unknown-operator",
        params: { text: "//" },
        hint,
        at: first,
        span: spanFrom(source, first, at),
      };
    }
    // A comment at the end of its line: the sign alone is wrong.
    const fixes = before === t.Slash ? [write(spanFrom(source, first, at), "#")] : undefined;
    const sign = before === t.Slash ? "//" : "/*";
    return {
      code: "slash-comment",
      params: { sign },
      hint: "comments start with #",
      at: first,
      span: spanFrom(source, first, before === t.Slash ? at : next!),
      ...(fixes ? { fixes } : {}),
    };
  }
  if (type === t.Text && (startsRow(before) || before === t.Text) && previous?.image !== "from") {
    const hint = "comments start with #, what says what a net is with ##";
    return { code: "unexpected-token", params: { text: "text" }, hint, at };
  }
  if (type === t.Name && /^x\d+$/.test(at.image)) {
    const count = at.image.slice(1);
    if (before === t.NumberToken) {
      const size = `${previous!.image}x${count}`;
      const whole = spanFrom(source, previous!, at);
      return {
        code: "joined-word",
        params: { text: at.image },
        hint: `a size has no spaces: ${size}`,
        at,
        fixes: [write(whole, size)],
      };
    }
    const fixes = [write(span, `x ${count}`)];
    return {
      code: "joined-word",
      params: { text: at.image },
      hint: `repetition has a space: \`x ${count}\``,
      at,
      fixes,
    };
  }
  if (type === t.Name && ["stride", "strides", "s", "by"].includes(at.image) && isTail) {
    const number = after === t.Assign ? tokens[index + 2] : next;
    const isNumber = number?.tokenType === t.NumberToken;
    const stride = isNumber ? number.image : "2";
    const fixes = isNumber ? { fixes: [write(spanFrom(source, at, number), `/${stride}`)] } : {};
    return { code: "stride-word", params: {}, hint: `\`/${stride}\` after the block`, at, ...fixes };
  }
  if (type === t.Name && ["repeat", "times"].includes(at.image) && isTail) {
    const fixes = after === t.NumberToken ? { fixes: [write(span, "x")] } : {};
    const hint = "a block is repeated with `x 3`";
    return { code: "repeat-word", params: { text: at.image }, hint, at, ...fixes };
  }
  if (type === t.Name && at.image === "X") {
    return { code: "capital-x", params: {}, hint: "write `x 3`", at, fixes: [write(span, "x")] };
  }
  if (type === t.As && rules.includes("use")) {
    const hint = "what is used keeps its name; another one is given with `let b = basic`";
    return { code: "unknown-word", params: { text: "as" }, hint, at };
  }
  if (type === t.Name && rules.includes("use") && before === t.Name) {
    const fixes = allNearest(at.image, ["from"]).map((word) => write(span, word));
    const hint =
      fixes.length > 0 ? "did you mean `from`?" : "names are parted by commas: `use basic, se from std`";
    return { code: "unknown-word", params: { text: at.image }, hint, at, fixes };
  }
  if (type === t.Name && at.image === "then" && rules.includes("choice")) {
    const hint = "what is chosen follows in brackets: `if a > b [ ... ]`";
    const fix = write({ ...span, end: next ? spanOf(source, next).start : span.end }, "");
    return { code: "unknown-word", params: { text: "then" }, hint, at, fixes: [fix] };
  }
  if (
    type === t.Name &&
    isTail &&
    before === t.RightBracket &&
    after === t.LeftBracket &&
    allNearest(at.image, ["else"]).length > 0
  ) {
    return {
      code: "unknown-word",
      params: { text: at.image },
      hint: "did you mean `else`?",
      at,
      fixes: [write(span, "else")],
    };
  }
  if (type === t.From && (startsRow(before) || !before)) {
    return {
      code: "unexpected-token",
      params: { text: "`from`" },
      ...useBackwards(source, tokens, index),
      at,
    };
  }
  if (before === t.From && type === t.Dot) {
    const end = tokens.findIndex((token, i) => i >= index && token.startLine !== at.startLine) - 1;
    const whole = spanFrom(
      source,
      at,
      tokens[
        Math.max(index, end < 0 ? tokens.length - 1 : tokens[end].tokenType === t.Separator ? end - 1 : end)
      ],
    );
    const path = source.text.slice(whole.start, whole.end);
    return {
      code: "unexpected-token",
      params: { text: "a path without quotes" },
      hint: `write \`"${path}"\``,
      at,
      span: whole,
      fixes: [write(whole, `"${path}"`)],
    };
  }
  if (before === t.Use && (type === t.Star || type === t.LeftBrace)) {
    const close = type === t.LeftBrace ? closerOf(tokens, index) : undefined;
    const hint =
      type === t.Star
        ? "names are listed one by one: `use basic, identity from std`"
        : "the names stand without braces: `use basic, identity from std`";
    const fixes = close
      ? {
          fixes: [
            { title: "remove the braces", edits: [replace(span, ""), replace(spanOf(source, close), "")] },
          ],
        }
      : {};
    return {
      code: "missing-part",
      params: { word: "use", needs: "names and where they come from" },
      hint,
      at,
      ...fixes,
    };
  }
  // The word itself read as a row, so that the stumble is behind it.
  for (const place of [index, index - 1]) {
    const other =
      place >= 0 ? (otherWord(source, tokens, place) ?? mistypedWord(source, tokens, place)) : undefined;
    if (other)
      return { code: "unknown-word", params: { text: tokens[place].image }, at: tokens[place], ...other };
  }
  return undefined;
};

/** Numbers that are cut in pieces by a point or a space. */
export const explainPieces: Explain = ({ source }, { at, type, previous, before, next, after }) => {
  if (
    type === t.Dot &&
    after === t.NumberToken &&
    touches(at, next) &&
    !(before && operandEnds.has(before) && touches(previous, at))
  ) {
    const number = `0.${next!.image}`;
    const span = spanFrom(source, at, next!);
    return {
      code: "bad-number",
      params: { text: `.${next!.image}` },
      hint: `write ${number}`,
      at,
      span,
      fixes: [write(span, number)],
    };
  }
  if (before === t.Minus && type === t.Greater) {
    const span = spanFrom(source, previous!, at);
    const text = source.text.slice(span.start, span.end);
    const hint = "an arrow is one sign: `->`";
    return {
      code: "unknown-operator",
      params: { text },
      hint,
      at: previous!,
      span,
      fixes: [write(span, "->")],
    };
  }
  if (before === t.NumberToken && type === t.Name && /^[KMGT]$/.test(at.image)) {
    const number = previous!.image + at.image;
    const span = spanFrom(source, previous!, at);
    return {
      code: "bad-number",
      params: { text: `${previous!.image} ${at.image}` },
      hint: `no space before the suffix: ${number}`,
      at: previous!,
      span,
      fixes: [write(span, number)],
    };
  }
  return undefined;
};

/** `1.`: the point in front of what stumbled. */
export const explainPoint: Explain = ({ source, tokens, index }, { previous, before, type }) => {
  const number: IToken | undefined = tokens[index - 2];
  if (
    before !== t.Dot ||
    type === t.Name ||
    number?.tokenType !== t.NumberToken ||
    !touches(number, previous)
  )
    return undefined;
  const span = spanFrom(source, number, previous!);
  return {
    code: "bad-number",
    params: { text: `${number.image}.` },
    hint: `write ${number.image}.0 or ${number.image}`,
    at: number,
    span,
    fixes: [write(span, `${number.image}.0`)],
  };
};

const openerOf = (tokens: readonly IToken[], index: number): IToken | undefined =>
  tokens[openerAround(tokens, index)];
