/**
 * Every case of every operation as a module of the pytorch target, with numbers that go in and those that the float64
 * reference gives: a line of JSON each, for `scripts/check-pytorch.py --operations`. Maps are NHWC.
 */
import { isOp, type Node } from "../src/ir/graph.ts";
import { interpret } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import type { Tensor } from "../src/ir/tensor.ts";
import { toTorchLayout } from "../src/weights/layout.ts";
import { pytorchCase, pytorchCases } from "../tests/support/pytorch-cases.ts";

const plain = ({ shape, data }: Tensor) => ({ shape, data: Array.from(data, String) });

for (const [op, cases] of pytorchCases) {
  for (const one of cases) {
    const { graph, inputs, weights, names, title, text } = pytorchCase(op, one);
    const kernels = new Set<Node>(
      graph.nodes.flatMap((node) => (isOp(node, ops.dense) ? [node.inputs[1]] : [])),
    );
    const state = [...names].map(([node, name]) => [
      name,
      plain(toTorchLayout(weights.get(node.name), node.type.shape, kernels.has(node))),
    ]);
    const given = graph.nodes.flatMap((node) => (isOp(node, ops.input) ? [plain(inputs[node.name])] : []));
    const wanted = plain(Object.values(interpret(graph, inputs, weights))[0]);
    console.log(
      JSON.stringify({ title: `${op}: ${title}`, text, state: Object.fromEntries(state), given, wanted }),
    );
  }
}
