/**
 * What ops say to ONNX, collected: nodes in order, and the tensors that they read. Everything keeps the name that
 * the graph has for it, weights and inputs and outputs too; what has none there is called after the node it is made for
 * and its operation, `conv1.swish/Sigmoid`. Weights are not evaluated here but when the file is joined.
 */
import { invariant } from "../../base/invariant.ts";
import type { OnnxAttributes, OnnxEmitter } from "../../ir/emitters.ts";
import { type Graph, isOp, type Node } from "../../ir/graph.ts";
import { paramValue, type WeightSource } from "../../ir/interpret.ts";
import { input } from "../../ir/ops/input.ts";
import { type ParamAttrs, param } from "../../ir/ops/param.ts";
import { elements, type Shape } from "../../ir/tensor.ts";
import { toTorchLayout } from "../../weights/layout.ts";
import { floatTensor, graphHead, int64Tensor, mapProto, nodeProto } from "./proto.ts";
import type { Chunks } from "./protobuf.ts";

export class OnnxCollector implements OnnxEmitter {
  readonly #graph: Graph;
  readonly #weights: WeightSource;
  readonly #nodes: Chunks[] = [];
  readonly #tensors: Chunks[] = [];
  readonly #maps: Chunks[] = [];
  /** Values and tensors share their names; nodes have theirs apart. */
  readonly #takenValues = new Set<string>();
  readonly #takenNodes = new Set<string>();
  readonly #values = new Map<Node, string>();
  readonly #stored = new Map<string, string>();
  #current: Node | undefined;
  #results = 0;

  constructor(graph: Graph, weights: WeightSource) {
    this.#graph = graph;
    this.#weights = weights;
    for (const node of graph.nodes) {
      if (!isOp(node, input)) continue;
      this.#values.set(node, node.name);
      this.#takenValues.add(node.name);
    }
    // What callers ask for by name keeps it, whatever else is called so.
    for (const { name, node } of graph.outputs) {
      if (this.#values.has(node) || this.#takenValues.has(name)) continue;
      this.#values.set(node, name);
      this.#takenValues.add(name);
    }
  }

  /** The fields of the graph. */
  graphProto(doc: string): Chunks {
    const { name, nodes, outputs } = this.#graph;
    for (const node of nodes) this.#emit(node);
    const given = outputs.map((output) => {
      const { shape } = output.node.type;
      const value = this.ref(output.node);
      if (value === output.name) return mapProto("output", value, shape);
      // An input, or what goes out under another name already.
      const copy = unique(output.name, this.#takenValues);
      this.#add(copy, "Identity", [value], copy, {});
      return mapProto("output", copy, shape);
    });
    const inputs = nodes.filter((node) => isOp(node, input));
    return [
      ...graphHead(name, doc),
      ...this.#nodes.flat(),
      ...this.#tensors.flat(),
      ...inputs.flatMap((node) => mapProto("input", node.name, node.type.shape)),
      ...given.flat(),
      ...this.#maps.flat(),
    ];
  }

  #emit(node: Node): void {
    if (isOp(node, param) || isOp(node, input)) return;
    this.#current = node;
    const before = this.#results;
    node.op.emit.onnx(node, this);
    invariant(this.#results === before + 1, `${node.op.name} made ${this.#results - before} results`);
  }

  ref(node: Node): string {
    if (isOp(node, param)) return this.weight(node, node.type.shape);
    const value = this.#values.get(node);
    invariant(value, `${node.name} is read before it is made`);
    return value;
  }

  weight(node: Node, shape: Shape): string {
    invariant(isOp(node, param), `${node.name} is stored as a weight but is none`);
    invariant(elements(shape) === elements(node.type.shape), `${node.name} is not ${shape.join("x")}`);
    const key = `param ${node.name} ${shape.join("x")}`;
    return this.#store(key, node.name, (name) => floatTensor(name, shape, () => this.#valueOf(node)));
  }

  /** In ONNX's order: kernels by output, input, place. */
  #valueOf(node: Node<ParamAttrs>): ArrayLike<number> {
    const { data } = paramValue(node, this.#weights);
    invariant(data.length === elements(node.attrs.shape), `${node.name} has ${data.length} values`);
    return toTorchLayout(data, node.attrs.shape, false).data;
  }

  scalar(value: number): string {
    return this.#store(`scalar ${value}`, constantName, (name) => floatTensor(name, [], () => [value]));
  }

  floats(...values: number[]): string {
    const key = `floats ${values.join()}`;
    return this.#store(key, constantName, (name) => floatTensor(name, [values.length], () => values));
  }

  ints(...values: number[]): string {
    return this.#store(`ints ${values.join()}`, constantName, (name) => int64Tensor(name, values));
  }

  temp(op: string, inputs: readonly string[], attributes: OnnxAttributes = {}): string {
    const value = unique(`${this.#current!.name}/${op}`, this.#takenValues);
    this.#add(value, op, inputs, value, attributes);
    return value;
  }

  result(node: Node, op: string, inputs: readonly string[], attributes: OnnxAttributes = {}): void {
    let value = this.#values.get(node);
    if (value === undefined) {
      value = unique(node.name, this.#takenValues);
      this.#values.set(node, value);
      this.#maps.push(mapProto("value", value, node.type.shape));
    }
    this.#results++;
    this.#add(node.name, op, inputs, value, attributes);
  }

  #add(
    wanted: string,
    op: string,
    inputs: readonly string[],
    output: string,
    attributes: OnnxAttributes,
  ): void {
    const name = unique(wanted, this.#takenNodes);
    this.#nodes.push(nodeProto({ name, op, inputs, output, attributes }));
  }

  /** The name of a stored tensor, which is put down when `key` comes up for the first time. */
  #store(key: string, wanted: string, make: (name: string) => Chunks): string {
    let name = this.#stored.get(key);
    if (name === undefined) {
      name = unique(wanted, this.#takenValues);
      this.#stored.set(key, name);
      this.#tensors.push(make(name));
    }
    return name;
  }
}

/** As exporters call what is no weight: readers of weights leave it out. */
const constantName = "Constant";

/** The name, with a number if it is taken. */
function unique(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 1; taken.has(name); i++) name = `${wanted}_${i}`;
  taken.add(name);
  return name;
}
