/** The onnx target: whole networks in ONNX Runtime against the references, and what stands in the file. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { onnx } from "../src/codegen/onnx/target.ts";
import { type AnalysedNet, analyse, emit } from "../src/compile.ts";
import { type Graph, isOp } from "../src/ir/graph.ts";
import { interpret, type WeightSource } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import type { Tensor } from "../src/ir/tensor.ts";
import { runPasses } from "../src/passes/pipeline.ts";
import { bindWeights } from "../src/weights/bind.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { parseOnnx } from "../src/weights/onnx-model.ts";
import { Message } from "../src/weights/protobuf.ts";
import { testCard } from "./support/cards.ts";
import { randomWeights } from "./support/case-graph.ts";
import { mustOpen } from "./support/checkpoints.ts";
import { assertClose } from "./support/close-to.ts";
import { examplePath, openNet } from "./support/nets.ts";
import { buildOnnx, modelOf, onOnnx, openOnnx } from "./support/onnx-run.ts";
import { randomTensor } from "./support/random.ts";
import { requireShared } from "./support/shared.ts";
import { NetBuilder, smallNet } from "./support/small-net.ts";
import { cifarLogits, cifarNet } from "./support/trained-nets.ts";
import { zooNetOf } from "./support/zoo.ts";

const example = (file: string, size: string, net?: string): AnalysedNet =>
  openNet(examplePath(file), { net, settings: { size } }).net;
const fromZoo = (source: string, name: string, size: string): AnalysedNet =>
  zooNetOf(source, name, { size })!.net;

const picturesFor = ({ nodes }: Graph, batch: number): Record<string, Tensor> =>
  Object.fromEntries(
    nodes
      .filter((node) => isOp(node, ops.input))
      .map(({ name, type }, i) => [name, randomTensor(i + 3, [batch, ...type.shape.slice(1)])]),
  );

/** Weights that neither batch norms nor biases leave alone. */
function lively(graph: Graph): WeightSource {
  const he = heWeights(graph, 1);
  const shaken = new Map<string, Float32Array>();
  for (const [i, node] of graph.nodes.entries()) {
    if (!isOp(node, ops.param) || node.attrs.compute || node.attrs.role === "weight") continue;
    const noise = randomTensor(i + 1, node.type.shape, -0.2, 0.2).data;
    shaken.set(
      node.name,
      Float32Array.from(he.get(node.name), (value, at) => value + noise[at]),
    );
  }
  return { get: (name) => shaken.get(name) ?? he.get(name) };
}

// ---- whole networks --------------------------------------------------------------------------------

const networks: readonly (readonly [title: string, open: () => AnalysedNet, batch: number])[] = [
  ["resnet18", () => example("resnet18.resnet", "64x64x3"), 1],
  ["resnet18, batch 3", () => example("resnet18.resnet", "32x32x3"), 3],
  ["densenet121", () => fromZoo("torchvision", "densenet121", "32x32x3"), 1],
  ["mobilenet_v3_small", () => fromZoo("torchvision", "mobilenet_v3_small", "64x64x3"), 3],
  ["efficientnet_b0", () => fromZoo("timm", "efficientnet_b0", "64x64x3"), 1],
  ["resnetblur18", () => fromZoo("timm", "resnetblur18", "64x64x3"), 1],
  ["resnet50_gn", () => fromZoo("timm", "resnet50_gn", "32x32x3"), 3],
  ["ecaresnet26t", () => fromZoo("timm", "ecaresnet26t", "64x64x3"), 1],
  ["convnext_atto", () => fromZoo("timm", "convnext_atto", "64x64x3"), 3],
  ["deeplabv3_resnet50", () => fromZoo("torchvision", "deeplabv3_resnet50", "40x32x3"), 1],
];

for (const [title, open, batch] of networks) {
  test(`${title}: at -O0 and by default`, async () => {
    const net = open();
    const weights = lively(net.graph);
    const inputs = picturesFor(net.graph, batch);
    const expected = interpret(net.graph, inputs, weights);
    for (const level of [0, 2] as const) {
      const results = await onOnnx(buildOnnx(net, weights, level), inputs);
      assert.equal(Object.keys(results), Object.keys(expected));
      for (const [name, map] of Object.entries(expected))
        assertClose(results[name], map, 2e-5, `${name} of ${title} at -O${level}`);
    }
  });
}

