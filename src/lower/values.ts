/**
 * What expressions evaluate to. Numbers and paths share one expression grammar, so kinds are known only here,
 * and a mistake becomes a sentence about kinds.
 *
 * A *path* turns one tensor into one tensor: an operation or block with some of its settings given, rows in
 * brackets, `none`, or a tensor itself (a label: it ignores what comes in).
 */
import type { Span } from "../base/source.ts";
import type { Node } from "../ir/graph.ts";
import type { Preprocess } from "../ir/ops/input.ts";
import type { BlockItem, ExpectRow, Expr, NetItem } from "../parser/ast.ts";
import type { Builtin } from "./builtin.ts";
import type { Module } from "./modules.ts";

export type Value =
  | NumberValue
  | BoolValue
  | TextValue
  | SizeValue
  | TupleValue
  | ImageValue
  | FunctionValue
  | ImageFunctionValue
  | PathValue;

export type PathValue = NoneValue | TensorValue | OperationValue | BlockValue | ClosureValue;

export interface NumberValue {
  readonly kind: "number";
  readonly value: number;
  /** How far a count may be off where the number was written with a suffix: 11.5G has 0.05e9. */
  readonly slack?: number;
  readonly text?: string;
}
export interface BoolValue {
  readonly kind: "bool";
  readonly value: boolean;
}
export interface TextValue {
  readonly kind: "text";
  readonly value: string;
}
export interface SizeValue {
  readonly kind: "size";
  readonly sides: readonly number[];
}
export interface TupleValue {
  readonly kind: "tuple";
  readonly items: readonly number[];
}
/** A picture: its size and how it is prepared. */
export interface ImageValue {
  readonly kind: "image";
  readonly sides: readonly number[];
  readonly preprocess: Preprocess;
}
export interface FunctionValue {
  readonly kind: "function";
  readonly name: string;
  readonly apply: (...args: number[]) => number;
}
/** `image`, perhaps with settings given, until it gets a size. */
export interface ImageFunctionValue extends Settings {
  readonly kind: "image-function";
}
export interface NoneValue {
  readonly kind: "none";
}
export interface TensorValue {
  readonly kind: "tensor";
  /** What a failed row would have given: its shape is not known, so that nothing can be said of it. */
  readonly isUnknown?: true;
  readonly node: Node;
  /** What can be tapped: the labels and copies of what made it. */
  readonly parts?: Parts | undefined;
  /** Of a labelled row or a copy: what the names of its weights start with. */
  readonly scope?: string | undefined;
}
export interface OperationValue extends Settings {
  readonly kind: "operation";
  readonly operation: Builtin;
}
export interface BlockValue extends Settings {
  readonly kind: "block";
  readonly declaration: Declaration;
}
/** Rows in brackets, or steps joined by operators, with the scope in which they were written. */
export interface ClosureValue {
  readonly kind: "closure";
  readonly expr: Expr;
  readonly frame: Frame;
}

export interface Given {
  readonly value: Value;
  readonly span: Span;
}

/**
 * Arguments given so far, by parameter: a call fills some and the result is the same path with more settings.
 * Those without a name got theirs at the call.
 */
export interface Settings {
  readonly named: ReadonlyMap<string, Given>;
}

export const noSettings: Settings = { named: new Map() };

export interface Parts {
  readonly labels: ReadonlyMap<string, TensorValue>;
  readonly copies: readonly TensorValue[];
}

/** A block or net and the file it stands in. */
export interface Declaration {
  readonly item: BlockItem | NetItem;
  readonly module: Module;
  /** What steps are called, by the expression that names them; see naming.ts. */
  readonly stepNames: ReadonlyMap<Expr, string>;
}

/** Settings that `default` rows made, nearest first: they hold for everything built under them. */
export interface Context {
  readonly defaults: readonly (OperationValue | BlockValue)[];
  /** The declarations being built, outermost first. */
  readonly stack: readonly Declaration[];
}

/** What is visible while one declaration's rows run. */
export interface Frame {
  readonly module: Module;
  readonly declaration: Declaration | undefined;
  /** Parameters and `let`s. */
  readonly variables: Map<string, Value>;
  /** Labelled rows so far. */
  readonly labels: Map<string, TensorValue | NoneValue>;
  /** `let`s and labels of rows that failed: that was reported, and is no news where they are used. */
  readonly failed: Set<string>;
  /** What `in` means; a net that is built has none before its `input` row. */
  input: TensorValue | undefined;
  context: Context;
}

/** A row that expects something, and what is visible there. */
export interface Expectation {
  readonly row: ExpectRow;
  readonly frame: Frame;
}
/** `conv4.35` of an `output` row. */
export interface OutputReference {
  readonly parts: readonly string[];
  readonly span: Span;
}

export function isPath(value: Value): value is PathValue {
  return (
    value.kind === "none" ||
    value.kind === "tensor" ||
    value.kind === "operation" ||
    value.kind === "block" ||
    value.kind === "closure"
  );
}

/** "a number", "a path", …: for sentences about kinds. */
export function describeKind(value: Value): string {
  switch (value.kind) {
    case "number":
      return "a number";
    case "bool":
      return "true or false";
    case "text":
      return "text";
    case "size":
      return `a size (${value.sides.join("x")})`;
    case "tuple":
      return "several numbers";
    case "image":
      return "a picture";
    case "image-function":
      return "a picture without a size";
    case "function":
      return `the function \`${value.name}\``;
    case "none":
      return "`none`";
    case "tensor":
      return "a tensor";
    case "operation":
    case "block":
    case "closure":
      return "a path";
  }
}

/** How a path is named in messages: "`conv`", "a path in brackets". */
export function describePath(value: PathValue): string {
  switch (value.kind) {
    case "operation":
      return `\`${value.operation.name}\``;
    case "block":
      return `\`${value.declaration.item.name.text}\``;
    case "closure":
      return "a path in brackets";
    case "none":
      return "`none`";
    case "tensor":
      return "a tensor";
  }
}

/** Follows `conv4.35` through labels and copies. */
export function tapLabels(
  labels: ReadonlyMap<string, TensorValue | NoneValue>,
  parts: readonly string[],
): TensorValue | undefined {
  let at: TensorValue | NoneValue | undefined = labels.get(parts[0]);
  for (const part of parts.slice(1)) {
    if (at?.kind !== "tensor") return undefined;
    at = /^\d+$/.test(part) ? at.parts?.copies[Number(part)] : at.parts?.labels.get(part);
  }
  return at?.kind === "tensor" ? at : undefined;
}
