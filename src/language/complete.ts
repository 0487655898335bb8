/**
 * What may be written at a place. The tokens before it say which sort of thing - a path, a number, a part, an argument -
 * and the scopes which names are of that sort.
 */
import type { IToken, TokenType } from "chevrotain";
import type { Edit } from "../base/diagnostic.ts";
import { useFromStd } from "../base/fix.ts";
import type { Span } from "../base/source.ts";
import { showMap } from "../ir/tensor.ts";
import { writtenKinds } from "../lower/arguments.ts";
import type { ParameterKind } from "../lower/builtin.ts";
import { type Module, standardLibrary, stdName } from "../lower/modules.ts";
import type { TensorValue } from "../lower/values.ts";
import { readText } from "../parser/build-ast.ts";
import * as t from "../parser/tokens.ts";
import { argumentsIn, calleeBefore, nextFree } from "./call.ts";
import { type Bracket, type Cursor, cursorAt } from "./cursor.ts";
import type { Document } from "./document.ts";
import { describe } from "./hover.ts";
import {
  type Callee,
  type Definition,
  declaredIn,
  labelsOf,
  makerOfParts,
  metrics,
  notYetUsed,
  type Owner,
  type Scope,
  scopeOf,
  visibleIn,
} from "./scopes.ts";
import { kindOf, parametersOf, showTaken, signatureOf, textsOf } from "./signature.ts";
import { suits, type Wanted } from "./suits.ts";

export type CompletionKind = "keyword" | "value" | "argument" | "part" | "module" | Definition["kind"];

export interface Completion {
  readonly label: string;
  readonly kind: CompletionKind;
  /** What is written; the label where it is the same. */
  readonly insert: string;
  /** What it takes the place of: the begun word. */
  readonly span: Span;
  /** One line: a signature, a shape. */
  readonly detail?: string;
  /** Markdown. */
  readonly documentation?: string;
  /** Changes elsewhere in the text: the `use` of a name. */
  readonly edits?: readonly Edit[];
  /** Lower ones are shown first. */
  readonly rank: number;
}

type Candidate = Omit<Completion, "span" | "insert"> & { readonly insert?: string };

/** Names of files that `use … from "` may name, as they are written there. */
export type ListFiles = (from: string) => readonly string[];

export function complete(
  document: Document,
  offset: number,
  files: ListFiles = () => [],
): readonly Completion[] {
  const { module } = document;
  if (!module) return [];
  const cursor = cursorAt(document, offset);
  const completer = new Completer(document, module, cursor, offset, files);
  const { inside, word } = cursor;
  if (inside) {
    const { source } = word;
    const closed = inside.tokenType === t.Text;
    const end = inside.startOffset + inside.image.length - (closed ? 1 : 0);
    const span = { source, start: inside.startOffset + 1, end: closed ? end : offset };
    return completer.texts().map((text) => ({ label: text, kind: "value", insert: text, span, rank: 0 }));
  }
  return completer.candidates().map((candidate) => ({ insert: candidate.label, ...candidate, span: word }));
}

const steps = new Set<TokenType>([t.Arrow, t.Bar]);
const sums = new Set<TokenType>([t.Plus, t.Star]);
const counts = new Set<TokenType>([
  t.Slash,
  t.Times,
  t.Minus,
  t.Percent,
  t.Less,
  t.LessEqual,
  t.Greater,
  t.GreaterEqual,
]);
const conditions = new Set<TokenType>([t.If, t.And, t.Or, t.Not, t.Equal, t.NotEqual]);
const leaves = ["weight", "bias", "scale", "shift", "mean", "var"];

class Completer {
  readonly #document: Document;
  readonly #module: Module;
  readonly #cursor: Cursor;
  readonly #files: ListFiles;
  readonly #owner: Owner | undefined;
  readonly #scope: Scope;

