/** The tfjs target: what its files say, and how a fresh process gets along with them. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { tfjs } from "../src/codegen/tfjs/target.ts";
import { interpret } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import { elements } from "../src/ir/tensor.ts";
import { buildNet, importNet, writeNet } from "./support/built-net.ts";
import { testCard } from "./support/cards.ts";
import { assertClose } from "./support/close-to.ts";
import { NetBuilder, smallNet } from "./support/small-net.ts";

tf.env().set("PROD", true); // No greeting of the cpu backend among the results.

const root = fileURLToPath(new URL("..", import.meta.url));
const built = buildNet(smallNet());
const weights = built.bytes(".weights");

test("the card says where each tensor is", async () => {
  const card = JSON.parse(built.text(".json"));
  assert.is(card.name, "smallnet");
  assert.is(card.file, "smallnet.weights");
  assert.is(card.bytes, weights.length);
  let end = 0;
  for (const { shape, offset } of card.tensors) {
    assert.is(offset, end);
    assert.is(offset % 4, 0);
    end = offset + 4 * shape.reduce((product: number, side: number) => product * side, 1);
  }
  assert.is(end, weights.length);
  const { shape, offset } = card.tensors.find(({ name }: { name: string }) => name === "fc.bias");
  const stored = new Float32Array(weights.slice(offset, offset + 4 * shape[0]).buffer);
  assert.equal(stored, built.weights.get("fc.bias"));
});

test("equal input makes equal files", () => {
  const again = buildNet(smallNet());
  assert.equal(
    again.artifacts.map(({ path, contents }) => [path, contents]),
    built.artifacts.map(({ path, contents }) => [path, contents]),
  );
});

test("a weight that is stored in pieces is evaluated once, and progress counts bytes", () => {
  const builder = new NetBuilder();
  const x = builder.input("input", 1, 2, 2, 128);
  const conv = builder.conv("conv", x, 4, { groups: 2 });
  const graph = builder.graph("pieces", { y: builder.dense("fc", conv, 3) });
  const asked: string[] = [];
  const get = (name: string) => {
    asked.push(name);
    return new Float32Array(elements(graph.nodes.find((node) => node.name === name)!.type.shape));
  };
  const steps: [number, number][] = [];
  const onProgress = (done: number, total: number) => void steps.push([done, total]);
  const { report } = collect();
  const request = { graph, weights: { get }, card: testCard(graph), name: "pieces", report, onProgress };
  const artifacts = tfjs.emit(request);
  assert.equal(asked, ["conv.weight", "fc.weight", "fc.bias"]);
  const sizes = [4 * 3 * 3 * 64 * 4, 4 * 2 * 2 * 4 * 3, 4 * 3];
  const total = sizes[0] + sizes[1] + sizes[2];
  assert.is(artifacts[2].contents.length, total);
  assert.equal(steps, [
    [sizes[0], total],
    [sizes[0] + sizes[1], total],
    [total, total],
  ]);
});

test("names of any kind become variables, and keep their spelling outside", async () => {
  const builder = new NetBuilder();
  const inputs = ["tf", "w", "class", "1x1", "a.b", "a_b", "a-b", "x*/"].map((name) =>
    builder.input(name, 1, 1, 1, 1),
  );
  const sum = inputs.reduce((left, right, i) =>
    builder.add(ops.add, i % 2 ? "tidy" : "arguments", [left, right], null),
  );
  const graph = builder.graph("na me", { "out put": sum, __proto__2: sum });
  const net = buildNet({ ...graph, outputs: [...graph.outputs, { name: "__proto__", node: sum }] });
  const { load } = await importNet(net);
  const loaded = await load({ tf, backend: "cpu", weights: net.bytes(".weights") });
  const values = Object.fromEntries(inputs.map(({ name }, i) => [name, Float32Array.of(2 ** i)]));
  const results = loaded.run(values);
  assert.equal(Object.keys(results), ["out put", "__proto__2", "__proto__"]);
  for (const array of Object.values(results)) assert.equal([...array], [255]);
  assert.match(net.text(".js"), 'new URL("./na%20me.weights", import.meta.url)');
  loaded.dispose();
});

