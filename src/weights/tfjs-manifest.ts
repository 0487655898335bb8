/**
 * tfjs weight manifests: weights_manifest.json, a list of groups, or a model.json that has one inside.
 *
 *     [{ "paths": ["group1-shard1of2.bin", …],
 *        "weights": [{ "name": "conv1/kernel", "shape": [7, 7, 3, 64], "dtype": "float32", "quantization": {…} }] }]
 *
 * The shards of a group are one run of bytes; a tensor may lie across two of them. Quantised values are
 * q * scale + min, computed in double and then rounded, as tfjs does.
 */
import { plainPath, type ReadBeside, readBeside } from "./beside.ts";
import type { Checkpoint, CheckpointTensor } from "./checkpoint.ts";
import { decodeElements, type ElementType, elementBytes, type Floats } from "./elements.ts";
import { isRecord, isSizes } from "./json.ts";
import { countElements } from "./shapes.ts";
import { restoreOrigins } from "./tfjs-origins.ts";
import { ensure, quote, shorten, Unreadable } from "./unreadable.ts";

const types: Readonly<Record<string, ElementType>> = {
  float32: "f32",
  int32: "i32",
  uint8: "u8",
  bool: "bool",
};
const packedTypes: Readonly<Record<string, ElementType>> = { uint8: "u8", uint16: "u16", float16: "f16" };

interface Stored {
  readonly name: string;
  readonly shape: readonly number[];
  /** The type of the values, and of the bytes. */
  readonly dtype: ElementType;
  readonly packed: ElementType;
  readonly scale: number;
  readonly min: number;
}

export function readTfjsManifest(manifest: unknown, beside: ReadBeside): Checkpoint {
  const tensors = new Map<string, CheckpointTensor>();
  const named = new Set<string>();
  for (const group of groupsOf(manifest)) {
    ensure(isRecord(group) && Array.isArray(group.weights), "a group of its manifest has no weights");
    const shards = readShards(group.paths, named, beside);
    let at = 0;
    for (const entry of group.weights) {
      const stored = describe(entry);
      const { name, shape, dtype } = stored;
      ensure(!tensors.has(name), `its manifest has two tensors called ${quote(name)}`);
      const begin = at;
      at += countElements(shape, quote(name)) * elementBytes[stored.packed];
      const end = at;
      ensure(
        end <= shards.size,
        `${quote(name)} ends at byte ${end}, its files have ${shards.size}: they were cut short`,
      );
      tensors.set(name, { name, shape, dtype, read: () => unpack(shards.slice(begin, end), stored) });
    }
    ensure(at === shards.size, `its manifest describes ${at} bytes, its files have ${shards.size}`);
  }
  return { format: "tfjs", layout: "tensorflow", tensors: restoreOrigins(tensors, manifest), notes: [] };
}

function groupsOf(json: unknown): readonly unknown[] {
  if (Array.isArray(json) && json.length > 0 && json.every((group) => isRecord(group) && "weights" in group))
    return json;
  if (isRecord(json) && Array.isArray(json.weightsManifest)) return json.weightsManifest;
  throw new Unreadable("it is JSON, but no tfjs weight manifest and no index of safetensors files");
}

function describe(entry: unknown): Stored {
  ensure(isRecord(entry) && typeof entry.name === "string", "a tensor of its manifest has no name");
  const { name, shape, dtype, quantization } = entry;
  const shown = quote(name);
  ensure(isSizes(shape), `${shown} has no shape of whole numbers`);
  ensure(typeof dtype === "string", `${shown} has no dtype`);
  ensure(
    Object.hasOwn(types, dtype),
    `${shown} has dtype ${dtype.slice(0, 20)}, which resnetc does not read`,
  );
  const type = types[dtype];
  if (quantization === undefined) return { name, shape, dtype: type, packed: type, scale: 1, min: 0 };
  ensure(isRecord(quantization), `${shown} has a quantization that is none`);
  const { dtype: packed, scale = 1, min = 0 } = quantization;
  ensure(
    typeof packed === "string" && Object.hasOwn(packedTypes, packed),
    `${shown} is quantised in an unknown way`,
  );
  ensure(Number.isFinite(scale) && Number.isFinite(min), `${shown} has a quantization without numbers`);
  return { name, shape, dtype: type, packed: packedTypes[packed], scale: Number(scale), min: Number(min) };
}

function unpack(bytes: Uint8Array, { dtype, packed, scale, min }: Stored): Floats {
  const values = decodeElements(bytes, packed);
  // float16 is a way to store floats, not a scale.
  if (packed === dtype || packed === "f16") return values;
  if (dtype !== "f32") return new Float64Array(values).map((value) => Math.round(value * scale + min));
  const floats = new Float32Array(values.length);
  for (let i = 0; i < floats.length; i++) floats[i] = values[i] * scale + min;
  return floats;
}

interface Shards {
  readonly size: number;
  /** A view where the range lies in one shard, a copy where it does not. */
  slice(begin: number, end: number): Uint8Array;
}

/** `named` are the files of the groups before: thousands of groups on one file would be any amount of data. */
function readShards(paths: unknown, named: Set<string>, beside: ReadBeside): Shards {
  ensure(Array.isArray(paths) && paths.length > 0, "a group of its manifest has no paths");
  const parts: { readonly start: number; readonly bytes: Uint8Array }[] = [];
  let size = 0;
  for (const path of paths) {
    const bytes = readBeside(path, "its manifest", beside);
    ensure(!named.has(plainPath(path)), `its manifest names a file twice: ${shorten(path)}`);
    named.add(plainPath(path));
    parts.push({ start: size, bytes });
    size += bytes.length;
  }
  const slice = (begin: number, end: number): Uint8Array => {
    const whole = parts.find(({ start, bytes }) => begin >= start && end <= start + bytes.length);
    if (whole) return whole.bytes.subarray(begin - whole.start, end - whole.start);
    const joined = new Uint8Array(end - begin);
    for (const { start, bytes } of parts) {
      const from = Math.max(begin, start);
      const to = Math.min(end, start + bytes.length);
      if (from < to) joined.set(bytes.subarray(from - start, to - start), from - begin);
    }
    return joined;
  };
  return { size, slice };
}
