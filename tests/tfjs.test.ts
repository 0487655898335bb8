/** The tfjs target: what a generated module computes, keeps and frees. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { interpret } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import { runTfjs } from "../src/run/tfjs.ts";
import { buildNet, importNet } from "./support/built-net.ts";
import { assertClose } from "./support/close-to.ts";
import { messageOf } from "./support/message-of.ts";
import { randomTensor, randomValues } from "./support/random.ts";
import { NetBuilder, smallNet } from "./support/small-net.ts";

tf.env().set("PROD", true); // No greeting of the cpu backend among the results.

const root = fileURLToPath(new URL("..", import.meta.url));
const built = buildNet(smallNet());
const weights = built.bytes(".weights");
const picture = (batch: number) => randomTensor(5, [batch, 32, 32, 3]);
const countTensors = () => tf.engine().state.numTensors;

for (const backend of ["cpu", "wasm"] as const) {
  test(`${backend}: run and execute give what the reference gives, for any batch`, async () => {
    const before = countTensors();
    const net = await (await importNet(built)).load({ tf, backend, weights });
    const loaded = countTensors();
    for (const batch of [1, 3]) {
      const { shape, data } = picture(batch);
      const expected = interpret(built.graph, { input: { shape, data } }, built.weights);
      const values = net.run({ input: data });
      assert.equal(Object.keys(values), ["features", "logits"]);
      assert.instance(values.logits, Float32Array);
      assertClose({ data: values.logits }, expected.logits, 1e-5, "logits");
      assertClose({ data: values.features }, expected.features, 1e-5, "features");
      assert.equal(await net.runAsync({ input: data }), values);
      const x = tf.tensor4d(data, [batch, 32, 32, 3]);
      const maps = net.execute({ input: x });
      assert.equal(maps.logits.shape, [batch, 1, 1, 10]);
      assertClose({ data: maps.logits.dataSync() }, expected.logits, 1e-5, "executed logits");
      assert.not(x.isDisposed);
      tf.dispose([x, maps]);
      assert.is(countTensors(), loaded, "execute leaves tensors");
    }
    net.dispose();
    net.dispose();
    assert.is(countTensors(), before, "dispose leaves tensors");
  });

  test(`${backend}: 100 runs leave no tensor and no byte`, async () => {
    const net = await (await importNet(built)).load({ tf, backend, weights });
    await net.warmUp();
    const { data } = picture(1);
    const first = net.run({ input: data }).logits;
    const { numTensors, numBytes, numDataBuffers } = tf.memory();
    for (let i = 0; i < 100; i++) assert.equal(net.run({ input: data }).logits, first);
    const after = tf.memory();
    assert.equal(
      [after.numTensors, after.numBytes, after.numDataBuffers],
      [numTensors, numBytes, numDataBuffers],
    );
    net.dispose();
  });
}

test("nothing of what came in is changed or kept", async () => {
  const bytes = weights.slice();
  const net = await (await importNet(built)).load({ tf, backend: "cpu", weights: bytes });
  const { data } = picture(1);
  const copy = data.slice();
  const first = net.run({ input: data });
  bytes.fill(0);
  assert.equal(net.run({ input: data }).logits, first.logits);
  assert.equal(data, copy);
  net.dispose();
});

test("every value dies behind its last reader", async () => {
  const builder = new NetBuilder();
  let x = builder.input("input", 1, 16, 16, 8);
  for (let i = 0; i < 12; i++) {
    const branch = builder.activation(`relu${i}`, builder.conv(`conv${i}`, x, 8), "swish");
    x = builder.add(ops.add, `add${i}`, [branch, x], null);
  }
  const chain = buildNet(builder.graph("chain", { y: x }));
  let most = 0;
  const watched = watch((_, work) => {
    const result = work();
    most = Math.max(most, tf.memory().numBytes);
    return result;
  });
  const net = await (await importNet(chain)).load({
    tf: watched,
    backend: "wasm",
    weights: chain.bytes(".weights"),
  });
  const before = tf.memory().numBytes;
  const input = tf.zeros([1, 16, 16, 8]);
  const { y } = net.execute({ input });
  const mapBytes = 16 * 16 * 8 * 4;
  // The caller's input, the shortcut, the convolution, its sigmoid and their product.
  assert.ok(most - before <= 5 * mapBytes, `${(most - before) / mapBytes} maps are alive at once`);
  assert.ok(most - before >= 4 * mapBytes, "the measurement sees nothing");
  tf.dispose([input, y]);
  net.dispose();
});

test("a call that throws midway leaves nothing behind", async () => {
  let calls = 0;
  const failing = watch((name, work) => {
    if (name === "add" && calls++ === 1) throw new Error("out of memory");
    return work();
  });
  const net = await (await importNet(built)).load({ tf: failing, backend: "wasm", weights });
  const before = countTensors();
  const { data } = picture(1);
  assert.is(await messageOf(() => net.run({ input: data })), "out of memory");
  assert.is(countTensors(), before);
  calls = 0;
  const input = tf.tensor4d(data, [1, 32, 32, 3]);
  assert.is(await messageOf(() => net.execute({ input })), "out of memory");
  assert.is(countTensors(), before + 1);
  input.dispose();
  net.dispose();
});

/** tfjs with every function of the namespace going through `around`. */
function watch(around: (name: string, work: () => unknown) => unknown): typeof tf {
  const entries = Object.entries(tf).map(([name, value]) => {
    if (typeof value !== "function" || name === "tidy") return [name, value];
    const call = value as (...args: unknown[]) => unknown;
    return [name, (...args: unknown[]) => around(name, () => call(...args))];
  });
  return Object.fromEntries(entries) as typeof tf;
}

