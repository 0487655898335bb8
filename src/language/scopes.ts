/**
 * What names can mean and where: the scopes of files and declarations, what a path calls, whose parts a tensor has. All
 * of it follows the text alone, so it holds for files that do not compile.
 */
import type { Span } from "../base/source.ts";
import type { Builtin, BuiltinParameter } from "../lower/builtin.ts";
import { builtins, functions, imageParameters } from "../lower/builtins.ts";
import { type Module, standardLibrary } from "../lower/modules.ts";
import { allRows, copyIndices, labelRows, spine } from "../lower/naming.ts";
import type {
  BlockItem,
  Expr,
  Ident,
  InputRow,
  LetRow,
  NamesItem,
  NetItem,
  Parameter,
  Row,
  StepRow,
} from "../parser/ast.ts";

export type Definition =
  | { readonly kind: "operation"; readonly name: string; readonly operation: Operation }
  | {
      readonly kind: "setting";
      readonly name: string;
      readonly of: Operation;
      readonly setting: BuiltinParameter;
    }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "property"; readonly name: string }
  | { readonly kind: "metric"; readonly name: string }
  | Written;

/** What has a place in a text. */
export type Written = { readonly name: string; readonly span: Span; readonly module: Module } & (
  | { readonly kind: "block"; readonly item: BlockItem }
  | { readonly kind: "net"; readonly item: NetItem }
  | { readonly kind: "table"; readonly item: NamesItem }
  | { readonly kind: "let"; readonly row: LetRow; readonly owner: Owner }
  | { readonly kind: "parameter"; readonly parameter: Parameter; readonly owner: Owner }
  /** `i` of `block x 3 as i`; repetitions of one declaration may share it. */
  | { readonly kind: "index"; readonly owner: Owner }
  | { readonly kind: "label"; readonly row: LabelRow; readonly owner: Owner }
  /** What stands behind `from`: the start of the file. */
  | { readonly kind: "file" }
);

/** `image` is one as well, though it makes pictures and no nodes. */
export type Operation = Pick<Builtin, "name" | "summary" | "parameters">;
/** What its names are declared in: a `let` at the top of a file may hold rows too. */
export type Owner = BlockItem | NetItem | LetRow;
export type LabelRow = StepRow | InputRow;

/** Definitions are made anew for every version and file: what has the same place is the same. */
export function sameDefinition(a: Definition, b: Definition): boolean {
  if ("span" in a && "span" in b)
    return a.span.start === b.span.start && a.span.source.name === b.span.source.name && a.kind === b.kind;
  if (a.kind === "setting" && b.kind === "setting") return a.name === b.name && a.of === b.of;
  return a.kind === b.kind && a.name === b.name && !("span" in a) && !("span" in b);
}

/** What `expect` can count. */
export const metrics: ReadonlyMap<string, string> = new Map([
  ["params", "weights, biases, scales and shifts"],
  ["state", "running means and variances, and what is frozen"],
  ["macs", "multiply-adds of convolutions and dense layers"],
  ["depth", "the most convolutions and dense layers on one way from an input to an output"],
]);

// ---- scopes -------------------------------------------------------------------------------------------

/** Where a name is looked up: in a declaration, then in its file. */
export interface Scope {
  readonly module: Module;
  readonly owner: Owner | undefined;
  readonly locals: ReadonlyMap<string, Definition>;
}

const image: Operation = {
  name: "image",
  summary: "a picture: its size and how it is prepared",
  parameters: imageParameters,
};

const builtinDefinitions: ReadonlyMap<string, Definition> = new Map<string, Definition>([
  ...[...builtins.values(), image].map(
    (operation) => [operation.name, { kind: "operation", name: operation.name, operation }] as const,
  ),
  ...[...functions.keys()].map((name) => [name, { kind: "function", name }] as const),
]);

const topLevels = new WeakMap<Module, ReadonlyMap<string, Definition>>();

/** What the declarations of a file define. */
export function declaredIn(module: Module): ReadonlyMap<string, Definition> {
  let found = topLevels.get(module);
  if (!found) {
    const all = new Map<string, Definition>();
    for (const item of module.file.items) {
      // Of several of one name the first one counts.
      if (item.kind !== "use" && !all.has(item.name.text))
        all.set(item.name.text, definitionOf(item, module));
    }
    found = all;
    topLevels.set(module, found);
  }
  return found;
}

