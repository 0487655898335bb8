/** Every op, every case, as ONNX Runtime runs it, against the references: with the case's batch and with another. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { onnx } from "../src/codegen/onnx/target.ts";
import { interpret } from "../src/ir/interpret.ts";
import type { Op } from "../src/ir/op.ts";
import { type OpName, ops } from "../src/ir/ops/index.ts";
import { elements, type Tensor } from "../src/ir/tensor.ts";
import { opCases } from "./op-cases.ts";
import { testCard } from "./support/cards.ts";
import { caseGraph } from "./support/case-graph.ts";
import { assertClose } from "./support/close-to.ts";
import { modelOf, openOnnx } from "./support/onnx-run.ts";
import type { Case } from "./support/operands.ts";

/** The same picture and others like it: three in a batch. */
const inThrees = ({ shape: [n, ...map], data }: Tensor): Tensor => {
  const size = elements(map);
  const values = Float32Array.from({ length: 3 * size }, (_, i) => data[i % (n * size)]);
  return { shape: [3, ...map], data: values };
};

for (const name of Object.keys(ops) as OpName[]) {
  const cases: readonly Case[] = opCases[name];
  for (const one of cases) {
    test(`${name}: ${one.title}`, async () => {
      const { graph, inputs, weights } = caseGraph(ops[name] as Op<never>, one);
      const { report, diagnostics } = collect();
      const artifacts = onnx.emit({ graph, weights, card: testCard(graph), name: "case", report });
      assert.equal(diagnostics, []);
      const session = await openOnnx(modelOf(artifacts));
      const threes = Object.fromEntries(Object.entries(inputs).map(([key, map]) => [key, inThrees(map)]));
      for (const given of [inputs, threes]) {
        const { y } = await session.run(given);
        assertClose(y, interpret(graph, given, weights).y, 1e-5, `${name}, ${one.title}`);
      }
      await session.release();
    });
  }
}

test.run();
