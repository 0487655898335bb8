/** What a net is made of, as people compare it: stages, their blocks, and in each the layers of the main way and the shortcut. */
import { layOut } from "../draw/layout.ts";
import { type Shortcut, shortcutOf } from "../draw/shortcuts.ts";
import { stageOf } from "../draw/stages.ts";
import { type Step, stepsOf } from "../draw/steps.ts";
import type { Graph } from "../ir/graph.ts";
import { showMap } from "../ir/tensor.ts";

export interface Layer {
  /** "conv 3x3, 64, 32 groups", without the stride. */
  readonly label: string;
  readonly stride: number;
  /** "bn relu": what follows in the same step. */
  readonly extras: string;
}

export interface Block {
  readonly layers: readonly Layer[];
  /** Round this block; none of a plain one. */
  readonly shortcut: Shortcut | "none" | "other";
  readonly shortcutLayers: readonly Layer[];
}

export interface StageOutline {
  readonly name: string;
  /** "56x56x256": what it makes. */
  readonly shape: string;
  readonly params: number;
  readonly macs: number;
  readonly blocks: readonly Block[];
}

export function outlineOf(graph: Graph): readonly StageOutline[] {
  const steps = stepsOf(graph);
  const { tracks } = layOut(steps);
  const aside = new Set(tracks.flatMap(({ boxes }) => boxes.map(({ step }) => step)));
  const shortcuts = new Map<Step, Pick<Block, "shortcut" | "shortcutLayers">>();
  for (const { from, to, boxes, returns, isLateral } of tracks) {
    if (!returns || isLateral || !to.step.adds) continue;
    const between = boxes.map(({ step }) => step);
    const kind = shortcutOf(from.step, to.step, between) ?? "other";
    shortcuts.set(to.step, { shortcut: kind, shortcutLayers: between.map(layerOf) });
  }
  const stages = new Map<string, { steps: Step[]; blocks: Map<string, Step[]> }>();
  for (const step of steps) {
    const place = stageOf(step);
    if (!place) continue;
    const stage = stages.get(place.name) ?? { steps: [], blocks: new Map<string, Step[]>() };
    stages.set(place.name, stage);
    stage.steps.push(step);
    const key = place.block ?? "";
    stage.blocks.set(key, [...(stage.blocks.get(key) ?? []), step]);
  }
  return [...stages].map(([name, stage]) => ({
    name,
    shape: showMap(stage.steps[stage.steps.length - 1].shape),
    params: stage.steps.reduce((sum, { params }) => sum + params, 0),
    macs: stage.steps.reduce((sum, { macs }) => sum + macs, 0),
    blocks: [...stage.blocks.values()].map((own) => blockOf(own, aside, shortcuts)),
  }));
}

function blockOf(
  steps: readonly Step[],
  aside: ReadonlySet<Step>,
  shortcuts: ReadonlyMap<Step, Pick<Block, "shortcut" | "shortcutLayers">>,
): Block {
  const own = steps.filter((step) => !aside.has(step));
  const sum = own.find((step) => shortcuts.has(step));
  const layers: Layer[] = [];
  for (const step of own) {
    const before = layers.pop();
    if (step.kind !== "sum" && step.kind !== "product")
      layers.push(...(before ? [before] : []), layerOf(step));
    // What follows a sum follows the layer before it in a plain net: with and without a shortcut layers are alike.
    else if (before)
      layers.push({ ...before, extras: [before.extras, ...step.extras].filter(Boolean).join(" ") });
  }
  return { layers, ...(sum ? shortcuts.get(sum)! : { shortcut: "none", shortcutLayers: [] }) };
}

function layerOf({ label, extras }: Step): Layer {
  const [, name, stride] = /^(.*?)(?: \/(\d+))?$/.exec(label)!;
  return { label: name, stride: Number(stride ?? 1), extras: extras.join(" ") };
}
