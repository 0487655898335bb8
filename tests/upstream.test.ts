/** torchvision's nets with weights that follow from their names, so names and layouts are tested as well as arithmetic. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isOp } from "../src/ir/graph.ts";
import { interpret } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import { elements } from "../src/ir/tensor.ts";
import { runPasses, standardPasses } from "../src/passes/pipeline.ts";
import { assertClose } from "./support/close-to.ts";
import { isLong } from "./support/long.ts";
import { onTfjs } from "./support/networks.ts";
import { requireShared } from "./support/shared.ts";
import { upstreamLogits, upstreamNets } from "./support/upstream-nets.ts";

if (requireShared(upstreamLogits)) {
  for (const upstream of await upstreamNets()) {
    const { model, table, record, net, input, check } = upstream;
    if (!isLong && record.params > 26e6) continue;

    test(`${model}: before and after the passes, and on tfjs wasm`, async () => {
      const params = net.graph.nodes.flatMap((node) => (isOp(node, ops.param) ? [node] : []));
      const counted = params
        .filter(({ attrs: { role } }) => role !== "mean" && role !== "var")
        .reduce((sum, node) => sum + elements(node.type.shape), 0);
      assert.is(counted, record.params);
      const weights = upstream.weights();
      assert.ok(
        weights.notes.some((line) => line.includes(table)),
        `recognised: ${weights.notes.join("; ")}`,
      );
      const before = interpret(net.graph, { input }, weights).logits;
      check(before, 1e-5);
      const after = interpret(runPasses(net.graph, standardPasses), { input }, weights).logits;
      check(after, 1e-5);
      // In float64 the passes only reorder roundings: far closer to each other than either must be to upstream.
      assertClose(after, before, 1e-9);
      check((await onTfjs(net, weights, { input }, "wasm")).logits, 1e-5);
    });
  }
}
test.run();
