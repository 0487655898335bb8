/** What differs between two nets, in words and counts. Stages are matched by their names, else by their places. */
import { brief } from "../base/show-number.ts";
import type { AnalysedNet } from "../compile.ts";
import { isOp } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import { countGraph, depthOf } from "../ir/stats.ts";
import { showMap } from "../ir/tensor.ts";
import { type Block, type Layer, outlineOf, type StageOutline } from "./outline.ts";

/** One stage of either net; the other is absent where it has none. */
export interface StagePair {
  readonly before?: StageOutline;
  readonly after?: StageOutline;
}

export interface NetDiff {
  /** The most telling first; empty of nets that compute the same in the same way. */
  readonly words: readonly string[];
  readonly stages: readonly StagePair[];
  readonly totals: { readonly before: Totals; readonly after: Totals };
}

export interface Totals {
  readonly params: number;
  readonly macs: number;
  readonly depth: number;
}

export function diffNets(before: AnalysedNet, after: AnalysedNet): NetDiff {
  const stages = pairs(outlineOf(before.graph), outlineOf(after.graph));
  const totals = { before: totalsOf(before), after: totalsOf(after) };
  const blocks = blockWords(stages);
  return {
    words: [...knownAs(stages), ...inputWords(before, after), ...stages.flatMap(stageWords), ...blocks],
    stages,
    totals,
  };
}

function totalsOf({ graph }: AnalysedNet): Totals {
  const { params, macs } = countGraph(graph);
  return { params, macs, depth: depthOf(graph) };
}

function pairs(before: readonly StageOutline[], after: readonly StageOutline[]): readonly StagePair[] {
  const names = new Set(after.map(({ name }) => name));
  const isNamed = before.some(({ name }) => names.has(name));
  if (!isNamed && before.length === after.length)
    return before.map((stage, i) => ({ before: stage, after: after[i] }));
  const known = new Map(before.map((stage) => [stage.name, stage]));
  const found: StagePair[] = [];
  let next = 0;
  for (const stage of after) {
    const other = known.get(stage.name);
    // What only the first has stands where it stood.
    while (other && before[next] !== other && next < before.length) {
      if (!names.has(before[next].name)) found.push({ before: before[next] });
      next++;
    }
    if (other) next = before.indexOf(other) + 1;
    found.push(other ? { before: other, after: stage } : { after: stage });
  }
  const rest = before.slice(next).filter(({ name }) => !names.has(name));
  return [...found, ...rest.map((stage) => ({ before: stage }))];
}

// ---- words --------------------------------------------------------------------------------------

function inputWords(before: AnalysedNet, after: AnalysedNet): string[] {
  const [a, b] = [before, after].map(({ graph }) => graph.nodes.filter((node) => isOp(node, ops.input)));
  if (a.length !== b.length) return [`inputs: ${a.length} → ${b.length}`];
  return a.flatMap((node, i) => {
    const words: string[] = [];
    const [from, to] = [node, b[i]].map(({ type }) => showMap(type.shape));
    if (from !== to) words.push(`${node.name}: ${from} → ${to}`);
    const [p, q] = [node.attrs.preprocess, b[i].attrs.preprocess];
    for (const key of ["mean", "std", "range", "order", "resize", "filter", "labels"] as const) {
      const [x, y] = [p, q].map((how) => (how ? String(how[key] ?? "") || "none" : "none"));
      if (x !== y) words.push(`${node.name}: ${key} ${x} → ${y}`);
    }
    return words;
  });
}

function stageWords({ before, after }: StagePair): string[] {
  const costs = (params: number) => (params === 0 ? "" : `, ${signed(params)} params`);
  if (!before) return [`${after!.name} is new: ${after!.shape}${costs(after!.params)}`];
  if (!after) return [`${before.name} is gone${costs(-before.params)}`];
  const parts: string[] = [];
  const [a, b] = [before.blocks.length, after.blocks.length];
  if (a !== b) parts.push(`${a} → ${b} blocks`);
  if (before.shape !== after.shape) parts.push(`${before.shape} → ${after.shape}`);
  const changes = [
    ...(before.params === after.params ? [] : [`${signed(after.params - before.params)} params`]),
    ...(before.macs === after.macs ? [] : [`${signed(after.macs - before.macs)} MACs`]),
  ];
  const name = before.name === after.name ? before.name : `${before.name}, now ${after.name}`;
  return parts.length + changes.length > 0 ? [`${name}: ${[...parts, ...changes].join(", ")}`] : [];
}

