/** What is true of every graph; run after every pass in tests and under RESNETC_CHECK=1. */
import { isProblem } from "../base/diagnostic.ts";
import type { Graph, Node } from "./graph.ts";
import { sameShape } from "./tensor.ts";

/** The first thing that is wrong, or undefined. */
export function verify(graph: Graph): string | undefined {
  const seen = new Set<Node>();
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (names.has(node.name)) return `two nodes are called ${node.name}`;
    names.add(node.name);
    for (const from of node.inputs) {
      if (!seen.has(from)) return `${node.name} reads ${from.name}, which does not stand before it`;
    }
    const type = node.op.infer(
      node.inputs.map((from) => from.type),
      node.attrs,
    );
    if (isProblem(type)) return `${node.name} does not type: ${type.code} ${JSON.stringify(type.params)}`;
    if (type.dtype !== node.type.dtype || !sameShape(type.shape, node.type.shape)) {
      return `${node.name} says ${node.type.shape.join("x")} but its rule gives ${type.shape.join("x")}`;
    }
    seen.add(node);
  }
  if (graph.outputs.length === 0) return "the graph has no output";
  const outputNames = new Set<string>();
  for (const { name, node } of graph.outputs) {
    if (!seen.has(node)) return `output ${name} is not in the graph`;
    if (outputNames.has(name)) return `two outputs are called ${name}`;
    outputNames.add(name);
  }
  return undefined;
}
