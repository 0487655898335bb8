/**
 * A row's text with the numbers that its names stand for: `basic(width) x n` is `basic(16) x 18` in a net with
 * `width = 16, n = 18`. For tables and hints, where the name of a parameter says nothing.
 */
import type { Expr } from "../parser/ast.ts";
import { evaluate } from "./evaluate.ts";
import { RowError } from "./row-error.ts";
import type { Frame } from "./values.ts";

/** On one line, without comments. */
export function settledText(expr: Expr, frame: Frame): string {
  const { source, start, end } = expr.span;
  let text = "";
  let at = start;
  for (const { span, value } of numbersIn(expr, frame)) {
    text += source.text.slice(at, span.start) + String(value);
    at = span.end;
  }
  return (text + source.text.slice(at, end)).replace(/#[^\n]*/g, "").replace(/\s+/g, " ");
}

interface Settled {
  readonly span: Expr["span"];
  readonly value: number;
}

/** The largest parts of an expression that are numbers and written otherwise, in the order of the text. */
function numbersIn(expr: Expr, frame: Frame): readonly Settled[] {
  const inside = (...inner: readonly Expr[]) => inner.flatMap((one) => numbersIn(one, frame));
  switch (expr.kind) {
    case "name":
    case "member":
    case "unary":
      return settle(expr, frame);
    case "binary": {
      const own = settle(expr, frame);
      return own.length > 0 ? own : inside(expr.left, expr.right);
    }
    case "call": {
      const own = settle(expr, frame);
      return own.length > 0 ? own : inside(expr.callee, ...expr.args.map(({ value }) => value));
    }
    case "group":
      return inside(...expr.rows.flatMap((row) => (row.kind === "step" ? [row.value] : [])));
    case "choice": {
      const own = settle(expr, frame);
      return own.length > 0 ? own : inside(expr.consequent, ...(expr.alternate ? [expr.alternate] : []));
    }
    default:
      return [];
  }
}

function settle(expr: Expr, frame: Frame): readonly Settled[] {
  try {
    const value = evaluate(expr, frame);
    return value.kind === "number" ? [{ span: expr.span, value: value.value }] : [];
  } catch (error) {
    // The number of a copy, for one, is known in the copies only.
    if (error instanceof RowError) return [];
    throw error;
  }
}
