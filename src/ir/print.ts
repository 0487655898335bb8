/**
 * Graph to text: one node a line, unaligned, so that diffs stay small. Values are named after where they
 * come from; ids never appear. Weights are left out unless asked for: they are implied by their readers.
 */
import type { Graph, Node } from "./graph.ts";
import { isOp } from "./graph.ts";
import { input } from "./ops/input.ts";
import { param } from "./ops/param.ts";

export interface PrintOptions {
  /** Also print param nodes, and params among the operands. */
  readonly params?: boolean;
}

export function printGraph(graph: Graph, { params = false }: PrintOptions = {}): string {
  const inputs = graph.nodes.filter((node) => isOp(node, input));
  const head = inputs.map((node) => `%${node.name}: ${printType(node)}`).join(", ");
  const results = graph.outputs
    .map(({ name, node }) => `${name} %${node.name}: ${printType(node)}`)
    .join(", ");
  const lines = [`graph ${graph.name} (${head}) -> (${results})`];
  for (const node of graph.nodes) {
    if (isOp(node, input) || (isOp(node, param) && !params)) continue;
    lines.push(`  ${printNode(node, params)}`);
  }
  return `${lines.join("\n")}\n`;
}

export function printNode(node: Node, params = false): string {
  const operands = node.inputs.filter((from) => params || isOp(node, param) || !isOp(from, param));
  const words = [node.op.name, node.op.print(node.attrs), operands.map((from) => `%${from.name}`).join(", ")];
  return `%${node.name} = ${words.filter(Boolean).join(" ")} : ${printType(node)}`;
}

function printType({ type }: Node): string {
  return `${type.dtype}[${type.shape.join(",")}]`;
}
