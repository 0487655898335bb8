/**
 * A graph as nodes. What ops say to tfjs is said again in TensorFlow's operations, so that an op needs no words of its own for
 * this target: what tfjs cannot do (grouped convolutions, stride with dilation) is mended already.
 */
import { invariant } from "../../base/invariant.ts";
import { type Graph, isOp, type Node } from "../../ir/graph.ts";
import { input } from "../../ir/ops/input.ts";
import type { ParamAttrs } from "../../ir/ops/param.ts";
import type { Shape } from "../../ir/tensor.ts";
import { type Call, CallCollector, type Stored } from "../tfjs/emitter.ts";
import { readArgument, type TensorArgument } from "./arguments.ts";
import { addCall } from "./calls.ts";
import { type Constant, type NodeDef, NodeList } from "./nodes.ts";
import type { Values } from "./reader.ts";

export interface Port {
  /** The name in the language. */
  readonly name: string;
  /** Its node. */
  readonly node: string;
  readonly shape: Shape;
}

export interface Translated {
  readonly nodes: readonly NodeDef[];
  readonly constants: readonly Constant[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

export function translate(graph: Graph): Translated {
  const collector = new CallCollector();
  for (const node of graph.nodes) collector.emit(node);
  const nodes = new NodeList();
  const values = new Names(collector, nodes);
  // Maps and outputs first: their names are ours whatever their parts are called.
  const names = new Map(
    graph.nodes.flatMap((node) => (isParam(node) ? [] : [[node, nodes.name(node.name)]])),
  );
  const outputs = nameOutputs(graph, names, nodes);
  const inputs = collector.inputs.map(({ node, variable }): Port => {
    const shape = dynamic(node.type.shape);
    values.set(variable, nodes.placeholder(names.get(node)!, shape), shape);
    return { name: node.name, node: names.get(node)!, shape };
  });
  const { calls } = collector;
  calls.forEach((call, i) => {
    const name = names.get(call.node)!;
    nodes.enter(name);
    const isResult = calls[i + 1]?.node !== call.node;
    const own = isResult ? name : nodes.name(`${name}/${call.fn.slice(call.fn.lastIndexOf(".") + 1)}`);
    addCall(call, own, values, nodes);
    values.set(call.variable, own, isResult ? call.node.type.shape : paddedShape(call, values));
  });
  for (const { port, of } of outputs) if (port.node !== of) nodes.add(port.node, "Identity", [of]);
  const ports = { inputs, outputs: outputs.map(({ port }) => port) };
  return { nodes: nodes.nodes, constants: nodes.constants, ...ports };
}

const dynamic = (shape: Shape): Shape => [-1, ...shape.slice(1)];

const isParam = (node: Node): boolean => node.op.name === "param";

/** Outputs are nodes of their own where another name is wanted, or the same map is wanted twice. */
function nameOutputs(
  graph: Graph,
  names: ReadonlyMap<Node, string>,
  nodes: NodeList,
): readonly { readonly port: Port; readonly of: string }[] {
  const seen = new Set<Node>();
  return graph.outputs.map(({ name, node }) => {
    const of = names.get(node)!;
    const stays = of === name && !isOp(node, input) && !seen.has(node);
    seen.add(node);
    return { port: { name, node: stays ? of : nodes.name(name), shape: dynamic(node.type.shape) }, of };
  });
}

/** The shape of the temporaries whose shape matters: padded maps. */
function paddedShape({ fn, args }: Call, values: Names): Shape | undefined {
  if (fn !== "pad") return undefined;
  const pads = readArgument(args[1]) as readonly (readonly number[])[];
  const shape = values.shapeOf(readArgument(args[0]) as TensorArgument);
  return shape.map((size, axis) => size + pads[axis][0] + pads[axis][1]);
}

/** Variables and stored tensors by the nodes that they became. */
class Names implements Values {
  readonly #variables = new Map<string, { readonly node: string; readonly shape: Shape | undefined }>();
  readonly #stored: ReadonlyMap<string, Stored>;
  readonly #pieces: ReadonlyMap<Node<ParamAttrs> | undefined, number>;
  readonly #nodes: NodeList;

  constructor({ stored }: CallCollector, nodes: NodeList) {
    this.#stored = new Map(stored.map((piece) => [piece.name, piece]));
    const pieces = new Map<Node<ParamAttrs> | undefined, number>();
    for (const { param } of stored) pieces.set(param, (pieces.get(param) ?? 0) + 1);
    this.#pieces = pieces;
    this.#nodes = nodes;
  }

  set(variable: string, node: string, shape: Shape | undefined): void {
    this.#variables.set(variable, { node, shape });
  }

  nodeOf({ kind, name }: TensorArgument): string {
    if (kind === "variable") {
      const value = this.#variables.get(name);
      invariant(value, `${name} is read before it is made`);
      return value.node;
    }
    const stored = this.#stored.get(name);
    invariant(stored, `${name} is not stored`);
    // A weight in one piece is called as ours, in whatever shape it is.
    const isWhole = stored.param && this.#pieces.get(stored.param) === 1;
    return this.#nodes.stored(stored, isWhole ? stored.param.name : name);
  }

  shapeOf({ name }: TensorArgument): Shape {
    const shape = this.#variables.get(name)?.shape;
    invariant(shape, `the shape of ${name} is not known`);
    return shape;
  }
}
