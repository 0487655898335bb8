/**
 * The onnx target: one ONNX file for ONNX Runtime, Triton and what else reads such files, and its card.
 *
 * Maps are NCHW there with any batch, weights lie as PyTorch's do, and everything keeps its name. Activations stay
 * nodes: ONNX has no layer that takes them in, and runtimes fuse by themselves. A bias is a part of its layer at any
 * level, as everywhere in ONNX.
 */

import { foldBias } from "../../passes/fold-bias.ts";
import { fuseActivation } from "../../passes/fuse-activation.ts";
import { standardPasses } from "../../passes/pipeline.ts";
import { version } from "../../version.generated.ts";
import { cardText, heading } from "../loader/card.ts";
import type { Artifact, Card, EmitRequest, Target } from "../target.ts";
import { OnnxCollector } from "./emitter.ts";
import { batchName, modelProto, opset, toNchw } from "./proto.ts";
import { join, sizeOf } from "./protobuf.ts";
import { tritonConfig } from "./triton.ts";

export const onnx: Target = {
  name: "onnx",
  summary: "an ONNX file, opset 17, NCHW with any batch",
  passes: standardPasses
    .filter((pass) => pass !== fuseActivation)
    .map((pass) => (pass === foldBias ? { ...pass, level: 0 as const } : pass)),
  needsWeights: true,
  emit,
};

/** Protocol buffers end here: readers count in signed 32 bits. */
const maxBytes = 2 ** 31 - 1;

function emit({ graph, weights, card, name, server, report, onProgress }: EmitRequest): readonly Artifact[] {
  const collector = new OnnxCollector(graph, weights);
  const doc = heading(card)[0];
  const head = { producer: ["resnetc", version], doc, metadata: metadataOf(card) } as const;
  const chunks = modelProto(head, collector.graphProto(doc));
  const bytes = sizeOf(chunks);
  // Triton wants a folder with the settings, and in it one for each version of the model.
  const file = server === "triton" ? `1/${name}.onnx` : `${name}.onnx`;
  if (bytes > maxBytes) {
    const why = `it would have ${(bytes / 1e9).toFixed(1)} GB, and an ONNX file has 2 GB at most`;
    report(
      "unwritable-output",
      undefined,
      { path: file, why },
      { hint: "the targets wasm and tfjs take it" },
    );
    return [];
  }
  const facts = { ...nchwPorts(card), layout: "NCHW", opset, file, bytes };
  return [
    { path: file, contents: join(chunks, onProgress) },
    { path: `${name}.json`, contents: cardText(card, facts, {}) },
    ...(server === "triton" ? [{ path: "config.pbtxt", contents: tritonConfig(card, `${name}.onnx`) }] : []),
  ];
}

/** Inputs and outputs as the file has them, which is not as the net is written. */
function nchwPorts({ inputs, outputs }: Card) {
  const turned = <Port extends { shape: readonly number[] }>(port: Port) => ({
    ...port,
    shape: [batchName, ...toNchw(port.shape).slice(1)],
  });
  return { inputs: inputs.map(turned), outputs: outputs.map(turned) };
}

/** What a program has to know before it can hand a picture in, under `INPUT.mean` and so on. */
function metadataOf({ inputs, outputs, weights, params, macs }: Card): Record<string, string> {
  const entries: Record<string, string> = {
    layout: "NCHW",
    weights,
    parameters: String(params),
    macs: String(macs),
  };
  for (const { name, shape, preprocess } of inputs) {
    const [, height, width] = shape;
    entries[`${name}.size`] = `${height}x${width}`;
    if (!preprocess) continue;
    const { mean, std, range, order, resize, labels, filter = "bilinear" } = preprocess;
    entries[`${name}.formula`] = "(range * pixel - mean) / std, pixel in 0..1";
    entries[`${name}.mean`] = mean.join(",");
    entries[`${name}.std`] = std.join(",");
    entries[`${name}.range`] = String(range);
    entries[`${name}.order`] = order;
    entries[`${name}.resize`] = String(resize);
    entries[`${name}.filter`] = filter;
    if (labels !== "") entries[`${name}.labels`] = labels;
  }
  for (const { name, probabilities } of outputs) if (probabilities) entries[`${name}.probabilities`] = "true";
  return entries;
}
