/** He initialisation: the same bits for ever, the right spread, the right constants. */
import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ops } from "../src/ir/ops/index.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { exp, fillNormal, log, seedOf } from "../src/weights/normal.ts";
import { NetBuilder } from "./support/small-net.ts";

const draw = (count: number, seed = 0, name = "w"): Float32Array => {
  const values = new Float32Array(count);
  fillNormal(values, 1, seedOf(seed, name));
  return values;
};

const hash = (values: Float32Array): string =>
  createHash("sha256").update(new Uint8Array(values.buffer)).digest("hex").slice(0, 16);

test("the numbers never change: builds of two machines and versions are alike", () => {
  assert.equal(
    [...draw(4)],
    [0.5419279336929321, -0.4593987762928009, -1.1171256303787231, 0.01280976366251707],
  );
  // A million numbers go through every branch, the tail too.
  assert.is(hash(draw(1_000_000)), "160d7cafd9d60021");
});

test("seed and name both matter, and nothing else", () => {
  const base = hash(draw(1000));
  assert.is(hash(draw(1000)), base);
  const others = [
    draw(1000, 1),
    draw(1000, 2 ** 32),
    draw(1000, -1),
    draw(1000, 0, "v"),
    draw(1000, 0, "w "),
    draw(1000, 0, ""),
  ];
  assert.is(new Set([base, ...others.map(hash)]).size, 7);
  assert.equal([...draw(1000).subarray(0, 10)], [...draw(10)]);
});

test("the numbers are normal: moments and tails of four million", () => {
  const values = draw(4_000_000, 7);
  const n = values.length;
  const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / n;
  // Each within five standard errors.
  const near = (found: number, wanted: number, error: number) =>
    assert.ok(Math.abs(found - wanted) < 5 * error, `${found} for ${wanted}`);
  near(moment(1), 0, Math.sqrt(1 / n));
  near(moment(2), 1, Math.sqrt(2 / n));
  near(moment(3), 0, Math.sqrt(15 / n));
  near(moment(4), 3, Math.sqrt(96 / n));
  const beyond = (limit: number, share: number) => {
    const found = values.reduce((count, value) => count + (Math.abs(value) > limit ? 1 : 0), 0) / n;
    near(found, share, Math.sqrt(share / n));
  };
  beyond(1, 0.31731050786);
  beyond(2, 0.04550026389);
  beyond(3.442619855899, 5.7597e-4);
  beyond(4, 6.334248e-5);
});

test("neighbours and streams are not correlated", () => {
  const n = 1_000_000;
  const [a, b] = [draw(n, 1, "conv1.weight"), draw(n, 1, "conv2.weight")];
  let lag = 0;
  let cross = 0;
  for (let i = 1; i < n; i++) {
    lag += a[i] * a[i - 1];
    cross += a[i] * b[i];
  }
  assert.ok(Math.abs(lag) < 5 * Math.sqrt(n), `${lag}`);
  assert.ok(Math.abs(cross) < 5 * Math.sqrt(n), `${cross}`);
});

test("exp and log are right to twelve digits", () => {
  for (let x = -20; x <= 1; x += 0.01) assert.ok(Math.abs(exp(x) / Math.exp(x) - 1) < 1e-12, `exp(${x})`);
  for (let x = 1e-10; x < 4; x *= 1.01)
    assert.ok(Math.abs(log(x) - Math.log(x)) < 1e-14 * Math.max(1, -Math.log(x)), `log(${x})`);
});

test("kernels by their fan in, vectors by their role", () => {
  const build = new NetBuilder();
  const x = build.norm(
    "bn",
    build.conv("conv", build.input("input", 1, 8, 8, 64), 256, { size: 3, groups: 2 }),
  );
  const graph = build.graph("net", { logits: build.dense("fc", x, 10) });
  const weights = heWeights(graph, 3);
  const deviation = (name: string) => {
    const values = weights.get(name);
    return Math.sqrt([...values].reduce((sum, value) => sum + value * value, 0) / values.length);
  };
  assert.ok(Math.abs(deviation("conv.weight") / Math.sqrt(2 / (9 * 32)) - 1) < 0.02);
  assert.ok(Math.abs(deviation("fc.weight") / Math.sqrt(2 / (64 * 256)) - 1) < 0.02);
  assert.is(weights.get("conv.weight").length, 3 * 3 * 32 * 256);
  for (const [name, value] of [
    ["bn.scale", 1],
    ["bn.shift", 0],
    ["bn.mean", 0],
    ["bn.var", 1],
    ["fc.bias", 0],
  ] as const) {
    assert.ok(
      weights.get(name).every((each) => each === value),
      name,
    );
  }
  assert.equal(weights.get("conv.weight"), weights.get("conv.weight"));
  assert.throws(() => weights.get("nothing"), /no loaded weight/);
});

test("a PReLU starts with the slope of He et al.", () => {
  const build = new NetBuilder();
  const x = build.input("input", 1, 2, 2, 4);
  const slope = build.add(ops.param, "act.weight", [], { role: "weight", shape: [4] });
  const graph = build.graph("net", { y: build.add(ops.prelu, "act", [x, slope], null) });
  assert.equal([...heWeights(graph, 0).get("act.weight")], [0.25, 0.25, 0.25, 0.25]);
});

test.run();
