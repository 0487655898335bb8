/**
 * dlib's face net from the npm package @vladmandic/face-api, uint8 weights: ten cases against a float64 port, and the
 * recognition of its manifest.
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { isOp } from "../src/ir/graph.ts";
import { interpret } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import { printGraph } from "../src/ir/print.ts";
import { isSpec, recogniseArchitecture } from "../src/weights/architecture/index.ts";
import { type Checkpoint, openCheckpoint } from "../src/weights/checkpoint.ts";
import { examplePath, openNet, root } from "./support/nets.ts";
import { bind, onTfjs } from "./support/networks.ts";
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
const manifest = `${root}node_modules/@vladmandic/face-api/model/face_recognition_model-weights_manifest.json`;

function openManifest(): Checkpoint {
  const { report, diagnostics } = collect();
  const checkpoint = openCheckpoint(manifest, { read: (file) => readFileSync(file) }, report);
  assert.equal(diagnostics, []);
  return checkpoint!;
}

test("its manifest is recognised, and the written spec is the network of the example", () => {
  const found = recogniseArchitecture(openManifest(), manifest);
  assert.ok(found && isSpec(found.spec), "not recognised");
  assert.is(found.title, "dlib's face recognition network");
  assert.is(found.convention, "face-api");
  assert.ok(found.facts.includes("levels: 3 x 32, 4 x 64, 3 x 128, 3 x 256, and one that strides again"));
  const { nets, module, diagnostics } = analyse(makeSource("face.resnet", found.spec.text));
  assert.equal(diagnostics, []);
  const [net] = nets;
  const example = openNet(examplePath("dlib_face.resnet"));
  assert.is(printGraph(net.graph), printGraph(example.net.graph));
  // Both bind to the last tensor, to the same ones.
  const [own, theirs] = [bind(net, module!, manifest), bind(example.net, example.module, manifest)];
  for (const node of net.graph.nodes)
    if (isOp(node, ops.param)) assert.equal(own.get(node.name), theirs.get(node.name), node.name);
});

test("a manifest that lacks a part of it is none", () => {
  const checkpoint = openManifest();
  for (const name of ["conv128_down/conv2/conv/filters", "conv256_down_out/conv1/conv/filters", "fc"]) {
    const tensors = new Map([...checkpoint.tensors].filter(([other]) => other !== name));
    assert.is(recogniseArchitecture({ ...checkpoint, tensors }), undefined, name);
  }
});

test.run();