test("the types fit what the module takes and gives", () => {
  const { folder, remove } = writeNet(built);
  try {
    const use = (
      lines: string,
    ) => `import { load } from "./smallnet.js";\nimport * as tf from "@tensorflow/tfjs-core";
const net = await load({ backend: "wasm", tf, weights: new Uint8Array(4), onProgress: (p) => p.loaded / p.total });
${lines}\n`;
    writeFileSync(
      join(folder, "right.ts"),
      use(`const logits: Float32Array = net.run({ input: new Float32Array(3072) }).logits;
const map: tf.Tensor4D = net.execute({ input: tf.zeros([1, 32, 32, 3]) as tf.Tensor4D }).features;
console.log(logits, map, net.info.macs, net.info.backend, net.info.why);
await load({ backend: "auto", cache: true, signal: AbortSignal.timeout(1000) });
await net.ready;
const { features }: { features: Float32Array } = await net.runAsync({ input: new Float32Array(3072) });
await net.warmUp();
net.dispose();`),
    );
    writeFileSync(
      join(folder, "wrong.ts"),
      use(`net.run({ picture: new Float32Array(3072) });
net.run({ input: new Float64Array(3072) });
console.log(net.run({ input: new Float32Array(3072) }).scores);
await load({ backend: "metal" });`),
    );
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const flags = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--skipLibCheck",
      "--module",
      "nodenext",
      "--target",
      "es2022",
    ];
    const check = (file: string) =>
      spawnSync(process.execPath, [tsc, ...flags, file], { cwd: folder, encoding: "utf8" });
    assert.is(check("right.ts").stdout, "");
    const complaints = check("wrong.ts")
      .stdout.split("\n")
      .filter((line) => line.startsWith("wrong.ts"));
    assert.equal(
      complaints.map((line) => line.slice("wrong.ts(".length).split(",")[0]),
      ["4", "5", "6", "7"],
    );
  } finally {
    remove();
  }
});

test("a fresh Node process: packages and weights are found, loads at once do not disturb each other", () => {
  const { folder, remove } = writeNet(built);
  try {
    const module = pathToFileURL(join(folder, "smallnet.js")).href;
    const script = `
      import { load } from ${JSON.stringify(module)};
      const again = await import(${JSON.stringify(`${module}?again`)});
      const steps = [];
      const onProgress = ({ loaded, total }) => steps.push(loaded / total);
      const input = new Float32Array(3072).map((_, i) => Math.sin(i));
      const first = await load({ backend: "cpu" });
      let starting = true;
      const pending = Promise.all([load({ onProgress }), load({ backend: "cpu" }), again.load(), load()]);
      pending.finally(() => { starting = false; });
      while (starting) {
        first.run({ input });
        await new Promise(setImmediate);
      }
      const nets = await pending;
      const logits = nets.map((net) => Array.from(net.run({ input }).logits));
      const listeners = ["uncaughtException", "unhandledRejection"].map((event) => process.listenerCount(event));
      console.log(JSON.stringify({ logits, listeners, steps, backends: nets.map((net) => net.info.backend) }));`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: folder,
      encoding: "utf8",
    });
    assert.is(status, 0, stderr);
    const { logits, listeners, steps, backends } = JSON.parse(stdout);
    assert.equal(backends, ["wasm", "cpu", "wasm", "wasm"]);
    assert.equal(listeners, [0, 0]);
    assert.equal(steps, [1]);
    const data = new Float32Array(3072).map((_, i) => Math.sin(i));
    const expected = interpret(built.graph, { input: { shape: [1, 32, 32, 3], data } }, built.weights).logits;
    for (const data of logits) assertClose({ data }, expected, 1e-5);
  } finally {
    remove();
  }
});

test.run();
