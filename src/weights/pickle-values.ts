/** What a pickle is made of here: plain data, told apart by `kind`. Nothing in it can be called by accident. */
import { Unreadable } from "./unreadable.ts";

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PyList
  | PyTuple
  | PyDict
  | PySet
  | PyObject
  | PyCallable;

export interface PyList {
  readonly kind: "list";
  readonly items: Value[];
}

export interface PyTuple {
  readonly kind: "tuple";
  readonly items: readonly Value[];
}

export interface PyDict {
  readonly kind: "dict";
  readonly entries: Map<Value, Value>;
}

export interface PySet {
  readonly kind: "set";
  readonly items: Value[];
}

/** An instance of something we know: a tensor, a storage, a NumPy array, or data nobody looks at. */
export interface PyObject {
  readonly kind: "object";
  readonly type: string;
  /** What BUILD does with it; absent where state is of no interest. */
  setState?(state: Value): void;
}

/** A global of the allow-list. `call` builds data and does nothing else. */
export interface PyCallable {
  readonly kind: "callable";
  readonly name: string;
  call(args: readonly Value[], budget: Budget): Value;
}

/** Bounds what calls may copy, so that a small file cannot ask for much memory by copying one text often. */
export interface Budget {
  spend(units: number): void;
}

export const list = (items: Value[] = []): PyList => ({ kind: "list", items });
export const tuple = (items: readonly Value[] = []): PyTuple => ({ kind: "tuple", items });
export const dict = (entries = new Map<Value, Value>()): PyDict => ({ kind: "dict", entries });
export const set = (items: Value[] = []): PySet => ({ kind: "set", items });

/** Which kind of Python value this is, in the word a message uses. */
export function kindOf(value: Value | undefined): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "object") return value instanceof Uint8Array ? "bytes" : kindWord(value);
  return { string: "text", boolean: "bool", bigint: "int" }[typeof value as string] ?? "number";
}

const kindWord = (value: PyList | PyTuple | PyDict | PySet | PyObject | PyCallable): string =>
  value.kind === "object" ? value.type : value.kind;

export function isKind<K extends "list" | "tuple" | "dict" | "set" | "object" | "callable">(
  value: Value | undefined,
  kind: K,
): value is Extract<Value, { readonly kind: K }> {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array) && value.kind === kind;
}

/** The items of a list, tuple or set. */
export function itemsOf(value: Value | undefined, what: string): readonly Value[] {
  if (isKind(value, "list") || isKind(value, "tuple") || isKind(value, "set")) return value.items;
  throw new Unreadable(`${what} should be a list, this is ${kindOf(value)}`);
}

/** A whole number that is not negative. */
export function countOf(value: Value | undefined, what: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Unreadable(
    `${what} should be a count, this is ${typeof value === "number" ? value : kindOf(value)}`,
  );
}

/** Latin-1 text as the bytes that it stands for: how protocol 2 stores them. */
export function latin1Bytes(text: string, budget: Budget): Uint8Array {
  budget.spend(text.length);
  // Not Uint8Array.from(text), which makes a list of letters first.
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export const textOf = (value: Value | undefined, what: string): string => {
  if (typeof value === "string") return value;
  throw new Unreadable(`${what} should be a text, this is ${kindOf(value)}`);
};
