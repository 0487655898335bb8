/** Whole models on our kernels: a GraphModel and a layers model that know nothing of them, and modules that ask for them. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import type { GraphModel } from "@tensorflow/tfjs-converter";
import * as tfl from "@tensorflow/tfjs-layers";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { tfjs } from "../src/codegen/tfjs/target.ts";
import { interpret } from "../src/ir/interpret.ts";
import { runPasses, standardPasses } from "../src/passes/pipeline.ts";
import { startTfjs } from "../src/run/tfjs.ts";
import * as kernels from "../src/tfjs-kernels/register.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { type BuiltNet, buildNet, importNet } from "./support/built-net.ts";
import { testCard } from "./support/cards.ts";
import { assertClose } from "./support/close-to.ts";
import { compileSources } from "./support/compiled-sources.ts";
import { cpuMs } from "./support/cpu-time.ts";
import { loadFiles, toGraphModel } from "./support/graph-model.ts";
import { kernelSets } from "./support/kernel-sets.ts";
import { messageOf } from "./support/message-of.ts";
import { examplePath, openNet, root } from "./support/nets.ts";
import { randomTensor } from "./support/random.ts";
import { smallNet } from "./support/small-net.ts";

const { registerKernels } = kernels;

tf.env().set("PROD", true); // No greeting of the cpu backend among the results.

let resnet18: GraphModel;
let picture: tf.Tensor4D;

const pictureOf = (size: number) =>
  tf.tensor4d(randomTensor(1, [1, size, size, 3], -2, 2).data, [1, size, size, 3]);

function loadResnet18(size: number): Promise<GraphModel> {
  const { net } = openNet(examplePath("resnet18.resnet"), { settings: { size: `${size}x${size}x3` } });
  return loadFiles(toGraphModel(runPasses(net.graph, standardPasses), heWeights(net.graph, 1)));
}

test.before(async () => {
  await tf.setBackend("wasm");
  resnet18 = await loadResnet18(224);
  picture = pictureOf(224);
});

/** The numbers of the model's first output. */
function predict(model: { predict(x: tf.Tensor4D): unknown }, x: tf.Tensor4D): Float32Array {
  const y = model.predict(x) as tf.Tensor;
  const values = y.dataSync<"float32">();
  y.dispose();
  return values;
}

test("ResNet-18 as a GraphModel", () => {
  const expected = predict(resnet18, picture);
  const registration = registerKernels(tf);
  assertClose({ data: predict(resnet18, picture) }, { data: expected }, 1e-5);
  assert.equal(registration.report(), { own: 21, stock: {} });
  registration.unregister();
});

test("ResNet-18 runs 1.3 times as fast at least", () => {
  const sets = kernelSets(tf);
  // In turns: whatever else the machine does falls on both.
  const times = { stock: Number.POSITIVE_INFINITY, own: Number.POSITIVE_INFINITY };
  for (let round = 0; round < 8; round++) {
    for (const name of ["stock", "own"] as const) {
      sets.use(name);
      const start = cpuMs();
      predict(resnet18, picture);
      times[name] = Math.min(times[name], cpuMs() - start);
    }
  }
  sets.unregister();
  assert.ok(times.stock > 1.3 * times.own, `${times.stock.toFixed(0)} ms, ours ${times.own.toFixed(0)} ms`);
});

test("50 runs leave no tensor and take no memory", async () => {
  const registration = registerKernels(tf);
  const model = await loadResnet18(64);
  const small = pictureOf(64);
  const { wasm } = tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } };
  for (let i = 0; i < 3; i++) predict(model, small);
  const before = { ...tf.memory(), bytes: wasm.HEAPU8.length };
  for (let i = 0; i < 50; i++) predict(model, small);
  assert.equal({ ...tf.memory(), bytes: wasm.HEAPU8.length }, before);
  assert.equal(registration.report(), { own: 53 * 21, stock: {} });
  registration.unregister();
  model.dispose();
  small.dispose();
});

test("a layers model, also after it has learned", async () => {
  const model = tfl.sequential({
    layers: [
      tfl.layers.conv2d({
        inputShape: [24, 24, 3],
        filters: 16,
        kernelSize: 3,
        padding: "same",
        activation: "relu",
      }),
      tfl.layers.depthwiseConv2d({ kernelSize: 3, strides: 2, padding: "same" }),
      tfl.layers.batchNormalization(),
      tfl.layers.conv2d({ filters: 24, kernelSize: 3, activation: "elu", useBias: false }),
      tfl.layers.globalAveragePooling2d({}),
      tfl.layers.dense({ units: 10, activation: "softmax" }),
    ],
  });
  const x = tf.tensor4d(randomTensor(2, [2, 24, 24, 3]).data, [2, 24, 24, 3]);
  const expected = predict(model, x);
  const registration = registerKernels(tf);
  assertClose({ data: predict(model, x) }, { data: expected }, 1e-5);
  assert.ok(registration.report().own >= 3);
  // New weights are new tensors.
  tf.tidy(() => model.setWeights(model.getWeights().map((weight, i) => tf.add(weight, i / 50))));
  const changed = predict(model, x);
  registration.unregister();
  assertClose({ data: changed }, { data: predict(model, x) }, 1e-5);
  model.dispose();
  x.dispose();
});

