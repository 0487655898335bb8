/**
 * NumPy archives, .npz: a zip of .npy files, one an array, whose names are the arrays'. `np.savez` stores
 * them, `np.savez_compressed` deflates them. Archives of weights are TensorFlow's and JAX's: Big Transfer's
 * `resnet/block1/unit01/a/standardized_conv2d/kernel`, HWIO.
 *
 * Entries are inflated at once and kept, so that what is wrong with one is known before a value is used.
 */
import type { Checkpoint, CheckpointTensor } from "./checkpoint.ts";
import { parseNpy } from "./npy.ts";
import { ensure, quote, Unreadable } from "./unreadable.ts";
import type { ZipEntry } from "./zip.ts";

const ending = ".npy";

export const isNpz = (entries: ReadonlyMap<string, ZipEntry>): boolean =>
  entries.size > 0 && [...entries.keys()].every((name) => name.endsWith(ending));

export function readNpz(entries: ReadonlyMap<string, ZipEntry>): Checkpoint {
  const tensors = new Map([...entries.values()].map(readArray));
  return { format: "npz", layout: "tensorflow", tensors, notes: [] };
}

function readArray(entry: ZipEntry): [string, CheckpointTensor] {
  const name = entry.name.slice(0, -ending.length);
  ensure(name !== "" && !name.endsWith("/"), "an array of it has no name");
  const bytes = entry.unpack();
  try {
    return [name, { name, ...parseNpy(bytes) }];
  } catch (error) {
    if (error instanceof Unreadable) throw new Unreadable(`${quote(name)} in it: ${error.message}`);
    throw error;
  }
}
