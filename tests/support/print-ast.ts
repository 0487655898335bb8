/**
 * An AST as text, from nothing but the tree and what the reference says of precedence: the other direction of
 * `parse`, which has no use for one and is checked by it.
 */
import type { Argument, Expr, File, Item, Parameter, Row } from "../../src/parser/ast.ts";

/** grammar/README.md, "Operators", the loosest first. */
const levels = [
  ["@"],
  ["->"],
  ["|"],
  ["or"],
  ["and"],
  ["==", "!=", "<", "<=", ">", ">="],
  ["+", "-"],
  ["*", "/", "%", "x", "as"],
];
const tightest = levels.length;
const levelOf = (operator: string): number => levels.findIndex((signs) => signs.includes(operator));

const list = <T>(items: readonly T[], print: (item: T) => string): string => items.map(print).join(", ");
const rows = (all: readonly Row[]): string => all.map((row) => `${printRow(row)}; `).join("");

/** In parentheses where what stands around it binds tighter than it does. */
function printExpr(expr: Expr, least = 0): string {
  const level =
    expr.kind === "binary" ? levelOf(expr.operator) : expr.kind === "unary" ? tightest : tightest + 1;
  const text = bare(expr);
  return level < least ? `(${text})` : text;
}

function bare(expr: Expr): string {
  switch (expr.kind) {
    case "number":
      return expr.text;
    case "size":
      return expr.sides.join("x");
    case "text":
      return JSON.stringify(expr.value);
    case "bool":
      return String(expr.value);
    case "none":
    case "in":
      return expr.kind;
    case "name":
      return expr.name;
    case "tuple":
      return `(${list(expr.items, printExpr)})`;
    case "group":
      return `[ ${rows(expr.rows)}]`;
    case "choice": {
      const { condition, consequent, alternate } = expr;
      return `if ${printExpr(condition)} ${bare(consequent)}${alternate ? ` else ${bare(alternate)}` : ""}`;
    }
    case "call":
      return `${printExpr(expr.callee, tightest + 1)}(${list(expr.args, printArgument)})`;
    case "member": {
      // `0.5` would be one number, and `3x3` and its member none.
      const object = printExpr(expr.object, tightest + 1);
      return `${/^\d/.test(object) ? `(${object})` : object}.${expr.member.text}`;
    }
    case "unary":
      return `${expr.operator} ${printExpr(expr.operand, tightest)}`;
    case "binary": {
      const level = levelOf(expr.operator);
      return `${printExpr(expr.left, level)} ${expr.operator} ${printExpr(expr.right, level + 1)}`;
    }
    case "error":
      throw new Error("A text with errors has no print.");
  }
}

const printArgument = ({ name, value }: Argument): string =>
  name ? `${name.text} = ${printExpr(value)}` : printExpr(value);
const printReference = ({ parts }: { readonly parts: readonly string[] }): string => parts.join(".");

function printRow(row: Row): string {
  switch (row.kind) {
    case "let":
      return `let ${row.name.text} = ${printExpr(row.value)}`;
    case "input":
      return `input ${row.label ? `${row.label.text}: ` : ""}${printExpr(row.value)}`;
    case "output":
      return `output ${list(row.references, printReference)}`;
    case "default":
      return `default ${list(row.values, printExpr)}`;
    case "expect":
      return `expect ${printReference(row.reference)} ${row.comparison} ${printExpr(row.value)}`;
    case "step":
      return `${row.label ? `${row.label.text}: ` : ""}${printExpr(row.value)}`;
  }
}

const printParameter = ({ name, type, default: value }: Parameter): string =>
  `${name.text}${type ? `: ${type.text}` : ""}${value ? ` = ${printExpr(value)}` : ""}`;

/** A net's base ends where its body would begin, and is no body itself. */
function printItem(item: Item): string {
  switch (item.kind) {
    case "use": {
      const { names, module, isPath } = item;
      return `use ${list(names, ({ text }) => text)} from ${isPath ? JSON.stringify(module.text) : module.text}`;
    }
    case "let":
      return printRow(item);
    case "block":
    case "net": {
      const base = item.kind === "net" && item.base ? ` = ${printExpr(item.base)}` : "";
      return `${item.kind} ${item.name.text}(${list(item.parameters, printParameter)})${base} { ${rows(item.rows)}}`;
    }
    case "names": {
      const pattern = ({ text, whole }: { readonly text: string; readonly whole: boolean }) =>
        whole ? JSON.stringify(text) : text;
      const lines = item.lines.map(({ from, to }) => `${pattern(from)} -> ${pattern(to)}; `);
      return `names ${item.name.text} { ${lines.join("")}}`;
    }
  }
}

export const printFile = ({ edition, items }: File): string =>
  [`resnet ${edition}`, ...items.map(printItem)].map((line) => `${line}\n`).join("");
