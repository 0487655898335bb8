/**
 * Finds the weights in what a pickle held. A state dict maps names to tensors; training scripts wrap it:
 * {"state_dict": {…}, "optimizer": {…}, "epoch": 90}. Which part was taken is said in a note.
 */
import type { CheckpointTensor } from "./checkpoint.ts";
import { isArray } from "./numpy-globals.ts";
import { type Budget, isKind, kindOf, type PyDict, type Value } from "./pickle-values.ts";
import { isTensor, readTensor, type TorchTensor } from "./torch-tensor.ts";
import { ensure, quote, Unreadable } from "./unreadable.ts";

/** Where training scripts put the weights, the likeliest first. Averaged weights (ema) come after the plain ones. */
const wrappers = [
  "state_dict",
  "model_state_dict",
  "model",
  "net",
  "network",
  "module",
  "weights",
  "params",
  "model_state",
  "net_state_dict",
  "state_dict_ema",
  "model_ema",
  "ema_state_dict",
  "ema",
  "params_ema",
];

/** What is beside the weights and holds tensors of its own. */
const training = /optim|sched|scaler|criterion|loss|momentum|buffer_avg|rng/i;

/** Deeper than this nobody puts weights. */
const maxDepth = 4;

export interface StateDict {
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly notes: readonly string[];
}

export function findStateDict(value: Value): StateDict {
  if (!isKind(value, "dict")) throw new Unreadable(`it holds ${article(kindOf(value))}, no state dict`);
  const found = unwrap(value, [], new Set(), searchBudget());
  if (!found) throw new Unreadable("it holds no state dict: nothing in it maps names to tensors");
  const { path, entries, others } = found;
  const notes: string[] = [];
  if (path.length > 0) {
    const beside = others.length > 0 ? `; beside it: ${others.slice(0, 6).map(quote).join(", ")}` : "";
    notes.push(`weights: \`${path.join(".")}\` of the checkpoint was taken${beside}`);
  }
  const tensors = new Map<string, CheckpointTensor>();
  for (const [name, tensor] of entries) {
    tensors.set(name, { name, shape: tensor.shape, dtype: tensor.element, read: () => readTensor(tensor) });
  }
  return { tensors, notes };
}

interface Found {
  readonly path: readonly string[];
  readonly entries: ReadonlyMap<string, TorchTensor>;
  /** What else stood beside what was taken. */
  readonly others: readonly string[];
}

/** What looking at an entry costs, in letters of a name that is put together. */
const entryCost = 4;

/** Dicts in dicts may name a tensor in thousands of ways, each as long as the file. */
function searchBudget(): Budget {
  let left = 20_000_000;
  return {
    spend(units) {
      left -= units;
      ensure(left >= 0, "it nests dicts in dicts so often that the weights cannot be looked for");
    },
  };
}

/** `seen` keeps a dict that contains itself, or one entry a thousand times, from being searched again. */
function unwrap(
  value: PyDict,
  path: readonly string[],
  seen: Set<PyDict>,
  budget: Budget,
): Found | undefined {
  seen.add(value);
  const named = textEntries(value, budget);
  const direct = tensorsOf(named);
  for (const wrapper of path.length < maxDepth ? wrappers : []) {
    const inner = named.get(wrapper);
    const found =
      isKind(inner, "dict") && !seen.has(inner) ? unwrap(inner, [...path, wrapper], seen, budget) : undefined;
    // A tensor or two beside a wrapper are the script's own, such as the state of a random generator.
    if (!found || found.entries.size < direct.size) continue;
    const others = [...named.keys()].filter((name) => name !== wrapper);
    return { ...found, others: found.path.length > path.length + 1 ? found.others : others };
  }
  if (direct.size > 0) return { path, entries: direct, others: [] };
  const nested = partsOf(named, new Set([value]), maxDepth, budget);
  return nested.size > 0 ? { path, entries: nested, others: [] } : undefined;
}

/** A dict of state dicts, {"backbone": {…}, "head": {…}}, counts as one with prefixes. */
function partsOf(
  named: ReadonlyMap<string, Value>,
  seen: Set<PyDict>,
  depth: number,
  budget: Budget,
): Map<string, TorchTensor> {
  const all = new Map<string, TorchTensor>();
  const add = (name: string, tensor: TorchTensor): void => {
    budget.spend(name.length);
    ensure(!all.has(name), `it has two tensors called ${quote(name)}`);
    all.set(name, tensor);
  };
  for (const [part, value] of named) {
    if (!isKind(value, "dict") || training.test(part) || seen.has(value)) continue;
    seen.add(value);
    const inner = textEntries(value, budget);
    for (const [name, tensor] of tensorsOf(inner)) add(`${part}.${name}`, tensor);
    if (depth > 1)
      for (const [name, tensor] of partsOf(inner, seen, depth - 1, budget)) add(`${part}.${name}`, tensor);
  }
  return all;
}

function textEntries(value: PyDict, budget: Budget): Map<string, Value> {
  budget.spend(entryCost * value.entries.size);
  const named = new Map<string, Value>();
  for (const [key, entry] of value.entries) if (typeof key === "string") named.set(key, entry);
  return named;
}

function tensorsOf(named: ReadonlyMap<string, Value>): Map<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  for (const [name, value] of named) {
    const tensor = isArray(value) ? value.tensor : value;
    if (isTensor(tensor)) tensors.set(name, tensor);
  }
  return tensors;
}

const article = (kind: string): string =>
  kind === "None" || kind === "text" || kind === "bytes"
    ? kind
    : `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;
