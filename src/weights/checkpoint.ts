/**
 * Opens files of trained weights: safetensors (one file or an index of several), PyTorch (both containers), tfjs
 * manifests, NumPy archives, ONNX models, Caffe's models and files of Keras, told apart by what is in them and not by
 * their names. Pure over bytes: whoever calls provides the files.
 *
 * Opening reads names, shapes and places and checks that every place lies inside the file; numbers are read
 * when a tensor is asked for them. Whatever is wrong becomes a diagnostic here, so `read()` cannot fail.
 */
import type { Report } from "../base/diagnostic.ts";
import { plainPath } from "./beside.ts";
import { readCaffe } from "./caffe.ts";
import { isCaffe } from "./caffe-model.ts";
import type { ElementType, Floats } from "./elements.ts";
import type { OpenHdf5 } from "./hdf5.ts";
import { parseJson } from "./json.ts";
import { isKerasArchive, readKerasArchive, readKerasHdf5 } from "./keras.ts";
import { isNpz, readNpz } from "./npz.ts";
import { readOnnx } from "./onnx.ts";
import { isOnnx } from "./onnx-model.ts";
import { isLegacyPytorch, readLegacyPytorch, readZippedPytorch } from "./pytorch.ts";
import { isSafetensors, readSafetensors } from "./safetensors.ts";
import { isSafetensorsIndex, readSafetensorsIndex } from "./safetensors-index.ts";
import { describeContent, isHdf5, isZip, looksLikeJson } from "./signature.ts";
import { readTfjsManifest } from "./tfjs-manifest.ts";
import { RefusedGlobal, Unreadable } from "./unreadable.ts";
import { readZip } from "./zip.ts";

/** Whose shapes a checkpoint uses: OIHW kernels and [O, I] matrices, or HWIO and [I, O]. */
export type Layout = "torch" | "tensorflow";

export interface CheckpointTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** As stored; what `read` gives is float32 or float64. */
  readonly dtype: ElementType;
  /** The values in row-major order: read-only, for they may be a view on the file. */
  read(): Floats;
}

export interface Checkpoint {
  readonly format: "safetensors" | "pytorch" | "tfjs" | "npz" | "onnx" | "keras" | "caffe";
  readonly layout: Layout;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** What the user should know: which part of a training checkpoint was taken, for instance. */
  readonly notes: readonly string[];
}

/** Access to a checkpoint and to the files beside it. */
export interface CheckpointFiles {
  /** The bytes of a file, or why there are none, as the end of "cannot read PATH: …". */
  read(path: string): Uint8Array | string;
  /** What reads HDF5, the container of Keras' files; without it these are refused. */
  readonly hdf5?: OpenHdf5 | undefined;
}

/** The checkpoint at `path`, or undefined when it was reported why not. */
export function openCheckpoint(path: string, files: CheckpointFiles, report: Report): Checkpoint | undefined {
  const found = files.read(path);
  if (typeof found === "string") {
    report("unreadable-file", undefined, { path, why: found });
    return undefined;
  }
  // A plain Uint8Array even for a Buffer, whose slice() means something else.
  const bytes = new Uint8Array(found.buffer, found.byteOffset, found.length);
  try {
    return readCheckpoint(path, bytes, files);
  } catch (error) {
    if (error instanceof RefusedGlobal) {
      const { global: name, offset, danger, hint } = error;
      report("refused-global", undefined, { path, name, offset, danger }, { hint });
    } else if (error instanceof Unreadable) {
      report("bad-checkpoint", undefined, { path, why: error.message });
    } else {
      throw error;
    }
    return undefined;
  }
}

function readCheckpoint(path: string, bytes: Uint8Array, files: CheckpointFiles): Checkpoint {
  const folder = path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  // However often a file is named, and in however many ways, it is read once.
  const found = new Map<string, Uint8Array | string>();
  const beside = (name: string) => {
    const plain = plainPath(name);
    const bytes = found.get(plain) ?? files.read(folder + plain);
    found.set(plain, bytes);
    return bytes;
  };
  if (isHdf5(bytes)) return readKerasHdf5(bytes, files.hdf5);
  if (isZip(bytes)) {
    const entries = readZip(bytes);
    if (isKerasArchive(entries)) return readKerasArchive(entries, files.hdf5);
    return isNpz(entries) ? readNpz(entries) : readZippedPytorch(bytes, entries);
  }
  if (isLegacyPytorch(bytes)) return readLegacyPytorch(bytes);
  if (isSafetensors(bytes)) return readSafetensors(bytes);
  // Before JSON: a net whose name is long may start with a line break and a bracket.
  if (isCaffe(bytes)) return readCaffe(bytes);
  if (looksLikeJson(bytes)) {
    const json = parseJson(bytes, "it");
    return isSafetensorsIndex(json) ? readSafetensorsIndex(json, beside) : readTfjsManifest(json, beside);
  }
  if (isOnnx(bytes)) return readOnnx(bytes, beside);
  throw new Unreadable(describeContent(bytes));
}