test("two outputs, of which one is read on", async () => {
  const graph = smallNet();
  const weights = randomWeights(graph);
  const inputs = picturesFor(graph, 3);
  const session = await openOnnx(modelFor(graph, weights));
  assert.equal(session.inputs, [{ name: "input", shape: ["N", 3, 32, 32] }]);
  assert.equal(session.outputs, [
    { name: "features", shape: ["N", 16, 4, 4] },
    { name: "logits", shape: ["N", 10, 1, 1] },
  ]);
  const results = await session.run(inputs);
  const expected = interpret(graph, inputs, weights);
  for (const name of ["features", "logits"]) assertClose(results[name], expected[name], 1e-5, name);
  await session.release();
});

test("outputs that are an input or another output, and a value that is called like an output", async () => {
  const net = new NetBuilder();
  const x = net.input("x", 1, 2, 2, 1);
  const y = net.activation("second", x);
  const z = net.activation("first", y, "tanh");
  const graph = net.graph("outputs", { first: y, second: y, same: x, last: z });
  const weights = { get: () => new Float32Array() };
  const inputs = { x: randomTensor(1, [2, 2, 2, 1]) };
  const results = await onOnnx(modelFor(graph, weights), inputs);
  const expected = interpret(graph, inputs, weights);
  assert.equal(Object.keys(results).sort(), ["first", "last", "same", "second"]);
  for (const [name, map] of Object.entries(expected)) assertClose(results[name], map, 1e-6, name);
});

test("pads as wide as windows, and places that rounding would miss", async () => {
  const net = new NetBuilder();
  const x = net.input("x", 1, 10, 7, 3);
  const pads = { top: 2, bottom: 2, left: 1, right: 2 };
  const window = { kernel: [2, 2] as const, stride: 2, pads };
  const overhang = { bottom: 0, right: 0 };
  const graph = net.graph("edges", {
    most: net.add(ops.maxPool, "most", [x], window),
    mean: net.add(ops.averagePool, "mean", [x], { ...window, overhang, countPads: true }),
    fewer: net.add(ops.resize, "fewer", [x], { height: 6, width: 9, method: "nearest" }),
    more: net.add(ops.resize, "more", [x], { height: 29, width: 6, method: "bilinear" }),
  });
  const weights = { get: () => new Float32Array() };
  const inputs = { x: randomTensor(1, [2, 10, 7, 3]) };
  const results = await onOnnx(modelFor(graph, weights), inputs);
  const expected = interpret(graph, inputs, weights);
  const edges = expected.most.data.filter((value) => value === Number.NEGATIVE_INFINITY);
  assert.ok(edges.length > 0, "no window lies in the pads");
  for (const [name, map] of Object.entries(expected)) {
    // Where there is nothing to take the largest of, runtimes may take the smallest number there is.
    const of = (values: ArrayLike<number>) => Array.from(values, (value) => Math.max(value, -1e30));
    assertClose({ data: of(results[name].data) }, { data: of(map.data) }, 1e-5, name);
  }
});

if (requireShared(cifarLogits)) {
  test("a trained ResNet-20 gives the logits that PyTorch gives", async () => {
    const { net, weights, input, logits } = cifarNet("resnet20");
    for (const level of [0, 2] as const) {
      const results = await onOnnx(buildOnnx(net, weights, level), { input });
      assertClose({ data: results.logits.data }, logits, 1e-5, `logits at -O${level}`);
    }
  });
}

function modelFor(graph: Graph, weights: WeightSource): Uint8Array {
  const { report, diagnostics } = collect();
  const artifacts = onnx.emit({ graph, weights, card: testCard(graph), name: graph.name, report });
  assert.equal(diagnostics, []);
  return modelOf(artifacts);
}

// ---- what stands in the file -----------------------------------------------------------------------

const none = () => "there is nothing beside it";

