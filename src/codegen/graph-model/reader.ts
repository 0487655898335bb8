/** What the translation of one tfjs call works with: its arguments, each as what it must be, and the node it becomes. */
import { invariant } from "../../base/invariant.ts";
import type { Shape } from "../../ir/tensor.ts";
import { type Argument, isTensor, type TensorArgument } from "./arguments.ts";
import { type Attributes, ints } from "./attributes.ts";
import type { NodeList } from "./nodes.ts";

/** What calls are read against: the nodes and shapes of the tensors that they take. */
export interface Values {
  nodeOf(tensor: TensorArgument): string;
  /** Of maps, whose batch means nothing. */
  shapeOf(tensor: TensorArgument): Shape;
}

export interface Made {
  readonly op: string;
  readonly input: readonly string[];
  readonly attr?: Attributes;
}

export type Reader = (args: Arguments, nodes: NodeList) => Made;

/** What comes before and behind a map along each of its four dimensions; "same" and "valid" are tfjs' words. */
export type Pads = readonly (readonly [before: number, after: number])[] | "same" | "valid";

export const hasPads = (pads: Pads): pads is Exclude<Pads, string> =>
  typeof pads !== "string" && pads.flat().some((size) => size > 0);

export const padsNode = (pads: Exclude<Pads, string>, nodes: NodeList): string =>
  nodes.ints("pads", pads.flat(), [4, 2]);

/** A window's strides or sides along the four dimensions, of one number or two. */
export const window = (sides: readonly number[]) => ints([1, sides[0], sides[1] ?? sides[0], 1]);

/** The arguments of one call, each as what it must be. */
export class Arguments {
  readonly values: Values;
  readonly #args: readonly Argument[];
  readonly #nodes: NodeList;

  constructor(args: readonly Argument[], values: Values, nodes: NodeList) {
    this.#args = args;
    this.values = values;
    this.#nodes = nodes;
  }

  at(i: number): Argument {
    return this.#args[i] ?? null;
  }

  tensorAt(i: number): TensorArgument {
    const value = this.at(i);
    invariant(isTensor(value), `argument ${i} is no tensor`);
    return value;
  }

  /** A tensor's node; numbers become constants. */
  node(i: number): string {
    const value = this.at(i);
    if (typeof value === "number") return this.#nodes.floats("number", [value], []);
    return this.values.nodeOf(this.tensorAt(i));
  }

  optionalNode(i: number): string | undefined {
    return this.at(i) === null ? undefined : this.node(i);
  }

  number(i: number): number {
    const value = this.at(i);
    invariant(typeof value === "number", `argument ${i} is no number`);
    return value;
  }

  numbers(i: number): readonly number[] {
    const value = this.at(i);
    return Array.isArray(value) ? value.flat().map(Number) : [this.number(i)];
  }

  /** Absent pads are none. */
  pads(i: number): Pads {
    return (this.at(i) ?? "valid") as Pads;
  }

  /** A record, key by key. */
  record(i: number): Readonly<Record<string, Argument>> {
    const value = this.at(i);
    invariant(typeof value === "object" && value !== null, `argument ${i} is no record`);
    return value as Readonly<Record<string, Argument>>;
  }
}
