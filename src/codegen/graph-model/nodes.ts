/**
 * Nodes of a GraphModel, put down one by one. A node is called as ours is; what an op needs besides, calls of its own and
 * constants, is called after it: `conv1/reshape`, `conv1/shape`.
 */
import { invariant } from "../../base/invariant.ts";
import type { Shape, Tensor } from "../../ir/tensor.ts";
import type { Stored } from "../tfjs/emitter.ts";
import { type Attributes, shapeOf, type, type ValueType } from "./attributes.ts";
import { NodeNames } from "./names.ts";

export interface NodeDef {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Attributes;
}

/** A tensor of the weights files: what ops stored, or numbers that a node takes as a tensor. */
export interface Constant {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: ValueType;
  readonly from: Stored | readonly number[];
}

export class NodeList {
  readonly nodes: NodeDef[] = [];
  readonly constants: Constant[] = [];
  readonly #names = new NodeNames();
  readonly #stored = new Map<Stored, string>();
  /** The node now being made: what belongs to it is named after it. */
  #owner = "";

  /** What is added from now on belongs to the node of this name, which is given to nothing else. */
  enter(owner: string): void {
    this.#owner = owner;
  }

  /** A name that is still free. */
  name(wanted: string): string {
    return this.#names.give(wanted);
  }

  add(name: string, op: string, input: readonly string[], attr: Attributes = {}): string {
    this.nodes.push({ name, op, input, attr: { T: type("float32"), ...attr } });
    return name;
  }

  /** A node between others. */
  part(word: string, op: string, input: readonly string[], attr: Attributes = {}): string {
    return this.add(this.name(`${this.#owner}/${word}`), op, input, attr);
  }

  placeholder(name: string, shape: Shape): string {
    this.nodes.push({
      name,
      op: "Placeholder",
      input: [],
      attr: { dtype: type("float32"), shape: shapeOf(shape) },
    });
    return name;
  }

  /** What an op had stored, made a node when it comes up for the first time. */
  stored(stored: Stored, wanted: string): string {
    const known = this.#stored.get(stored);
    if (known !== undefined) return known;
    const name = this.#constant(wanted, stored.shape, "float32", stored);
    this.#stored.set(stored, name);
    return name;
  }

  ints(word: string, values: readonly number[], shape: Shape = [values.length]): string {
    return this.#constant(`${this.#owner}/${word}`, shape, "int32", values);
  }

  floats(word: string, values: readonly number[], shape: Shape = [values.length]): string {
    return this.#constant(`${this.#owner}/${word}`, shape, "float32", values);
  }

  #constant(wanted: string, shape: Shape, dtype: ValueType, from: Constant["from"]): string {
    const name = this.name(wanted);
    this.constants.push({ name, shape, dtype, from });
    // The value stands in the files: converters leave this one out too.
    const attr = { dtype: type(dtype), value: { tensor: { dtype: type(dtype).type, tensorShape: {} } } };
    this.nodes.push({ name, op: "Const", input: [], attr });
    return name;
  }
}

/** The numbers of a constant that no op stored. */
export function ownNumbers({ name, from }: Constant): Tensor["data"] {
  invariant(Array.isArray(from), `${name} is a weight`);
  return Float64Array.from(from as readonly number[]);
}
