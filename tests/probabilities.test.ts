/** When a card says that a result is probabilities: then nobody takes a softmax of it again. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { makeSource } from "../src/base/source.ts";
import { analyse, cardOf } from "../src/compile.ts";

const says = (rows: string): boolean | undefined => {
  const { nets, diagnostics } = analyse(makeSource("p.resnet", `net p {\n input 2x2x3\n ${rows}\n}\n`));
  assert.equal(diagnostics, []);
  return cardOf(nets[0], "none").outputs[0].probabilities;
};

test("a softmax over the channels, and the mean of several", () => {
  assert.is(says("dense(4) -> softmax"), true);
  assert.is(
    says("a: dense(4)\n b: in -> dense(4)\n [ a -> softmax ] + [ b -> softmax ] -> times(1 / 2)"),
    true,
  );
});

test("logits, a sum that is no mean, parts and places are none", () => {
  assert.is(says("dense(4)"), undefined);
  assert.is(says("a: dense(4)\n [ a -> softmax ] + [ a -> softmax ]"), undefined);
  assert.is(says("dense(4) -> softmax(parts = 2)"), undefined);
  assert.is(says("conv(1x1, 4) -> softmax(places = true)"), undefined);
  assert.is(says("dense(4) -> softmax -> affine"), undefined);
});

test("sums of sums of sums take no time", () => {
  const rows = Array.from(
    { length: 60 },
    (_, i) => `r${i}: ${i === 0 ? "in" : `r${i - 1}`} + ${i === 0 ? "in" : `r${i - 1}`}`,
  );
  assert.is(says(rows.join("\n ")), undefined);
});

test.run();