// ---- generated modules ------------------------------------------------------------------------------------

/** The small net, built for our kernels. */
function ownNet(): BuiltNet {
  const built = buildNet(smallNet());
  const { graph, weights } = built;
  const { report } = collect();
  const artifacts = tfjs.emit({
    graph,
    weights,
    card: testCard(graph),
    name: graph.name,
    report,
    kernels: "own",
  });
  const text = (ending: string) => String(artifacts.find(({ path }) => path.endsWith(ending))?.contents);
  return { ...built, artifacts, text };
}

test("a module that is built for our kernels registers them, for tfjs' wasm backend only", async () => {
  const net = ownNet();
  const { data } = randomTensor(5, [1, 32, 32, 3]);
  const expected = interpret(net.graph, { input: { shape: [1, 32, 32, 3], data } }, net.weights);
  const { load } = (await importNet(net)) as unknown as {
    load(options: object): Promise<{ run(inputs: object): { logits: Float32Array }; dispose(): void }>;
  };
  const weights = net.bytes(".weights");
  let calls = 0;
  const counting = {
    registerKernels(given: typeof tf) {
      calls++;
      return kernels.registerKernels(given);
    },
  };
  for (const backend of ["cpu", "wasm"]) {
    const loaded = await load({ tf, backend, weights, kernels: counting });
    assertClose({ data: loaded.run({ input: data }).logits }, expected.logits, 1e-5, backend);
    assert.is(calls, backend === "wasm" ? 1 : 0);
    loaded.dispose();
  }
  assert.ok(registerKernels(tf).report().own > 0);
  registerKernels(tf).unregister();
  await tf.setBackend("wasm");
});

test("a module without our package says what it lacks", async () => {
  const net = ownNet();
  const { load } = await importNet(net);
  assert.is(
    await messageOf(() => load({ tf, weights: net.bytes(".weights") })),
    "The kernels are in the package resnetc, which cannot be loaded; install it or pass load({ kernels }).",
  );
  assert.match(net.text(".d.ts"), "readonly kernels?:");
  assert.not.match(buildNet(smallNet()).text(".js"), "resnetc/tfjs-kernels");
});

test("`run` hands the kernels in", async () => {
  const { artifacts, graph, weights } = ownNet();
  const input = randomTensor(5, [1, 32, 32, 3]);
  const started = await startTfjs({ artifacts });
  assertClose(started.run({ input }).logits, interpret(graph, { input }, weights).logits, 1e-5);
  started.dispose();
  registerKernels(tf).unregister();
});

// ---- the package --------------------------------------------------------------------------------------------

test("what the package exports there is to compile", () => {
  const { exports, sideEffects } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
    exports: Record<string, { types: string; default: string }>;
    sideEffects: string[];
  };
  const source = (file: string) => path.join(root, file.replace(/^\.\/build\/(.*)\.js$/, "src/$1.ts"));
  for (const entry of ["./tfjs-kernels", "./tfjs-kernels/register"]) {
    const { types, default: file } = exports[entry];
    assert.ok(existsSync(source(file)), file);
    assert.is(types, file.replace(/js$/, "d.ts"));
  }
  assert.equal(sideEffects, [exports["./tfjs-kernels"].default]);
});

test("in plain Node one import is all, in whatever order", () => {
  const compiled = compileSources("tfjs-kernels/index.ts");
  const ours = pathToFileURL(path.join(compiled.folder, "tfjs-kernels/index.js")).href;
  const use = `
    await tf.setBackend("wasm");
    const x = tf.ones([1, 8, 8, 8]);
    tf.conv2d(x, tf.ones([3, 3, 8, 8]), 1, "valid").dataSync();
    console.log(JSON.stringify(report()));
    unregister();
    tf.conv2d(x, tf.ones([3, 3, 8, 8]), 1, "valid").dataSync();
    console.log(register().report().own);`;
  const imports = [
    'import * as tf from "@tensorflow/tfjs-core";',
    'import "@tensorflow/tfjs-backend-wasm";',
    `import { register, report, unregister } from "${ours}";`,
  ];
  for (const order of [
    [0, 1, 2],
    [2, 0, 1],
  ]) {
    const script = order.map((i) => imports[i]).join("\n") + use;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: compiled.folder,
      encoding: "utf8",
    });
    assert.is(stdout, '{"own":1,"stock":{}}\n0\n', stderr);
    assert.not.match(stderr, /already registered|resnetc/);
  }
  compiled.remove();
});

test.run();