/** What changed within blocks, each thing once with the places where it did. */
function blockWords(stages: readonly StagePair[]): string[] {
  const places = new Map<string, string[]>();
  for (const { before, after } of stages) {
    if (!before || !after) continue;
    for (const [place, a, b] of blockPairs(before, after)) {
      for (const words of changes(a, b)) places.set(words, [...(places.get(words) ?? []), place]);
    }
  }
  return [...places].map(([words, found]) => `${inPlaces(found)}: ${words}`);
}

/** First blocks and others: those in between are like their neighbours. */
function blockPairs(
  { name, blocks: a }: StageOutline,
  { blocks: b }: StageOutline,
): readonly (readonly [place: string, before: Block, after: Block])[] {
  if (a.length === 1 && b.length === 1) return [[name, a[0], b[0]]];
  const first = [`first\n${name}`, a[0], b[0]] as const;
  if (a.length < 2 || b.length < 2) return [first];
  const others = [`other\n${name}`, a[1], b[1]] as const;
  const isSame = changes(a[0], b[0]).join() === changes(a[1], b[1]).join();
  return isSame ? [[`all\n${name}`, a[0], b[0]]] : [first, others];
}

/** "first blocks of conv3, conv4 and conv5; conv2". */
function inPlaces(places: readonly string[]): string {
  const groups = new Map<string, string[]>();
  for (const place of places) {
    const [name, kind] = place.split("\n").reverse();
    groups.set(kind ?? "", [...(groups.get(kind ?? "") ?? []), name]);
  }
  const [firsts, others] = [groups.get("first") ?? [], groups.get("other") ?? []];
  const whole = firsts.filter((name) => others.includes(name));
  if (whole.length > 0) {
    const rest = (names: readonly string[]) => names.filter((name) => !whole.includes(name));
    groups
      .set("all", [...(groups.get("all") ?? []), ...whole])
      .set("first", rest(firsts))
      .set("other", rest(others));
  }
  const heads: Readonly<Record<string, string>> = {
    first: "first block of ",
    other: "other blocks of ",
    all: "blocks of ",
    "": "",
  };
  return [...groups]
    .filter(([, names]) => names.length > 0)
    .map(([kind, names]) => {
      const head = kind === "first" && names.length > 1 ? "first blocks of " : heads[kind];
      return `${head}${listed(names)}`;
    })
    .join("; ");
}

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;

const shortcutNames: Readonly<Record<Block["shortcut"], string>> = {
  none: "none",
  other: "another way",
  identity: "identity",
  A: "zeros (option A)",
  B: "projection (option B)",
  C: "projection of the same shape (option C)",
  D: "average and projection (ResNet-D)",
};

function changes(a: Block, b: Block): readonly string[] {
  const shortcut =
    a.shortcut === b.shortcut ? [] : [`shortcut ${shortcutNames[a.shortcut]} → ${shortcutNames[b.shortcut]}`];
  const side = a.shortcut === b.shortcut ? layerChanges(a.shortcutLayers, b.shortcutLayers, "shortcut ") : [];
  return [...layerChanges(a.layers, b.layers, ""), ...shortcut, ...side];
}

function layerChanges(a: readonly Layer[], b: readonly Layer[], head: string): string[] {
  const text = (layer: Layer) => [withStride(layer), layer.extras].filter((part) => part).join(" ");
  if (a.length !== b.length) {
    if (a.map(text).join() === b.map(text).join()) return [];
    return [`${head}${listOr(a.map(text))} → ${listOr(b.map(text))}`];
  }
  const sameLabels = a.every(({ label }, i) => label === b[i].label);
  const strides = a.flatMap((layer, i) => (layer.stride === b[i].stride ? [] : [i]));
  if (sameLabels && strides.length === 2) {
    const [from, to] = a[strides[0]].stride > b[strides[0]].stride ? strides : [strides[1], strides[0]];
    const moved = [`${head}stride ${a[from].stride} moves from ${kernelOf(a[from])} to ${kernelOf(a[to])}`];
    return [...moved, ...extraChanges(a, b, head)];
  }
  const words = a.flatMap((layer, i) => {
    const [x, y] = [withStride(layer), withStride(b[i])];
    return x === y ? [] : [`${head}${x} → ${y}`];
  });
  return [...words, ...extraChanges(a, b, head)];
}

