/** Layers models of tfjs as checkpoints: files that tfjs itself saves, and every type and quantisation it decodes. */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import * as layers from "@tensorflow/tfjs-layers";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openBytes } from "./support/checkpoints.ts";

tf.env().set("PROD", true);

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** What tfjs decodes, each tensor as an array. */
async function decoded(
  bytes: Uint8Array,
  specs: tf.io.WeightsManifestEntry[],
): Promise<Map<string, number[]>> {
  const tensors = tf.io.decodeWeights(Uint8Array.from(bytes).buffer, specs);
  const values = new Map<string, number[]>();
  for (const [name, tensor] of Object.entries(tensors)) values.set(name, [...(await tensor.data())]);
  return values;
}

const sizeOf = ({ shape, dtype, quantization }: tf.io.WeightsManifestEntry): number => {
  const widths = { float32: 4, int32: 4, uint8: 1, uint16: 2, float16: 2, bool: 1 } as const;
  const width = widths[(quantization?.dtype ?? dtype) as keyof typeof widths];
  return shape.reduce((product, side) => product * side, width);
};

// Names as tfjs makes them, `conv/kernel`; a batch norm, a depthwise convolution and a head.
async function savedModel(): Promise<tf.io.ModelArtifacts> {
  const model = layers.sequential({
    layers: [
      layers.layers.conv2d({ name: "conv", inputShape: [8, 8, 3], filters: 4, kernelSize: 3 }),
      layers.layers.batchNormalization({ name: "bn" }),
      layers.layers.depthwiseConv2d({ name: "deep", kernelSize: 3 }),
      layers.layers.globalAveragePooling2d({ name: "pool" }),
      layers.layers.dense({ name: "fc", units: 5 }),
    ],
  });
  let kept: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      kept = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    }),
  );
  return kept!;
}

test("a layers model that tfjs saved, in several groups and shards beside its topology", async () => {
  const { modelTopology, weightSpecs, weightData } = await savedModel();
  const specs = weightSpecs!;
  const bytes = new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData));
  const cut = specs.slice(0, 3).reduce((sum, spec) => sum + sizeOf(spec), 0);
  const [first, second] = [bytes.subarray(0, cut), bytes.subarray(cut)];
  const weightsManifest = [
    { paths: ["group1-shard1of2.bin", "group1-shard2of2.bin"], weights: specs.slice(0, 3) },
    { paths: ["group2-shard1of1.bin"], weights: specs.slice(3) },
  ];
  const { checkpoint, diagnostics } = openBytes({
    "m/model.json": json({ format: "layers-model", generatedBy: "test", modelTopology, weightsManifest }),
    // The cut lies within a kernel, and not between two of its values.
    "m/group1-shard1of2.bin": first.subarray(0, 101),
    "m/group1-shard2of2.bin": first.subarray(101),
    "m/group2-shard1of1.bin": second,
  });
  assert.equal(diagnostics, []);
  const names = [
    "conv/kernel",
    "conv/bias",
    "bn/gamma",
    "bn/beta",
    "deep/depthwise_kernel",
    "deep/bias",
    "fc/kernel",
  ];
  for (const name of [...names, "fc/bias", "bn/moving_mean", "bn/moving_variance"])
    assert.ok(checkpoint!.tensors.has(name), `${name} is among ${[...checkpoint!.tensors.keys()]}`);
  const expected = await decoded(bytes, specs);
  assert.is(checkpoint!.tensors.size, expected.size);
  for (const [name, tensor] of checkpoint!.tensors) {
    assert.equal([...tensor.read()], expected.get(name), name);
    assert.equal(tensor.shape, specs.find((spec) => spec.name === name)!.shape);
  }
});

test("every type and quantisation, each tensor with a scale of its own, as tfjs decodes them", async () => {
  const specs = [
    { name: "plain", shape: [3], dtype: "float32" },
    { name: "whole", shape: [2], dtype: "int32" },
    { name: "flags", shape: [5], dtype: "bool" },
    {
      name: "eight",
      shape: [2, 3],
      dtype: "float32",
      quantization: { dtype: "uint8", scale: 0.0066667, min: -0.8733 },
    },
    {
      name: "other eight",
      shape: [3],
      dtype: "float32",
      quantization: { dtype: "uint8", scale: 1.7e-3, min: 0 },
    },
    {
      name: "sixteen",
      shape: [3],
      dtype: "float32",
      quantization: { dtype: "uint16", scale: 3.1e-5, min: -1 },
    },
    {
      name: "half",
      shape: [4],
      dtype: "float32",
      quantization: { dtype: "float16", original_dtype: "float32" },
    },
    {
      name: "whole in eight",
      shape: [3],
      dtype: "int32",
      quantization: { dtype: "uint8", scale: 2.5, min: -7 },
    },
    {
      name: "whole in sixteen",
      shape: [2],
      dtype: "int32",
      quantization: { dtype: "uint16", scale: 0.3, min: 4 },
    },
    { name: "scalar", shape: [], dtype: "float32", quantization: { dtype: "uint8", scale: 0.1, min: -3 } },
  ] as tf.io.WeightsManifestEntry[];
  const bytes = new Uint8Array(specs.reduce((sum, spec) => sum + sizeOf(spec), 0)).map(
    (_, i) => (i * 151 + 7) & 255,
  );
  // Finite numbers where floats are stored as they are, 0 and 1 where truth is.
  bytes.set(new Uint8Array(Float32Array.of(0.1, -2.5, 3e8).buffer), 0);
  bytes.set([1, 0, 0, 1, 1], 20);
  const halves = specs.slice(0, 6).reduce((sum, spec) => sum + sizeOf(spec), 0);
  bytes.set(new Uint8Array(Uint16Array.of(0x3c00, 0xb555, 0x0001, 0x7bff).buffer), halves);
  const expected = await decoded(bytes, specs);
  // One group, and a group for each tensor.
  let at = 0;
  const files: Record<string, Uint8Array> = { "all.bin": bytes };
  const groups = specs.map((spec, i) => {
    const end = at + sizeOf(spec);
    files[`${i}.bin`] = bytes.subarray(at, end);
    at = end;
    return { paths: [`${i}.bin`], weights: [spec] };
  });
  for (const weightsManifest of [[{ paths: ["all.bin"], weights: specs }], groups]) {
    const { checkpoint, diagnostics } = openBytes({
      "model.json": json({ modelTopology: {}, weightsManifest }),
      ...files,
    });
    assert.equal(
      diagnostics.map(({ message }) => message),
      [],
    );
    assert.is(checkpoint!.tensors.size, specs.length);
    for (const [name, values] of expected)
      assert.equal([...checkpoint!.tensors.get(name)!.read()], values, name);
  }
});

test.run();
