/** The tensors of published models by name and shape, as checkpoints whose values follow from the names. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import type { Checkpoint, CheckpointTensor } from "../../src/weights/checkpoint.ts";
import { sharedPath } from "./shared.ts";

/** Where they are; for requireShared. */
export const manifests = "facts/state-dicts.json.gz";

type Entry = readonly [name: string, shape: readonly number[], dtype?: string];
/** Of Keras, layers in order: name, class, weights, settings. */
type Layer = readonly [name: string, type: string, weights: readonly Entry[], settings: object];

interface Manifests {
  readonly torchvision: Readonly<Record<string, readonly Entry[]>>;
  readonly timm: Readonly<Record<string, readonly Entry[]>>;
  readonly keras: Readonly<Record<string, readonly Layer[]>>;
}

export interface PublishedModel {
  readonly source: "torchvision" | "timm" | "keras";
  readonly model: string;
  readonly checkpoint: Checkpoint;
}

export async function publishedModels(): Promise<readonly PublishedModel[]> {
  const all = JSON.parse(gunzipSync(readFileSync(sharedPath(manifests))).toString()) as Manifests;
  const fill = await import(pathToFileURL(sharedPath("oracle/detfill.mjs")).href);
  const tensorOf = ([name, shape, dtype]: Entry, isTorch: boolean): CheckpointTensor => ({
    name,
    shape,
    dtype: dtype === "int64" ? "i64" : "f32",
    read: () => {
      if (dtype === "int64") return new Float64Array(1);
      const fanIn = isTorch ? undefined : shape.slice(0, -1).reduce((product, side) => product * side, 1);
      return fill.tensor(name, shape, fanIn);
    },
  });
  const model = (
    source: PublishedModel["source"],
    name: string,
    entries: readonly Entry[],
  ): PublishedModel => {
    const isTorch = source !== "keras";
    const tensors = new Map(entries.map((entry) => [entry[0], tensorOf(entry, isTorch)]));
    const layout = isTorch ? "torch" : "tensorflow";
    return { source, model: name, checkpoint: { format: "safetensors", layout, tensors, notes: [] } };
  };
  return [
    ...(["torchvision", "timm"] as const).flatMap((source) =>
      Object.entries(all[source]).map(([name, entries]) => model(source, name, entries)),
    ),
    ...Object.entries(all.keras).map(([name, layers]) =>
      model(
        "keras",
        name,
        layers.flatMap(([, , weights]) => weights),
      ),
    ),
  ];
}

/** The model's own input of the oracle, as NCHW values. */
export async function oracleInput(count: number): Promise<Float32Array> {
  const fill = await import(pathToFileURL(sharedPath("oracle/detfill.mjs")).href);
  return fill.input(count);
}
