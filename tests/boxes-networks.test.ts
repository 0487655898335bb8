/**
 * From pictures to boxes: the zoo's RetinaNet and Faster R-CNN on the wasm target and `resnetc/boxes` find what torchvision's own
 * code finds with the same weights (scripts/upstream-boxes.py).
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type Detections,
  type FeatureMap,
  featureMaps,
  proposals,
  regionBoxes,
  regionMaps,
  retinanetBoxes,
} from "../src/boxes/index.ts";
import { wasm } from "../src/codegen/wasm/target.ts";
import { emit } from "../src/compile.ts";
import type { Tensor } from "../src/ir/tensor.ts";
import { startWasm } from "../src/run/wasm.ts";
import { filler } from "./support/filler.ts";
import { root } from "./support/nets.ts";
import { toNhwc } from "./support/networks.ts";
import { bindFilled } from "./support/upstream-nets.ts";
import { zooNetOf } from "./support/zoo.ts";

const wanted = JSON.parse(readFileSync(path.join(root, "tests/fixtures/upstream-boxes.json"), "utf8"));

const side = 96;
const input = { height: side, width: side };
const shape = [1, 3, side, side];
const picture = toNhwc(filler.input(3 * side * side), shape);

/** What a net of the zoo gives, with weights that follow from their names. */
async function run(name: string, table: string, given: Tensor, settings = {}) {
  const found = zooNetOf("torchvision", name, settings)!;
  const weights = bindFilled(found, table, filler);
  const { artifacts } = emit(found.net, { target: wasm, weights, weightsFrom: "names" });
  const started = await startWasm({ artifacts, threads: 1 });
  const results = started.run({ input: given });
  started.dispose();
  return results;
}

function mapsOf(results: Readonly<Record<string, Tensor>>): Record<string, FeatureMap> {
  const arrays = Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]);
  const outputs = Object.entries(results).map(([name, { shape }]) => ({ name, shape }));
  return featureMaps(Object.fromEntries(arrays), outputs);
}

/** In whatever order those of nearly the same score come. */
function assertSame(found: Detections, { boxes, scores, labels }: typeof wanted): void {
  assert.is(found.labels.length, labels.length);
  const left = new Set(found.labels.keys());
  for (const [i, label] of labels.entries()) {
    const same = [...left].find(
      (k) =>
        found.labels[k] === label &&
        Math.abs(found.scores[k] - scores[i]) < 1e-4 &&
        [0, 1, 2, 3].every((c) => Math.abs(found.boxes[4 * k + c] - boxes[4 * i + c]) < 0.01),
    );
    assert.ok(same !== undefined, `box ${i} of class ${label}, ${boxes.slice(4 * i, 4 * i + 4)}`);
    left.delete(same!);
  }
}

test("RetinaNet", async () => {
  const results = await run("retinanet_resnet50_fpn", "retinanet_names", picture, {
    size: `${side}x${side}x3`,
  });
  const maps = mapsOf(results);
  const of = (kind: string) => [3, 4, 5, 6, 7].map((level) => maps[`${kind}${level}`]);
  const found = retinanetBoxes(
    { scores: of("scores"), deltas: of("deltas") },
    { input, threshold: 0.5, most: 40 },
  );
  assertSame(found, wanted.wholeRetinanet);
});

test("Faster R-CNN, both stages", async () => {
  const table = "fasterrcnn_names";
  const first = await run("fasterrcnn_resnet50_fpn", table, picture, { size: `${side}x${side}x3` });
  const maps = mapsOf(first);
  const of = (kind: string) => [2, 3, 4, 5, 6].map((level) => maps[`rpn${level}.${kind}`]);
  const { boxes } = proposals({ scores: of("scores"), deltas: of("deltas") }, { input, most: 12 });
  assert.is(boxes.length, wanted.wholeFasterrcnn.regions.length);
  for (const [i, value] of boxes.entries())
    assert.ok(Math.abs(value - wanted.wholeFasterrcnn.regions[i]) < 0.01, `region ${i}: ${value}`);

  const pyramid = [2, 3, 4, 5].map((level) => maps[`p${level}`]);
  const regions = { shape: [12, 7, 7, 256], data: regionMaps(pyramid, boxes, { input }) };
  const second = await run("fasterrcnn_resnet50_fpn_boxes", table, regions);
  const given = { scores: second.scores.data, deltas: second.deltas.data };
  assertSame(
    regionBoxes(boxes, given, { picture: input, threshold: 0.02, most: 40 }),
    wanted.wholeFasterrcnn,
  );
});

test.run();