test("each output is a tensor of its own, also when it is an input or another output", async () => {
  const builder = new NetBuilder();
  const x = builder.input("input", 1, 2, 2, 1);
  const y = builder.activation("relu", x);
  const net = buildNet(builder.graph("outputs", { first: y, second: y, same: x }));
  for (const backend of ["cpu", "wasm"]) {
    const loaded = await (await importNet(net)).load({ tf, backend, weights: net.bytes(".weights") });
    const input = tf.tensor4d([-1, 2, -3, 4], [1, 2, 2, 1]);
    const before = countTensors();
    const { first, second, same } = loaded.execute({ input });
    assert.is(countTensors(), before + 3);
    first.dispose();
    assert.equal([...second.dataSync()], [0, 2, 0, 4]);
    tf.dispose([second, same]);
    assert.equal([...input.dataSync()], [-1, 2, -3, 4]);
    input.dispose();
    const array = Float32Array.of(-1, 2, -3, 4);
    const values = loaded.run({ input: array });
    values.same[0] = 99;
    assert.is(array[0], -1, "an output shares memory with an input");
    loaded.dispose();
  }
});

test("two networks on two backends take turns, and the page keeps its own", async () => {
  const onCpu = await (await importNet(built)).load({ tf, backend: "cpu", weights });
  const onWasm = await (await importNet(built)).load({ tf, backend: "wasm", weights });
  await tf.setBackend("cpu");
  const { data } = picture(1);
  const expected = onCpu.run({ input: data }).logits;
  for (let i = 0; i < 3; i++) {
    assertClose({ data: onWasm.run({ input: data }).logits }, { data: expected }, 1e-5);
    assert.is(tf.getBackend(), "cpu");
    assert.equal(onCpu.run({ input: data }).logits, expected);
  }
  assert.is(onWasm.info.backend, "wasm");
  assert.is(onWasm.info.summary, "A network of the tests.");
  onCpu.dispose();
  onWasm.dispose();
});

test("auto in Node: wasm, and why not the others; measured once", async () => {
  const { load } = await importNet(built);
  const before = countTensors();
  const first = await load({ tf, backend: "auto", weights });
  const second = await load({ tf, backend: "auto", weights });
  assert.equal([first.info.backend, second.info.backend], ["wasm", "wasm"]);
  const missing = (name: string) =>
    `${name} needs the package @tensorflow/tfjs-backend-${name}, which cannot be loaded`;
  const told = new RegExp(`^measured: wasm [\\d.e+-]+ ms; ${missing("webgpu")}; ${missing("webgl")}$`);
  const why = String(first.info.why);
  assert.match(why, told);
  assert.is(second.info.why, why.replace("measured", "remembered"));
  const { shape, data } = picture(1);
  const expected = interpret(built.graph, { input: { shape, data } }, built.weights);
  assertClose({ data: first.run({ input: data }).logits }, expected.logits, 1e-5);
  first.dispose();
  second.dispose();
  assert.is(countTensors(), before);
});

test("runTfjs says nothing, keeps nothing and leaves the process as it is", () => {
  const script = `
    import { runTfjs } from "./src/run/tfjs.ts";
    import { buildNet } from "./tests/support/built-net.ts";
    import { smallNet } from "./tests/support/small-net.ts";
    const { artifacts } = buildNet(smallNet());
    const own = () => {};
    process.on("uncaughtException", own);
    const inputs = { input: { shape: [2, 32, 32, 3], data: new Float64Array(2 * 3072).fill(0.5) } };
    const shapes = [];
    for (const backend of ["cpu", "wasm"]) shapes.push((await runTfjs({ artifacts, inputs, backend })).logits.shape);
    const tf = await import("@tensorflow/tfjs-core");
    const kept = process.listeners("uncaughtException").map((listener) => listener === own);
    const rejections = process.listenerCount("unhandledRejection");
    console.log(JSON.stringify({ shapes, kept, rejections, tensors: tf.memory().numTensors }));`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "-e", script],
    { cwd: root, encoding: "utf8" },
  );
  assert.is(status, 0, stderr);
  assert.is(stderr, "");
  assert.equal(JSON.parse(stdout), {
    shapes: [
      [2, 1, 1, 10],
      [2, 1, 1, 10],
    ],
    kept: [true],
    rejections: 0,
    tensors: 0,
  });
});

test("runTfjs gives shapes and values", async () => {
  const input = picture(2);
  const before = countTensors();
  const expected = interpret(built.graph, { input }, built.weights);
  const results = await runTfjs({ artifacts: built.artifacts, inputs: { input } });
  assertClose(results.logits, expected.logits, 1e-5);
  assertClose(results.features, expected.features, 1e-5);
  assert.is(countTensors(), before);
  const wrong = { input: { shape: [1, 2, 2, 3], data: randomValues(1, 12) } };
  assert.is(
    await messageOf(() => runTfjs({ artifacts: built.artifacts, inputs: wrong })),
    'The input "input" must be float32 [batch, 32, 32, 3], this is float32 [1, 2, 2, 3].',
  );
  assert.is(countTensors(), before);
});

test.run();
