/**
 * MobileNetV2's checkpoints: their tensors written down as torchvision, timm and Keras make them, recognised, and loaded
 * by the written specs, which have the published counts.
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { isOp } from "../src/ir/graph.ts";
import { ops } from "../src/ir/ops/index.ts";
import { countGraph } from "../src/ir/stats.ts";
import { tablesOf } from "../src/node/find-weights.ts";
import { isSpec, recogniseArchitecture } from "../src/weights/architecture/index.ts";
import { bindWeights } from "../src/weights/bind.ts";
import type { Checkpoint, Layout } from "../src/weights/checkpoint.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

type Tensors = Record<string, readonly number[]>;

/** Table 2 of the paper: expansion, channels, blocks, stride. */
const table = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** torchvision's _make_divisible. */
function divisible(value: number): number {
  const eights = Math.max(8, Math.floor((value + 4) / 8) * 8);
  return eights < 0.9 * value ? eights + 8 : eights;
}

/** Calls `add` for every block with what it is called by number, stage and place in the stage. */
function eachBlock(
  width: number,
  add: (block: { n: number; stage: number; b: number; inputs: number; hidden: number; out: number }) => void,
): { stem: number; last: number } {
  const stem = divisible(32 * width);
  let inputs = stem;
  let n = 0;
  table.forEach(([expand, channels, blocks], stage) => {
    for (let b = 0; b < blocks; b++) {
      const out = divisible(channels * width);
      add({ n, stage, b, inputs, hidden: inputs * expand, out });
      inputs = out;
      n++;
    }
  });
  return { stem, last: Math.max(1280, divisible(1280 * width)) };
}

function torchNorm(tensors: Tensors, name: string, channels: number): void {
  for (const part of ["weight", "bias", "running_mean", "running_var"])
    tensors[`${name}.${part}`] = [channels];
  tensors[`${name}.num_batches_tracked`] = [];
}

function torchvisionTensors(width = 1): Tensors {
  const tensors: Tensors = {};
  const layer = (conv: string, norm: string, shape: readonly number[]) => {
    tensors[`${conv}.weight`] = shape;
    torchNorm(tensors, norm, shape[0]);
  };
  layer("features.0.0", "features.0.1", [divisible(32 * width), 3, 3, 3]);
  const { last } = eachBlock(width, ({ n, inputs, hidden, out }) => {
    const at = `features.${n + 1}.conv`;
    const k = n === 0 ? 0 : 1;
    if (k) layer(`${at}.0.0`, `${at}.0.1`, [hidden, inputs, 1, 1]);
    layer(`${at}.${k}.0`, `${at}.${k}.1`, [hidden, 1, 3, 3]);
    layer(`${at}.${k + 1}`, `${at}.${k + 2}`, [out, hidden, 1, 1]);
  });
  layer("features.18.0", "features.18.1", [last, divisible(320 * width), 1, 1]);
  tensors["classifier.1.weight"] = [1000, last];
  tensors["classifier.1.bias"] = [1000];
  return tensors;
}

function timmTensors(width: number): Tensors {
  const tensors: Tensors = {};
  const layer = (conv: string, norm: string, shape: readonly number[]) => {
    tensors[`${conv}.weight`] = shape;
    torchNorm(tensors, norm, shape[0]);
  };
  layer("conv_stem", "bn1", [divisible(32 * width), 3, 3, 3]);
  const { last } = eachBlock(width, ({ n, stage, b, inputs, hidden, out }) => {
    const at = `blocks.${stage}.${b}`;
    if (n > 0) layer(`${at}.conv_pw`, `${at}.bn1`, [hidden, inputs, 1, 1]);
    layer(`${at}.conv_dw`, `${at}.bn${n > 0 ? 2 : 1}`, [hidden, 1, 3, 3]);
    layer(n > 0 ? `${at}.conv_pwl` : `${at}.conv_pw`, `${at}.bn${n > 0 ? 3 : 2}`, [out, hidden, 1, 1]);
  });
  layer("conv_head", "bn2", [last, divisible(320 * width), 1, 1]);
  tensors["classifier.weight"] = [1000, last];
  tensors["classifier.bias"] = [1000];
  return tensors;
}

