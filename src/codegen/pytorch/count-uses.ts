/** How often the steps of a body, and what it gives back, read each value. */
import type { Node } from "../../ir/graph.ts";
import type { Item } from "./scopes.ts";

export function countUsesOf(items: readonly Item[], outputs: readonly Node[]): Map<Node, number> {
  const uses = new Map<Node, number>();
  const use = (node: Node) => uses.set(node, (uses.get(node) ?? 0) + 1);
  for (const { inputs } of items) inputs.forEach(use);
  outputs.forEach(use);
  return uses;
}
