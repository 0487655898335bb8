/**
 * The graph: immutable nodes in topological order. A node carries its op's datasheet (a value), not its
 * name, so `node.op.macs(node)` needs no registry. Weights are nodes too (`param`), so a pass can rewrite
 * them without having them loaded.
 */
import type { Span } from "../base/source.ts";
import type { Op } from "./op.ts";
import type { TensorType } from "./tensor.ts";

export interface Node<A = unknown> {
  /** Unique in its graph, after where it comes from: `conv2.0.conv1`, `conv2.0.conv1.weight`. */
  readonly name: string;
  readonly op: Op<A>;
  readonly inputs: readonly Node[];
  readonly attrs: A;
  readonly type: TensorType;
  readonly span?: Span | undefined;
}

export interface Output {
  readonly name: string;
  readonly node: Node;
}

export interface Graph {
  readonly name: string;
  /** Topological: every node stands after its inputs. */
  readonly nodes: readonly Node[];
  readonly outputs: readonly Output[];
}

/** Narrows a node to the attributes of one op. */
export const isOp = <A>(node: Node | undefined, op: Op<A>): node is Node<A> => node?.op === (op as unknown);

/** How often each node is read, an output counting as one reader. */
export function countUses(graph: Graph): ReadonlyMap<Node, number> {
  const uses = new Map<Node, number>();
  const use = (node: Node) => uses.set(node, (uses.get(node) ?? 0) + 1);
  for (const node of graph.nodes) node.inputs.forEach(use);
  for (const { node } of graph.outputs) use(node);
  return uses;
}
