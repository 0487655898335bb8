/**
 * What a pass owes: the same function of the same inputs under the same names, and the weights it did not fold
 * as they were.
 */
import * as assert from "uvu/assert";
import { type Graph, isOp } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { printGraph } from "../../src/ir/print.ts";
import type { Pass } from "../../src/passes/pass.ts";
import type { Model } from "./arbitrary-model.ts";
import { assertClose } from "./close-to.ts";
import { randomTensor } from "./random.ts";
import { namedWeights } from "./sketch.ts";

/** FUZZ_RUNS=5000 looks longer, at other networks every time. */
const fuzzRuns = Number(process.env.FUZZ_RUNS ?? 0);
export const bounds = fuzzRuns ? { numRuns: fuzzRuns } : { numRuns: 150, seed: 1 };

/** The graph with its weights, as far as text can tell. */
export const text = (graph: Graph): string => printGraph(graph, { params: true });

/** Same inputs, outputs and values; `numerics` says how same. */
export function assertSameFunction(
  before: Graph,
  after: Graph,
  numerics: Pass["numerics"],
  model: Model,
): void {
  const signature = ({ nodes, outputs }: Graph) => [
    ...nodes.filter((node) => isOp(node, ops.input)).map(({ name, type }) => `${name} ${type.shape}`),
    ...outputs.map(({ name, node }) => `${name} ${node.type.shape}`),
  ];
  assert.equal(signature(after), signature(before));
  let largest = 1;
  const expected = interpret(before, model.inputs, model.weights, {
    onValue: (_, { data }) => {
      for (const value of data) largest = Math.max(largest, Math.abs(value));
    },
  });
  const actual = interpret(after, model.inputs, model.weights);
  for (const { name } of before.outputs) {
    // Rounding is relative to the largest number on the way, which cancels in some networks.
    const own = Array.from(expected[name].data, Math.abs).reduce((a, b) => Math.max(a, b), 1e-30);
    const tolerance = numerics === "exact" ? 0 : (1e-9 * largest) / own;
    if (Number.isFinite(largest)) assertClose(actual[name], expected[name], tolerance, name);
  }
}

/** Weights that no fold made are the very nodes that were there. */
export function assertWeightsUntouched(before: Graph, after: Graph): void {
  const known = new Set(before.nodes);
  for (const node of after.nodes) {
    if (isOp(node, ops.param) && !node.attrs.compute)
      assert.ok(known.has(node), `${node.name} is another node`);
  }
}

/** A graph with weights and inputs of its own. */
export const modelOf = (graph: Graph): Model => {
  const inputs = graph.nodes.filter((node) => isOp(node, ops.input));
  return {
    graph,
    inputs: Object.fromEntries(inputs.map(({ name, type }) => [name, randomTensor(7, type.shape)])),
    weights: namedWeights(graph),
  };
};
