/**
 * Expression → value, in a frame. Nothing is built here: `conv(3x3, 64) -> bn` evaluates to a closure, which
 * expand.ts runs on a tensor. Mistakes leave as RowError.
 */
import { writeOneOf } from "../base/fix.ts";
import type { Span } from "../base/source.ts";
import { allNearest, didYouMean } from "../base/suggest.ts";
import type { BinaryExpr, CallExpr, Expr, MemberExpr, NameExpr } from "../parser/ast.ts";
import { type Argued, addArguments, builtinSlots, fillParameters, whole } from "./arguments.ts";
import { imageParameters } from "./builtins.ts";
import { dashOfList } from "./check-slips.ts";
import { explainPart, explainUnknown } from "./explain-names.ts";
import { refuseDash, refusePath, writeValue } from "./explain-rows.ts";
import type { Entry, Module } from "./modules.ts";
import { allRows, copyIndices } from "./naming.ts";
import { enter, leave } from "./nesting.ts";
import { fail, failSilently } from "./row-error.ts";
import {
  describeKind,
  describePath,
  type Frame,
  type ImageFunctionValue,
  isPath,
  type PathValue,
  type Settings,
  type Value,
} from "./values.ts";

/** A frame for what stands at the top of a file. */
export function topFrame(module: Module): Frame {
  return {
    module,
    declaration: undefined,
    variables: new Map(),
    labels: new Map(),
    failed: new Set(),
    input: undefined,
    context: { defaults: [], stack: [] },
  };
}

export function evaluate(expr: Expr, frame: Frame): Value {
  enter(expr.span);
  try {
    return evaluateWithin(expr, frame);
  } finally {
    leave();
  }
}

function evaluateWithin(expr: Expr, frame: Frame): Value {
  switch (expr.kind) {
    case "number":
      return { kind: "number", value: expr.value, slack: expr.slack, text: expr.text };
    case "size":
      if (expr.sides.includes(0)) {
        const params = { what: "every side of a size", wanted: "at least 1", value: expr.sides.join("x") };
        const { text } = expr.span.source;
        const digits = text.slice(expr.span.start + 2, expr.span.end);
        const decimal = String(Number.parseInt(digits, 16));
        const isHexadecimal = expr.sides[0] === 0 && expr.sides.length === 2 && digits !== "0";
        const hint = isHexadecimal
          ? `if the hexadecimal number is meant: ${decimal}`
          : "a size is such as 3x3, or 224x224x3";
        fail("out-of-range", expr.span, params, { hint });
      }
      return { kind: "size", sides: expr.sides };
    case "text":
    case "bool":
      return expr;
    case "none":
      return { kind: "none" };
    case "in":
      if (frame.input) return frame.input;
      fail(
        "unknown-name",
        expr.span,
        { name: "in" },
        { hint: "`in` is the input of the block or net it stands in" },
      );
      break;
    case "name":
      return lookup(expr, frame);
    case "tuple":
      return { kind: "tuple", items: expr.items.map((item) => numberOf(evaluate(item, frame), item.span)) };
    case "group": {
      // `[ stride ]` in a choice of numbers is that number; any other group is a path.
      const only = expr.rows.length === 1 ? expr.rows[0] : undefined;
      if (only?.kind === "step" && !only.label) {
        const value = evaluate(only.value, frame);
        if (!isPath(value)) return value;
      }
      return { kind: "closure", expr, frame };
    }
    case "choice": {
      const taken = conditionOf(expr.condition, frame) ? expr.consequent : expr.alternate;
      return taken
        ? evaluate(taken, frame)
        : { kind: "closure", expr: { ...expr.consequent, rows: [] }, frame };
    }
    case "call":
      return call(expr, frame);
    case "member":
      return member(expr, frame);
    case "unary": {
      const value = evaluate(expr.operand, frame);
      if (expr.operator === "-") return { kind: "number", value: -numberOf(value, expr.operand.span) };
      return { kind: "bool", value: !boolOf(value, expr.operand.span) };
    }
    case "binary":
      return binary(expr, frame);
    case "error":
      // Reported by the parser; what is said from here on is dropped as its consequence.
      fail("unexpected-token", expr.span, { text: "this" });
  }
}

export function conditionOf(expr: Expr, frame: Frame): boolean {
  const value = evaluate(expr, frame);
  if (value.kind === "bool") return value.value;
  fail("kind-mismatch", expr.span, {
    message: `a condition is true or false, this is ${describeKind(value)}`,
  });
}

export function numberOf(value: Value, span: Span): number {
  if (value.kind === "number") return value.value;
  fail("kind-mismatch", span, { message: `a number is needed here, this is ${describeKind(value)}` });
}

