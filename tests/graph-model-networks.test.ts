/** Whole networks as GraphModels: against the float64 reference, against PyTorch, by their address, and back as weights. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { makeSource } from "../src/base/source.ts";
import { graphModel } from "../src/codegen/graph-model/target.ts";
import type { Artifact } from "../src/codegen/target.ts";
import { analyse, emit } from "../src/compile.ts";
import { isOp } from "../src/ir/graph.ts";
import { interpret, type WeightSource } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import { runPasses } from "../src/passes/pipeline.ts";
import { registerKernels } from "../src/tfjs-kernels/register.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { serve } from "./support/chromium.ts";
import { assertClose, compare } from "./support/close-to.ts";
import { filesOf, runGraphModel, toArtifacts } from "./support/graph-model.ts";
import { examplePath, type OpenedNet, openNet } from "./support/nets.ts";
import { bind } from "./support/networks.ts";
import { randomTensor } from "./support/random.ts";
import { requireShared } from "./support/shared.ts";
import { smallNet } from "./support/small-net.ts";
import { cifarLogits, cifarNet } from "./support/trained-nets.ts";
import { zooNetOf } from "./support/zoo.ts";

tf.env().set("PROD", true); // No greeting of the cpu backend among the results.

type Choices = Partial<Parameters<typeof emit>[1]>;

const artifactsOf = ({ net }: OpenedNet, weights: WeightSource, choices: Choices = {}) =>
  emit(net, { target: graphModel, weights, weightsFrom: "test", ...choices }).artifacts;

const example = (name: string, settings: Record<string, string> = {}, batch = 1) =>
  openNet(examplePath(`${name}.resnet`), { settings, batch });

function zooNet(source: string, net: string, settings: Record<string, string>): OpenedNet {
  const found = zooNetOf(source, net, settings);
  assert.ok(found, net);
  return found!;
}

const opsOf = (artifacts: readonly Artifact[]) => {
  const { node } = filesOf(artifacts).json.modelTopology as { node: { name: string; op: string }[] };
  return new Set(node.map(({ op }) => op));
};

const size = { size: "64x64x3" };
/** Where the reference would take long and nothing is lost. */
const small = { size: "32x32x3" };

const networks: Readonly<Record<string, () => OpenedNet>> = {
  resnet18: () => example("resnet18", size),
  resnet50: () => example("resnet50", size),
  densenet: () => example("densenet", small),
  googlenet: () => example("googlenet", size),
  "resnext50, groups of few channels": () => zooNet("torchvision", "resnext50_32x4d", small),
  "resnext50, groups of many channels": () => zooNet("papers", "resnext50_2x40d", small),
  mobilenet_v2: () => zooNet("torchvision", "mobilenet_v2", size),
  efficientnet_b0: () => zooNet("timm", "efficientnet_b0", size),
  resnet50_gn: () => zooNet("timm", "resnet50_gn", small),
  resnetblur18: () => zooNet("timm", "resnetblur18", size),
  "skresnet18, stride with dilation": () => zooNet("timm", "skresnet18", small),
  "segmentation, two outputs": () =>
    zooNet("torchvision", "segmentation", { size: "40x40x3", n4: "1", classes: "5" }),
};

for (const [name, open] of Object.entries(networks)) {
  test(`${name} equals the reference, folded and as written`, async () => {
    const opened = open();
    const { graph } = opened.net;
    const weights = heWeights(graph, 1);
    const { name: label, type } = graph.nodes.find((node) => isOp(node, ops.input))!;
    const inputs = { [label]: randomTensor(3, type.shape, -2, 2) };
    const expected = interpret(graph, inputs, weights);
    for (const level of [0, 2] as const) {
      const artifacts = artifactsOf(opened, weights, { level });
      const found = await runGraphModel(artifacts, inputs, "wasm");
      assert.equal(Object.keys(found), Object.keys(expected));
      for (const [output, value] of Object.entries(expected))
        assertClose(found[output], value, 1e-5, `${output} at -O${level}`);
    }
  });
}

