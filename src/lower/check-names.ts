/**
 * What can be said of a file before anything is built: every name means something, nothing hides anything,
 * settings exist. Runs over every declaration, used or not, and over both branches of every `if`, so all such
 * mistakes show at once; expansion then stops a net at its first bad row.
 */
import type { Fix, Report } from "../base/diagnostic.ts";
import { write } from "../base/fix.ts";
import type { Span } from "../base/source.ts";
import type {
  Argument,
  BinaryExpr,
  BlockItem,
  CallExpr,
  Expr,
  MemberExpr,
  NetItem,
  Row,
  StepRow,
} from "../parser/ast.ts";
import { explainKind, writtenKinds } from "./arguments.ts";
import { imageParameters } from "./builtins.ts";
import { checkCycles } from "./check-cycles.ts";
import { checkCall, checkInput, checkLabelled, checkUnusedLets } from "./check-slips.ts";
import { explainParameter, explainUnknown } from "./explain-names.ts";
import { foreignName, isLibrary, superfluousParameter } from "./foreign-names.ts";
import { type Entry, firstHere, type Module } from "./modules.ts";
import { allRows, copyIndices, labelRows } from "./naming.ts";
import type { Declaration } from "./values.ts";

export function checkNames(module: Module, report: Report): void {
  checkCycles(module, report);
  for (const item of module.file.items) {
    if (item.kind === "block" || item.kind === "net") {
      const locals = declareLocals(item, module, report);
      const visible = new NameChecker(module, locals, report);
      for (const { default: value } of item.parameters) if (value) visible.expr(value);
      if (item.kind === "net" && item.base) visible.expr(item.base);
      visible.rows(item.rows);
      checkKinds(item, report);
      checkPlaces(item, report);
      checkUnusedLets(item, visible.used, report);
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

function checkKinds({ parameters }: BlockItem | NetItem, report: Report): void {
  for (const { type } of parameters) {
    if (type && !writtenKinds.has(type.text)) {
      report("unknown-kind", type.span, { name: type.text }, explainKind(type));
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
  const locals = new Map<string, { readonly where: string; readonly span?: Span }>();
  const declare = (name: string, what: string, where: string, span: Span) => {
    const outer = module.scope.get(name);
    const mine = locals.get(name);
    if (outer) {
      const hint =
        what === "the label" ? `call the row something else, such as \`${name}1\`` : "choose another name";
      const notes = outer.span
        ? [{ message: `${outer.what} \`${name}\` stands here`, span: outer.span }]
        : [];
      report("name-taken", span, { what, name, by: outer.what }, { hint, notes });
    } else if (mine) {
      report(
        "duplicate-name",
        span,
        { name, where: mine.where },
        {
          hint: `every row, parameter and \`let\` of a ${item.kind} needs a name of its own`,
          notes: firstHere(name, mine.span),
        },
      );
    }
    if (!mine) locals.set(name, { where, span });
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
    if (!locals.has(name)) locals.set(name, { where: "the name of a row" });
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
  /** The names that were met. */
  readonly used = new Set<string>();

  constructor(module: Module, locals: ReadonlySet<string>, report: Report) {
    this.#module = module;
    this.#locals = locals;
    this.#report = report;
  }

  rows(rows: readonly Row[]): void {
    for (const row of rows) {
      if (row.kind === "step") checkLabelled(row, this.#report);
      if (row.kind === "input") checkInput(row, this.#report);
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
        checkCall(expr, this.#report);
        break;
      case "member":
        this.#member(expr);
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

  /** `nn.Conv2d` is one name, of another library. */
  #member({ object, member, span }: MemberExpr): void {
    const isForeign =
      object.kind === "name" &&
      !this.#isKnown(object.name) &&
      isLibrary(object.name) &&
      foreignName(member.text);
    if (isForeign)
      this.#report("unknown-name", span, { name: `${object.name}.${member.text}` }, { hint: isForeign.hint });
    else this.expr(object);
  }

  #isKnown(name: string): boolean {
    return this.#locals.has(name) || this.#module.scope.has(name);
  }

  #name(name: string, span: Span): void {
    this.used.add(name);
    if (this.#isKnown(name)) return;
    this.#module.unknown.add(name);
    const { code, ...extra } = explainUnknown(name, span, this.#locals, this.#module);
    if (code === "joined-word") this.#report(code, span, { text: name }, extra);
    else this.#report(code, span, { name }, extra);
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
    for (const [i, { name, span }] of args.entries()) {
      if (!name || parameters.some((parameter) => parameter.name === name.text)) continue;
      const known = parameters.map((parameter) => parameter.name);
      const extra = explainParameter(name.text, known, span);
      const leave = superfluousParameter(name.text) === extra.hint ? [withoutArgument(args, i)] : extra.fixes;
      this.#report(
        "unknown-parameter",
        span,
        { callee: callee.name, name: name.text },
        { ...extra, fixes: leave },
      );
    }
  }
}

/** The call without one of its arguments, and without the comma that goes with it. */
function withoutArgument(args: readonly Argument[], index: number): Fix {
  const { span } = args[index];
  const start = index > 0 ? args[index - 1].span.end : span.start;
  const end = index === 0 && args.length > 1 ? args[1].span.start : span.end;
  return write({ ...span, start, end }, "");
}
