/** dlib's face net from the npm package @vladmandic/face-api, uint8 weights: ten cases against a float64 port. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { interpret } from "../src/ir/interpret.ts";
import { onTfjs } from "./support/networks.ts";
import { requireShared } from "./support/shared.ts";
import { faceDescriptors, faceNet } from "./support/trained-nets.ts";

if (requireShared(faceDescriptors)) {
  const { net, weights, input, cases, worst } = faceNet();

  test("tfjs wasm: ten cases within 5e-6", async () => {
    assert.is(cases, 10);
    const error = worst(await onTfjs(net, weights, { input }, "wasm"));
    assert.ok(error <= 5e-6, String(error));
  });
  test("the interpreter: ten cases within 1e-6", () => {
    const error = worst(interpret(net.graph, { input }, weights));
    assert.ok(error <= 1e-6, String(error));
  });
}
test.run();