test("weights and nodes have their names and layouts, -O0 its batch norms", () => {
  const net = example("resnet18.resnet", "64x64x3");
  const { nodes, initializers } = parseOnnx(buildOnnx(net, lively(net.graph), 0), none);
  const own = (op: string) => nodes.filter((node) => node.op === op).map(({ name }) => name);
  const named = (op: unknown) => net.graph.nodes.filter((node) => node.op === op).map(({ name }) => name);
  assert.equal(own("Conv"), named(ops.conv2d));
  assert.equal(own("BatchNormalization"), named(ops.batchNorm));
  assert.is(own("BatchNormalization").length, 20);
  assert.equal(own("Relu"), named(ops.activation));
  assert.equal(own("MaxPool"), ["pool1"]);
  const shapes = new Map(initializers.map(({ name, shape }) => [name, [...shape]]));
  assert.equal(shapes.get("conv1.conv.weight"), [64, 3, 7, 7]);
  assert.equal(shapes.get("fc.weight"), [1000, 512]);
  assert.equal(shapes.get("fc.bias"), [1000]);
  for (const name of named(ops.param)) assert.ok(shapes.has(name), `${name} is not in the file`);
  const folded = parseOnnx(buildOnnx(net, lively(net.graph)), none);
  assert.is(folded.nodes.filter(({ op }) => op === "BatchNormalization").length, 0);
});

test("every name is there once, and every value is made before it is read", () => {
  const nets = [
    example("resnet18.resnet", "64x64x3"),
    fromZoo("timm", "efficientnet_b0", "64x64x3"),
    fromZoo("timm", "convnext_atto", "64x64x3"),
    fromZoo("torchvision", "deeplabv3_resnet50", "40x32x3"),
  ];
  for (const net of nets) {
    for (const level of [0, 2] as const) {
      const { nodes, initializers } = parseOnnx(buildOnnx(net, lively(net.graph), level), none);
      const made = new Set(picturesOf(net));
      const make = (name: string) => {
        assert.not(made.has(name), `${net.name}: two values are called ${name}`);
        made.add(name);
      };
      for (const { name } of initializers) make(name);
      const names = new Set<string>();
      for (const node of nodes) {
        assert.not(names.has(node.name), `${net.name}: two nodes are called ${node.name}`);
        names.add(node.name);
        for (const input of node.inputs)
          assert.ok(input === "" || made.has(input), `${net.name}: ${node.name} reads ${input}`);
        for (const output of node.outputs) make(output);
      }
      for (const { name } of net.graph.outputs) assert.ok(made.has(name), `${net.name}: no output ${name}`);
      const read = new Set(nodes.flatMap(({ inputs }) => inputs));
      const idle = initializers.filter(({ name }) => !read.has(name));
      assert.equal(idle, [], "tensors that nothing reads");
    }
  }
});

const picturesOf = ({ graph }: AnalysedNet): string[] => Object.keys(picturesFor(graph, 1));

test("the head: version, producer, what the picture wants", () => {
  const net = example("resnet18.resnet", "64x64x3");
  const model = new Message(buildOnnx(net, lively(net.graph)), "the model");
  const texts: string[] = [];
  const metadata = new Map<string, string>();
  while (model.next()) {
    if (model.field === 1) assert.is(model.int(), 8);
    if (model.field === 2 || model.field === 6) texts.push(model.text());
    if (model.field !== 14) continue;
    const entry = model.message("metadata");
    const [key, value] = [0, 1].map(() => (entry.next() ? entry.text() : ""));
    metadata.set(key, value);
  }
  assert.is(texts[0], "resnetc");
  assert.match(texts[1], /^resnet18: ResNet-18: Deep Residual Learning/);
  assert.is(metadata.get("layout"), "NCHW");
  assert.is(metadata.get("input.size"), "64x64");
  assert.is(metadata.get("input.mean"), "0.485,0.456,0.406");
  assert.is(metadata.get("input.std"), "0.229,0.224,0.225");
  assert.is(metadata.get("input.order"), "rgb");
  assert.is(metadata.get("input.labels"), "imagenet-1k");
});

