/**
 * The graph-model target: model.json and its shards, which tf.loadGraphModel of TensorFlow.js loads as it does what converters
 * write. The batch is free, whatever the net was built for.
 */
import { standardPasses } from "../../passes/pipeline.ts";
import type { Artifact, Card, EmitRequest, Target } from "../target.ts";
import { storedNote } from "../wasm/plan/precision.ts";
import { sides } from "./attributes.ts";
import { describeWeights } from "./origins.ts";
import { defaultShardBytes, type Packed, packWeights } from "./shards.ts";
import { type Port, type Translated, translate } from "./translate.ts";

export const graphModel: Target = {
  name: "graph-model",
  summary: "a model.json for tf.loadGraphModel of TensorFlow.js",
  passes: standardPasses,
  needsWeights: true,
  emit,
};

function emit({
  graph,
  weights,
  card,
  arithmetic,
  shardBytes = defaultShardBytes,
  onProgress,
  onNote,
}: EmitRequest): readonly Artifact[] {
  const translated = translate(graph);
  const precision = arithmetic?.precision ?? "f32";
  const packed = packWeights(translated.constants, {
    weights,
    precision,
    shardBytes,
    onProgress,
  });
  if (precision !== "f32") onNote?.(storedNote(precision, packed.error));
  return [{ path: "model.json", contents: modelText(card, translated, packed) }, ...packed.files];
}

function modelText(
  card: Card,
  { nodes, constants, inputs, outputs }: Translated,
  { manifest }: Packed,
): string {
  const model = {
    format: "graph-model",
    generatedBy: card.compiler,
    convertedBy: card.compiler,
    signature: { inputs: tensorInfos(inputs), outputs: tensorInfos(outputs) },
    userDefinedMetadata: { ...card, ...describeWeights(constants) },
    modelTopology: { node: nodes, library: {}, versions: {} },
    weightsManifest: manifest,
  };
  return `${JSON.stringify(model)}\n`;
}

const tensorInfos = (ports: readonly Port[]) =>
  Object.fromEntries(
    ports.map(({ name, node, shape }) => [
      name,
      { name: `${node}:0`, dtype: "DT_FLOAT", tensorShape: sides(shape) },
    ]),
  );
