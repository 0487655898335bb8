/**
 * Keras 3's .weights.h5, on its own and within a .keras. A weight is stored by its place in the model:
 *
 *     layers/conv2d_9/vars/0                        the tenth Conv2D in the model's list of layers, its kernel
 *     layers/functional/layers/conv2d/vars/0        the first Conv2D of a model within the model
 *     layers/dense/vars                             name = "predictions": newer versions of Keras
 *     optimizer/vars/0
 *
 * The rule: a class is counted (none, _1, _2, …) in the order of the model's list of layers, which for a
 * functional model is topological and not the order of creation. `vars/i` of Conv2D, DepthwiseConv2D and Dense are
 * kernel and bias, of BatchNormalization gamma, beta, moving_mean and moving_variance; gamma and beta may be absent,
 * which only a config can tell.
 *
 * A name becomes `conv2d_9/kernel`; where the group or the config of a .keras has the layer's own name, it becomes
 * `conv2_block1_1_conv/kernel`, behind the name of the model that the layer is in.
 */
import type { Hdf5Dataset, Hdf5Group } from "./hdf5.ts";
import { isRecord } from "./json.ts";
import type { KerasTensor, KerasTensors } from "./keras.ts";
import { ensure, quote } from "./unreadable.ts";

/** Where a model keeps its layers: Keras 3, and TensorFlow's Keras when it began to write .keras. */
const containers: readonly string[] = ["layers", "_layer_checkpoint_dependencies"];

/** What is no weight: what training continues with, and the state of random numbers. */
const isState = (path: readonly string[]): boolean =>
  path[0] === "optimizer" || path.at(-1) === "seed_generator" || path.at(-1) === "_seed_generator";

/** Groups may contain each other in a damaged file; no model has as many layers, or as deep. */
const limits = { groups: 20_000, depth: 24 } as const;

export const optimiserLeftOut = "beside the weights: the state of an optimiser, which was left out";

interface StoredLayer {
  readonly path: readonly string[];
  readonly vars: Hdf5Group;
}

/** Whether this is such a file; `vars` may be empty, but is there. */
export const holdsVariables = (root: Hdf5Group): boolean =>
  [...containers, "vars"].some((name) => root.names().includes(name));

export function kerasWeights(root: Hdf5Group, config: unknown): KerasTensors {
  const described = describeLayers(config);
  const stored: StoredLayer[] = [];
  collectLayers(root, [], stored, { groups: 0 });
  const withVariables = stored.filter(({ vars }) => vars.names().length > 0);
  const layers = withVariables.filter(({ path }) => !isState(path));
  const names = new Map(stored.map(({ path, vars }) => [path.join("/"), vars.texts("name")?.[0]]));
  const unnamed: string[] = [];
  const tensors = inOrder(layers, described).flatMap(({ path, vars }): KerasTensor[] => {
    const own = described.get(keyOf(path));
    const steps = path.flatMap((step, i): string[] => {
      if (containers.includes(step) && i < path.length - 1) return [];
      const upTo = path.slice(0, i + 1);
      const name = described.get(keyOf(upTo))?.name ?? names.get(upTo.join("/"));
      if (name === undefined && i === path.length - 1) unnamed.push(step);
      return [name ?? step];
    });
    return variablesOf(path.at(-1) ?? "", vars, own).map(({ name, dataset }) => ({
      name: [...steps, name].join("/"),
      dataset,
    }));
  });
  const notes: string[] = [];
  const counted = unnamed.findLast((step) => /_\d+$/.test(step)) ?? unnamed.at(0);
  if (counted !== undefined) {
    notes.push(
      `names: this .weights.h5 has none, \`${counted}\` is ${countOf(counted)} of its class in the model's list of layers`,
    );
  }
  if (withVariables.some(({ path }) => path[0] === "optimizer")) notes.push(optimiserLeftOut);
  return { tensors, notes };
}

function collectLayers(
  group: Hdf5Group,
  path: readonly string[],
  found: StoredLayer[],
  count: { groups: number },
): void {
  count.groups++;
  ensure(count.groups <= limits.groups, `it has more than ${limits.groups} groups`);
  ensure(path.length <= limits.depth, `its groups are nested ${path.length} deep`);
  for (const name of group.names()) {
    const child = group.get(name);
    if (child?.kind !== "group") continue;
    if (name === "vars") found.push({ path, vars: child });
    else collectLayers(child, [...path, name], found, count);
  }
}

// ---- order ----------------------------------------------------------------------------------------

/** The order of the config; without one, classes by their names and layers of a class by their counters. */
function inOrder(
  layers: readonly StoredLayer[],
  described: ReadonlyMap<string, DescribedLayer>,
): readonly StoredLayer[] {
  const place = new Map([...described.keys()].map((key, i) => [key, i]));
  const placeOf = ({ path }: StoredLayer) => place.get(keyOf(path)) ?? Number.MAX_SAFE_INTEGER;
  return layers.toSorted((a, b) => placeOf(a) - placeOf(b) || compare(a.path, b.path));
}

