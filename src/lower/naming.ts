/**
 * Names of weights (grammar/README.md, "Names of weights"):
 *
 *     path of labels . copy number . name of the step . parameter        conv4.35.conv2.weight
 *
 * A label on a row with a single step is that step's name; a label on several steps is a scope. An unlabelled
 * step is called what it is written as; where the same word occurs several times in one scope they are
 * numbered in the order of the *text*, both branches of every `if` included (`conv1`, `conv2`; with an underscore
 * where the word ends in a digit or a row has that name). So names never depend on parameter values, and a
 * block's names change only when its own text does.
 */
import type { Expr, NameExpr, Operator, Row } from "../parser/ast.ts";

const suffixes: readonly Operator[] = ["/", "x", "as", "@"];

/** The step under its strides, repetitions and borrowed weights: `basic(64)` of `basic(64) x 3 as i /2`. */
export function spine(expr: Expr): Expr {
  let inner = expr;
  while (inner.kind === "binary" && suffixes.includes(inner.operator)) inner = inner.left;
  return inner;
}

/** What a step is called before numbering. */
export function stepWord(expr: Expr): string {
  let step = spine(expr);
  while (step.kind === "call") step = step.callee;
  return step.kind === "name" ? step.name : "";
}

export function joinName(scope: string, name: string): string {
  if (!scope || !name) return (scope || name).replace(/^\./, "");
  return name.startsWith(".") ? scope + name : `${scope}.${name}`;
}

/** What follows from rows alone, computed once: a tree never changes, and many names may be looked for in it. */
function remembered<T extends object>(compute: (rows: readonly Row[]) => T): (rows: readonly Row[]) => T {
  const known = new WeakMap<readonly Row[], T>();
  return (rows) => {
    let found = known.get(rows);
    if (!found) {
      found = compute(rows);
      known.set(rows, found);
    }
    return found;
  };
}

/** Every row of a declaration with those in its groups, wherever they stand: a declaration is one scope. */
export const allRows = remembered((rows): readonly { readonly row: Row; readonly isInGroup: boolean }[] => {
  const found: { row: Row; isInGroup: boolean }[] = [];
  walk(rows, (row, isInGroup) => found.push({ row, isInGroup }));
  return found;
});

/** The names that rows give to the numbers of copies: `i` of `block x 3 as i`. */
export function copyIndices(rows: readonly Row[]): readonly NameExpr[] {
  const found: NameExpr[] = [];
  walk(rows, undefined, (expr) => {
    if (expr.kind === "binary" && expr.operator === "as" && expr.right.kind === "name")
      found.push(expr.right);
  });
  return found;
}

function walk(
  rows: readonly Row[],
  onRow: (row: Row, isInGroup: boolean) => void = () => {},
  onExpr: (expr: Expr) => void = () => {},
): void {
  const inExpr = (expr: Expr | undefined): void => {
    if (expr) onExpr(expr);
    switch (expr?.kind) {
      case "group":
        inRows(expr.rows, true);
        break;
      case "choice":
        inExpr(expr.condition);
        inExpr(expr.consequent);
        inExpr(expr.alternate);
        break;
      case "binary":
        inExpr(expr.left);
        inExpr(expr.right);
        break;
      case "unary":
        inExpr(expr.operand);
        break;
      case "tuple":
        for (const item of expr.items) inExpr(item);
        break;
      case "call":
        inExpr(expr.callee);
        for (const { value } of expr.args) inExpr(value);
        break;
      case "member":
        inExpr(expr.object);
        break;
    }
  };
  const inRows = (inner: readonly Row[], isInGroup: boolean) => {
    for (const row of inner) {
      onRow(row, isInGroup);
      if (row.kind === "default") for (const value of row.values) inExpr(value);
      else if (row.kind !== "output") inExpr(row.value);
    }
  };
  inRows(rows, false);
}

/** The labels of rows, nested groups included. */
export const labelRows = remembered((rows): readonly { readonly name: string; readonly row: Row }[] =>
  allRows(rows).flatMap(({ row }) =>
    (row.kind === "step" || row.kind === "input") && row.label ? [{ name: row.label.text, row }] : [],
  ),
);

/** The step names of a declaration's rows. Keys are the `name` or `call` expressions of the steps. */
export function nameSteps(rows: readonly Row[]): Map<Expr, string> {
  const labels = new Set(labelRows(rows).map(({ name }) => name));
  const names = new Map<Expr, string>();
  const sameWord = new Map<string, Expr[]>();
  const see = (step: Expr, word: string, scope: string) => {
    const key = `${scope}/${word}`;
    const steps = sameWord.get(key);
    if (steps) steps.push(step);
    else sameWord.set(key, [step]);
  };
  const visit = (expr: Expr, scope: string): void => {
    switch (expr.kind) {
      case "binary":
        if (suffixes.includes(expr.operator)) visit(expr.left, scope);
        else if (["->", "|", "+", "*"].includes(expr.operator)) {
          visit(expr.left, scope);
          visit(expr.right, scope);
        }
        break;
      case "group":
        visitRows(expr.rows, scope);
        break;
      case "choice":
        visit(expr.consequent, scope);
        if (expr.alternate) visit(expr.alternate, scope);
        break;
      case "call": {
        const word = stepWord(expr);
        if (word) see(expr, word, scope);
        break;
      }
      case "name":
        if (!labels.has(expr.name)) see(expr, expr.name, scope);
        break;
    }
  };
  const visitRows = (inner: readonly Row[], scope: string) => {
    for (const row of inner) {
      if (row.kind !== "step") continue;
      const step = spine(row.value);
      if (!row.label) visit(row.value, scope);
      else if ((step.kind === "name" && !labels.has(step.name)) || step.kind === "call") names.set(step, "");
      else visit(row.value, `${scope}/${row.label.text}@${row.span.start}`);
    }
  };
  visitRows(rows, "");
  for (const [key, steps] of sameWord) {
    const word = key.slice(key.lastIndexOf("/") + 1);
    // `conv1` may be what a row is called: then the steps are `conv_1`, `conv_2`.
    const isTaken = /\d$/.test(word) || steps.some((_step, i) => labels.has(`${word}${i + 1}`));
    steps.forEach((step, i) => {
      names.set(step, steps.length === 1 ? word : `${word}${isTaken ? "_" : ""}${i + 1}`);
    });
  }
  return names;
}