test("-O0 has norms of their own, the default has them folded", () => {
  const opened = example("resnet18", size);
  const weights = heWeights(opened.net.graph, 1);
  const plain = opsOf(artifactsOf(opened, weights, { level: 0 }));
  assert.ok(plain.has("FusedBatchNormV3") && plain.has("Conv2D") && plain.has("Relu"));
  assert.not.ok(plain.has("_FusedConv2D"));
  const folded = opsOf(artifactsOf(opened, weights));
  assert.ok(folded.has("_FusedConv2D") && folded.has("_FusedMatMul"));
  assert.not.ok(folded.has("FusedBatchNormV3"));
});

if (requireShared(cifarLogits)) {
  const trained = cifarNet("resnet20");
  for (const backend of ["cpu", "wasm"] as const) {
    test(`the trained ResNet-20 gives PyTorch's logits, ${backend}`, async () => {
      for (const level of [0, 2] as const) {
        const artifacts = artifactsOf(trained, trained.weights, { level });
        const { logits } = await runGraphModel(artifacts, { input: trained.input }, backend);
        assertClose({ data: logits.data }, trained.logits, 1e-5);
      }
    });
  }

  test("the trained ResNet-20 on our kernels", async () => {
    await tf.setBackend("wasm");
    const registration = registerKernels(tf);
    const artifacts = artifactsOf(trained, trained.weights);
    const { logits } = await runGraphModel(artifacts, { input: trained.input }, "wasm");
    const { own, stock } = registration.report();
    registration.unregister();
    assertClose({ data: logits.data }, trained.logits, 1e-5);
    assert.equal([own, stock], [20, {}]);
  });
}

test("tf.loadGraphModel by address: names, shapes, any batch, what predict takes", async () => {
  const opened = example("resnet18", size);
  const weights = heWeights(opened.net.graph, 1);
  const artifacts = artifactsOf(opened, weights);
  const files = new Map(artifacts.map(({ path: name, contents }) => [name, () => contents]));
  const server = await serve(files);
  await tf.setBackend("wasm");
  const model = await loadGraphModel(`${server.origin}/model.json`);
  await server.close();
  assert.equal(
    model.inputs.map(({ name, shape }) => [name, shape]),
    [["input", [-1, 64, 64, 3]]],
  );
  const names = opened.net.graph.outputs.map(({ name }) => name);
  const input = randomTensor(3, [3, 64, 64, 3], -2, 2);
  const expected = interpret(example("resnet18", size, 3).net.graph, { input }, weights);
  const x = tf.tensor(input.data, [3, 64, 64, 3]);
  const y = model.predict({ input: x }) as tf.Tensor;
  assertClose({ shape: y.shape, data: y.dataSync() }, expected[names[0]], 1e-5);
  // Every step can be asked for by the name that it has in the language.
  const step = model.execute(x, "conv3.0.add") as tf.Tensor;
  assert.equal(step.shape, [3, 8, 8, 128]);
  tf.dispose([x, y, step]);
  model.dispose();
  const { userDefinedMetadata: card } = filesOf(artifacts).json as unknown as {
    userDefinedMetadata: { params: number; inputs: { preprocess: { labels: string } }[] };
  };
  assert.is(card.params, 11_689_512);
  assert.is(card.inputs[0].preprocess.labels, "imagenet-1k");
});

test("names of nodes are such as TensorFlow takes, and outputs are found by name", async () => {
  const graph = smallNet();
  const odd = {
    ...graph,
    name: "odd",
    outputs: graph.outputs.map(({ node }, i) => ({ name: `_out ${i}é`, node })),
  };
  const input = randomTensor(3, [2, 32, 32, 3]);
  const weights = heWeights(graph, 1);
  const expected = interpret(odd, { input }, weights);
  const artifacts = toArtifacts(runPasses(odd, graphModel.passes), weights);
  const { node } = filesOf(artifacts).json.modelTopology as { node: { name: string }[] };
  assert.equal(
    node.filter(({ name }) => !/^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$/.test(name)),
    [],
  );
  assert.is(new Set(node.map(({ name }) => name)).size, node.length);
  const found = await runGraphModel(artifacts, { input }, "wasm");
  for (const [name, value] of Object.entries(expected)) assertClose(found[name], value, 1e-5, name);
});

