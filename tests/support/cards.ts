/** The card of a test's graph: what the compiler would count does not matter here. */
import type { Card } from "../../src/codegen/target.ts";
import { type Graph, isOp } from "../../src/ir/graph.ts";
import { input } from "../../src/ir/ops/input.ts";

export function testCard({ name, nodes, outputs }: Graph): Card {
  return {
    name,
    summary: "A network of the tests.",
    inputs: nodes.filter((node) => isOp(node, input)).map(({ name, type }) => ({ name, shape: type.shape })),
    outputs: outputs.map(({ name, node }) => ({ name, shape: node.type.shape })),
    params: 1,
    state: 0,
    macs: 2,
    depth: 3,
    weights: "random numbers",
    compiler: "resnetc 0.0.0",
  };
}