  constructor(document: Document, module: Module, cursor: Cursor, offset: number, files: ListFiles) {
    this.#document = document;
    this.#module = module;
    this.#cursor = cursor;
    this.#files = files;
    const above = module.file.items.findLast(({ span }) => span.start < offset);
    const isOwner = above?.kind === "block" || above?.kind === "net" || above?.kind === "let";
    this.#owner = isOwner && (cursor.open.length > 0 || cursor.row.length > 0) ? above : undefined;
    this.#scope = this.#owner
      ? scopeOf(this.#owner, module)
      : { module, owner: undefined, locals: new Map<string, Definition>() };
  }

  candidates(): readonly Candidate[] {
    const { open, row } = this.#cursor;
    const innermost = open[open.length - 1];
    if (innermost?.type === t.LeftParen) return this.#inParentheses(innermost);
    if (!innermost) return this.#atTop();
    if (this.#isTable())
      return row.length === 0 ? leaves.map((label) => ({ label, kind: "value", rank: 0 })) : [];
    return this.#inRow();
  }

  /** What may stand in the quotes that the cursor is in. */
  texts(): readonly string[] {
    const { tokens, open, inside } = this.#cursor;
    // An open quote is the last token; a closed one stands behind them.
    const before = tokens[tokens.length - 1] === inside ? tokens.slice(0, -1) : tokens;
    if (before[before.length - 1]?.tokenType === t.From) return this.#files(this.#document.source.name);
    const call = open[open.length - 1];
    if (call?.type !== t.LeftParen) return [];
    const callee = calleeBefore(this.#cursor, call, this.#scope);
    const { name, filled } = argumentsIn(before.slice(call.index + 1));
    if (!callee) return [];
    const parameter = name ?? nextFree(callee, filled)?.name;
    return parameter === undefined ? [] : textsOf(callee, parameter);
  }

  // ---- places -----------------------------------------------------------------------------------------

  #atTop(): readonly Candidate[] {
    const { row, tokens } = this.#cursor;
    const first = row[0]?.tokenType;
    if (!first) {
      const edition = tokens.length === 0 ? ["resnet 1"] : [];
      return [...edition, "net", "block", "let", "use", "names"].map(keyword);
    }
    if (first === t.Use) return this.#inUse(row);
    if (first === t.Let || first === t.Net) return row.some(isType(t.Assign)) ? this.#afterOperator(row) : [];
    return [];
  }

  #inUse(row: readonly IToken[]): readonly Candidate[] {
    const last = row[row.length - 1].tokenType;
    if (row.some(isType(t.From))) {
      if (last !== t.From) return [];
      const files = this.#files(this.#document.source.name).map((path) => JSON.stringify(path));
      return ["std", ...files].map((label) => ({ label, kind: "module", rank: label === "std" ? 0 : 1 }));
    }
    if (last !== t.Use && last !== t.Comma) return [keyword("from")];
    const from = this.#moduleBehind();
    const { word } = this.#cursor;
    const item = this.#module.file.items.find(
      ({ kind, span }) => kind === "use" && span.start === row[0].startOffset,
    );
    const here = item?.kind === "use" ? item.names : [];
    // The name at the cursor may stay what it is.
    const others = here
      .filter(({ span }) => span.start > word.end || span.end < word.start)
      .map(({ text }) => text);
    const taken = new Set([...row.map(({ image }) => image), ...others]);
    const visible = visibleIn(this.#module);
    return [...declaredIn(from ?? standardLibrary()).values()]
      .filter(
        ({ name }) => !taken.has(name) && (!visible.has(name) || here.some(({ text }) => text === name)),
      )
      .map((definition) => this.#named(definition, 0));
  }

  /** The module of a `use` row, written already behind the cursor; undefined for std. */
  #moduleBehind(): Module | undefined {
    const behind = this.#document.tokens.filter(({ startOffset }) => startOffset >= this.#cursor.word.end);
    const from = behind.findIndex(({ tokenType }) => tokenType === t.From || tokenType === t.Separator);
    const request = behind[from]?.tokenType === t.From ? behind[from + 1] : undefined;
    return request?.tokenType === t.Text ? this.#document.moduleAt(readText(request.image) ?? "") : undefined;
  }

  #isTable(): boolean {
    const { tokens, open } = this.#cursor;
    const brace = open.find(({ type }) => type === t.LeftBrace);
    return brace !== undefined && tokens[brace.index - 2]?.tokenType === t.Names;
  }

