/**
 * The zoo computes what timm and torchvision compute: their float64 logits, with weights that follow from their names; by the
 * reference, on wasm with one thread and two, and on tfjs. The larger ones are computed by wasm alone and the largest not at all without
 * LONG=1, as .ci/long sets it: they take most of the time and have no operation that others lack.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isOp } from "../src/ir/graph.ts";
import { interpret } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import { countGraph } from "../src/ir/stats.ts";
import { elements, type Tensor } from "../src/ir/tensor.ts";
import { isLong } from "./support/long.ts";
import { onTfjs, onWasm, toNchw, toNhwc } from "./support/networks.ts";
import { requireShared, sharedPath } from "./support/shared.ts";
import {
  assertLogits,
  bindFilled,
  type Filler,
  type UpstreamRecord,
  upstreamLogits,
} from "./support/upstream-nets.ts";
import { zooNetOf } from "./support/zoo.ts";

/** Whose names the tensors have upstream. */
const tables: readonly (readonly [RegExp, string])[] = [
  [/^timm:legacy/, "senet"],
  [/^timm:resnetv2/, "resnetv2"],
  [/^timm:skresnet(18|34)/, "sk_basic_names"],
  [/^timm:res2net/, "res2net_names"],
  [/^timm:regnet/, "timm_regnet_names"],
  [/^timm:densenet/, "timm_densenet_names"],
  [/^timm:resnet33ts/, "byobnet_names"],
  [/^timm:/, "timm"],
  [/:vgg11_bn/, "vgg11_bn_names"],
  [/:densenet/, "densenet_names"],
  [/:googlenet/, "googlenet_names"],
  [/:regnet/, "regnet_names"],
  [/:fcn/, "segmentation_names"],
  [/^torchvision:/, "torchvision"],
];

/** In parameters: what is computed for every submission, and what of that in every way. Time goes with them. */
const [most, mostInEveryWay] = isLong ? [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] : [26e6, 12.5e6];

if (requireShared(upstreamLogits)) {
  const logits = suite("logits");
  const { records } = JSON.parse(readFileSync(sharedPath(upstreamLogits), "utf8")) as {
    records: UpstreamRecord[];
  };
  const fill = (await import(pathToFileURL(sharedPath("oracle/detfill.mjs")).href)) as Filler;
  let known = 0;
  let compared = 0;
  let everyWay = 0;

  for (const record of records) {
    const source = record.source.split(" ")[0];
    const isDilated = record.kwargs.output_stride === 16;
    const model = isDilated ? `${record.model}_os16` : record.model;
    // VGG has one size only, and that is the record's.
    const settings = model.startsWith("vgg") ? {} : { size: `${record.img}x${record.img}x3` };
    const found = zooNetOf(source, model, settings);
    if (!found) continue;
    known++;
    const { params } = countGraph(found.net.graph);
    if (params > most) continue;
    const [, table] = tables.find(([pattern]) => pattern.test(`${source}:${model}`))!;
    const shape = [1, 3, record.img, record.img];
    // Weights that are standardised differ little from each other, which costs digits.
    const tolerance = record.model.endsWith("_bit") ? 1e-4 : 1e-5;
    logits(`${source} ${model}`, async () => {
      const [input] = found.net.graph.nodes.filter((node) => isOp(node, ops.input));
      const inputs = { [input.name]: toNhwc(fill.input(elements(shape)), shape) };
      const weights = bindFilled(found, table, fill);
      const results = [await onWasm(found.net, weights, inputs)];
      if (params <= mostInEveryWay) {
        results.push(interpret(found.net.graph, inputs, weights));
        results.push(await onTfjs(found.net, weights, inputs, "wasm"));
        everyWay++;
      }
      // Of segmentation the map comes first; that of the auxiliary head, which the record's network lacks, behind.
      for (const [result] of results.map(Object.values<Tensor>))
        assertLogits(Array.from(toNchw(result)), record, tolerance);
      compared++;
    });
  }

  logits("no record of the zoo's networks is left out", () => {
    assert.is(known, 35);
    assert.equal([compared, everyWay], isLong ? [35, 35] : [27, 10]);
  });

  logits.run();
}
