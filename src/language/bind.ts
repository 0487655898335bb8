/**
 * Every place of a file where a name stands, with its definition in this file or another. What only shows when a net is
 * built - the part of a choice, an argument of a shortcut that is a parameter - stays open and is listed as such.
 */
import type { Span } from "../base/source.ts";
import type { Module } from "../lower/modules.ts";
import type { CallExpr, Expr, Ident, MemberExpr, Reference, Row } from "../parser/ast.ts";
import * as t from "../parser/tokens.ts";
import {
  calleeOf,
  type Definition,
  declaredIn,
  definitionOf,
  labelsOf,
  lookup,
  makerOf,
  makerOfParts,
  metrics,
  parameterOf,
  type Scope,
  scopeOf,
} from "./scopes.ts";

export interface Occurrence {
  readonly span: Span;
  readonly definition: Definition;
  readonly isDeclaration: boolean;
}

export interface Binding {
  /** In the order of the text. */
  readonly occurrences: readonly Occurrence[];
  /** Names of parts and arguments whose owner only shows when a net is built. */
  readonly open: ReadonlySet<string>;
}

export function bind(module: Module): Binding {
  return new Binder(module).bind();
}

/** The name at an offset; an end counts, as that is where a cursor stands after typing it. */
export function occurrenceAt(binding: Binding | undefined, offset: number): Occurrence | undefined {
  const touching =
    binding?.occurrences.filter(({ span }) => span.start <= offset && offset <= span.end) ?? [];
  return touching.find(({ span }) => offset < span.end) ?? touching[0];
}

const properties = new Set(["channels", "height", "width"]);

class Binder {
  readonly #module: Module;
  readonly #found: Occurrence[] = [];
  readonly #open = new Set<string>();
  #scope: Scope;

  constructor(module: Module) {
    this.#module = module;
    this.#scope = { module, owner: undefined, locals: new Map() };
  }

  bind(): Binding {
    for (const item of this.#module.file.items) {
      if (item.kind === "use") {
        const from = this.#module.imports.get(item);
        if (!from) continue;
        for (const { text, span } of item.names) this.#see(span, declaredIn(from).get(text));
        const { span, text: name } = item.module;
        const start = { source: from.source, start: 0, end: 0 };
        this.#see(span, { kind: "file", name, span: start, module: from });
        continue;
      }
      this.#see(item.name.span, definitionOf(item, this.#module), true);
      if (item.kind === "names") continue;
      this.#scope = scopeOf(item, this.#module);
      if (item.kind === "let") this.#expr(item.value);
      else {
        for (const { name, default: value } of item.parameters) {
          this.#see(name.span, this.#scope.locals.get(name.text), true);
          if (value) this.#expr(value);
        }
        if (item.kind === "net" && item.base) this.#expr(item.base);
        this.#rows(item.rows);
      }
    }
    const occurrences = this.#found.sort((a, b) => a.span.start - b.span.start);
    return { occurrences, open: this.#open };
  }

  #see(span: Span, definition: Definition | undefined, isDeclaration = false): void {
    if (definition) this.#found.push({ span, definition, isDeclaration });
  }

  #rows(rows: readonly Row[]): void {
    for (const row of rows) {
      switch (row.kind) {
        case "let":
          this.#see(row.name.span, this.#scope.locals.get(row.name.text), true);
          this.#expr(row.value);
          break;
        case "input":
        case "step":
          if (row.label) this.#see(row.label.span, this.#scope.locals.get(row.label.text), true);
          this.#expr(row.value);
          break;
        case "output":
          for (const reference of row.references) this.#reference(reference, false);
          break;
        case "default":
          for (const value of row.values) this.#expr(value);
          break;
        case "expect":
          this.#reference(row.reference, row.comparison !== "->");
          this.#expr(row.value);
          break;
      }
    }
  }

  #expr(expr: Expr): void {
    switch (expr.kind) {
      case "name":
        this.#see(expr.span, lookup(expr.name, this.#scope));
        break;
      case "tuple":
        for (const item of expr.items) this.#expr(item);
        break;
      case "group":
        this.#rows(expr.rows);
        break;
      case "choice":
        this.#expr(expr.condition);
        this.#expr(expr.consequent);
        if (expr.alternate) this.#expr(expr.alternate);
        break;
      case "call":
        this.#expr(expr.callee);
        this.#arguments(expr);
        break;
      case "member":
        this.#expr(expr.object);
        this.#member(expr);
        break;
      case "unary":
        this.#expr(expr.operand);
        break;
      case "binary":
        this.#expr(expr.left);
        if (expr.operator === "as" && expr.right.kind === "name")
          this.#see(expr.right.span, this.#scope.locals.get(expr.right.name), true);
        else this.#expr(expr.right);
        break;
    }
  }

  #arguments({ callee, args }: CallExpr): void {
    const called = calleeOf(callee, this.#scope);
    for (const { name, value } of args) {
      if (name) {
        const parameter = called && parameterOf(called.definition, name.text);
        if (called?.isCertain) this.#see(name.span, parameter);
        else this.#open.add(name.text);
      }
      this.#expr(value);
    }
  }

  #member({ object, member }: MemberExpr): void {
    if (/^\d/.test(member.text)) return;
    if (properties.has(member.text)) {
      this.#see(member.span, { kind: "property", name: member.text });
      return;
    }
    const maker = makerOf(object, this.#scope);
    if (maker) this.#see(member.span, labelsOf(maker.owner, maker.module).get(member.text));
    else this.#open.add(member.text);
  }

  #reference(reference: Reference, isCount: boolean): void {
    const parts = partsOf(reference);
    parts.forEach(({ text, span }, i) => {
      const before = parts.slice(0, i).map((part) => part.text);
      if (isCount && i === parts.length - 1 && metrics.has(text)) {
        this.#see(span, { kind: "metric", name: text });
      } else if (/^\d/.test(text)) return;
      else if (i === 0) {
        const label = this.#scope.locals.get(text);
        if (label?.kind === "label") this.#see(span, label);
      } else {
        const maker = makerOfParts(before, this.#scope);
        if (maker) this.#see(span, labelsOf(maker.owner, maker.module).get(text));
        else this.#open.add(text);
      }
    });
  }
}

/** The parts of `body.conv4.35` with their places; one number token may be two of them. */
function partsOf({ span }: Reference): readonly Ident[] {
  const { source, start, end } = span;
  return t.lexer
    .tokenize(source.text.slice(start, end))
    .tokens.flatMap(({ image, startOffset, tokenType }) => {
      if (tokenType === t.Dot || tokenType === t.Separator) return [];
      let at = start + startOffset;
      return image.split(".").map((text) => {
        const part = { text, span: { source, start: at, end: at + text.length } };
        at += text.length + 1;
        return part;
      });
    });
}