function boolOf(value: Value, span: Span): boolean {
  if (value.kind === "bool") return value.value;
  fail("kind-mismatch", span, { message: `true or false is needed here, this is ${describeKind(value)}` });
}

/** A whole number from 1 up: a stride or a count. */
export function countOf(expr: Expr, frame: Frame, what: string): number {
  const value = evaluate(expr, frame);
  if (value.kind === "size") {
    const message = `${what} is one number, this is ${describeKind(value)}`;
    const sides = [...new Set(value.sides)].map(String);
    const hint = sides.length === 1 ? `write ${sides[0]}` : `${what} is the same in both directions`;
    fail("kind-mismatch", expr.span, { message }, { hint, fixes: writeOneOf(expr.span, sides) });
  }
  if (isPath(value)) {
    const message = `${what} is a number, this is ${describeKind(value)}`;
    const hint = what === "a count" ? "the block comes first, then how often: `block x 3`" : undefined;
    fail("kind-mismatch", expr.span, { message }, { hint });
  }
  const number = numberOf(value, expr.span);
  if (number < 1 && Number.isInteger(number)) {
    const hint =
      what === "a count"
        ? "a row that is not wanted is left out, or stands in `if c [ ... ]`"
        : "a stride of 1 goes one step at a time";
    fail("out-of-range", expr.span, { what, wanted: "at least 1", value: String(number) }, { hint });
  }
  return whole(number, what, expr.span, 1);
}

// ---- names ------------------------------------------------------------------------------------------

/** The value of a name at the top of a file; undefined when there is none or it could not be evaluated. */
export function lookupTop(name: string, module: Module, span?: Span): Value | undefined {
  const entry = module.scope.get(name);
  if (!entry) return undefined;
  if (entry.kind === "value") return entry.value;
  if (entry.kind === "missing") failSilently();
  if (entry.value) return entry.value;
  const place = span ?? entry.row.name.span;
  if (evaluating.includes(entry)) {
    if (entry.module().cyclic.has(name)) failSilently();
    const names = evaluating.slice(evaluating.indexOf(entry)).map(({ row }) => row.name.text);
    const params = { name: names[0], path: [...names, names[0]].join(" -> ") };
    fail("cyclic-definition", place, params, { hint: "one of them must stand on its own" });
  }
  evaluating.push(entry);
  try {
    entry.value = evaluate(entry.row.value, topFrame(entry.module()));
  } finally {
    evaluating.pop();
  }
  return entry.value;
}

/** The `let`s at the top of files that are being evaluated, outermost first. */
const evaluating: Extract<Entry, { kind: "let" }>[] = [];

function lookup({ name, span }: NameExpr, frame: Frame): Value {
  const local = frame.variables.get(name) ?? frame.labels.get(name) ?? lookupTop(name, frame.module, span);
  if (local) return local;
  if (frame.failed.has(name)) failSilently();
  const rows = frame.declaration?.item.rows ?? [];
  if (copyIndices(rows).some((index) => index.name === name)) {
    const hint = `\`${name}\` counts the copies of one repetition and is known in its block only`;
    fail("unknown-name", span, { name }, { hint });
  }
  const mine = allRows(rows).map(({ row }) => row);
  const later = mine.find((row) =>
    row.kind === "let" ? row.name.text === name : "label" in row && row.label?.text === name,
  );
  if (later) {
    const notes = [{ message: `the row of \`${name}\` stands here`, span: later.span }];
    const order = later.kind === "let" ? ", and `default` before all others" : "";
    fail("used-before", span, { name }, { notes, hint: `rows run from top to bottom${order}` });
  }
  if (frame.module.unknown.has(name)) failSilently();
  const locals = [...frame.variables.keys(), ...frame.labels.keys()];
  const { code, ...extra } = explainUnknown(name, span, locals, frame.module);
  if (code === "joined-word") fail(code, span, { text: name }, extra);
  fail(code, span, { name }, extra);
}

// ---- calls ------------------------------------------------------------------------------------------