/** The same word for all layers is said once. */
function extraChanges(a: readonly Layer[], b: readonly Layer[], head: string): string[] {
  const found = a.flatMap(({ extras }, i) =>
    extras === b[i].extras
      ? []
      : [`${head}${extras || "nothing"} → ${b[i].extras || "nothing"} behind ${a[i].label}`],
  );
  const [x, y] = [a, b].map((layers) =>
    [...new Set(layers.flatMap(({ extras }) => extras.split(" ")))].filter(Boolean),
  );
  const [gone, added] = [x.filter((word) => !y.includes(word)), y.filter((word) => !x.includes(word))];
  const isSwap = gone.length === 1 && added.length === 1;
  const swapped = (extras: string) =>
    extras
      .split(" ")
      .map((word) => (word === gone[0] ? added[0] : word))
      .join(" ");
  if (isSwap && a.every(({ extras }, i) => swapped(extras) === b[i].extras))
    return [`${head}${gone[0]} → ${added[0]}`];
  return found;
}

const withStride = ({ label, stride }: Layer): string => (stride > 1 ? `${label} /${stride}` : label);
const kernelOf = ({ label }: Layer): string => /\d+x\d+/.exec(label)?.[0] ?? label;
const listOr = (words: readonly string[]): string => (words.length > 0 ? words.join(", ") : "nothing");

// ---- known changes ------------------------------------------------------------------------------

/** What the field calls such a change. */
function knownAs(stages: readonly StagePair[]): string[] {
  const both = stages.flatMap(({ before, after }) => (before && after ? [[before, after] as const] : []));
  const found: string[] = [];
  const strided = both.flatMap(([{ blocks: a }, { blocks: b }]) =>
    isBottleneck(a[0]) && isBottleneck(b[0]) ? [[a[0], b[0]] as const] : [],
  );
  const places = strided.map(([a, b]) => [strideOf(a), strideOf(b)].join());
  const moved = places.filter((place) => place !== "none,none");
  const all = (wanted: string) => moved.length > 0 && moved.every((place) => place === wanted);
  if (all("1x1,3x3")) found.push("ResNet v1 → v1.5: bottlenecks stride in the 3x3 instead of the first 1x1");
  if (all("3x3,1x1")) found.push("ResNet v1.5 → v1: bottlenecks stride in the first 1x1 instead of the 3x3");
  const residual = (side: 0 | 1) =>
    both
      .map((pair) => pair[side].blocks)
      .filter((blocks) => blocks.length > 1 || blocks[0].shortcut !== "none");
  const isPlain = (side: 0 | 1) =>
    residual(side).every((blocks) => blocks.every(({ shortcut }) => shortcut === "none"));
  if (isPlain(0) && !isPlain(1)) found.push("a plain net → a residual one");
  if (!isPlain(0) && isPlain(1)) found.push("a residual net → a plain one");
  const isPre = (side: 0 | 1) => residual(side).some((blocks) => startsWithNorm(blocks[blocks.length - 1]));
  if (!isPre(0) && isPre(1))
    found.push("v1 → v2: norm and activation come before the convolutions (pre-activation)");
  if (isPre(0) && !isPre(1)) found.push("v2 → v1: norm and activation come behind the convolutions");
  return found;
}

const isBottleneck = ({ layers }: Block): boolean =>
  layers
    .filter(({ label }) => label.startsWith("conv"))
    .map(kernelOf)
    .join() === "1x1,3x3,1x1";

/** The kernel that strides, or "none". */
const strideOf = ({ layers }: Block): string => {
  const found = layers.find(({ stride }) => stride > 1);
  return found ? kernelOf(found) : "none";
};

const startsWithNorm = ({ layers: [first], shortcut }: Block): boolean =>
  shortcut !== "none" && first !== undefined && /^(bn|groupnorm|ln|affine|batchNorm)/.test(first.label);

// ---- numbers ------------------------------------------------------------------------------------

/** +35.6 M, -1.2 k. */
export const signed = (value: number): string => `${value < 0 ? "-" : "+"}${brief(Math.abs(value))}`;
