/**
 * What ops say to tfjs, collected: the calls in order, and the tensors that they read. Weights are not
 * evaluated here; the target does that once it knows the size of the file.
 */
import { invariant } from "../../base/invariant.ts";
import type { TfjsEmitter } from "../../ir/emitters.ts";
import { isOp, type Node } from "../../ir/graph.ts";
import { input } from "../../ir/ops/input.ts";
import { type ParamAttrs, param } from "../../ir/ops/param.ts";
import type { Shape, Tensor } from "../../ir/tensor.ts";
import { Identifiers } from "../code-writer.ts";

/** `const variable = tf.fn(args)` */
export interface Call {
  /** Whose value it makes, or makes a part of. */
  readonly node: Node;
  readonly variable: string;
  readonly fn: string;
  readonly args: readonly string[];
}

/** A tensor of the weights file, in the order of first use. */
export interface Stored {
  readonly name: string;
  readonly shape: Shape;
  /** The weight it is made of; absent for an op's own constant. */
  readonly param?: Node<ParamAttrs>;
  /** From the weight's value (or nothing) to what is stored. */
  readonly make: (value?: Tensor) => Tensor;
}

export class CallCollector implements TfjsEmitter {
  readonly calls: Call[] = [];
  readonly stored: Stored[] = [];
  readonly inputs: { readonly node: Node; readonly variable: string }[] = [];
  readonly #identifiers = new Identifiers(["tf", "w"]);
  readonly #variables = new Map<Node, string>();
  readonly #storedNames = new Map<string, string>();
  readonly #takenNames = new Set<string>();
  #node: Node | undefined;
  /** The variable that the node now being emitted will get: temporaries are named after it. */
  #current = "";

  /** Lets a node add its calls. Nodes come in the graph's order. */
  emit(node: Node): void {
    if (isOp(node, param)) return;
    this.#node = node;
    this.#current = this.#identifiers.give(node.name);
    this.#variables.set(node, this.#current);
    if (isOp(node, input)) {
      this.inputs.push({ node, variable: this.#current });
      return;
    }
    const before = this.calls.length;
    node.op.emit.tfjs(node, this);
    const last = this.calls[this.calls.length - 1];
    invariant(
      this.calls.length > before && last.variable === this.#current,
      `${node.op.name} made no result`,
    );
  }

  ref(node: Node): string {
    if (isOp(node, param)) {
      return this.#store(`param ${node.name}`, node.name, node.attrs.shape, (value) => value!, node);
    }
    const variable = this.#variables.get(node);
    invariant(variable, `${node.name} is read before it is made`);
    return variable;
  }

  weight(node: Node, suffix: string, shape: Shape, change: (value: Tensor) => Tensor): string {
    invariant(isOp(node, param), `${node.name} is stored as a weight but is none`);
    const key = `param ${node.name} ${suffix} ${shape.join("x")}`;
    return this.#store(key, `${node.name}.${suffix}`, shape, (value) => change(value!), node);
  }

  constant(name: string, value: Tensor): string {
    return this.#store(`constant ${name}`, name, value.shape, () => value);
  }

  temp(fn: string, ...args: string[]): string {
    const variable = this.#identifiers.give(`${this.#current}_${fn.slice(fn.lastIndexOf(".") + 1)}`);
    this.calls.push({ node: this.#node!, variable, fn, args });
    return variable;
  }

  result(node: Node, fn: string, ...args: string[]): void {
    this.calls.push({ node, variable: this.#current, fn, args });
  }

  /** The expression for a stored tensor, which is put down when `key` comes up for the first time. */
  #store(key: string, wanted: string, shape: Shape, make: Stored["make"], from?: Node<ParamAttrs>): string {
    let name = this.#storedNames.get(key);
    if (name === undefined) {
      name = wanted;
      for (let i = 2; this.#takenNames.has(name); i++) name = `${wanted}_${i}`;
      this.#takenNames.add(name);
      this.#storedNames.set(key, name);
      this.stored.push({ name, shape, make, ...(from ? { param: from } : {}) });
    }
    return `w[${JSON.stringify(name)}]`;
  }
}

/** The known variables that an argument reads: identifiers outside of strings, no keys or properties. */
export function variablesIn(text: string, known: ReadonlySet<string>): string[] {
  const words = text.matchAll(/"(?:[^"\\]|\\.)*"|\d[\w.]*|\.?[A-Za-z_$][\w$]*(?:\s*:)?/g);
  return Array.from(words, ([word]) => word).filter((word) => known.has(word));
}
