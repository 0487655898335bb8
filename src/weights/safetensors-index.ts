/**
 * The index of a checkpoint in several safetensors files, model.safetensors.index.json:
 *
 *     { "metadata": { "total_size": 102170112 },
 *       "weight_map": { "conv1.weight": "model-00001-of-00002.safetensors", … } }
 *
 * The map and the files must agree in both directions: shards of two versions of a model that got mixed up are
 * noticed. `total_size` is not compared, since libraries disagree on what shared tensors count.
 */
import { type ReadBeside, readBeside } from "./beside.ts";
import type { Checkpoint, CheckpointTensor } from "./checkpoint.ts";
import { isRecord } from "./json.ts";
import { isSafetensors, readSafetensors } from "./safetensors.ts";
import { describeContent } from "./signature.ts";
import { ensure, quote, shorten, Unreadable } from "./unreadable.ts";

export interface SafetensorsIndex {
  readonly weight_map: Readonly<Record<string, unknown>>;
}

export const isSafetensorsIndex = (json: unknown): json is SafetensorsIndex =>
  isRecord(json) && isRecord(json.weight_map);

export function readSafetensorsIndex({ weight_map: map }: SafetensorsIndex, beside: ReadBeside): Checkpoint {
  const entries = Object.entries(map);
  ensure(entries.length > 0, "its index names no tensors");
  const shards = new Map<unknown, ReadonlyMap<string, CheckpointTensor>>();
  const tensors = new Map<string, CheckpointTensor>();
  for (const [name, file] of entries) {
    const shard = shards.get(file) ?? readShard(file, beside);
    shards.set(file, shard);
    const tensor = shard.get(name);
    ensure(tensor, `its index says that ${quote(name)} is in ${shown(file)}, but it is not`);
    tensors.set(name, tensor);
  }
  for (const [file, shard] of shards) {
    for (const name of shard.keys()) {
      const meant = Object.hasOwn(map, name) ? map[name] : undefined;
      const where =
        meant === undefined ? "which its index does not name" : `by its index it is in ${shown(meant)}`;
      ensure(meant === file, `${shown(file)} has ${quote(name)}, ${where}`);
    }
  }
  const notes = shards.size > 1 ? [`joined from ${shards.size} files`] : [];
  return { format: "safetensors", layout: "torch", tensors, notes };
}

const shown = (file: unknown): string => shorten(String(file));

function readShard(file: unknown, beside: ReadBeside): ReadonlyMap<string, CheckpointTensor> {
  const bytes = readBeside(file, "its index", beside);
  ensure(isSafetensors(bytes), `its file ${shown(file)} is no safetensors file: ${describeContent(bytes)}`);
  try {
    return readSafetensors(bytes).tensors;
  } catch (error) {
    if (error instanceof Unreadable) throw new Unreadable(`in its file ${shown(file)}: ${error.message}`);
    throw error;
  }
}
