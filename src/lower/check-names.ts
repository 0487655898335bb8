/**
 * What can be said of a file before anything is built: every name means something, nothing hides anything,
 * settings exist. Runs over every declaration, used or not, and over both branches of every `if`, so all such
 * mistakes show at once; expansion then stops a net at its first bad row.
 */
import type { Report } from "../base/diagnostic.ts";
import type { Span } from "../base/source.ts";
import type { BinaryExpr, BlockItem, CallExpr, Expr, NetItem, Row, StepRow } from "../parser/ast.ts";
import { parameterHint } from "./arguments.ts";
import { imageParameters } from "./builtins.ts";
import { explainUnknown } from "./evaluate.ts";
import type { Entry, Module } from "./modules.ts";
import { allRows, copyIndices, labelRows } from "./naming.ts";
import type { Declaration } from "./values.ts";

export function checkNames(module: Module, report: Report): void {
  for (const item of module.file.items) {
    if (item.kind === "block" || item.kind === "net") {
      const locals = declareLocals(item, module, report);
      const visible = new NameChecker(module, locals, report);
      for (const { default: value } of item.parameters) if (value) visible.expr(value);
      if (item.kind === "net" && item.base) visible.expr(item.base);
      visible.rows(item.rows);
      checkPlaces(item, report);
    } else if (item.kind === "let") {
      const inner = allRows([item]).flatMap(({ row }) => (row.kind === "let" ? [row.name.text] : []));
      const locals = new Set([
        ...inner,
        ...[...labelRows([item]), ...copyIndices([item])].map(({ name }) => name),
      ]);
      new NameChecker(module, locals, report).expr(item.value);
    }
  }
}

/** Rows that would be without effect where they stand. */
function checkPlaces(item: BlockItem | NetItem, report: Report): void {
  for (const { row, isInGroup } of allRows(item.rows)) {
    if (row.kind === "step" || row.kind === "let") continue;
    if (isInGroup) {
      const hint = `put it among the rows of the ${item.kind} itself`;
      report("misplaced-row", row.span, { word: row.kind, where: "a group" }, { hint });
    } else if (item.kind === "block" && row.kind !== "default") {
      report("misplaced-row", row.span, { word: row.kind, where: "a block" }, { hint: blockHints[row.kind] });
    }
  }
}

const blockHints = {
  input: "the input of a block is what comes in, and is called `in`",
  output: "the result of a block is that of its last row; its labels can be tapped",
  expect: "expectations are checked for nets",
} as const;

/** Parameters, `let`s and labels of a declaration: none may hide anything, or each other. */
function declareLocals(item: BlockItem | NetItem, module: Module, report: Report): Set<string> {
  const locals = new Map<string, string>();
  const declare = (name: string, what: string, where: string, span: Span) => {
    const outer = module.scope.get(name);
    const mine = locals.get(name);
    if (outer) {
      const hint =
        what === "the label" ? `call the row something else, such as \`${name}1\`` : "choose another name";
      report("name-taken", span, { what, name, by: outer.what }, { hint });
    } else if (mine) {
      report(
        "duplicate-name",
        span,
        { name, where: mine },
        { hint: `every row, parameter and \`let\` of a ${item.kind} needs a name of its own` },
      );
    }
    locals.set(name, where);
  };
  for (const { name } of item.parameters)
    declare(name.text, "the parameter", `a parameter of this ${item.kind}`, name.span);
  for (const { row } of allRows(item.rows))
    if (row.kind === "let") declare(row.name.text, "the name", "a `let`", row.name.span);
  const indices = new Map(copyIndices(item.rows).map(({ name, span }) => [name, span]));
  // Repetitions that do not stand in each other may count with the same name.
  for (const [name, span] of indices) declare(name, "the index", "the number of a copy", span);
  for (const { name, row } of labelRows(item.rows)) {
    const span = (row.kind === "step" || row.kind === "input") && row.label ? row.label.span : row.span;
    declare(name, "the label", "the name of a row", span);
  }
  // A derived net may start rows from labels of the nets it is derived from.
  for (const name of inheritedLabels(item, module))
    if (!locals.has(name)) locals.set(name, "the name of a row");
  return new Set(locals.keys());
}