function call(expr: CallExpr, frame: Frame): Value {
  const callee = evaluate(expr.callee, frame);
  switch (callee.kind) {
    case "function": {
      if (expr.args.length === 0) {
        fail(
          "missing-argument",
          expr.span,
          { callee: callee.name, name: "x" },
          { hint: `\`${callee.name}(x)\`` },
        );
      }
      const numbers = expr.args.map(({ name, value, span }) => {
        if (name)
          fail(
            "unknown-parameter",
            name.span,
            { callee: callee.name, name: name.text },
            { hint: "give numbers only" },
          );
        return numberOf(evaluate(value, frame), span);
      });
      return { kind: "number", value: callee.apply(...numbers) };
    }
    case "image-function":
      return withSize({ ...callee, ...addTo("image", imageParameters, callee, expr, frame) }, expr.span);
    case "none":
    case "closure":
      // `none` swallows everything; a path in brackets ignores arguments, so that any path can be a shortcut.
      return callee;
    case "operation": {
      const { name, parameters } = callee.operation;
      return { ...callee, ...addTo(name, parameters, callee, expr, frame) };
    }
    case "block": {
      const { name, parameters } = callee.declaration.item;
      const own = parameters.map((parameter) => ({ name: parameter.name.text }));
      return { ...callee, ...addTo(name.text, own, callee, expr, frame) };
    }
    default: {
      const hint =
        callee.kind === "size"
          ? `a convolution is written \`conv(${callee.sides.join("x")}, 64)\``
          : undefined;
      fail(
        "kind-mismatch",
        expr.callee.span,
        { message: `${describeKind(callee)} cannot be called` },
        { hint },
      );
    }
  }
}

function addTo(
  callee: string,
  parameters: readonly { readonly name: string }[],
  settings: Settings,
  { args }: CallExpr,
  frame: Frame,
): Settings {
  const evaluated = args.map(({ name, value, span }): Argued => {
    return { name, given: { value: evaluate(value, frame), span: name ? span : value.span } };
  });
  return addArguments(
    callee,
    parameters.map(({ name }) => name),
    settings,
    evaluated,
  );
}

function withSize(value: ImageFunctionValue, span: Span): Value {
  if (!value.named.has("size")) return value;
  const filled = fillParameters("image", builtinSlots(imageParameters), value, new Map(), span);
  const size = filled.get("size");
  const sides = size?.kind === "size" ? size.sides : [];
  const channels = sides[2] ?? 3;
  const numbers = (name: string, otherwise: number) => {
    const tuple = filled.get(name);
    const given = tuple?.kind === "tuple" ? tuple.items : [otherwise];
    // One number counts for every channel.
    const items = given.length === 1 ? new Array<number>(channels).fill(given[0]) : given;
    if (items.length !== channels) {
      const params = {
        what: `\`${name}\` of \`image\``,
        wanted: `${channels} numbers, one a channel`,
        value: `${items.length}`,
      };
      const hint = "one number alone counts for every channel";
      fail("out-of-range", value.named.get(name)?.span ?? span, params, { hint });
    }
    return items;
  };
  const text = (name: string) => {
    const found = filled.get(name);
    return found?.kind === "text" ? found.value : "";
  };
  const number = (name: string) => {
    const found = filled.get(name);
    return found?.kind === "number" ? found.value : 0;
  };
  /** One of two words. */
  const either = <A extends string, B extends string>(name: string, a: A, b: B): A | B => {
    const found = text(name);
    if (found === a) return a;
    if (found === b) return b;
    const place = value.named.get(name)?.span ?? span;
    const near = allNearest(found, [a, b]).map((word) => `"${word}"`);
    const params = { what: `\`${name}\` of \`image\``, wanted: `"${a}" or "${b}"`, value: `"${found}"` };
    const fixes = near.map((word) => writeValue(place, word));
    return fail("out-of-range", place, params, {
      hint: didYouMean(near, "") ?? `write "${a}" or "${b}"`,
      fixes,
    });
  };
  const filter = either("filter", "bilinear", "bicubic");
  const preprocess = {
    mean: numbers("mean", 0),
    std: numbers("std", 1),
    range: number("range"),
    order: either("order", "rgb", "bgr"),
    // A picture made smaller than the net's input would be framed in black: then it fills the input instead.
    resize: number("resize") < Math.max(...sides.slice(0, 2)) ? 0 : number("resize"),
    labels: text("labels"),
    ...(filter === "bicubic" ? { filter } : {}),
  } as const;
  return { kind: "image", sides, preprocess };
}

// ---- members ----------------------------------------------------------------------------------------

function member({ object, member: { text, span } }: MemberExpr, frame: Frame): Value {
  const owner = evaluate(object, frame);
  const described =
    object.kind === "name" ? `\`${object.name}\`` : object.kind === "in" ? "`in`" : describeKind(owner);
  if (owner.kind !== "tensor") {
    const hint =
      owner.kind === "block" ? "a block has parts once a row has run it" : "only what a row made has parts";
    fail("unknown-part", span, { owner: described, part: text }, { hint });
  }
  if (owner.isUnknown) failSilently();
  const [, height, width, channels] = owner.node.type.shape;
  if (text === "channels") return { kind: "number", value: channels };
  if (text === "height") return { kind: "number", value: height };
  if (text === "width") return { kind: "number", value: width };
  const part = /^\d+$/.test(text) ? owner.parts?.copies[Number(text)] : owner.parts?.labels.get(text);
  if (part) return part;
  const extra = explainPart(text, span, owner.parts, { isTensor: true });
  fail("unknown-part", span, { owner: described, part: text }, extra);
}

