/** Mistakes of whole rows: which side of an operator is what, and what an input may be. */
import type { Extra, Fix } from "../base/diagnostic.ts";
import { insertAfter, insertBefore, replace, write, writeOneOf } from "../base/fix.ts";
import type { Span } from "../base/source.ts";
import type { BinaryExpr, Expr, InputRow, Row } from "../parser/ast.ts";
import { dashOfList } from "./check-slips.ts";
import { fail } from "./row-error.ts";
import { type Declaration, describeKind, type Frame, type PathValue, type Value } from "./values.ts";

const textOf = ({ source, start, end }: Span): string => source.text.slice(start, end);

/** `3 x basic(64)`. */
export function countFirst({ left, right, span }: BinaryExpr): never {
  const meant = `${textOf(right.span)} x ${textOf(left.span)}`;
  const message = "the block comes first, then how often";
  fail("kind-mismatch", span, { message }, { hint: `write \`${meant}\``, fixes: [write(span, meant)] });
}

/** `basic(64) * 3`, `relu + 3`: a sum or product of a path and a number. */
export function refuseNumbers({ operator, operatorSpan, left, right }: BinaryExpr): void {
  if (right.kind !== "number" && left.kind !== "number") return;
  const number = right.kind === "number" ? right : left;
  const what = operator === "+" ? "adds" : operator === "*" ? "multiplies" : "joins";
  const message = `\`${operator}\` ${what} two paths, and ${textOf(number.span)} is a number`;
  const isCount = operator === "*" && right.kind === "number";
  const hint = isCount
    ? `a block is repeated with \`x ${textOf(number.span)}\``
    : "a row computes with tensors; numbers stand in arguments";
  fail(
    "kind-mismatch",
    operatorSpan,
    { message },
    { hint, fixes: isCount ? [write(operatorSpan, "x")] : [] },
  );
}

/** An operator of numbers with a path at its left. */
export function refusePath(expr: BinaryExpr, path: PathValue): never {
  const { operator, operatorSpan, left, right } = expr;
  const dash = dashOfList(expr);
  if (dash) refuseDash(dash);
  const message = `\`${operator}\` needs two numbers, the left side is ${describeKind(path)}`;
  fail("kind-mismatch", operatorSpan, { message }, explainLeft());

  function explainLeft(): Extra {
    if (operator === "-" && left.kind === "binary" && left.operator === "x") {
      const count = { ...left.right.span, end: right.span.end };
      const edits = [insertBefore(count, "("), insertAfter(count, ")")];
      const hint = `a count that is computed stands in parentheses: \`x (${textOf(count)})\``;
      return { hint, fixes: [{ title: "add parentheses", edits }] };
    }
    if (operator === "<" && right.kind === "unary") {
      return {
        hint: `rows run from left to right: \`${textOf(right.operand.span)} -> ${textOf(left.span)}\``,
      };
    }
    return {
      hint: "paths are joined with `->`, `+`, `|` and `*`, repeated with `x`, and take a stride with `/`",
    };
  }
}

/** A row that begins with the dash of a list. */
export function refuseDash(dash: Span): never {
  const message = "`-` at the start of a line goes on with the row above";
  const hint = "rows stand below one another without a sign";
  const after = textOf({ ...dash, end: dash.end + 1 }).endsWith(" ") ? dash.end + 1 : dash.end;
  fail("kind-mismatch", dash, { message }, { hint, fixes: [write({ ...dash, end: after }, "")] });
}

/** What was probably meant by a row that is no step. */
export const noStepHints: Readonly<Record<string, string>> = {
  size: "a convolution is written `conv(3x3, 64)`",
  number: "a number is named with `let n = 3`, or is an argument",
  image: "a picture stands in the `input` row",
};

/** A step before there is anything to run it on. */
export function missingInput(row: Row, { declaration }: Frame, root: Declaration): never {
  const params = { net: root.item.name.text };
  const input = declaration?.item.rows.find(({ kind }) => kind === "input");
  if (input) {
    const notes = [{ message: "it stands here", span: input.span }];
    const hint = "the `input` row stands before the steps";
    fail("missing-input", row.span, { ...params, isBelow: true }, { hint, notes });
  }
  const hint = "add a row such as `input imagenet(224x224x3)`";
  fail("missing-input", root.item.name.span, params, { hint });
}

/** An input without a label below another. */
export function secondInput(row: InputRow, { declaration }: Frame): never {
  const hint = "every input but the first needs a label: `input name: 32x32x3`";
  const first = declaration?.item.rows.find(({ kind }) => kind === "input");
  const notes = first && first !== row ? [{ message: "the first input stands here", span: first.span }] : [];
  fail("missing-name", row.span, { what: "second input" }, { hint, notes });
}

/** What an input that is no height x width x channels may have meant. */
export function explainInput({ span }: Expr, value: Value): Extra {
  const sides =
    value.kind === "size" || value.kind === "image"
      ? value.sides
      : value.kind === "tuple"
        ? value.items
        : value.kind === "number"
          ? [value.value]
          : [];
  const fixes = (...sizes: readonly string[]): readonly Fix[] =>
    value.kind === "image" ? [] : writeOneOf(span, sizes);
  if (sides.length === 4) {
    const [, ...picture] = sides;
    const size = picture.join("x");
    return { hint: `how many pictures there are is not part of it: ${size}`, fixes: fixes(size) };
  }
  if (sides.length === 3) {
    const size = sides.join("x");
    return { hint: `a size is written ${size}`, fixes: fixes(size) };
  }
  if (sides.length === 1 || sides.length === 2) {
    const size = sides.length === 1 ? `${sides[0]}x${sides[0]}` : sides.join("x");
    return {
      hint: `the channels are part of it: ${size}x3, or ${size}x1 for grey pictures`,
      fixes: fixes(`${size}x3`, `${size}x1`),
    };
  }
  if (value.kind === "image-function") return { hint: "its size is the first argument: `image(224x224x3)`" };
  return { hint: "for example 224x224x3" };
}

/** Where the value of an argument stands, of one written with its name. */
export function valueSpan(span: Span): Span {
  const named = /^\w+\s*=\s*/.exec(textOf(span));
  return named ? { ...span, start: span.start + named[0].length } : span;
}

/** The value of an argument, written anew. */
export const writeValue = (span: Span, text: string): Fix => {
  const place = valueSpan(span);
  return { title: `write \`${text}\``, edits: [replace(place, text)] };
};
