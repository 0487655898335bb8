/**
 * Files of Keras, all of them HDF5 inside:
 *
 *     .h5           whole models (weights under `model_weights`) and weights alone, with names as attributes:
 *                   keras-legacy.ts
 *     .weights.h5   Keras 3: weights by their place in the model: keras-weights.ts
 *     .keras        a zip of config.json, metadata.json and model.weights.h5, which is a .weights.h5
 *
 * The layers come in the order of the model's list, which for a functional model is topological.
 *
 * HDF5 packs data as it likes, so there are no views on the file: values are read when it is opened, into a copy.
 */
import type { Checkpoint, CheckpointTensor } from "./checkpoint.ts";
import { decodeElements, type ElementType, elementBytes } from "./elements.ts";
import { type Hdf5Dataset, type Hdf5Group, type OpenHdf5, withHdf5 } from "./hdf5.ts";
import { isSizes, parseJson } from "./json.ts";
import { findLegacy, legacyWeights } from "./keras-legacy.ts";
import { holdsVariables, kerasWeights, optimiserLeftOut } from "./keras-weights.ts";
import { isHdf5 } from "./signature.ts";
import { ensure, quote, Unreadable } from "./unreadable.ts";
import type { ZipEntry } from "./zip.ts";

/** A tensor of a file of Keras, before its values are read. */
export interface KerasTensor {
  readonly name: string;
  readonly dataset: Hdf5Dataset;
}

export interface KerasTensors {
  readonly tensors: readonly KerasTensor[];
  readonly notes: readonly string[];
}

export function readKerasHdf5(bytes: Uint8Array, open: OpenHdf5 | undefined, config?: unknown): Checkpoint {
  return withHdf5(bytes, open, (root) => {
    const { tensors, notes } = findTensors(root, config);
    ensure(tensors.length > 0, "it holds no weights");
    return { format: "keras", layout: "tensorflow", tensors: readAll(tensors, bytes.length), notes };
  });
}

function findTensors(root: Hdf5Group, config: unknown): KerasTensors {
  const legacy = findLegacy(root);
  if (legacy) {
    const notes = root.names().includes("optimizer_weights") ? [optimiserLeftOut] : [];
    return { tensors: legacyWeights(legacy), notes };
  }
  if (holdsVariables(root)) return kerasWeights(root, config);
  throw new Unreadable("it is an HDF5 file, but Keras did not write it: it has no layer_names and no vars");
}

const weightsEntry = "model.weights.h5";

export const isKerasArchive = (entries: ReadonlyMap<string, ZipEntry>): boolean =>
  entries.has(weightsEntry) || (entries.has("model.weights.npz") && entries.has("config.json"));

export function readKerasArchive(
  entries: ReadonlyMap<string, ZipEntry>,
  open: OpenHdf5 | undefined,
): Checkpoint {
  const weights = entries.get(weightsEntry);
  ensure(weights, "it is a Keras archive with its weights as .npz, which resnetc does not read");
  const config = entries.get("config.json");
  const bytes = weights.unpack();
  ensure(isHdf5(bytes), `it is a Keras archive, but its ${weightsEntry} is no HDF5 file`);
  return readKerasHdf5(bytes, open, config && parseJson(config.unpack(), "its config.json"));
}

// ---- values ---------------------------------------------------------------------------------------

/** What all tensors may take: a part that is always fine, a multiple of the file. Weights hardly compress. */
const taken = { free: 2 ** 26, ratio: 32 } as const;

function readAll(found: readonly KerasTensor[], fileBytes: number): ReadonlyMap<string, CheckpointTensor> {
  const limit = taken.free + taken.ratio * fileBytes;
  let claimed = 0;
  const types = found.map(({ name, dataset }) => {
    const { shape, compressed, chunkBytes } = dataset;
    const type = typeOf(dataset);
    ensure(type, `${quote(name)} is made of something else than numbers`);
    ensure(isSizes(shape), `${quote(name)} has no shape of whole numbers`);
    const size = shape.reduce((product, side) => product * side, elementBytes[type]);
    const claim = `${quote(name)} is ${type} [${shape.join(", ")}], which is ${size} bytes`;
    ensure(compressed || size <= fileBytes, `${claim}, the whole file has ${fileBytes}`);
    ensure(
      chunkBytes <= limit,
      `${quote(name)} has chunks of ${chunkBytes} bytes, the whole file has ${fileBytes}`,
    );
    claimed += size;
    ensure(claimed <= limit, `${claim}: with what is before it more than a file of ${fileBytes} can hold`);
    return type;
  });
  const tensors = new Map<string, CheckpointTensor>();
  for (const [i, { name, dataset }] of found.entries()) {
    ensure(!tensors.has(name), `it has two tensors called ${quote(name)}`);
    const bytes = dataset.read();
    const read = () => decodeElements(bytes, types[i]);
    tensors.set(name, { name, shape: dataset.shape, dtype: types[i], read });
  }
  return tensors;
}

/** HDF5 had no bfloat16 for long: Keras writes two opaque bytes, and says so. */
function typeOf(dataset: Hdf5Dataset): ElementType | undefined {
  const isBfloat = dataset.elementBytes === 2 && dataset.texts("dtype")?.[0] === "bfloat16";
  return isBfloat ? "bf16" : dataset.type;
}
