/** The weights of a net under any table's names, in torch's layout: what a safetensors file is written from. */
import { type Graph, isOp, type Node } from "../ir/graph.ts";
import type { WeightSource } from "../ir/interpret.ts";
import { dense } from "../ir/ops/dense.ts";
import { type ParamAttrs, param } from "../ir/ops/param.ts";
import { toTorchLayout } from "./layout.ts";
import { type NamesTable, translate } from "./names.ts";
import type { NamedValues } from "./write-safetensors.ts";

/** In the order of the net; our own names without a table. Values are read one at a time, as they are asked for. */
export function* exportWeights(
  graph: Graph,
  weights: WeightSource,
  table: NamesTable | undefined,
): Generator<NamedValues> {
  const kernels = new Set<Node>(graph.nodes.flatMap((node) => (isOp(node, dense) ? [node.inputs[1]] : [])));
  for (const node of graph.nodes) {
    if (!isOp(node, param) || node.attrs.compute) continue;
    const { name } = node;
    const { shape } = (node as Node<ParamAttrs>).attrs;
    const stored = toTorchLayout(weights.get(name), shape, kernels.has(node));
    yield { name: table ? translate(table, name) : name, ...stored };
  }
}

/** Names that a table gives to more than one weight. */
export function clashingNames(graph: Graph, table: NamesTable): readonly string[] {
  const names = graph.nodes.flatMap((node) =>
    isOp(node, param) && !node.attrs.compute ? [translate(table, node.name)] : [],
  );
  return [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
}
