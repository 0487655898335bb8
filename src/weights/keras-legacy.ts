/**
 * Keras' .h5 as it was before Keras 3, and as Keras 3 still writes it. Names and their order are attributes:
 *
 *     [model_weights/]              layer_names = conv1_conv, conv1_bn, …
 *     [model_weights/]conv1_conv    weight_names = conv1_conv/kernel:0, conv1_conv/bias:0
 *     [model_weights/]conv1_conv/conv1_conv/kernel:0
 *
 * The weights of a model within the model stand in the group of the outer one, often without its name. Names come
 * out as `layer/kernel`, `outer/layer/kernel`.
 */
import type { Hdf5Dataset, Hdf5Group } from "./hdf5.ts";
import type { KerasTensor } from "./keras.ts";
import { ensure, quote } from "./unreadable.ts";

/** The group that has the layers, if this is such a file. */
export function findLegacy(root: Hdf5Group): Hdf5Group | undefined {
  const inner = root.names().includes("model_weights") ? root.get("model_weights") : undefined;
  const group = inner?.kind === "group" ? inner : root;
  return splitTexts(group, "layer_names") ? group : undefined;
}

export function legacyWeights(group: Hdf5Group): readonly KerasTensor[] {
  const tensors: KerasTensor[] = [];
  const layers = [...(splitTexts(group, "layer_names") ?? [])];
  // Weights that a model has beside its layers.
  if (group.names().includes(topLevel) && !layers.includes(topLevel)) layers.push(topLevel);
  for (const layer of layers) {
    const found = walk(group, layer);
    ensure(found?.kind === "group", `its layer ${quote(layer)} is not in it`);
    const weights = splitTexts(found, "weight_names");
    ensure(weights, `its layer ${quote(layer)} has no weight_names`);
    for (const weight of weights) {
      const dataset = walk(found, weight);
      ensure(dataset?.kind === "dataset", `${quote(weight)} of its layer ${quote(layer)} is not in it`);
      tensors.push({ name: nameOf(layer, weight), dataset });
    }
  }
  return tensors;
}

const topLevel = "top_level_model_weights";

/** An attribute that is longer than HDF5 takes is cut: layer_names0, layer_names1, … */
function splitTexts(group: Hdf5Group, name: string): readonly string[] | undefined {
  const whole = group.texts(name);
  if (whole) return whole;
  const parts: string[] = [];
  for (let i = 0; ; i++) {
    const part = group.texts(`${name}${i}`);
    if (!part) return i > 0 ? parts : undefined;
    parts.push(...part);
  }
}

/** What a path leads to, one step after another. */
function walk(from: Hdf5Group, path: string): Hdf5Group | Hdf5Dataset | undefined {
  let at: Hdf5Group | Hdf5Dataset | undefined = from;
  for (const step of path.split("/")) {
    if (at?.kind !== "group") return undefined;
    at = step === "" || step === "." ? undefined : at.get(step);
  }
  return at;
}

/** `:0` is TensorFlow's; the layer's name may stand in the weight's name once, twice or, numbered, as a scope. */
function nameOf(layer: string, weight: string): string {
  const plain = weight.replace(/:\d+$/, "");
  if (layer === topLevel) return plain;
  const scope = plain.slice(0, plain.lastIndexOf("/") + 1);
  const numbered = scope.startsWith(`${layer}_`) && /^\d+\/$/.test(scope.slice(layer.length + 1));
  let name = plain.startsWith(`${layer}/`)
    ? plain
    : `${layer}/${numbered ? plain.slice(scope.length) : plain}`;
  while (name.startsWith(`${layer}/${layer}/`)) name = name.slice(layer.length + 1);
  return name;
}