export function definitionOf(item: BlockItem | NetItem | NamesItem | LetRow, module: Module): Written {
  const place = { name: item.name.text, span: item.name.span, module };
  switch (item.kind) {
    case "block":
      return { kind: "block", item, ...place };
    case "net":
      return { kind: "net", item, ...place };
    case "names":
      return { kind: "table", item, ...place };
    case "let":
      return { kind: "let", row: item, owner: item, ...place };
  }
}

const visibles = new WeakMap<Module, ReadonlyMap<string, Definition>>();

/** Everything visible at the top of a file. */
export function visibleIn(module: Module): ReadonlyMap<string, Definition> {
  const known = visibles.get(module);
  if (known) return known;
  const all = new Map(builtinDefinitions);
  visibles.set(module, all);
  for (const [item, from] of module.imports) {
    const offered = declaredIn(from);
    for (const { text } of item.names) {
      const found = offered.get(text);
      if (found && !all.has(text)) all.set(text, found);
    }
  }
  for (const [name, definition] of declaredIn(module)) if (!all.has(name)) all.set(name, definition);
  return all;
}

const scopes = new WeakMap<Owner, Scope>();

export function scopeOf(owner: Owner, module: Module): Scope {
  let scope = scopes.get(owner);
  if (!scope) {
    scope = { module, owner, locals: localsOf(owner, module) };
    scopes.set(owner, scope);
  }
  return scope;
}

function localsOf(owner: Owner, module: Module): ReadonlyMap<string, Definition> {
  const locals = new Map<string, Definition>();
  const declare = (definition: Written) => {
    if (!locals.has(definition.name)) locals.set(definition.name, definition);
  };
  const at = (name: Ident) => ({ name: name.text, span: name.span, module, owner });
  for (const parameter of owner.kind === "let" ? [] : owner.parameters)
    declare({ kind: "parameter", parameter, ...at(parameter.name) });
  const rows: readonly Row[] = owner.kind === "let" ? [owner] : owner.rows;
  for (const { row } of allRows(rows))
    if (row.kind === "let" && row !== owner) declare({ kind: "let", row, ...at(row.name) });
  for (const { name, span } of copyIndices(rows)) declare({ kind: "index", name, span, module, owner });
  for (const label of labelsOf(owner, module).values()) if (label.kind === "label") declare(label);
  return locals;
}

/** The labels of a declaration, those of the nets it is derived from included. */
export function labelsOf(owner: Owner, module: Module): ReadonlyMap<string, Written> {
  const labels = new Map<string, Written>();
  for (const at of lineageOf(owner, module)) {
    for (const { row } of labelRows(at.owner.kind === "let" ? [at.owner] : at.owner.rows)) {
      const label = row.kind === "step" || row.kind === "input" ? row.label : undefined;
      if (label && !labels.has(label.text))
        labels.set(label.text, {
          kind: "label",
          name: label.text,
          span: label.span,
          row: row as LabelRow,
          ...at,
        });
    }
  }
  return labels;
}

interface Declared {
  readonly owner: Owner;
  readonly module: Module;
}

/** The declaration and the nets under it, itself first. */
export function lineageOf(owner: Owner, module: Module): readonly Declared[] {
  const found: Declared[] = [];
  let at: Declared | undefined = { owner, module };
  while (at && !found.some((earlier) => earlier.owner === at?.owner)) {
    found.push(at);
    const base: Expr | undefined = at.owner.kind === "net" ? at.owner.base : undefined;
    const callee: Expr | undefined = base?.kind === "call" ? base.callee : base;
    const under: Definition | undefined =
      callee?.kind === "name" ? visibleIn(at.module).get(callee.name) : undefined;
    at = under?.kind === "net" ? { owner: under.item, module: under.module } : undefined;
  }
  return found;
}

/** The scope of the declaration that an offset is in, or behind. */
export function scopeAt(module: Module, offset: number): Scope {
  const above = module.file.items.findLast(({ span }) => span.start <= offset);
  return above && above.kind !== "use" && above.kind !== "names"
    ? scopeOf(above, module)
    : { module, owner: undefined, locals: new Map() };
}

export function lookup(name: string, { locals, module }: Scope): Definition | undefined {
  return locals.get(name) ?? visibleIn(module).get(name);
}

// ---- what paths are -------------------------------------------------------------------------------------

