/**
 * The weights of a GraphModel: one run of bytes, cut into files of a size that networks and caches like, and the manifest that
 * says where each tensor stands. It is made once, tensor by tensor; the files are views of it.
 */

import type { WeightSource } from "../../ir/interpret.ts";
import { elements, type Tensor } from "../../ir/tensor.ts";
import { decodeElements } from "../../weights/elements.ts";
import type { Artifact, Precision } from "../target.ts";
import type { Stored } from "../tfjs/emitter.ts";
import { storedValues } from "../tfjs/stored-values.ts";
import { halfOf, type StoredError } from "../wasm/plan/precision.ts";
import { type Constant, ownNumbers } from "./nodes.ts";

/** As converters cut by default. */
export const defaultShardBytes = 4 * 2 ** 20;

export interface PackOptions {
  readonly weights: WeightSource;
  readonly precision: Precision;
  readonly shardBytes: number;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: Constant["dtype"];
  readonly quantization?: { readonly dtype: string; readonly scale?: number; readonly min?: number };
}

export interface Packed {
  readonly manifest: readonly [{ readonly paths: readonly string[]; readonly weights: readonly Entry[] }];
  readonly files: readonly Artifact[];
  /** What fewer bits have changed. */
  readonly error: StoredError;
}

export function packWeights(constants: readonly Constant[], options: PackOptions): Packed {
  const { weights, precision, shardBytes, onProgress } = options;
  const kept = constants.map((constant) => (isKernel(constant) ? precision : "f32"));
  const offsets = [0];
  constants.forEach(({ shape }, i) => {
    offsets.push(offsets[i] + elements(shape) * bytesOf[kept[i]]);
  });
  const bytes = new Uint8Array(offsets[constants.length]);
  const error: StoredError = { values: 0, differences: 0 };
  const entries: Entry[] = constants.map(({ name, shape, dtype }) => ({ name, shape, dtype }));
  const write = (i: number, data: Tensor["data"]) => {
    const at = new DataView(bytes.buffer, offsets[i], offsets[i + 1] - offsets[i]);
    const { dtype } = constants[i];
    if (dtype === "float32") {
      entries[i] = { ...entries[i], ...writers[kept[i]](at, data) };
      if (kept[i] !== "f32")
        addError(error, data, readBack(bytes.subarray(offsets[i], offsets[i + 1]), entries[i]));
    } else for (let k = 0; k < data.length; k++) at.setInt32(4 * k, data[k], true);
  };
  const places = new Map<Stored, number>();
  constants.forEach((constant, i) => {
    if ("make" in constant.from) places.set(constant.from, i);
    else write(i, ownNumbers(constant));
  });
  const stored = [...places.keys()];
  let done = 0;
  for (const { index, data, last } of storedValues(stored, weights)) {
    const i = places.get(stored[index])!;
    write(i, data);
    done += offsets[i + 1] - offsets[i];
    if (last) onProgress?.(done, bytes.length);
  }
  const files = cut(bytes, shardBytes);
  return { manifest: [{ paths: files.map(({ path }) => path), weights: entries }], files, error };
}

/** Vectors are a hundredth of the bytes, and all of a channel hangs on each of their values. */
const isKernel = ({ from, shape }: Constant): boolean =>
  "make" in from && from.param !== undefined && shape.length > 1;

const bytesOf: Readonly<Record<Precision, number>> = { f32: 4, f16: 2, u8: 1 };

type Quantization = Pick<Entry, "quantization">;

const writers: Readonly<Record<Precision, (to: DataView, data: Tensor["data"]) => Quantization>> = {
  f32(to, data) {
    for (let i = 0; i < data.length; i++) to.setFloat32(4 * i, data[i], true);
    return {};
  },
  f16(to, data) {
    for (let i = 0; i < data.length; i++) to.setUint16(2 * i, halfOf(data[i]), true);
    return { quantization: { dtype: "float16" } };
  },
  /** value = q * scale + min, over the whole tensor: the format knows no channels. */
  u8(to, data) {
    let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < data.length; i++) {
      min = Math.min(min, data[i]);
      max = Math.max(max, data[i]);
    }
    const scale = (max - min) / 255 || 1;
    for (let i = 0; i < data.length; i++) to.setUint8(i, Math.round((data[i] - min) / scale));
    return { quantization: { dtype: "uint8", min, scale } };
  },
};

/** What tfjs will make of it. */
function readBack(stored: Uint8Array, { quantization }: Entry): ArrayLike<number> {
  const { dtype, min = 0, scale = 1 } = quantization!;
  return dtype === "float16"
    ? decodeElements(stored, "f16")
    : Float32Array.from(stored, (step) => step * scale + min);
}

function addError(error: StoredError, values: ArrayLike<number>, found: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    error.values += values[i] ** 2;
    error.differences += (values[i] - found[i]) ** 2;
  }
}

/** A network without a weight has one empty file: a group of none is refused. */
function cut(bytes: Uint8Array, size: number): readonly Artifact[] {
  const count = Math.max(1, Math.ceil(bytes.length / size));
  return Array.from({ length: count }, (_, i) => ({
    path: `group1-shard${i + 1}of${count}.bin`,
    contents: bytes.subarray(i * size, (i + 1) * size),
  }));
}
