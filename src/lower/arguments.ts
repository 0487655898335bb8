/**
 * Filling parameters: arguments at the call, then the nearest `default` row, then the declared default. At each
 * call those without a name fill the parameters that are still free, in order; then come those with one. Kinds
 * are checked here, once, for operations, blocks, nets and `image` alike.
 */
import type { Extra } from "../base/diagnostic.ts";
import { writeOneOf } from "../base/fix.ts";
import type { Span } from "../base/source.ts";
import { allNearest, didYouMean } from "../base/suggest.ts";
import type { Expr, Ident, Parameter } from "../parser/ast.ts";
import type { Application, BuiltinParameter, ParameterKind } from "./builtin.ts";
import { explainParameter } from "./explain-names.ts";
import { writeValue } from "./explain-rows.ts";
import { foreignKind } from "./foreign-names.ts";
import { fail } from "./row-error.ts";
import {
  type BlockValue,
  type Context,
  describeKind,
  type Given,
  isPath,
  type NumberValue,
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
  readonly below?: number;
}

const slotsOf = new WeakMap<readonly BuiltinParameter[], readonly Slot[]>();

export function builtinSlots(parameters: readonly BuiltinParameter[]): readonly Slot[] {
  let slots = slotsOf.get(parameters);
  if (!slots) {
    slots = parameters.map(({ default: value, ...rest }) =>
      value ? { ...rest, fallback: () => value } : rest,
    );
    slotsOf.set(parameters, slots);
  }
  return slots;
}

export const writtenKinds: ReadonlySet<string> = new Set<string>([
  "int",
  "float",
  "bool",
  "text",
  "size",
  "path",
]);

/** The kind of a block's or net's parameter: as annotated, else that of its default, else int. */
export function declaredKind(
  { type, default: value }: Parameter,
  lookup: (name: string) => Value | undefined,
): ParameterKind | undefined {
  if (type) {
    if (writtenKinds.has(type.text)) return type.text as ParameterKind;
    fail("unknown-kind", type.span, { name: type.text }, explainKind(type));
  }
  return value ? kindOfDefault(value, lookup) : "int";
}

