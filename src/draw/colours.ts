/** How boxes are coloured: by the size of their maps, or by a share of what the network costs. */
import { brief } from "../base/show-number.ts";
import { showMap } from "../ir/tensor.ts";
import type { Step } from "./steps.ts";

export const colourings = ["map", "params", "macs", "bytes", "ms"] as const;
export type Colouring = (typeof colourings)[number];

export const colouringWords: Readonly<Record<Colouring, string>> = {
  map: "size of the map",
  params: "parameters",
  macs: "multiply-adds",
  bytes: "bytes read of weights and written of maps",
  ms: "milliseconds",
};

/** Milliseconds by the names of operations, where they were measured. */
export type Times = ReadonlyMap<string, number>;

export interface Swatch {
  readonly colour: string;
  readonly words: string;
}

export interface Painter {
  /** The class of a box. */
  colourOf(step: Step): string;
  /** What stands in the legend. */
  readonly swatches: readonly Swatch[];
}

/** Open-color's shades, by how often the resolution was halved; then of a vector, then of costs from little to much. */
const halvings = [
  ["#e7f5ff", "#339af0"],
  ["#e3fafc", "#22b8cf"],
  ["#ebfbee", "#51cf66"],
  ["#fff9db", "#fcc419"],
  ["#fff4e6", "#ff922b"],
  ["#fff0f6", "#f06595"],
  ["#f3f0ff", "#845ef7"],
] as const;
const heat = ["#fff8f0", "#ffe8cc", "#ffd8a8", "#ffc078", "#ffa94d", "#ff922b", "#fd7e14"] as const;

const darkHalvings = [
  ["#10283d", "#339af0"],
  ["#0d2f35", "#22b8cf"],
  ["#12301a", "#51cf66"],
  ["#332b08", "#fcc419"],
  ["#38220c", "#ff922b"],
  ["#3a1424", "#f06595"],
  ["#241a45", "#9775fa"],
] as const;
const darkHeat = ["#1d1a16", "#2f2413", "#443012", "#5b3d10", "#744a0e", "#8d570c", "#a8640a"] as const;

/** Small words are as dark as the others on the strong shades, or they could not be read. */
const rules = (
  maps: readonly (readonly [string, string])[],
  costs: readonly string[],
  line: string,
  vector: string,
  ink: string,
): string =>
  [
    ...maps.map(([fill, stroke], i) => `.m${i}{fill:${fill};stroke:${stroke}}`),
    `.mv{fill:${vector};stroke:#868e96}`,
    ...costs.map((fill, i) => `.h${i}{fill:${fill};stroke:${line}}`),
    `.h3~text .extra,.h4~text .extra,.h5~text .extra,.h6~text .extra{fill:${ink}}`,
  ].join("\n");

export const lightColours = rules(halvings, heat, "#d9a066", "#f1f3f5", "#212529");
export const darkColours = rules(darkHalvings, darkHeat, "#8a5a20", "#25282c", "#f1f3f5");

/** Of a step's cost; undefined where nothing was measured. */
export function costOf(
  { names, params, macs, bytes }: Step,
  by: Colouring,
  times?: Times,
): number | undefined {
  if (by === "params") return params;
  if (by === "macs") return macs;
  if (by === "bytes") return bytes;
  const known = names.flatMap((name) => times?.get(name) ?? []);
  return known.length > 0 ? known.reduce((a, b) => a + b, 0) : undefined;
}

export function painter(steps: readonly Step[], by: Colouring, times?: Times): Painter {
  return by === "map" ? mapPainter(steps) : costPainter(steps, by, times);
}

function mapPainter(steps: readonly Step[]): Painter {
  const largest = Math.max(1, ...steps.filter(({ kind }) => kind === "input").map(({ shape }) => shape[1]));
  const colourOf = ({ shape: [, h, w] }: Step) => {
    if (h === 1 && w === 1) return "mv";
    return `m${Math.min(Math.max(0, Math.round(Math.log2(largest / h))), halvings.length - 1)}`;
  };
  const swatches = new Map<string, string>();
  for (const step of steps.filter(({ kind }) => kind === "layer")) {
    const colour = colourOf(step);
    const [, h, w] = step.shape;
    if (!swatches.has(colour)) swatches.set(colour, colour === "mv" ? "vector" : `${h}x${w}`);
  }
  return { colourOf, swatches: [...swatches].map(([colour, words]) => ({ colour, words })) };
}

/** Seven shades, each for twice what the one before is for. */
function costPainter(steps: readonly Step[], by: Colouring, times?: Times): Painter {
  const most = Math.max(0, ...steps.map((step) => costOf(step, by, times) ?? 0));
  const last = heat.length - 1;
  const shadeOf = (cost: number) =>
    cost <= 0 ? 0 : Math.min(last, Math.max(0, last + Math.ceil(Math.log2(cost / most) - 1e-9)));
  return {
    colourOf: (step) => `h${shadeOf(costOf(step, by, times) ?? 0)}`,
    swatches: [0, 2, 4, 6].map((shade) => ({
      colour: `h${shade}`,
      words: `${shade === last ? "" : "to "}${amount(most / 2 ** (last - shade), by)}`,
    })),
  };
}

/** 25.6 M, 4.09 G, 1.2 MB, 0.31 ms: three digits. */
export function amount(value: number, by: Colouring): string {
  if (by === "ms") return `${Number(value.toPrecision(2))} ms`;
  const words = brief(value);
  if (by !== "bytes") return words;
  return words.includes(" ") ? `${words}B` : `${words} bytes`;
}

/** What is said of a box when one asks. */
export function about(step: Step, times?: Times): string {
  const { names, shape, params, macs } = step;
  const ms = costOf(step, "ms", times);
  const facts = [
    ...(params > 0 ? [`${amount(params, "params")} parameters`] : []),
    ...(macs > 0 ? [`${amount(macs, "macs")} multiply-adds`] : []),
    ...(ms === undefined ? [] : [amount(ms, "ms")]),
  ];
  return [...names, showMap(shape), ...facts].join("\n");
}