// ---- files ------------------------------------------------------------------------------------------------

test("shards are cut at a size, across tensors, and are views of one array", () => {
  const opened = example("resnet18", { ...size, classes: "10" });
  const weights = heWeights(opened.net.graph, 1);
  const [, ...whole] = artifactsOf(opened, weights, { shardBytes: 2 ** 30 });
  const [model, ...shards] = artifactsOf(opened, weights, { shardBytes: 1_000_001 });
  const bytes = shards.map(({ contents }) => contents as Uint8Array);
  assert.is(whole[0].path, "group1-shard1of1.bin");
  assert.is(shards.length, Math.ceil((whole[0].contents as Uint8Array).length / 1_000_001));
  assert.equal([...new Set(bytes.slice(0, -1).map(({ length }) => length))], [1_000_001]);
  assert.is(Buffer.compare(Buffer.concat(bytes), whole[0].contents as Uint8Array), 0);
  assert.is(new Set(bytes.map(({ buffer }) => buffer)).size, 1);
  const { paths } = JSON.parse(String(model.contents)).weightsManifest[0];
  assert.equal(
    paths,
    shards.map(({ path: name }) => name),
  );
  const [, first] = artifactsOf(opened, weights);
  assert.is((first.contents as Uint8Array).length, 4 * 2 ** 20);
});

test("f16 and u8 take a half and a quarter of the bytes and change the result by as little", async () => {
  const opened = example("resnet18", size);
  const weights = heWeights(opened.net.graph, 1);
  const input = randomTensor(3, [1, 64, 64, 3], -2, 2);
  const [output] = opened.net.graph.outputs;
  const expected = interpret(opened.net.graph, { input }, weights)[output.name];
  const sizeOf = (artifacts: readonly Artifact[]) => filesOf(artifacts).weights.byteLength;
  const full = sizeOf(artifactsOf(opened, weights));
  for (const [precision, share, most] of [
    ["f16", 0.5, 3e-3],
    ["u8", 0.25, 0.2],
  ] as const) {
    const artifacts = artifactsOf(opened, weights, { arithmetic: { precision } });
    const ratio = sizeOf(artifacts) / full;
    assert.ok(ratio >= share && ratio < share + 0.002, `${precision}: ${ratio}`);
    const found = (await runGraphModel(artifacts, { input }, "wasm"))[output.name];
    assertClose(found, expected, most, precision);
    assert.ok(compare(found.data, expected.data, 1e-5), `${precision} changes nothing`);
  }
});

test("the weights come back from a model as written: whole, in groups, dilated, of dense layers over maps", () => {
  const names = [
    "resnet18",
    "resnext50, groups of few channels",
    "resnext50, groups of many channels",
    "mobilenet_v2",
    "resnetblur18",
    "skresnet18, stride with dilation",
  ];
  const overMap = makeSource("map.resnet", "net map { input 9x6x3; c: conv(3x3, 4); fc: dense(5) }");
  const { nets: ofMap, module } = analyse(overMap);
  const nets = [...names.map((name) => networks[name]()), { net: ofMap[0], module: module! }];
  for (const opened of nets) {
    const { name } = opened.net;
    const weights = heWeights(opened.net.graph, 1);
    const folder = mkdtempSync(path.join(tmpdir(), "resnetc-graph-model-"));
    for (const { path: file, contents } of artifactsOf(opened, weights, { level: 0 }))
      writeFileSync(path.join(folder, file), contents);
    const found = bind(opened.net, opened.module, path.join(folder, "model.json"));
    let compared = 0;
    for (const node of opened.net.graph.nodes) {
      if (!isOp(node, ops.param) || node.attrs.compute) continue;
      assert.not.ok(compare(found.get(node.name), weights.get(node.name), 0), `${name}, ${node.name}`);
      compared++;
    }
    assert.ok(compared > 2);
    rmSync(folder, { recursive: true });
  }
});

test.run();
