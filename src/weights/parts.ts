/** Parts of a net that have checkpoints of their own: the members of an ensemble. */
import { type Graph, isOp, type Node } from "../ir/graph.ts";
import { param } from "../ir/ops/param.ts";

/** What stands under a path of labels, with names that start behind it; undefined where there are no weights. */
export function partOf(graph: Graph, label: string): Graph | undefined {
  const front = `${label}.`;
  const renamed = new Map<Node, Node>();
  for (const node of graph.nodes) {
    if (!node.name.startsWith(front)) continue;
    const inputs = node.inputs.map((from) => renamed.get(from) ?? from);
    renamed.set(node, { ...node, name: node.name.slice(front.length), inputs });
  }
  const nodes = [...renamed.values()];
  return nodes.some(isLoaded) ? { name: label, nodes, outputs: [] } : undefined;
}

/** The first labels of the weights: what a part may be. */
export function labelsOf(graph: Graph): readonly string[] {
  return [...new Set(graph.nodes.filter(isLoaded).map(({ name }) => name.split(".")[0]))];
}

/** Loaded weights under no one of the labels. */
export const weightsBeside = (graph: Graph, labels: readonly string[]): readonly string[] =>
  graph.nodes
    .filter((node) => isLoaded(node) && !labels.some((label) => node.name.startsWith(`${label}.`)))
    .map(({ name }) => name);

/**
 * A label whose row is a step beside others is followed by the step's name, `a.resnet34.conv1`; where all weights are of
 * that one step, the part that a checkpoint knows starts behind it.
 */
export function innerPart(part: Graph): string | undefined {
  const steps = labelsOf(part);
  return steps.length === 1 ? steps[0] : undefined;
}

const isLoaded = (node: Node): boolean => isOp(node, param) && !node.attrs.compute;