/** Keras' layers, with whatever dense layers follow the pool. */
function kerasTensors(width: number, heads: Record<string, number>): Tensors {
  const tensors: Tensors = {};
  const norm = (name: string, channels: number) => {
    for (const part of ["gamma", "beta", "moving_mean", "moving_variance"])
      tensors[`${name}/${part}`] = [channels];
  };
  const layer = (conv: string, shape: readonly number[], channels: number, normName: string) => {
    tensors[conv] = shape;
    norm(normName, channels);
  };
  layer("Conv1/kernel", [3, 3, 3, divisible(32 * width)], divisible(32 * width), "bn_Conv1");
  const { last } = eachBlock(width, ({ n, inputs, hidden, out }) => {
    const at = n === 0 ? "expanded_conv" : `block_${n}`;
    if (n > 0) layer(`${at}_expand/kernel`, [1, 1, inputs, hidden], hidden, `${at}_expand_BN`);
    layer(`${at}_depthwise/depthwise_kernel`, [3, 3, hidden, 1], hidden, `${at}_depthwise_BN`);
    layer(`${at}_project/kernel`, [1, 1, hidden, out], out, `${at}_project_BN`);
  });
  layer("Conv_1/kernel", [1, 1, divisible(320 * width), last], last, "Conv_1_bn");
  let inputs = last;
  for (const [name, units] of Object.entries(heads)) {
    tensors[`${name}/kernel`] = [inputs, units];
    tensors[`${name}/bias`] = [units];
    inputs = units;
  }
  return tensors;
}

/** Values that tell the tensor. */
function checkpointOf(shapes: Tensors, layout: Layout): Checkpoint {
  const tensors = Object.entries(shapes).map(([name, shape], i) => {
    const count = shape.reduce((product, side) => product * side, 1);
    return [
      name,
      { name, shape, dtype: "f32" as const, read: () => new Float32Array(count).fill(i) },
    ] as const;
  });
  return { format: layout === "torch" ? "pytorch" : "tfjs", layout, tensors: new Map(tensors), notes: [] };
}

/** What is recognised, and its spec with the weights. */
function loaded(shapes: Tensors, layout: Layout) {
  const checkpoint = checkpointOf(shapes, layout);
  const found = recogniseArchitecture(checkpoint, "x.pth");
  assert.ok(found && isSpec(found.spec), "not recognised");
  const { text, name } = found.spec;
  const { nets, module, diagnostics, fine } = analyse(makeSource(`${name}.resnet`, text));
  assert.ok(fine, diagnostics.map(({ message }) => message).join("; "));
  const { report, diagnostics: problems } = collect();
  const { graph } = nets[0];
  const tables = tablesOf(module);
  const weights = bindWeights({ graph, checkpoint, path: "x", tables, strict: true }, report);
  assert.equal(problems, []);
  /** Their name of a weight of ours. */
  const place = (own: string) => Object.keys(shapes)[weights!.get(own)[0]];
  return { found, text, graph, count: countGraph(graph), place };
}

const timmFile = "facts/timm_models.csv";
const kerasFile = "facts/keras_models.csv";
const torchvisionFile = "facts/torchvision_weights.csv";
const rowsOf = (file: string) =>
  readFileSync(sharedPath(file), "utf8")
    .split("\n")
    .map((row) => row.split(","));

if (requireShared(torchvisionFile)) {
  test("torchvision's is recognised, and its spec has the published counts", () => {
    const { found, count, place, text } = loaded(torchvisionTensors(), "torch");
    assert.is(found.title, "MobileNetV2 1.0");
    assert.is(found.convention, "torchvision");
    const [head, ...rows] = rowsOf(torchvisionFile);
    const row = rows.find(([model]) => model === "mobilenet_v2")!;
    assert.is(count.params, Number(row[head.indexOf("num_params")]));
    assert.is(count.macs, Number(row[head.indexOf("macs_conv_fc_exact")]));
    assert.is(count.params, 3_504_872);
    assert.is(place("conv1.conv.weight"), "features.0.0.weight");
    assert.is(place("conv2.0.body.conv2.weight"), "features.1.conv.0.0.weight");
    assert.is(place("conv2.0.body.norm3.var"), "features.1.conv.2.running_var");
    assert.is(place("conv5.3.body.conv1.weight"), "features.10.conv.0.0.weight");
    assert.is(place("conv5.3.body.norm2.scale"), "features.10.conv.1.1.weight");
    assert.is(place("conv8.0.body.conv3.weight"), "features.17.conv.2.weight");
    assert.is(place("conv9.bn.mean"), "features.18.1.running_mean");
    assert.is(place("fc.bias"), "classifier.1.bias");
    assert.match(text, /conv4: inverted\(32\) x 3 \/2\n/);
  });
}

test("other widths are told by the shapes, also where two stages have the same", () => {
  for (const [width, title] of [
    [0.35, "MobileNetV2 0.35"],
    [0.5, "MobileNetV2 0.5"],
    [1.4, "MobileNetV2 1.4"],
  ] as const) {
    const shapes = torchvisionTensors(width);
    const { found, graph } = loaded(shapes, "torch");
    assert.is(found.title, title);
    assert.is(graph.outputs[0].node.type.shape[3], 1000);
    // The paper's strides: 32 in all, wherever widths stay the same.
    const strides = graph.nodes.flatMap((node) => (isOp(node, ops.conv2d) ? [node.attrs.stride] : []));
    assert.equal(strides.filter((stride) => stride > 1).length, 5, `${width}`);
  }
});