/** Which kind a word that is none may mean. */
export function explainKind({ text, span }: Ident): Extra {
  const foreign = foreignKind(text);
  const near = foreign === undefined ? allNearest(text, writtenKinds) : [foreign];
  const hint = didYouMean(near) ?? `the kinds are ${[...writtenKinds].join(", ")}`;
  return { hint, fixes: writeOneOf(span, near) };
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

/** How an operation reads what its parameters got. */
export function readArguments(
  callee: string,
  filled: ReadonlyMap<string, Value>,
  span: Span,
): Pick<Application, "value" | "int" | "flag" | "size"> {
  return {
    value: (key) => filled.get(key),
    int(key) {
      const found = filled.get(key);
      return found?.kind === "number" ? whole(found.value, key, span) : 0;
    },
    flag(key) {
      const found = filled.get(key);
      return found?.kind === "bool" && found.value;
    },
    size(key) {
      const found = filled.get(key);
      const sides = found?.kind === "size" ? found.sides : [];
      if (sides.length === 2) return [sides[0], sides[1]];
      const what = `\`${key}\` of \`${callee}\``;
      fail("out-of-range", span, { what, wanted: "height x width", value: sides.join("x") });
    },
  };
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
  let firstNamed: Ident | undefined;
  for (const { name, given } of args) {
    if (!name && firstNamed) {
      const notes = [{ message: `\`${firstNamed.text}\` is named here`, span: firstNamed.span }];
      fail("argument-order", given.span, {}, { notes, hint: "put the unnamed ones first" });
    }
    if (!name && position >= free.length) {
      const all = parameters.join(", ");
      const count = `${parameters.length} argument${parameters.length === 1 ? "" : "s"}`;
      const takes = parameters.length === 0 ? "no arguments" : `${count}: ${all}`;
      const settled = parameters.filter((parameter) => named.has(parameter));
      const { source, start } = given.span;
      // `0,1`: without a space it is a decimal comma rather than two arguments.
      const decimal = /\d,$/.test(source.text.slice(0, start)) && given.value.kind === "number";
      const hint = decimal
        ? "decimals are written with a point, as 0.1"
        : settled.length > 0
          ? `${settled.join(", ")} was given before`
          : "remove it";
      fail("extra-argument", given.span, { callee, takes }, { hint });
    }
    const parameter = name?.text ?? free[position++];
    if (here.has(parameter)) {
      const params = { name: parameter, where: "given in this call" };
      const first = args.find((other) => other.name?.text === parameter)?.name;
      const notes = first && first !== name ? [{ message: "it is given here", span: first.span }] : [];
      fail("duplicate-name", name?.span ?? given.span, params, { notes, hint: "give it once" });
    }
    here.add(parameter);
    firstNamed ??= name;
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
  const known = slots.map((slot) => slot.name);
  fail("unknown-parameter", span, { callee, name }, explainParameter(name, known, span));
}

/** The value as its parameter wants it: an int is a square size; ints are whole. */
function coerce(callee: string, { name, kind, least, below }: Slot, value: Value, span: Span): Value {
  const what = `\`${name}\` of \`${callee}\``;
  const mismatch = (wanted: string): never => {
    const message = `${what} must be ${wanted}, this is ${describeKind(value)}`;
    return fail("kind-mismatch", span, { message }, explainMismatch(kind, value, span));
  };
  switch (kind) {
    case undefined:
      return value;
    case "int":
      if (value.kind !== "number") return mismatch("a whole number");
      return rounded(value, what, span, least);
    case "float":
      if (value.kind !== "number") return mismatch("a number");
      if (below !== undefined && value.value >= below) {
        const params = { what, wanted: `below ${below}`, value: String(value.value) };
        const hint = `${callee} knows how many channels there are; \`${name}\` is a small number such as 1e-5`;
        fail("out-of-range", span, params, { hint });
      }
      return value;
    case "size":
      if (value.kind === "number") {
        const side = whole(value.value, what, span, 1);
        return { kind: "size", sides: [side, side] };
      }
      return value.kind === "size" ? value : mismatch("a size such as 3x3");
    case "pad":
      if (value.kind === "number") return rounded(value, what, span, 0);
      if (value.kind === "text" && (value.value === "same" || value.value === "tf")) return value;
      if (value.kind === "text") refusePadding(what, value.value, span);
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

/** What helps where a value is of another kind. */
function explainMismatch(kind: ParameterKind | undefined, value: Value, span: Span): Extra {
  if (value.kind === "tuple" && kind === "size") {
    const size = value.items.join("x");
    return { hint: `a size is written ${size}`, fixes: [writeValue(span, size)] };
  }
  const sides = value.kind === "tuple" ? value.items : value.kind === "size" ? value.sides : [];
  if (kind === "int" && sides.length > 0 && sides.every((side) => side === sides[0])) {
    return {
      hint: `one number holds for both directions: ${sides[0]}`,
      fixes: [writeValue(span, String(sides[0]))],
    };
  }
  if (value.kind === "text" && kind === "path") {
    return {
      hint: `a path is named without quotes: ${value.value}`,
      fixes: /^\w+$/.test(value.value) ? [writeValue(span, value.value)] : [],
    };
  }
  if (value.kind === "number" && kind === "bool" && (value.value === 0 || value.value === 1)) {
    const meant = value.value === 1 ? "true" : "false";
    return { hint: `write ${meant}`, fixes: [writeValue(span, meant)] };
  }
  if (value.kind === "none" && kind === "bool")
    return { hint: "write false", fixes: [writeValue(span, "false")] };
  return {};
}

/** Words of other frameworks for what stands around a map. */
function refusePadding(what: string, word: string, span: Span): never {
  const params = { what, wanted: '"same", "tf" or a whole number', value: `"${word}"` };
  if (word.toLowerCase() === "valid") {
    fail("out-of-range", span, params, { hint: "no padding is 0", fixes: [writeValue(span, "0")] });
  }
  const isSame = word.toLowerCase() === "same";
  const near = isSame ? ["same", "tf"] : allNearest(word, ["same", "tf"]);
  const hint = isSame
    ? 'TensorFlow\'s SAME is "tf"; "same" is torch\'s habit, half the kernel on each side'
    : (didYouMean(
        near.map((name) => `"${name}"`),
        "",
      ) ?? "what is put around a map are zeros: 1 puts one on every side");
  fail("out-of-range", span, params, { hint, fixes: near.map((name) => writeValue(span, `"${name}"`)) });
}

function rounded(number: NumberValue, what: string, span: Span, least: number | undefined): NumberValue {
  const value = whole(number.value, what, span, least);
  return value === number.value ? number : { ...number, value };
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
