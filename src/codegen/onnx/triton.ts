/**
 * config.pbtxt, the settings of a model in a repository of Triton Inference Server. Batches form by themselves, as
 * the first side of every map is free; sides here are those behind it. The folder names the model.
 */
import type { Shape } from "../../ir/tensor.ts";
import type { Card } from "../target.ts";
import { toNchw } from "./proto.ts";

/** Enough for a GPU to be busy, little enough for the maps of any of the nets to fit. */
const maxBatch = 16;

export function tritonConfig({ inputs, outputs }: Card, file: string): string {
  return `${[
    'platform: "onnxruntime_onnx"',
    `default_model_filename: ${quoted(file)}`,
    `max_batch_size: ${maxBatch}`,
    "dynamic_batching { }",
    `input [\n${inputs.map((port) => portText(port, ["format: FORMAT_NCHW"])).join(",\n")}\n]`,
    `output [\n${outputs.map((port) => portText(port, [])).join(",\n")}\n]`,
  ].join("\n")}\n`;
}

function portText({ name, shape }: { name: string; shape: Shape }, more: readonly string[]): string {
  const sides = toNchw(shape).slice(1).join(", ");
  const lines = [`name: ${quoted(name)}`, "data_type: TYPE_FP32", ...more, `dims: [ ${sides} ]`];
  return `  {\n${lines.map((line) => `    ${line}`).join("\n")}\n  }`;
}

/** Names are identifiers and file names: JSON's escapes are those of the format. */
const quoted = (text: string): string => JSON.stringify(text);