if (requireShared(timmFile)) {
  const [head, ...rows] = rowsOf(timmFile);
  for (const [model, width] of [
    ["mobilenetv2_050", 0.5],
    ["mobilenetv2_100", 1],
    ["mobilenetv2_140", 1.4],
  ] as const) {
    test(`timm's ${model}`, () => {
      const { found, count, place } = loaded(timmTensors(width), "torch");
      assert.is(found.convention, "timm");
      const row = rows.find(([name, , , side]) => name === model && side === "224")!;
      assert.is(count.params, Number(row[head.indexOf("param_count")]));
      assert.is(count.macs, Number(row[head.indexOf("macs_conv_fc_exact")]));
      assert.is(place("conv2.0.body.norm2.scale"), "blocks.0.0.bn1.weight");
      assert.is(place("conv6.1.body.conv3.weight"), "blocks.4.1.conv_pwl.weight");
    });
  }
}

if (requireShared(kerasFile)) {
  test("Keras': asymmetric padding, its epsilon and its names", () => {
    const { found, count, place, graph, text } = loaded(kerasTensors(1, { predictions: 1000 }), "tensorflow");
    assert.is(found.convention, "Keras");
    const [head, ...rows] = rowsOf(kerasFile);
    const row = rows.find(([name]) => name === "MobileNetV2")!;
    assert.is(count.params, Number(row[head.indexOf("trainable")]));
    const macs = ["macs_conv", "macs_depthwise", "macs_dense"].map((title) =>
      Number(row[head.indexOf(title)]),
    );
    assert.is(
      count.macs,
      macs.reduce((sum, each) => sum + each, 0),
    );
    assert.is(place("conv2.0.body.conv2.weight"), "expanded_conv_depthwise/depthwise_kernel");
    assert.is(place("conv3.0.body.conv1.weight"), "block_1_expand/kernel");
    assert.is(place("conv8.0.body.norm3.shift"), "block_16_project_BN/beta");
    assert.is(place("conv9.conv.weight"), "Conv_1/kernel");
    assert.match(text, /default conv\(pad = "tf"\), bn\(eps = 1e-3\)/);
    const [stem] = graph.nodes.filter((node) => isOp(node, ops.conv2d));
    assert.equal((stem.attrs as { pads: object }).pads, { top: 0, left: 0, bottom: 1, right: 1 });
  });
}

test("Keras 3 calls the kernel of a depthwise convolution as any other", () => {
  const renamed = Object.entries(kerasTensors(1, { predictions: 1000 })).map(
    ([name, shape]) => [name.replace("depthwise_kernel", "kernel"), shape] as const,
  );
  const { found, place } = loaded(Object.fromEntries(renamed), "tensorflow");
  assert.is(found.convention, "Keras");
  assert.is(place("conv3.1.body.conv2.weight"), "block_2_depthwise/kernel");
});

test("nsfwjs' layers model: three dense layers behind the pool, in any order in the manifest", () => {
  const heads = { dense_1: 256, dense_2: 128, dense_3: 5 };
  const sorted = Object.fromEntries(
    Object.entries(kerasTensors(1, heads)).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  const { found, place, text } = loaded(sorted, "tensorflow");
  assert.is(found.title, "MobileNetV2 1.0");
  assert.ok(found.facts.includes("dense layers: 256, 128, 5"));
  assert.equal(
    found.open.map(({ what, others }) => `${what}: ${others}`),
    ["how pictures are prepared: from 0 to 1 (nsfwjs)"],
  );
  assert.match(
    text,
    /fc1: +dense\(256\) -> relu\n +fc2: +dense\(128\) -> relu\n +fc: +dense\(classes\)\n +prob: +softmax/,
  );
  assert.is(place("fc1.dense.weight"), "dense_1/kernel");
  assert.is(place("fc.bias"), "dense_3/bias");
});

test("without a head it is a network of features", () => {
  const { found, text } = loaded(kerasTensors(1, {}), "tensorflow");
  assert.ok(found.facts.includes("no head: features only"));
  assert.not.match(text, /classes|softmax/);
});

test("nets that are like it and are not are none", () => {
  const recognised = (shapes: Tensors) => recogniseArchitecture(checkpointOf(shapes, "torch"));
  const changed = (change: (shapes: Tensors) => void) => {
    const shapes = torchvisionTensors();
    change(shapes);
    return recognised(shapes);
  };
  assert.is(
    changed((shapes) => delete shapes["features.9.conv.2.weight"]),
    undefined,
  );
  assert.is(
    changed((shapes) => {
      shapes["features.9.conv.1.0.weight"] = [384, 1, 5, 5];
    }),
    undefined,
  );
  assert.is(
    changed((shapes) => {
      shapes["features.18.0.weight"] = [1280, 320];
      shapes["classifier.1.weight"] = [1000, 999];
    }),
    undefined,
  );
});

test.run();