  #inRow(): readonly Candidate[] {
    const { row, open } = this.#cursor;
    const last = row[row.length - 1]?.tokenType;
    if (!last) {
      const innermost = open[open.length - 1];
      const isGroup = innermost.type === t.LeftBracket;
      // `[ stride ]` may be a number where a path would make no row: in a `let` and in arguments.
      const isValue =
        this.#cursor.tokens[innermost.rowFrom]?.tokenType === t.Let || open.some(isOpen(t.LeftParen));
      if (isGroup && isValue) return [...this.#values(undefined), keyword("let")];
      const words = isGroup
        ? ["let"]
        : this.#owner?.kind === "net"
          ? ["input", "output", "expect", "default", "let"]
          : ["default", "let"];
      return [...this.#values("path"), ...words.map(keyword)];
    }
    switch (row[0].tokenType) {
      case t.Expect:
        return this.#inExpect(row);
      case t.Output:
        if (last === t.Dot) return this.#parts(false);
        return last === t.Output || last === t.Comma ? this.#labels() : [];
      case t.Default:
        return last === t.Default || last === t.Comma ? this.#values("callable") : [];
      case t.Input:
        return last === t.Input || last === t.Colon ? this.#values("picture") : this.#afterOperator(row);
      case t.Let:
        return row.some(isType(t.Assign)) ? this.#afterOperator(row) : [];
      default:
        return this.#afterOperator(row);
    }
  }

  #inExpect(row: readonly IToken[]): readonly Candidate[] {
    const last = row[row.length - 1].tokenType;
    const counted = [...metrics].map(
      ([label, documentation]): Candidate => ({ label, kind: "metric", documentation, rank: 0 }),
    );
    if (last === t.Expect) return [...counted, ...this.#labels(), keyword("output")];
    let end = 2;
    while (row[end]?.tokenType === t.Dot) end += 2;
    // Past the end: a part is missing behind the last dot.
    if (end > row.length) return [...this.#parts(false), ...counted.filter(({ label }) => label !== "depth")];
    if (row[end]?.tokenType === t.Arrow && row.length === end + 1) return this.#values("size");
    return row.length === end ? this.#values("float") : this.#afterOperator(row.slice(end), "float");
  }

  /** In an expression: what the last token of the row asks for. */
  #afterOperator(row: readonly IToken[], kind?: Wanted): readonly Candidate[] {
    const last = row[row.length - 1].tokenType;
    if (last === t.Dot) return this.#parts(true);
    if (steps.has(last) || last === t.Colon) return this.#values("path");
    // What stands behind `@` is a row above whose weights are taken.
    if (last === t.At) return this.#names("path").filter(({ kind }) => kind === "label");
    if (counts.has(last)) return this.#values("float");
    const isCount = row[row.length - 2]?.tokenType === t.NumberToken;
    if (sums.has(last)) return this.#values(isCount ? "float" : kind);
    if (last === t.Assign) return this.#values(kind);
    if (conditions.has(last)) return this.#values("condition");
    if (last === t.Else) return [keyword("if")];
    return last === t.RightBracket && row.some(isType(t.If)) ? [keyword("else")] : [];
  }

  #inParentheses(bracket: Bracket): readonly Candidate[] {
    const { tokens } = this.#cursor;
    const { index } = bracket;
    const inner = tokens.slice(index + 1);
    const last = tokens[tokens.length - 1].tokenType;
    const declares = tokens[index - 2]?.tokenType;
    if (declares === t.Block || declares === t.Net) {
      if (last === t.Colon) return [...writtenKinds].map((label) => ({ label, kind: "value", rank: 0 }));
      return last === t.Comma || last === t.LeftParen ? [] : this.#afterOperator(inner);
    }
    const callee = calleeBefore(this.#cursor, bracket, this.#scope);
    const { current, name, filled } = argumentsIn(inner);
    const parameters = callee ? parametersOf(callee) : [];
    const wanted =
      name !== undefined
        ? parameters.find((taken) => taken.name === name)
        : callee && nextFree(callee, filled);
    const isBegun = current.length > (name === undefined ? 0 : 2);
    if (isBegun) return this.#afterOperator(current, wanted?.kind);
    if (!callee) return this.#values(undefined);
    if (name !== undefined) return wanted ? this.#valuesOf(callee, wanted.name, wanted.kind) : [];
    const free = parameters
      .slice(filled.positional)
      .filter((taken) => !filled.names.has(taken.name) && callee.kind !== "function");
    const named = free.map((taken): Candidate => {
      const { name: label } = taken;
      return {
        label: `${label} =`,
        insert: `${label} = `,
        kind: "argument",
        detail: showTaken(taken),
        rank: 1,
      };
    });
    // Once one argument has a name, those after it need one too.
    const positional =
      wanted && filled.names.size === 0 ? this.#valuesOf(callee, wanted.name, wanted.kind) : [];
    return [...named, ...positional.map((candidate) => ({ ...candidate, rank: candidate.rank + 2 }))];
  }

  // ---- names ------------------------------------------------------------------------------------------

  #valuesOf(
    callee: Callee["definition"],
    parameter: string,
    kind: ParameterKind | undefined,
  ): readonly Candidate[] {
    const texts = textsOf(callee, parameter).map(
      (text): Candidate => ({ label: JSON.stringify(text), kind: "value", rank: 0 }),
    );
    return [...texts, ...this.#values(kind)];
  }

  #values(wanted: Wanted): readonly Candidate[] {
    const words: string[] = [];
    if (wanted === "path" || wanted === undefined) words.push("in", "none", "if");
    if (wanted === "bool" || wanted === "condition" || wanted === undefined) words.push("true", "false");
    if (wanted === "bool" || wanted === "condition") words.push("not", "in");
    if (wanted === "condition") words.push("none");
    if (wanted === "int" || wanted === "float") words.push("in");
    return [...this.#names(wanted), ...words.map(keyword)];
  }

  #names(wanted: Wanted): readonly Candidate[] {
    const found: Candidate[] = [];
    const here = this.#cursor.row[0]?.startOffset ?? this.#cursor.word.start;
    for (const definition of this.#scope.locals.values()) {
      // Rows run from top to bottom: what stands further down is not there yet.
      const isLater =
        (definition.kind === "label" || definition.kind === "let") &&
        definition.owner === this.#owner &&
        (definition.row.span.start >= here || definition.row.span.end > this.#cursor.word.start);
      if (!isLater && suits(definition, wanted)) found.push(this.#named(definition, 0));
    }
    for (const definition of visibleIn(this.#module).values()) {
      const isSelf =
        ("item" in definition && definition.item === this.#owner) ||
        ("row" in definition && definition.row === this.#owner);
      if (isSelf || !suits(definition, wanted)) continue;
      const isOwn = "span" in definition && definition.span.source === this.#document.source;
      const isUsed = "span" in definition;
      found.push(this.#named(definition, isOwn ? 1 : isUsed ? 2 : 3));
    }
    const taken = new Set(found.map(({ label }) => label));
    for (const definition of notYetUsed(this.#module)) {
      if (this.#document.source.name === stdName || taken.has(definition.name)) continue;
      if (this.#scope.locals.has(definition.name) || !suits(definition, wanted)) continue;
      const edits = this.#document.place(useFromStd(this.#document.source, definition.name).edits);
      found.push({ ...this.#named(definition, 4), edits });
    }
    return found;
  }

  #labels(): readonly Candidate[] {
    return [...this.#scope.locals.values()]
      .filter((definition) => definition.kind === "label")
      .map((definition) => this.#named(definition, 1));
  }

  /** The parts of the tensor before the dot; `counts` are those that stand for a number. */
  #parts(counts: boolean): readonly Candidate[] {
    const parts = partsBefore(this.#cursor.tokens);
    const sizes = counts
      ? ["channels", "height", "width"].map((label): Candidate => ({ label, kind: "property", rank: 2 }))
      : [];
    const tensor = this.#tensorOf(parts);
    const copies = (tensor?.parts?.copies ?? []).map((copy, i): Candidate => {
      return { label: String(i), kind: "part", detail: showMap(copy.node.type.shape), rank: 1 };
    });
    const maker = makerOfParts(parts, this.#scope);
    const labels = maker ? [...labelsOf(maker.owner, maker.module).values()] : [];
    const named = labels.map((label): Candidate => {
      const made = tensor?.parts?.labels.get(label.name);
      return { ...this.#named(label, 0), ...(made ? { detail: showMap(made.node.type.shape) } : {}) };
    });
    return [...named, ...copies, ...sizes];
  }

  /** What `body.conv4.35` was when the net was last built. */
  #tensorOf([first, ...rest]: readonly string[]): TensorValue | undefined {
    const label = this.#scope.locals.get(first);
    let at = label?.kind === "label" ? this.#document.eventOf(label.row)?.result : undefined;
    for (const part of rest)
      at = /^\d+$/.test(part) ? at?.parts?.copies[Number(part)] : at?.parts?.labels.get(part);
    return at;
  }

  #named(definition: Definition, rank: number): Candidate {
    const { name: label, kind } = definition;
    const detail = this.#detail(definition);
    const documentation = describe(this.#document, definition);
    return { label, kind, ...(detail ? { detail } : {}), documentation, rank };
  }

  #detail(definition: Definition): string | undefined {
    switch (definition.kind) {
      case "operation":
      case "block":
      case "net":
      case "function":
        return signatureOf(definition);
      case "parameter":
        return kindOf(definition);
      case "label": {
        const result = this.#document.eventOf(definition.row)?.result;
        return result && showMap(result.node.type.shape);
      }
      default:
        return undefined;
    }
  }
}

const keyword = (label: string): Candidate => ({ label, kind: "keyword", rank: 5 });

const isOpen =
  (type: TokenType) =>
  (bracket: Bracket): boolean =>
    bracket.type === type;

const isType =
  (type: TokenType) =>
  ({ tokenType }: IToken): boolean =>
    tokenType === type;

/** `body`, `conv4`, `35` of `body.conv4.35.`; empty where something else than names stands before the dot. */
function partsBefore(tokens: readonly IToken[]): readonly string[] {
  const parts: string[] = [];
  let at = tokens.length - 1;
  while (tokens[at]?.tokenType === t.Dot) {
    const part = tokens[at - 1];
    if (part?.tokenType !== t.Name && part?.tokenType !== t.NumberToken) return [];
    parts.unshift(...part.image.split("."));
    at -= 2;
  }
  return parts;
}
