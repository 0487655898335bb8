/**
 * Filling parameters: arguments at the call, then the nearest `default` row, then the declared default. At each
 * call those without a name fill the parameters that are still free, in order; then come those with one. Kinds
 * are checked here, once, for operations, blocks, nets and `image` alike.
 */
import type { Span } from "../base/source.ts";
import { listNames, nearest } from "../base/suggest.ts";
import type { Expr, Ident, Parameter } from "../parser/ast.ts";
import type { BuiltinParameter, ParameterKind } from "./builtin.ts";
import { fail } from "./row-error.ts";
import {
  type BlockValue,
  type Context,
  describeKind,
  type Given,
  isPath,
  type OperationValue,
  type Settings,
  type Value,
} from "./values.ts";

/** A parameter, whoever declared it. */
export interface Slot {
  readonly name: string;
  /** Undefined: anything goes (the default says nothing about the kind). */
  readonly kind: ParameterKind | undefined;
  /** Makes the declared default; absent: it must be given. Earlier parameters are visible to it. */
  readonly fallback?: (earlier: ReadonlyMap<string, Value>) => Value;
  readonly optional?: boolean;
  readonly least?: number;
}

export function builtinSlots(parameters: readonly BuiltinParameter[]): readonly Slot[] {
  return parameters.map(({ default: value, ...rest }) => (value ? { ...rest, fallback: () => value } : rest));
}

const writtenKinds = new Set<string>(["int", "float", "bool", "text", "size", "path"]);

/** The kind of a block's or net's parameter: as annotated, else that of its default, else int. */
export function declaredKind(
  { type, default: value }: Parameter,
  lookup: (name: string) => Value | undefined,
): ParameterKind | undefined {
  if (type) {
    if (writtenKinds.has(type.text)) return type.text as ParameterKind;
    const message = `\`${type.text}\` is no kind`;
    fail("kind-mismatch", type.span, { message }, { hint: `the kinds are ${[...writtenKinds].join(", ")}` });
  }
  return value ? kindOfDefault(value, lookup) : "int";
}

/** What a default says about its parameter's kind; undefined where only its value would tell. */
function kindOfDefault(expr: Expr, lookup: (name: string) => Value | undefined): ParameterKind | undefined {
  switch (expr.kind) {
    case "number":
      return /[.eE]/.test(expr.text) ? "float" : "int";
    case "bool":
    case "text":
    case "size":
      return expr.kind;
    case "none":
    case "in":
    case "group":
      return "path";
    case "unary":
      return expr.operator === "not" ? "bool" : kindOfDefault(expr.operand, lookup);
    case "binary":
      if (["and", "or", "==", "!=", "<", "<=", ">", ">="].includes(expr.operator)) return "bool";
      return kindOfDefault(expr.left, lookup) === "float" ? "float" : kindOfDefault(expr.left, lookup);
    case "name": {
      const value = lookup(expr.name);
      if (!value) return undefined;
      if (isPath(value)) return "path";
      if (value.kind === "number")
        return Number.isInteger(value.value) && !value.text?.includes(".") ? "int" : "float";
      return value.kind === "bool" || value.kind === "text" || value.kind === "size" ? value.kind : undefined;
    }
    case "call":
      return kindOfDefault(expr.callee, lookup) === "path" ? "path" : "int";
    default:
      return undefined;
  }
}

/** The given arguments by parameter name, kinds checked, defaults filled in. */
export function fillParameters(
  callee: string,
  slots: readonly Slot[],
  { named }: Settings,
  defaults: ReadonlyMap<string, Given>,
  span: Span,
): Map<string, Value> {
  for (const [name, { span: place }] of named) {
    if (!slots.some((slot) => slot.name === name)) unknownParameter(callee, name, slots, place);
  }
  const filled = new Map<string, Value>();
  for (const slot of slots) {
    const given = named.get(slot.name) ?? defaults.get(slot.name);
    if (given) filled.set(slot.name, coerce(callee, slot, given.value, given.span));
    else if (slot.fallback) filled.set(slot.name, coerce(callee, slot, slot.fallback(filled), span));
    else if (!slot.optional) {
      const needed = slots.filter((s) => !s.fallback && !s.optional).map((s) => s.name);
      fail(
        "missing-argument",
        span,
        { callee, name: slot.name },
        { hint: `\`${callee}(${needed.join(", ")})\`` },
      );
    }
  }
  return filled;
}

/** One argument of a call, evaluated. */
export interface Argued {
  readonly name: Ident | undefined;
  readonly given: Given;
}

