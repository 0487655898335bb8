/**
 * Concrete syntax tree → AST. The only place that knows Chevrotain's trees: missing pieces of a recovered
 * tree become an `error` expression or drop their row, offsets that are NaN at the end of the file (11.x)
 * are mended, inclusive ends become exclusive, and flat operator lists become trees by precedence.
 */
import type { CstNode, IToken } from "chevrotain";
import { positionAt, type Source, type Span } from "../base/source.ts";
import type * as ast from "./ast.ts";
import { Doc, precedence, Times } from "./tokens.ts";

export function buildAst(source: Source, root: CstNode, comments: readonly IToken[]): ast.File {
  return new AstBuilder(source, comments).file(root);
}

class AstBuilder {
  readonly #source: Source;
  /** Doc comments by line. */
  readonly #docs = new Map<number, string>();

  constructor(source: Source, comments: readonly IToken[]) {
    this.#source = source;
    for (const { image, startOffset, tokenType } of comments) {
      if (tokenType === Doc) this.#docs.set(positionAt(source, startOffset).line, image.slice(2).trim());
    }
  }

  file(node: CstNode): ast.File {
    const items: ast.Item[] = [];
    for (const [rule, build] of [
      ["use", (n) => this.use(n)],
      ["binding", (n) => this.binding(n)],
      ["block", (n) => this.block(n)],
      ["net", (n) => this.net(n)],
      ["names", (n) => this.names(n)],
    ] as readonly [string, (n: CstNode) => ast.Item | undefined][]) {
      for (const child of nodes(node, rule)) {
        const item = build(child);
        if (item) items.push(item);
      }
    }
    items.sort((a, b) => a.span.start - b.span.start);
    const edition = Number(token(node, "Edition")?.image.split(/\s+/)[1] ?? 1);
    return { kind: "file", span: this.#span(0, this.#source.text.length), edition, items };
  }

  use(node: CstNode): ast.UseItem | undefined {
    const module = token(node, "module");
    if (!module) return undefined;
    const names = tokens(node, "Name").map((name) => this.#ident(name));
    const isPath = module.image.startsWith('"');
    const text = isPath ? this.#text(module) : module.image;
    return {
      kind: "use",
      span: this.#nodeSpan(node),
      names,
      module: { span: this.#at(module), text },
      isPath,
    };
  }

  binding(node: CstNode): ast.LetRow | undefined {
    const name = token(node, "Name");
    const value = nodes(node, "expr")[0];
    if (!name || !value) return undefined;
    const span = this.#nodeSpan(node);
    return {
      kind: "let",
      span,
      name: this.#ident(name),
      value: this.expr(value),
      doc: this.#docBefore(span),
    };
  }

  block(node: CstNode): ast.BlockItem | undefined {
    const name = token(node, "Name");
    if (!name) return undefined;
    const span = this.#nodeSpan(node);
    return {
      kind: "block",
      span,
      name: this.#ident(name),
      parameters: this.#parameters(node),
      rows: this.#body(node),
      doc: this.#docBefore(span),
    };
  }

  net(node: CstNode): ast.NetItem | undefined {
    const name = token(node, "Name");
    if (!name) return undefined;
    const span = this.#nodeSpan(node);
    const base = nodes(node, "expr")[0];
    return {
      kind: "net",
      span,
      name: this.#ident(name),
      parameters: this.#parameters(node),
      base: base && this.expr(base),
      rows: this.#body(node),
      doc: this.#docBefore(span),
    };
  }

  names(node: CstNode): ast.NamesItem | undefined {
    const name = token(node, "Name");
    if (!name) return undefined;
    const span = this.#nodeSpan(node);
    const lines = nodes(node, "line").flatMap((line) => {
      const [from, to] = nodes(line, "pattern").map((pattern) => this.#pattern(pattern));
      return from && to ? [{ from, to }] : [];
    });
    return { kind: "names", span, name: this.#ident(name), lines, doc: this.#docBefore(span) };
  }

  row(node: CstNode): ast.Row | undefined {
    const span = this.#nodeSpan(node);
    const binding = nodes(node, "binding")[0];
    if (binding) return this.binding(binding);
    const expect = nodes(node, "expect")[0];
    if (expect) return this.expect(expect);
    if (token(node, "Output")) {
      return {
        kind: "output",
        span,
        references: nodes(node, "ref").flatMap((ref) => this.#reference(ref) ?? []),
      };
    }
    const values = nodes(node, "expr").map((expr) => this.expr(expr));
    if (token(node, "Default")) return { kind: "default", span, values };
    const value = values[0];
    if (!value) return undefined;
    const labelToken = token(node, "Colon") && token(node, "label");
    const label = labelToken && this.#ident(labelToken);
    return token(node, "Input")
      ? { kind: "input", span, label, value }
      : { kind: "step", span, label, value };
  }

  expect(node: CstNode): ast.ExpectRow | undefined {
    const ref = nodes(node, "ref")[0];
    const reference = ref && this.#reference(ref);
    const value = nodes(node, "expr")[0];
    if (!reference || !value) return undefined;
    const sign = (token(node, "Arrow") ?? token(node, "CmpOp"))?.image ?? "==";
    const comparison = sign as ast.ExpectRow["comparison"];
    return { kind: "expect", span: this.#nodeSpan(node), reference, comparison, value: this.expr(value) };
  }

  expr(node: CstNode): ast.Expr {
    const operands = nodes(node, "operand").map((operand) => this.operand(operand));
    const operators = tokens(node, "BinOp");
    let at = 0;
    const climb = (loosest: number): ast.Expr => {
      let left = operands[at] ?? this.#error(node);
      for (let sign = operators[at]; sign; sign = operators[at]) {
        const binds = precedence.get(sign.tokenType) ?? 0;
        if (binds < loosest) break;
        at++;
        const right = climb(binds + 1);
        left = {
          kind: "binary",
          span: this.#span(left.span.start, Math.max(left.span.end, right.span.end)),
          operator: (sign.tokenType === Times ? "x" : sign.image) as ast.Operator,
          operatorSpan: this.#at(sign),
          left,
          right,
        };
      }
      return left;
    };
    return climb(0);
  }

  operand(node: CstNode): ast.Expr {
    const primary = nodes(node, "primary")[0];
    let expr = primary ? this.primary(primary) : this.#error(node);
    const tails: { readonly start: number; readonly extend: (inner: ast.Expr) => ast.Expr }[] = [];
    for (const args of nodes(node, "args")) {
      const { start, end } = this.#nodeSpan(args);
      const extend = (callee: ast.Expr): ast.Expr => ({
        kind: "call",
        span: this.#span(callee.span.start, end),
        callee,
        args: nodes(args, "arg").map((arg) => this.#argument(arg)),
      });
      tails.push({ start, extend });
    }
    for (const member of tokens(node, "member")) {
      const { start, end } = this.#at(member);
      // `conv4.0.1` lexes its end as the number 0.1: two members.
      const extend = (object: ast.Expr): ast.Expr =>
        member.image.split(".").reduce<ast.Expr>(
          (inner, text) => ({
            kind: "member",
            span: this.#span(inner.span.start, end),
            object: inner,
            member: { span: this.#at(member), text },
          }),
          object,
        );
      tails.push({ start, extend });
    }
    tails.sort((a, b) => a.start - b.start);
    for (const { extend } of tails) expr = extend(expr);
    for (const prefix of tokens(node, "prefix").toReversed()) {
      const operator = prefix.image === "-" ? "-" : "not";
      expr = {
        kind: "unary",
        span: this.#span(this.#at(prefix).start, expr.span.end),
        operator,
        operand: expr,
      };
    }
    return expr;
  }

  primary(node: CstNode): ast.Expr {
    const span = this.#nodeSpan(node);
    const name = token(node, "Name");
    if (name) return { kind: "name", span, name: name.image };
    const number = token(node, "Number");
    if (number) return { kind: "number", span, text: number.image, ...readNumber(number.image) };
    const size = token(node, "Size");
    if (size) return { kind: "size", span, sides: size.image.split("x").map(Number) };
    const text = token(node, "Text");
    if (text) return { kind: "text", span, value: this.#text(text) };
    if (token(node, "True")) return { kind: "bool", span, value: true };
    if (token(node, "False")) return { kind: "bool", span, value: false };
    if (token(node, "None")) return { kind: "none", span };
    if (token(node, "In")) return { kind: "in", span };
    const group = nodes(node, "group")[0];
    if (group) return this.group(group);
    const choice = nodes(node, "choice")[0];
    if (choice) return this.choice(choice);
    const items = nodes(node, "expr").map((expr) => this.expr(expr));
    if (items.length === 1) return items[0];
    if (items.length > 1) return { kind: "tuple", span, items };
    return this.#error(node);
  }

  group(node: CstNode): ast.GroupExpr {
    return { kind: "group", span: this.#nodeSpan(node), rows: this.#rows(nodes(node, "rows")[0]) };
  }

  choice(node: CstNode): ast.ChoiceExpr {
    const span = this.#nodeSpan(node);
    const condition = nodes(node, "expr")[0];
    const then = nodes(node, "then")[0];
    const otherwise = nodes(node, "otherwise")[0];
    return {
      kind: "choice",
      span,
      condition: condition ? this.expr(condition) : this.#error(node),
      consequent: then ? this.group(then) : { kind: "group", span, rows: [] },
      alternate: otherwise && (otherwise.name === "choice" ? this.choice(otherwise) : this.group(otherwise)),
    };
  }

  #argument(node: CstNode): ast.Argument {
    const name = token(node, "Assign") && token(node, "Name");
    const value = nodes(node, "expr")[0];
    return {
      span: this.#nodeSpan(node),
      name: name && this.#ident(name),
      value: value ? this.expr(value) : this.#error(node),
    };
  }

  #parameters(node: CstNode): ast.Parameter[] {
    const params = nodes(node, "params")[0];
    return nodes(params, "param").flatMap((param) => {
      const name = token(param, "Name");
      if (!name) return [];
      const type = token(param, "type");
      const value = nodes(param, "expr")[0];
      return [
        {
          span: this.#nodeSpan(param),
          name: this.#ident(name),
          type: type && this.#ident(type),
          default: value && this.expr(value),
        },
      ];
    });
  }

  #body(node: CstNode): ast.Row[] {
    return this.#rows(nodes(nodes(node, "body")[0], "rows")[0]);
  }

  #rows(node: CstNode | undefined): ast.Row[] {
    return nodes(node, "row").flatMap((row) => this.row(row) ?? []);
  }

  #reference(node: CstNode): ast.Reference | undefined {
    const parts = tokens(node, "part").flatMap(({ image }) =>
      image === "output" ? [image] : image.split("."),
    );
    return parts.length > 0 ? { span: this.#nodeSpan(node), parts } : undefined;
  }

  #pattern(node: CstNode): ast.NamePattern | undefined {
    const text = token(node, "Text");
    const name = token(node, "Name");
    if (text) return { span: this.#at(text), text: this.#text(text), whole: true };
    return name && { span: this.#at(name), text: name.image, whole: false };
  }

  /** The value of a quoted text; bad escapes were reported by the lexical check and read as they stand. */
  #text({ image }: IToken): string {
    return readText(image) ?? image.slice(1, -1);
  }

  #docBefore({ start }: Span): string {
    const lines: string[] = [];
    for (let line = positionAt(this.#source, start).line - 1; this.#docs.has(line); line--) {
      lines.unshift(this.#docs.get(line)!);
    }
    return lines.join("\n").trim();
  }

  #ident(name: IToken): ast.Ident {
    return { span: this.#at(name), text: name.image };
  }

  #error(node: CstNode): ast.ErrorExpr {
    return { kind: "error", span: this.#nodeSpan(node) };
  }

  #at(token: IToken): Span {
    const start = Number.isNaN(token.startOffset) ? this.#source.text.length : token.startOffset;
    return this.#span(start, start + token.image.length);
  }

  #nodeSpan({ location }: CstNode): Span {
    const start = location?.startOffset ?? Number.NaN;
    const end = location?.endOffset ?? Number.NaN;
    if (Number.isNaN(start)) return this.#span(this.#source.text.length, this.#source.text.length);
    return this.#span(start, Number.isNaN(end) ? start : end + 1);
  }

  #span(start: number, end: number): Span {
    return { source: this.#source, start, end };
  }
}

const suffixes: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

function readNumber(image: string): { value: number; slack: number } {
  const digits = image.replaceAll("_", "");
  const unit = suffixes[digits[digits.length - 1]];
  if (!unit) return { value: Number(digits), slack: 0 };
  const [mantissa, exponent = "0"] = digits.slice(0, -1).split(/[eE]/);
  const decimals = (mantissa.split(".")[1] ?? "").length - Number(exponent);
  return { value: Number(digits.slice(0, -1)) * unit, slack: (0.5 * unit) / 10 ** decimals };
}

/** A quoted text's value, undefined where an escape is not one of JSON's. */
export function readText(image: string): string | undefined {
  try {
    return JSON.parse(image) as string;
  } catch {
    return undefined;
  }
}

// Under one key stand only nodes or only tokens: the grammar gives no label to both.
const nodes = (parent: CstNode | undefined, key: string): readonly CstNode[] =>
  (parent?.children[key] ?? nothing) as CstNode[];
const tokens = (parent: CstNode | undefined, key: string): readonly IToken[] =>
  (parent?.children[key] ?? nothing) as IToken[];
const nothing: readonly never[] = [];

/** The first token under a key that the text has: recovery's insertions have no image. */
const token = (parent: CstNode | undefined, key: string): IToken | undefined =>
  tokens(parent, key).find(({ image }) => image !== "");