export interface Callee {
  readonly definition: Extract<Definition, { kind: "operation" | "block" | "net" | "function" }>;
  /** False where the text only shows a default: whoever uses the block may give another. */
  readonly isCertain: boolean;
}

/** Definitions may go round in circles in a broken text. */
const deepest = 20;

/** What a call calls in the end, through `let`s and the defaults of parameters. */
export function calleeOf(expr: Expr, scope: Scope, depth = 0): Callee | undefined {
  if (depth > deepest) return undefined;
  const step = spine(expr);
  if (step.kind === "call") return calleeOf(step.callee, scope, depth + 1);
  const definition = step.kind === "name" ? lookup(step.name, scope) : undefined;
  switch (definition?.kind) {
    case "operation":
    case "function":
    case "block":
    case "net":
      return { definition, isCertain: true };
    case "let":
      return calleeOf(definition.row.value, scopeOf(definition.owner, definition.module), depth + 1);
    case "parameter": {
      const { parameter, owner, module } = definition;
      const usual = parameter.default && calleeOf(parameter.default, scopeOf(owner, module), depth + 1);
      return usual && { ...usual, isCertain: false };
    }
    default:
      return undefined;
  }
}

/** The block or net whose labels a tensor's parts are: that of the last step which made it. */
export function makerOf(expr: Expr, scope: Scope, depth = 0): Declared | undefined {
  if (depth > deepest) return undefined;
  const step = spine(expr);
  switch (step.kind) {
    case "binary":
      return step.operator === "->" ? makerOf(step.right, scope, depth + 1) : undefined;
    case "group": {
      const last = step.rows.findLast((row) => row.kind === "step");
      return last && makerOf(last.value, scope, depth + 1);
    }
    case "call": {
      const callee = calleeOf(step, scope, depth + 1);
      const { definition } = callee ?? {};
      if (!callee?.isCertain || (definition?.kind !== "block" && definition?.kind !== "net"))
        return undefined;
      return { owner: definition.item, module: definition.module };
    }
    case "member": {
      if (/^\d+$/.test(step.member.text)) return makerOf(step.object, scope, depth + 1);
      const maker = makerOf(step.object, scope, depth + 1);
      return maker && makerOfLabel(labelsOf(maker.owner, maker.module).get(step.member.text), depth + 1);
    }
    case "name": {
      const definition = lookup(step.name, scope);
      if (definition?.kind === "label") return makerOfLabel(definition, depth + 1);
      if (definition?.kind === "block" || definition?.kind === "net")
        return { owner: definition.item, module: definition.module };
      return definition?.kind === "let"
        ? makerOf(definition.row.value, scopeOf(definition.owner, definition.module), depth + 1)
        : undefined;
    }
    default:
      return undefined;
  }
}

function makerOfLabel(label: Definition | undefined, depth = 0): Declared | undefined {
  if (label?.kind !== "label" || label.row.kind !== "step") return undefined;
  return makerOf(label.row.value, scopeOf(label.owner, label.module), depth);
}

/** What `body.conv4.35` goes through: a label, then labels and copies of what made it. */
export function makerOfParts(parts: readonly string[], scope: Scope): Declared | undefined {
  let maker = makerOfLabel(scope.locals.get(parts[0]));
  for (const part of parts.slice(1)) {
    if (/^\d+$/.test(part) || !maker) continue;
    maker = makerOfLabel(labelsOf(maker.owner, maker.module).get(part));
  }
  return maker;
}

/** A parameter by its name; a derived net also takes those of the nets under it. */
export function parameterOf(callee: Callee["definition"], name: string): Definition | undefined {
  if (callee.kind === "function") return undefined;
  if (callee.kind === "operation") {
    const setting = callee.operation.parameters.find((parameter) => parameter.name === name);
    return setting && { kind: "setting", name, setting, of: callee.operation };
  }
  for (const { owner, module } of lineageOf(callee.item, callee.module)) {
    const found = scopeOf(owner, module).locals.get(name);
    if (found?.kind === "parameter") return found;
  }
  return undefined;
}

/** Names that std offers and a file does not see yet. */
export function notYetUsed(module: Module): readonly Definition[] {
  const std = standardLibrary();
  const visible = visibleIn(module);
  return [...declaredIn(std).values()].filter(({ name }) => !visible.has(name));
}