// ---- operators --------------------------------------------------------------------------------------

function binary(expr: BinaryExpr, frame: Frame): Value {
  const { operator, span, left: leftExpr, right: rightExpr } = expr;
  if (operator === "->" || operator === "|" || operator === "as" || operator === "@") {
    return { kind: "closure", expr, frame };
  }
  const left = evaluate(leftExpr, frame);
  if (operator === "==" || operator === "!=") {
    const right = evaluate(rightExpr, frame);
    // Whether a path is there can be asked, of what it is made cannot.
    const isAsked = left.kind === "none" || right.kind === "none";
    if (isPath(left) && !isAsked) refusePath(expr, left);
    if (isPath(right) && !isAsked) {
      const message = `\`${operator}\` has ${describeKind(left)} at its left and ${describeKind(right)} at its right`;
      fail("kind-mismatch", span, { message });
    }
    return { kind: "bool", value: same(left, right) === (operator === "==") };
  }
  if (isPath(left)) {
    if (operator === "/") return withStride(left, countOf(rightExpr, frame, "a stride"), span);
    if (operator === "x" || operator === "+" || operator === "*") return { kind: "closure", expr, frame };
    refusePath(expr, left);
  }
  if (operator === "and" || operator === "or") {
    const first = boolOf(left, leftExpr.span);
    const second = boolOf(evaluate(rightExpr, frame), rightExpr.span);
    return { kind: "bool", value: operator === "and" ? first && second : first || second };
  }
  const right = evaluate(rightExpr, frame);
  const dash = dashOfList(expr);
  if (dash && (left.kind !== "number" || right.kind !== "number")) refuseDash(dash);
  if (isPath(right) && (operator === "x" || operator === "*" || operator === "+")) {
    const message =
      operator === "x"
        ? "the block comes first, then how often"
        : `\`${operator}\` has ${describeKind(left)} at its left and ${describeKind(right)} at its right`;
    fail("kind-mismatch", span, { message }, { hint: operator === "x" ? "write `block x 3`" : undefined });
  }
  if (operator === "x") {
    const sides =
      left.kind === "size" ? left.sides : [whole(numberOf(left, leftExpr.span), "a side", leftExpr.span, 1)];
    return {
      kind: "size",
      sides: [...sides, whole(numberOf(right, rightExpr.span), "a side", rightExpr.span, 1)],
    };
  }
  const a = numberOf(left, leftExpr.span);
  const b = numberOf(right, rightExpr.span);
  switch (operator) {
    case "+":
      return { kind: "number", value: a + b };
    case "-":
      return { kind: "number", value: a - b };
    case "*":
      return { kind: "number", value: a * b };
    case "/":
    case "%":
      if (b === 0)
        fail("out-of-range", rightExpr.span, { what: "a divisor", wanted: "other than 0", value: "0" });
      return { kind: "number", value: operator === "/" ? a / b : a % b };
    case "<":
      return { kind: "bool", value: a < b };
    case "<=":
      return { kind: "bool", value: a <= b };
    case ">":
      return { kind: "bool", value: a > b };
    case ">=":
      return { kind: "bool", value: a >= b };
  }
}

function same(a: Value, b: Value): boolean {
  if (a.kind === "size" && b.kind === "size") return a.sides.join("x") === b.sides.join("x");
  if ("value" in a && "value" in b) return a.kind === b.kind && a.value === b.value;
  return a.kind === "none" && b.kind === "none";
}

/** `path /s`: the same path with its `stride` set. */
export function withStride(path: PathValue, stride: number, span: Span): PathValue {
  switch (path.kind) {
    case "none":
      return path;
    case "operation":
    case "block": {
      const parameters =
        path.kind === "operation"
          ? path.operation.parameters.map((p) => p.name)
          : path.declaration.item.parameters.map((p) => p.name.text);
      if (!parameters.includes("stride")) {
        // What has no stride goes one step at a time.
        if (stride === 1) return path;
        const hint =
          path.kind === "block"
            ? "add `stride = 1` to its parameters"
            : "put the stride on a convolution or a pooling";
        fail("no-stride", span, { what: describePath(path), stride }, { hint });
      }
      const named = new Map(path.named).set("stride", { value: { kind: "number", value: stride }, span });
      return { ...path, named };
    }
    case "closure":
    case "tensor":
      if (stride === 1) return path;
      fail(
        "no-stride",
        span,
        { what: describePath(path), stride },
        { hint: "put the stride on one of the steps inside" },
      );
  }
}