/** The settings after one more call. */
export function addArguments(
  callee: string,
  parameters: readonly string[],
  { named }: Settings,
  args: readonly Argued[],
): Settings {
  const filled = new Map(named);
  const free = parameters.filter((parameter) => !named.has(parameter));
  const here = new Set<string>();
  let position = 0;
  let sawName = false;
  for (const { name, given } of args) {
    if (!name && sawName) fail("argument-order", given.span, {}, { hint: "put the unnamed ones first" });
    if (!name && position >= free.length) {
      const all = parameters.join(", ");
      const count = `${parameters.length} argument${parameters.length === 1 ? "" : "s"}`;
      const takes = parameters.length === 0 ? "no arguments" : `${count}: ${all}`;
      const settled = parameters.filter((parameter) => named.has(parameter));
      const hint = settled.length > 0 ? `${settled.join(", ")} was given before` : "remove it";
      fail("extra-argument", given.span, { callee, takes }, { hint });
    }
    const parameter = name?.text ?? free[position++];
    if (here.has(parameter)) {
      const params = { name: parameter, where: "given in this call" };
      fail("duplicate-name", name?.span ?? given.span, params, { hint: "give it once" });
    }
    here.add(parameter);
    sawName ||= name !== undefined;
    filled.set(parameter, given);
  }
  return { named: filled };
}

/** What `default` rows set for this operation or block; the nearest row wins. */
export function defaultsFor(
  path: OperationValue | BlockValue,
  { defaults }: Context,
): ReadonlyMap<string, Given> {
  const found = new Map<string, Given>();
  for (const row of defaults) {
    const matches =
      row.kind === "operation" && path.kind === "operation"
        ? row.operation === path.operation
        : row.kind === "block" && path.kind === "block" && row.declaration === path.declaration;
    if (!matches) continue;
    for (const [key, given] of row.named) if (!found.has(key)) found.set(key, given);
  }
  return found;
}

export function unknownParameter(
  callee: string,
  name: string,
  slots: readonly { name: string }[],
  span: Span,
): never {
  fail("unknown-parameter", span, { callee, name }, { hint: parameterHint(name, slots) });
}

export function parameterHint(name: string, slots: readonly { name: string }[]): string {
  const near = nearest(
    name,
    slots.map((slot) => slot.name),
  );
  if (near) return `did you mean \`${near}\`?`;
  return slots.length > 0 ? `it takes ${listNames(slots.map((slot) => slot.name))}` : "it takes no arguments";
}

/** The value as its parameter wants it: an int is a square size; ints are whole. */
function coerce(callee: string, { name, kind, least }: Slot, value: Value, span: Span): Value {
  const what = `\`${name}\` of \`${callee}\``;
  const mismatch = (wanted: string): never =>
    fail("kind-mismatch", span, { message: `${what} must be ${wanted}, this is ${describeKind(value)}` });
  switch (kind) {
    case undefined:
      return value;
    case "int":
      if (value.kind !== "number") return mismatch("a whole number");
      return { ...value, value: whole(value.value, what, span, least) };
    case "float":
      return value.kind === "number" ? value : mismatch("a number");
    case "size":
      if (value.kind === "number") {
        const side = whole(value.value, what, span, 1);
        return { kind: "size", sides: [side, side] };
      }
      return value.kind === "size" ? value : mismatch("a size such as 3x3");
    case "pad":
      if (value.kind === "number") return { ...value, value: whole(value.value, what, span, 0) };
      if (value.kind === "text" && (value.value === "same" || value.value === "tf")) return value;
      return mismatch('"same", "tf" or a whole number');
    case "tuple":
      if (value.kind === "number") return { kind: "tuple", items: [value.value] };
      return value.kind === "tuple" ? value : mismatch("numbers in parentheses");
    case "path":
      return isPath(value) ? value : mismatch("a block or a path");
    case "bool":
      return value.kind === "bool" ? value : mismatch("true or false");
    case "text":
      return value.kind === "text" ? value : mismatch("text in quotes");
  }
}

/** A whole number from `least` up; computed ones may miss by 1e-9. */
export function whole(value: number, what: string, span: Span, least?: number): number {
  const nearestWhole = Math.round(value);
  if (!(Math.abs(value - nearestWhole) <= 1e-9)) {
    fail("not-whole", span, { what, value }, { hint: "use floor(), ceil() or round()" });
  }
  if (least !== undefined && nearestWhole < least) {
    fail("out-of-range", span, { what, wanted: `at least ${least}`, value: String(nearestWhole) });
  }
  if (nearestWhole > 2 ** 31 - 1) {
    fail("out-of-range", span, { what, wanted: "below 2147483648", value: String(nearestWhole) });
  }
  return nearestWhole;
}