test("the card says NCHW, and Triton gets its folder", () => {
  const net = example("resnet18.resnet", "64x48x3");
  const request = { target: onnx, weights: lively(net.graph), weightsFrom: "test" };
  const { artifacts } = emit(net, request);
  assert.equal(
    artifacts.map(({ path }) => path),
    ["resnet18.onnx", "resnet18.json"],
  );
  const card = JSON.parse(String(artifacts[1].contents));
  assert.equal(card.inputs[0].shape, ["N", 3, 64, 48]);
  assert.equal(card.outputs[0].shape, ["N", 1000, 1, 1]);
  assert.equal([card.layout, card.file], ["NCHW", "resnet18.onnx"]);
  assert.is(card.bytes, artifacts[0].contents.length);
  const served = emit(net, { ...request, server: "triton" }).artifacts;
  assert.equal(
    served.map(({ path }) => path),
    ["1/resnet18.onnx", "resnet18.json", "config.pbtxt"],
  );
  assert.is(
    served[2].contents,
    `platform: "onnxruntime_onnx"
default_model_filename: "resnet18.onnx"
max_batch_size: 16
dynamic_batching { }
input [
  {
    name: "input"
    data_type: TYPE_FP32
    format: FORMAT_NCHW
    dims: [ 3, 64, 48 ]
  }
]
output [
  {
    name: "logits"
    data_type: TYPE_FP32
    dims: [ 1000, 1, 1 ]
  }
]
`,
  );
});

test("the same net gives the same bytes", () => {
  const graph = smallNet();
  const weights = randomWeights(graph);
  assert.equal(modelFor(graph, weights), modelFor(graph, weights));
});

test("a model of more than 2 GB is refused before a weight is made", () => {
  const source = makeSource("large.resnet", "net large { input 32x32x512; dense(1100) }");
  const [net] = analyse(source).nets;
  const weights = {
    get: (): Float32Array => {
      throw new Error("a weight was made");
    },
  };
  const { artifacts, diagnostics } = emit(net, { target: onnx, weights, weightsFrom: "test" });
  assert.equal(artifacts, []);
  assert.is(diagnostics.length, 1);
  assert.match(diagnostics[0].message, /large\.onnx: it would have 2\.3 GB/);
});

test("what -O0 writes is read back: every tensor bound, every value equal", () => {
  const nets = [
    example("resnet18.resnet", "64x64x3"),
    fromZoo("timm", "resnetblur18", "64x64x3"),
    fromZoo("timm", "ecaresnet26t", "64x64x3"),
    fromZoo("timm", "convnext_atto", "64x64x3"),
    fromZoo("timm", "resnet50_gn", "64x64x3"),
    fromZoo("torchvision", "deeplabv3_resnet50", "40x32x3"),
    // A matrix over a map: channels first there.
    analyse(makeSource("head.resnet", "net head { input 4x5x3; conv(3x3, 6); dense(7) }")).nets[0],
  ];
  for (const net of nets) {
    const weights = lively(net.graph);
    const checkpoint = mustOpen(buildOnnx(net, weights, 0), "model.onnx");
    const { report, diagnostics } = collect();
    const bound = bindWeights(
      { graph: net.graph, checkpoint, path: "model.onnx", tables: [], strict: true },
      report,
    );
    assert.equal(
      diagnostics.map(({ message }) => message),
      [],
    );
    for (const node of net.graph.nodes) {
      if (!isOp(node, ops.param) || node.attrs.compute) continue;
      assert.equal(Float32Array.from(bound!.get(node.name)), Float32Array.from(weights.get(node.name)));
    }
  }
});

test("activations stay nodes, biases are parts of their layers", () => {
  const graph = smallNet();
  const before = graph.nodes.filter((node) => isOp(node, ops.activation)).length;
  for (const level of [0, 2] as const) {
    const { nodes } = runPasses(graph, onnx.passes, { level });
    assert.is(nodes.filter((node) => isOp(node, ops.activation)).length, before);
    assert.is(nodes.filter((node) => isOp(node, ops.bias)).length, 0);
  }
});

test.run();
