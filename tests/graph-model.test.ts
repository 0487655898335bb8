/** The graph-model target: what tf.loadGraphModel makes of it equals the float64 reference. */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { interpret } from "../src/ir/interpret.ts";
import type { Op } from "../src/ir/op.ts";
import { type OpName, ops } from "../src/ir/ops/index.ts";
import { opCases } from "./op-cases.ts";
import { caseGraph } from "./support/case-graph.ts";
import { assertClose } from "./support/close-to.ts";
import { runGraphModel, toArtifacts } from "./support/graph-model.ts";
import type { Case } from "./support/operands.ts";

tf.env().set("PROD", true); // No greeting of the cpu backend among the results.

for (const backend of ["cpu", "wasm"] as const) {
  const cases = suite(`operations on ${backend}`);
  for (const name of Object.keys(ops) as OpName[]) {
    const all: readonly Case[] = opCases[name];
    for (const one of all) {
      cases(`${name}: ${one.title}`, async () => {
        const { graph, inputs, weights } = caseGraph(ops[name] as Op<never>, one);
        const artifacts = toArtifacts(graph, weights);
        await tf.setBackend(backend);
        const before = tf.memory().numTensors;
        const { y } = await runGraphModel(artifacts, inputs, backend);
        assert.is(tf.memory().numTensors, before, "tensors are left behind");
        assertClose(y, interpret(graph, inputs, weights).y, 1e-5, `${name}, ${one.title}`);
      });
    }
  }
  cases.run();
}
