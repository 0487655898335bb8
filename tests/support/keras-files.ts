/** Writes files as Keras does, with the library that reads them, and opens files that exist only in memory. */
import * as h5wasm from "h5wasm";
import { collect } from "../../src/base/diagnostic.ts";
import { loadHdf5 } from "../../src/node/hdf5.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import type { OpenHdf5 } from "../../src/weights/hdf5.ts";
import type { Opened } from "./checkpoints.ts";

const { FS } = await h5wasm.ready;
let files = 0;

/** An HDF5 file with what `fill` puts into it; `from`, if given, is what it starts with. */
export function writeHdf5(fill: (file: h5wasm.File) => void, from?: Uint8Array): Uint8Array {
  const path = `/written-${files++}.h5`;
  // A copy: the file system may keep what it is given.
  if (from) FS!.writeFile(path, Uint8Array.from(from));
  const file = new h5wasm.File(path, from ? "a" : "w");
  fill(file);
  file.close();
  const bytes = FS!.readFile(path);
  FS!.unlink(path);
  return bytes;
}

/** The group at a path, made where it is not there. */
export function groupAt(file: h5wasm.Group, path: string): h5wasm.Group {
  let group = file;
  for (const step of path.split("/")) {
    const found = group.keys().includes(step) ? group.get(step) : group.create_group(step);
    group = found as h5wasm.Group;
  }
  return group;
}

export interface Written {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The weights of a layer of Keras 3, at its place in the model. */
export function writeLayer(
  file: h5wasm.File,
  place: string,
  weights: readonly Omit<Written, "name">[],
): void {
  const vars = groupAt(file, `${place}/vars`);
  for (const [i, { shape, data }] of weights.entries())
    vars.create_dataset({ name: String(i), data, shape: [...shape] });
}

/** An .h5 of before Keras 3: `names` as TensorFlow's Keras wrote them, `conv/kernel:0` within the layer. */
export function writeLegacy(
  into: h5wasm.Group,
  layers: Readonly<Record<string, readonly Written[]>>,
  texts: (group: h5wasm.Group, name: string, values: readonly string[]) => void = (group, name, values) =>
    group.create_attribute(name, [...values]),
): void {
  texts(into, "layer_names", Object.keys(layers));
  for (const [layer, weights] of Object.entries(layers)) {
    const group = into.create_group(layer);
    const names = weights.map(({ name }) => name);
    // What NumPy makes of an empty list.
    if (names.length === 0) group.create_attribute("weight_names", new Float64Array(0), [0]);
    else texts(group, "weight_names", names);
    for (const { name, shape, data } of weights) {
      const at = name.lastIndexOf("/");
      const parent = at < 0 ? group : groupAt(group, name.slice(0, at));
      parent.create_dataset({ name: name.slice(at + 1), data, shape: [...shape] });
    }
  }
}

export const counted = (name: string, shape: readonly number[], start = 0): Written => {
  const length = shape.reduce((product, side) => product * side, 1);
  return { name, shape, data: Float32Array.from({ length }, (_, i) => start + i / 8) };
};

export async function openKeras(bytes: Uint8Array, name = "model.h5", load = loadHdf5): Promise<Opened> {
  return openWith(bytes, await load(), name);
}

export function openWith(bytes: Uint8Array, hdf5: OpenHdf5 | undefined, name = "model.h5"): Opened {
  const { report, diagnostics } = collect();
  return { checkpoint: openCheckpoint(name, { read: () => bytes, hdf5 }, report), diagnostics };
}

/** The one message that opening these bytes gives. */
export async function refusalOf(bytes: Uint8Array): Promise<string> {
  const { checkpoint, diagnostics } = await openKeras(bytes);
  if (checkpoint || diagnostics.length !== 1)
    throw new Error(`expected one diagnostic, got ${diagnostics.length}`);
  return diagnostics[0].message;
}
