/** What recognition writes computes what the zoo's networks do, which are compared with upstream's own numbers. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { wasm } from "../src/codegen/wasm/target.ts";
import { type AnalysedNet, analyse, emit } from "../src/compile.ts";
import { countGraph } from "../src/ir/stats.ts";
import type { Module } from "../src/lower/modules.ts";
import { tablesOf } from "../src/node/find-weights.ts";
import { startWasm } from "../src/run/wasm.ts";
import { isSpec, recogniseArchitecture } from "../src/weights/architecture/index.ts";
import { bindWeights } from "../src/weights/bind.ts";
import type { Checkpoint, Layout } from "../src/weights/checkpoint.ts";
import { assertClose } from "./support/close-to.ts";
import { filler } from "./support/filler.ts";
import type { OpenedNet } from "./support/nets.ts";
import { toNhwc } from "./support/networks.ts";
import { upstreamTensors } from "./support/upstream-nets.ts";
import { zooNetOf } from "./support/zoo.ts";

/** A file as upstream would save it, as far as binding is concerned, of the zoo's net. */
function checkpointOf(found: OpenedNet, table: string, layout: Layout): Checkpoint {
  const tensors = upstreamTensors(found, table, layout).map(({ name, shape }) => {
    const fanIn = (layout === "torch" ? shape.slice(1) : shape.slice(0, -1)).reduce((a, b) => a * b, 1);
    const read = () => filler.tensor(name, shape, fanIn);
    return [name, { name, shape, dtype: "f32", read }] as const;
  });
  return { format: "safetensors", layout, tensors: new Map(tensors), notes: [] };
}

async function resultOf(net: AnalysedNet, module: Module, checkpoint: Checkpoint) {
  const { diagnostics, report } = collect();
  const request = { checkpoint, path: "keras", tables: tablesOf(module), strict: true };
  const weights = bindWeights({ graph: net.graph, ...request }, report);
  assert.equal(diagnostics, []);
  const { artifacts } = emit(net, { target: wasm, weights: weights!, weightsFrom: "names" });
  const started = await startWasm({ artifacts, threads: 1 });
  const [result] = Object.values(started.run({ input: toNhwc(filler.input(3 * 64 * 64), [1, 3, 64, 64]) }));
  started.dispose();
  return result;
}

for (const [source, model, table, title] of [
  ["keras", "resnet50", "keras", "ResNet-50"],
  ["keras", "resnet50v2", "resnetv2_names", "ResNet-50 V2"],
  ["keras", "resnet101v2", "resnetv2_names", "ResNet-101 V2"],
  ["keras", "densenet121", "densenet_names", "DenseNet-121"],
  ["keras", "densenet169", "densenet_names", "DenseNet-169"],
  ["timm", "densenet264d", "timm_densenet_names", "DenseNet-265"],
] as const) {
  test(`${source} ${title}`, async () => {
    const found = zooNetOf(source, model, { size: "64x64x3" })!;
    const checkpoint = checkpointOf(found, table, source === "keras" ? "tensorflow" : "torch");
    const known = recogniseArchitecture(checkpoint, "model.h5");
    assert.is(known?.title, title);
    assert.ok(known && isSpec(known.spec));
    if (!known || !isSpec(known.spec)) return;
    const { nets, module, diagnostics } = analyse(makeSource("known.resnet", known.spec.text), {
      settings: { size: "64x64x3" },
    });
    assert.equal(
      diagnostics.filter(({ severity }) => severity === "error"),
      [],
    );
    assert.is(countGraph(nets[0].graph).params, countGraph(found.net.graph).params);
    const [ours, zoos] = [
      await resultOf(nets[0], module!, checkpoint),
      await resultOf(found.net, found.module, checkpoint),
    ];
    assertClose(ours, zoos, 1e-6);
  });
}

test.run();