/** The labels a derived net sees of the nets under it, however many levels down. */
function inheritedLabels(item: BlockItem | NetItem, module: Module): string[] {
  const labels: string[] = [];
  const seen = new Set<BlockItem | NetItem>([item]);
  let at: { item: BlockItem | NetItem; module: Module } | undefined = { item, module };
  while (at && at.item.kind === "net" && at.item.base) {
    const base: Expr = at.item.base.kind === "call" ? at.item.base.callee : at.item.base;
    const entry: Entry | undefined = base.kind === "name" ? at.module.scope.get(base.name) : undefined;
    const declaration: Declaration | undefined =
      entry?.kind === "value" && entry.value.kind === "block" ? entry.value.declaration : undefined;
    if (!declaration || seen.has(declaration.item)) break;
    seen.add(declaration.item);
    labels.push(...labelRows(declaration.item.rows).map(({ name }) => name));
    at = declaration;
  }
  return labels;
}

class NameChecker {
  readonly #module: Module;
  readonly #locals: ReadonlySet<string>;
  readonly #report: Report;

  constructor(module: Module, locals: ReadonlySet<string>, report: Report) {
    this.#module = module;
    this.#locals = locals;
    this.#report = report;
  }

  rows(rows: readonly Row[]): void {
    for (const row of rows) {
      if (row.kind === "step" && row.value.kind === "binary" && row.value.operator === "@")
        this.#sharing(row, row.value);
      else if (row.kind === "step" || row.kind === "let" || row.kind === "input" || row.kind === "expect")
        this.expr(row.value);
      if (row.kind === "default") for (const value of row.values) this.expr(value);
    }
  }

  expr(expr: Expr): void {
    switch (expr.kind) {
      case "name":
        this.#name(expr.name, expr.span);
        break;
      case "tuple":
        for (const item of expr.items) this.expr(item);
        break;
      case "group":
        this.rows(expr.rows);
        break;
      case "choice":
        this.expr(expr.condition);
        this.expr(expr.consequent);
        if (expr.alternate) this.expr(expr.alternate);
        break;
      case "call":
        this.expr(expr.callee);
        for (const { value } of expr.args) this.expr(value);
        this.#settings(expr);
        break;
      case "member":
        this.expr(expr.object);
        break;
      case "unary":
        this.expr(expr.operand);
        break;
      case "binary":
        this.#binary(expr);
        break;
    }
  }

  #binary({ operator, operatorSpan, left, right }: BinaryExpr): void {
    this.expr(left);
    if (operator === "@") {
      this.#report("bad-sharing", operatorSpan, { why: "`@` stands behind a whole row" });
    } else if (operator !== "as") {
      this.expr(right);
    } else if (right.kind !== "name" || left.kind !== "binary" || left.operator !== "x") {
      this.#report("bad-index", operatorSpan, {});
    }
  }

  #sharing(row: StepRow, { left, right }: BinaryExpr): void {
    this.expr(left);
    this.expr(right);
    if (!row.label) {
      const why = "a row that takes the weights of another needs a label";
      this.#report("bad-sharing", row.span, { why }, { hint: "`name: ... @ other`" });
    }
  }

  #name(name: string, span: Span): void {
    if (this.#locals.has(name) || this.#module.scope.has(name)) return;
    const { code, hint } = explainUnknown(name, [...this.#locals], this.#module);
    if (code === "joined-word") this.#report(code, span, { text: name }, { hint });
    else this.#report(code, span, { name }, { hint });
  }

  /** Named arguments of what is known by name: operations, blocks, nets, `image`. */
  #settings({ callee, args }: CallExpr): void {
    if (callee.kind !== "name" || this.#locals.has(callee.name)) return;
    const entry = this.#module.scope.get(callee.name);
    if (entry?.kind !== "value") return;
    const { value } = entry;
    let parameters: readonly { name: string }[];
    if (value.kind === "operation") parameters = value.operation.parameters;
    else if (value.kind === "image-function") parameters = imageParameters;
    else if (value.kind === "block") {
      // A derived net also takes the parameters of the nets under it; expansion checks those.
      if (value.declaration.item.kind === "net" && value.declaration.item.base) return;
      parameters = value.declaration.item.parameters.map(({ name }) => ({ name: name.text }));
    } else return;
    for (const { name, span } of args) {
      if (!name || parameters.some((parameter) => parameter.name === name.text)) continue;
      const hint = parameterHint(name.text, parameters);
      this.#report("unknown-parameter", span, { callee: callee.name, name: name.text }, { hint });
    }
  }
}
