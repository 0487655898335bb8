/**
 * The tfjs target: an ES module of direct tfjs-core calls, its types, its weights and its card.
 *
 * Networks have a hundred million weights, so the file is one buffer of its final size, every weight is
 * evaluated once and written into its place, and nothing else keeps it.
 */
import type { WeightSource } from "../../ir/interpret.ts";
import { elements, type Shape } from "../../ir/tensor.ts";
import { standardPasses } from "../../passes/pipeline.ts";
import { cardText } from "../loader/card.ts";
import { labelsFile, labelsTable, pictureUse } from "../loader/picture-methods.ts";
import type { Artifact, EmitRequest, Target } from "../target.ts";
import { checksumOfWords, hexOf } from "../wasm/checksum.ts";
import { CallCollector, type Stored } from "./emitter.ts";
import { type ModuleParts, moduleText } from "./module.ts";
import { storedValues } from "./stored-values.ts";
import { typesText } from "./types.ts";

export const tfjs: Target = {
  name: "tfjs",
  summary: "an ES module of TensorFlow.js calls: wasm, webgl, webgpu or cpu",
  passes: standardPasses,
  needsWeights: true,
  emit,
};

function emit({
  graph,
  weights,
  card,
  labels,
  name,
  kernels = "stock",
  onProgress,
}: EmitRequest): readonly Artifact[] {
  const collector = new CallCollector();
  for (const node of graph.nodes) collector.emit(node);
  const { calls, inputs, stored } = collector;
  const weightFile = weightBytes(stored, weights, onProgress);
  const parts: ModuleParts = {
    name,
    card,
    calls,
    inputs: inputs.map(({ node, variable }) => ({
      name: node.name,
      variable,
      shape: node.type.shape.slice(1),
    })),
    outputs: graph.outputs.map(({ name, node }) => ({
      name,
      variable: collector.ref(node),
      shape: node.type.shape.slice(1),
    })),
    stored,
    kernels,
    use: pictureUse(card, labels),
    weightBytes: weightFile.length,
    checksum: checksumOfWords([weightFile]),
  };
  const names = parts.use && labelsFile(name, parts.use);
  const offsets = offsetsOf(stored);
  const tensors = stored.map(({ name, shape }, i) => ({ name, shape, offset: offsets[i] }));
  const steps = calls.map(({ node, fn, variable }) =>
    variable === collector.ref(node) ? node.name : `${node.name} ${fn}`,
  );
  const facts = {
    file: `${name}.weights`,
    bytes: parts.weightBytes,
    checksum: hexOf(parts.checksum),
  };
  return [
    { path: `${name}.js`, contents: moduleText(parts) },
    ...(names ? [names] : []),
    { path: `${name}.d.ts`, contents: typesText(parts) },
    { path: `${name}.weights`, contents: weightFile },
    { path: `${name}.json`, contents: cardText(card, facts, { ...labelsTable(parts.use), steps, tensors }) },
  ];
}

/** float32, little-endian, one after the other. */
function weightBytes(
  stored: readonly Stored[],
  weights: WeightSource,
  onProgress: EmitRequest["onProgress"],
): Uint8Array {
  const offsets = offsetsOf(stored);
  const bytes = new Uint8Array(offsets[stored.length]);
  let done = 0;
  for (const { index, data, last } of storedValues(stored, weights)) {
    writeFloats(bytes, offsets[index], data);
    done += 4 * data.length;
    if (last) onProgress?.(done, bytes.length);
  }
  return bytes;
}

const hostIsLittleEndian = new Uint8Array(Float32Array.of(1).buffer)[3] === 0x3f;

function writeFloats(bytes: Uint8Array, offset: number, values: Float32Array | Float64Array): void {
  new Float32Array(bytes.buffer, offset, values.length).set(values);
  if (hostIsLittleEndian) return;
  for (let at = offset; at < offset + 4 * values.length; at += 4) bytes.subarray(at, at + 4).reverse();
}

/** Where each tensor starts in the file, and the file's size behind the last. */
function offsetsOf(stored: readonly { readonly shape: Shape }[]): readonly number[] {
  const offsets = [0];
  for (const { shape } of stored) offsets.push(offsets[offsets.length - 1] + 4 * elements(shape));
  return offsets;
}
