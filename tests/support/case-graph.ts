/** Small graphs for tests: one op with its operands as inputs and weights, and what to feed them. */
import { collect } from "../../src/base/diagnostic.ts";
import { GraphBuilder } from "../../src/ir/build.ts";
import { countUses, type Graph, isOp, type Node } from "../../src/ir/graph.ts";
import type { WeightSource } from "../../src/ir/interpret.ts";
import type { Op } from "../../src/ir/op.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { type ParamAttrs, param } from "../../src/ir/ops/param.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import type { Case } from "./operands.ts";
import { randomTensor, randomValues } from "./random.ts";

export interface CaseGraph {
  readonly graph: Graph;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly weights: WeightSource;
}

/** A case as a graph `x0, x1, … -> y`, with the same numbers every time. */
export function caseGraph(op: Op<never>, { title, operands, attrs }: Case): CaseGraph {
  const { diagnostics, report } = collect();
  const builder = new GraphBuilder(report);
  const inputs: Record<string, Tensor> = {};
  const values = new Map<string, Float32Array>();
  const nodes = operands.map(({ kind, shape, low, high }, i) => {
    const tensor = randomTensor(i + 1, shape, low, high);
    if (kind === "map") {
      inputs[`x${i}`] = tensor;
      return builder.add(ops.input, `x${i}`, [], { shape })!;
    }
    values.set(`w${i}`, tensor.data);
    return builder.param(`w${i}`, "weight", shape)!;
  });
  let result = builder.add(op as Op<unknown>, "y", nodes, attrs);
  if (result && isOp(result, ops.input)) inputs.y = randomTensor(9, result.type.shape);
  if (result && isOp(result, param)) result = readParam(result, builder, inputs, values);
  if (!result)
    throw new Error(`${op.name}, ${title}: ${diagnostics.map(({ message }) => message).join("; ")}`);
  return {
    graph: builder.graph("case", [{ name: "y", node: result }]),
    inputs,
    weights: { get: (name) => values.get(name)! },
  };
}

/** A weight is seen through its reader only. */
function readParam(
  weight: Node<ParamAttrs>,
  builder: GraphBuilder,
  inputs: Record<string, Tensor>,
  values: Map<string, Float32Array>,
): Node | undefined {
  const [channels] = weight.type.shape;
  inputs.x = randomTensor(8, [2, 3, 4, channels]);
  values.set("y", randomValues(7, channels));
  const x = builder.add(ops.input, "x", [], { shape: inputs.x.shape })!;
  return builder.add(ops.bias, "read", [x, weight], null);
}

/** Values for every loaded weight of a graph, small enough that deep nets stay finite. */
export function randomWeights(graph: Graph): WeightSource {
  const uses = countUses(graph);
  const values = new Map<string, Float32Array>();
  graph.nodes.forEach((node, i) => {
    if (!isOp(node, param) || node.attrs.compute || !uses.has(node)) return;
    const { data } = randomTensor(
      i + 1,
      node.type.shape,
      node.attrs.role === "var" ? 0.5 : -0.5,
      node.attrs.role === "var" ? 1.5 : 0.5,
    );
    values.set(node.name, data);
  });
  return { get: (name) => values.get(name)! };
}
