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
import { type Band, bandsOf, rowsOf, type Verticals, verticals } from "./rows.ts";
import { heightOf, widthOf } from "./sizes.ts";
import { stageOf } from "./stages.ts";
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
  /** Whether it passes maps smaller than where it ends: a lateral way, as of a pyramid, and no shortcut. */
  readonly isLateral: boolean;
}

export interface BandPlace {
  /** Of its stages; of one, unless each is a single row. */
  readonly names: readonly string[];
  readonly top: number;
  readonly bottom: number;
  /** From the top of the first row of each of its blocks to the bottom of the last. */
  readonly blocks: readonly BlockPlace[];
  readonly last: Step;
}

export interface BlockPlace {
  readonly name: string;
  readonly top: number;
  readonly bottom: number;
}

export interface Layout {
  readonly boxes: readonly Box[];
  /** Straight down, or bent to the columns of a group. */
  readonly flows: readonly { readonly from: Box; readonly to: Box }[];
  readonly tracks: readonly Track[];
  readonly bands: readonly BandPlace[];
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
  const bands = bandsOf(chains.spine);
  const forks = new Set(groups.map(({ fork }) => rows.get(fork)!));
  const places = verticals(steps, chains.spine, rows, forks, bands);
  const xs = new Map<Step, number>(steps.map((step) => [step, 0]));
  const widths = new Map<Step, number>(steps.map((step) => [step, widthOf(step)]));
  for (const group of groups) spread(group, xs, widths);
  const tracks = placeTracks({ chains, sides, rows, widths, xs });

  const boxes = new Map<Step, Box>();
  for (const step of steps) {
    const row = rows.get(step)!;
    const place = { x: xs.get(step)!, y: places.middles[row] };
    boxes.set(step, { step, row, ...place, width: widths.get(step)!, height: heightOf(step) });
  }
  const box = (step: Step) => boxes.get(step)!;
  const trackOf = (way: Chain | Link): Track => describeTrack(way, tracks.xs.get(way)!, box, chains.spine);
  return {
    boxes: [...boxes.values()],
    flows: flowsOf(chains.spine, groups, box),
    tracks: [...sides, ...chains.skips].map(trackOf).filter(({ from, to }) => from !== to),
    bands: bands.map((band, i) => placeBand(band, chains.spine, places, i)),
    left: tracks.left,
    right: tracks.right,
    bottom: places.bottom,
  };
}

function describeTrack(
  way: Chain | Link,
  x: number,
  box: (step: Step) => Box,
  spine: readonly Step[],
): Track {
  const steps = "steps" in way ? way.steps : [];
  const boxes = steps.map(box);
  const [start, end] = "steps" in way ? [way.fork, way.merge] : [way.from, way.to];
  const from = start ? box(start) : boxes[0];
  const to = end ? box(end) : boxes[boxes.length - 1];
  const isLateral = spine.slice(from.row + 1, to.row).some(({ shape }) => shape[1] < to.step.shape[1]);
  return { from, to, x, boxes, returns: end !== undefined, isLateral };
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

function placeBand(
  { names, first, last }: Band,
  spine: readonly Step[],
  { tops, bottoms, bands }: Verticals,
  i: number,
): BandPlace {
  const blocks: { name: string; top: number; bottom: number }[] = [];
  for (let row = first; row <= last; row++) {
    const block = stageOf(spine[row])?.block;
    if (block === undefined) continue;
    const current = blocks[blocks.length - 1];
    if (current?.name === block) current.bottom = bottoms[row];
    else blocks.push({ name: block, top: tops[row], bottom: bottoms[row] });
  }
  return { names, ...bands[i], blocks, last: spine[last] };
}
