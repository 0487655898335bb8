/** Really trained weights: akamaster's CIFAR ResNet-20 and 56 against logits that PyTorch made from the same files. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { interpret } from "../src/ir/interpret.ts";
import { runPasses, standardPasses } from "../src/passes/pipeline.ts";
import { assertClose, compare } from "./support/close-to.ts";
import { examplePath, openNet } from "./support/nets.ts";
import { onTfjs } from "./support/networks.ts";
import { requireShared } from "./support/shared.ts";
import { cifarLogits, cifarNet } from "./support/trained-nets.ts";

if (requireShared(cifarLogits)) {
  for (const name of ["resnet20", "resnet56"] as const) {
    const { net, weights, input, logits: truth } = cifarNet(name);

    test(`${name}: the interpreter, before and after the passes`, () => {
      assert.ok(
        weights.notes.some((line) => line.includes("module.")),
        weights.notes.join("; "),
      );
      assertClose(interpret(net.graph, { input }, weights).logits, truth, 1e-6);
      assertClose(interpret(runPasses(net.graph, standardPasses), { input }, weights).logits, truth, 1e-6);
    });
    for (const backend of ["cpu", "wasm"] as const) {
      for (const level of [0, 2] as const) {
        test(`${name}: tfjs ${backend} -O${level}`, async () => {
          assertClose((await onTfjs(net, weights, { input }, backend, level)).logits, truth, 1e-5);
        });
      }
    }
    test(`${name}: zeros all behind are another function`, () => {
      // The placement of option A shows in no shape and no count: only numbers tell.
      const other = openNet(examplePath("cifar.resnet"), { net: name, settings: { shortcut: "pad" } });
      const { logits } = interpret(other.net.graph, { input }, weights);
      assert.ok(compare(logits.data, truth.data, 1e-2));
    });
  }
}
test.run();
