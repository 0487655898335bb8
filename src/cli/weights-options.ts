/** Where a command's weights come from, as options. */
import type { Argv } from "yargs";
import type { AnalysedNet } from "../compile.ts";
import type { Module } from "../lower/modules.ts";
import * as node from "../node/find-weights.ts";
import { progress } from "./terminal.ts";

export interface WeightArguments {
  /** One file, or LABEL=FILE for parts of the net. */
  readonly weights?: string | readonly string[] | undefined;
  readonly names?: string | undefined;
  readonly seed: number;
  readonly "allow-nan": boolean;
  readonly strict: boolean;
}

/** How a checkpoint is fitted to a net. */
export function bindingOptions<T>(yargs: Argv<T>) {
  return yargs
    .option("names", { type: "string", describe: "the table that names its tensors (default: recognised)" })
    .option("strict", {
      type: "boolean",
      default: false,
      describe: "tensors that the net has no place for are errors",
    })
    .option("allow-nan", {
      type: "boolean",
      default: false,
      describe: "take NaN and infinite weights as they are",
    });
}

export function weightOptions<T>(yargs: Argv<T>) {
  return bindingOptions(yargs)
    .option("weights", {
      type: "string",
      describe:
        "a checkpoint: safetensors (or .index.json), PyTorch (.pth, .pt, .bin), Keras (.keras, .h5), ONNX, Caffe (.caffemodel), .npz or a tfjs manifest; LABEL=FILE, once for each, where rows have their own",
    })
    .option("init", {
      choices: ["he"] as const,
      default: "he" as const,
      describe: "weights without a checkpoint",
    })
    .option("seed", { type: "number", default: 0, describe: "seed of the initialisation" });
}

/** As the options say. */
export const findWeights = (
  net: AnalysedNet,
  module: Module,
  { weights, names, seed, strict, "allow-nan": allowNaN }: WeightArguments,
): Promise<node.WeightsResult> =>
  node.findWeights(net, module, { weights, names, seed, strict, allowNaN, onProgress: progress });