function compare(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [splitCounter(a[i]), splitCounter(b[i])];
    if (x.base !== y.base) return x.base < y.base ? -1 : 1;
    if (x.count !== y.count) return x.count - y.count;
  }
  return a.length - b.length;
}

interface Counted {
  readonly base: string;
  readonly count: number;
}

/** `conv2d` is the first, `conv2d_1` the second of its class. */
function splitCounter(step: string): Counted {
  const found = /^(.+)_(\d{1,9})$/.exec(step);
  return found ? { base: found[1], count: Number(found[2]) } : { base: step, count: 0 };
}

const countOf = (step: string): string => `number ${splitCounter(step).count + 1}`;

// ---- variables ------------------------------------------------------------------------------------

const kernelAndBias: readonly string[] = ["kernel", "bias"];
const separable: readonly string[] = ["depthwise_kernel", "pointwise_kernel", "bias"];
const normalization: readonly string[] = ["gamma", "beta", "moving_mean", "moving_variance"];

/** The variables of a class in the order in which its layers store them. */
const variables: Readonly<Record<string, readonly string[]>> = {
  conv1d: kernelAndBias,
  conv2d: kernelAndBias,
  conv3d: kernelAndBias,
  conv2d_transpose: kernelAndBias,
  depthwise_conv1d: kernelAndBias,
  depthwise_conv2d: kernelAndBias,
  separable_conv1d: separable,
  separable_conv2d: separable,
  dense: kernelAndBias,
  batch_normalization: normalization,
  sync_batch_normalization: normalization,
  layer_normalization: ["gamma", "beta"],
  group_normalization: ["gamma", "beta"],
  p_re_lu: ["alpha"],
};

interface Variable {
  readonly name: string;
  readonly dataset: Hdf5Dataset;
}

function variablesOf(step: string, vars: Hdf5Group, own: DescribedLayer | undefined): Variable[] {
  const keys = vars.names().toSorted((a, b) => (Number(a) || 0) - (Number(b) || 0));
  const known = namesOf(own?.class ?? splitCounter(step).base, keys.length, own);
  return keys.map((key) => {
    const dataset = vars.get(key);
    ensure(dataset?.kind === "dataset", `${quote(key)} among the variables of ${quote(step)} is no dataset`);
    return { name: known?.[Number(key)] ?? (/^\d+$/.test(key) ? `vars/${key}` : key), dataset };
  });
}

/** Undefined where the number of variables does not say which they are. */
function namesOf(of: string, count: number, own: DescribedLayer | undefined): readonly string[] | undefined {
  if (!Object.hasOwn(variables, of)) return undefined;
  const all = variables[of];
  const present = own ? all.filter((name) => !own.absent.has(name)) : all;
  if (count === present.length) return present;
  if (count === all.length - 1 && all.at(-1) === "bias") return all;
  return all === normalization && count === 2 ? all.slice(2) : undefined;
}

// ---- config.json ----------------------------------------------------------------------------------

interface DescribedLayer {
  readonly name: string;
  /** As groups call it: `batch_normalization`. */
  readonly class: string;
  readonly absent: ReadonlySet<string>;
}

/** What the config of a .keras says of each layer, in order, by the path of its group. */
function describeLayers(config: unknown): ReadonlyMap<string, DescribedLayer> {
  const found = new Map<string, DescribedLayer>();
  if (isRecord(config)) describeModel(config.config, [], found);
  return found;
}

function describeModel(model: unknown, path: readonly string[], found: Map<string, DescribedLayer>): void {
  if (!isRecord(model) || !Array.isArray(model.layers) || path.length > limits.depth) return;
  const used = new Map<string, number>();
  for (const layer of model.layers) {
    if (!isRecord(layer) || typeof layer.class_name !== "string" || !isRecord(layer.config)) continue;
    // The operations of a functional model stand among its layers, but are none.
    if (/^keras\.(src\.)?ops\b/.test(String(layer.module))) continue;
    const name = layer.config.name ?? layer.name;
    const of = snakeCase(layer.class_name);
    const count = used.get(of) ?? 0;
    used.set(of, count + 1);
    const steps = [...path, "layers", count === 0 ? of : `${of}_${count}`];
    if (typeof name === "string")
      found.set(keyOf(steps), { name, class: of, absent: absentFrom(layer.config) });
    describeModel(layer.config, steps, found);
  }
}

function absentFrom({
  scale,
  center,
  use_bias: bias,
}: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const absent = new Set<string>();
  if (scale === false) absent.add("gamma");
  if (center === false) absent.add("beta");
  if (bias === false) absent.add("bias");
  return absent;
}

const keyOf = (path: readonly string[]): string =>
  path.map((step) => (containers.includes(step) ? "layers" : step)).join("/");

/** As Keras makes names of groups from names of classes: BatchNormalization, batch_normalization. */
const snakeCase = (name: string): string =>
  name
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
