/** Really trained weights: akamaster's CIFAR ResNet-20 and 56 against logits that PyTorch made from the same files. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { interpret } from "../src/ir/interpret.ts";
import { elements } from "../src/ir/tensor.ts";
import { runPasses, standardPasses } from "../src/passes/pipeline.ts";
import { assertClose, compare } from "./support/close-to.ts";
import { examplePath, openNet } from "./support/nets.ts";
import { bind, onTfjs, toNhwc } from "./support/networks.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

if (requireShared("models/cifar/expected-logits.json")) {
  const expected = JSON.parse(readFileSync(sharedPath("models/cifar/expected-logits.json"), "utf8"));
  for (const name of ["resnet20", "resnet56"]) {
    const record = expected[name];
    const shape = [2, 3, 32, 32];
    // x[i] = ((i * 2654435761) mod 2^32) / 2^32 * 4 - 2, by the flat NCHW index.
    const pixels = Float32Array.from(
      { length: elements(shape) },
      (_, i) => ((Math.imul(i, 2654435761) >>> 0) / 2 ** 32) * 4 - 2,
    );
    const { net, module } = openNet(examplePath("cifar.resnet"), { net: name });
    const weights = bind(net, module, sharedPath(`models/cifar/${record.file}`));
    const input = toNhwc(pixels, shape);
    const truth = { data: record.logits_f64.flat() as number[] };

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
