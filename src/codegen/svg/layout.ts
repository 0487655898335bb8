/**
 * Steps ──► places. The spine runs down at x = 0, a row a step. Branches that meet in a concat stand side by side
 * around it; every other chain, and every skip, gets a track beside what it passes.
 *
 *     rows                    ┌───┐ skip
 *       3          [ conv ] ──┘   │
 *       4          [ conv ]       │
 *       5             + ◄─────────┘
 */
import { type Chain, chainsOf, type Link } from "./chains.ts";
import { type Group, groupsOf, spread } from "./groups.ts";
import { rowsOf, type Verticals, verticals } from "./rows.ts";
import { heights, widthOf } from "./sizes.ts";
import { type Stage, stageOf } from "./stages.ts";
import type { Step } from "./steps.ts";
import { placeTracks } from "./tracks.ts";

export interface Box {
  readonly step: Step;
  readonly row: number;
  /** The middle. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A way through a track: from under a step to the side of a later one, or to the end of a chain. */
export interface Track {
  readonly from: Box;
  readonly to: Box;
  readonly x: number;
  /** The chain whose boxes stand on it; a skip has none. */
  readonly boxes: readonly Box[];
  /** Whether it comes back into `to` from the side; else it ends on top of it. */
  readonly returns: boolean;
}

export interface StagePlace extends Stage {
  readonly top: number;
  readonly bottom: number;
  /** The first row of each of its blocks. */
  readonly blocks: readonly { readonly name: string; readonly y: number }[];
  readonly last: Step;
}

export interface Layout {
  readonly boxes: readonly Box[];
  /** Straight down, or bent to the columns of a group. */
  readonly flows: readonly { readonly from: Box; readonly to: Box }[];
  readonly tracks: readonly Track[];
  readonly stages: readonly StagePlace[];
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
}

export function layOut(steps: readonly Step[]): Layout {
  const chains = chainsOf(steps);
  const groups = groupsOf(chains);
  const grouped = new Set(groups.flatMap(({ columns }) => columns));
  const sides = chains.sides.filter((chain) => !grouped.has(chain.steps));
  const rows = rowsOf(chains);
  const places = verticals(steps, chains.spine, rows, new Set(groups.map(({ fork }) => rows.get(fork)!)));
  const xs = new Map<Step, number>(steps.map((step) => [step, 0]));
  const widths = new Map<Step, number>(steps.map((step) => [step, widthOf(step)]));
  for (const group of groups) spread(group, xs, widths);
  const tracks = placeTracks({ chains, sides, rows, widths, xs });

  const boxes = new Map<Step, Box>();
  for (const step of steps) {
    const row = rows.get(step)!;
    const place = { x: xs.get(step)!, y: places.middles[row] };
    boxes.set(step, { step, row, ...place, width: widths.get(step)!, height: heights[step.kind] });
  }
  const box = (step: Step) => boxes.get(step)!;
  const trackOf = (way: Chain | Link): Track => describeTrack(way, tracks.xs.get(way)!, box);
  return {
    boxes: [...boxes.values()],
    flows: flowsOf(chains.spine, groups, box),
    tracks: [...sides, ...chains.skips].map(trackOf).filter(({ from, to }) => from !== to),
    stages: stagesOf(chains.spine, places, rows),
    left: tracks.left,
    right: tracks.right,
    bottom: places.bottom,
  };
}

function describeTrack(way: Chain | Link, x: number, box: (step: Step) => Box): Track {
  if (!("steps" in way)) return { from: box(way.from), to: box(way.to), x, boxes: [], returns: true };
  const { steps, fork, merge } = way;
  const boxes = steps.map(box);
  const from = fork ? box(fork) : boxes[0];
  return { from, to: merge ? box(merge) : boxes[boxes.length - 1], x, boxes, returns: merge !== undefined };
}

function flowsOf(
  spine: readonly Step[],
  groups: readonly Group[],
  box: (step: Step) => Box,
): Layout["flows"] {
  const between = (steps: readonly Step[]) =>
    steps.slice(1).map((to, i) => ({ from: box(steps[i]), to: box(to) }));
  const onSpine = new Set(spine);
  const columns = groups.flatMap(({ fork, merge, columns }) =>
    columns.filter(([first]) => !onSpine.has(first)).flatMap((column) => between([fork, ...column, merge])),
  );
  return [...between(spine), ...columns];
}

/** Runs of the spine under one label. */
function stagesOf(
  spine: readonly Step[],
  { tops, bottoms, middles }: Verticals,
  rows: ReadonlyMap<Step, number>,
) {
  const stages: (StagePlace & { bottom: number; last: Step; blocks: { name: string; y: number }[] })[] = [];
  for (const step of spine) {
    const stage = stageOf(step);
    const row = rows.get(step)!;
    const current = stages[stages.length - 1];
    if (!stage) continue;
    const isNew = current?.name !== stage.name || current.last !== spine[row - 1];
    const place = isNew ? { ...stage, top: tops[row], bottom: 0, blocks: [], last: step } : current;
    if (isNew) stages.push(place);
    if (stage.block !== undefined && place.blocks[place.blocks.length - 1]?.name !== stage.block) {
      place.blocks.push({ name: stage.block, y: middles[row] });
    }
    place.bottom = bottoms[row];
    place.last = step;
  }
  return stages;
}
