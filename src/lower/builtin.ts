/** What an operation of the language is, and how the kinds of its parameters are written down. */
import type { Span } from "../base/source.ts";
import type { GraphBuilder } from "../ir/build.ts";
import type { Node } from "../ir/graph.ts";
import type { ParamAttrs, ParamRole } from "../ir/ops/param.ts";
import type { Shape } from "../ir/tensor.ts";
import { fail } from "./row-error.ts";
import type { NumberValue, Value } from "./values.ts";

export type ParameterKind = "int" | "float" | "bool" | "text" | "size" | "path" | "pad" | "tuple";

export interface BuiltinParameter {
  readonly name: string;
  readonly kind: ParameterKind;
  /** Absent: it must be given. */
  readonly default?: Value;
  /** May stay away without a default: `avgpool` without a kernel means the whole map. */
  readonly optional?: boolean;
  /** The smallest value that makes sense. */
  readonly least?: number;
  /** What it must stay under. */
  readonly below?: number;
}

/** One application of an operation: where it stands, what comes in, its arguments and weights. */
export interface Application {
  readonly builder: GraphBuilder;
  readonly x: Node;
  readonly name: string;
  readonly span: Span;
  int(parameter: string): number;
  flag(parameter: string): boolean;
  size(parameter: string): readonly [number, number];
  value(parameter: string): Value | undefined;
  /** The weight `NAME.role`, or that of the row whose weights are shared; `frozen` if it is never trained. */
  weight(role: ParamRole, shape: Shape, frozen?: boolean): Node<ParamAttrs>;
}

export interface Builtin {
  readonly name: string;
  readonly summary: string;
  readonly parameters: readonly BuiltinParameter[];
  /** Undefined after the builder reported a problem. */
  build(application: Application): Node | undefined;
}

export const number = (value: number): NumberValue => ({ kind: "number", value });
export const text = (name: string, value: string): BuiltinParameter => ({
  name,
  kind: "text",
  default: { kind: "text", value },
});
export const int = (name: string, fallback?: number, least = 1): BuiltinParameter =>
  fallback === undefined
    ? { name, kind: "int", least }
    : { name, kind: "int", least, default: number(fallback) };
export const float = (name: string, fallback: number): BuiltinParameter => ({
  name,
  kind: "float",
  default: number(fallback),
});
/** What is added to a variance: `bn(64)` would be one of 64. */
export const eps: BuiltinParameter = { ...float("eps", 1e-5), below: 1 };
export const bool = (name: string, value: boolean): BuiltinParameter => ({
  name,
  kind: "bool",
  default: { kind: "bool", value },
});
/** A text that is one of a few words. */
export function chosenOf<Word extends string>(
  a: Application,
  parameter: string,
  words: readonly Word[],
): Word {
  const given = a.value(parameter);
  const found = given?.kind === "text" ? words.find((word) => word === given.value) : undefined;
  if (found) return found;
  const value = given?.kind === "text" ? `"${given.value}"` : "none";
  const wanted = words.map((word) => `"${word}"`).join(" or ");
  fail("out-of-range", a.span, { what: `\`${parameter}\``, wanted, value });
}
