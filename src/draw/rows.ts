/** Which row each step stands in, and where the rows are. */
import type { Chains } from "./chains.ts";
import { heightOf } from "./sizes.ts";
import { stageOf } from "./stages.ts";
import type { Step } from "./steps.ts";

const gap = 17;
const blockGap = 6;
/** Over the first row of a band, with its name, and under its last. */
export const bandHead = 28;
const bandFoot = 17;
const bandGap = 8;
/** Room for the lines to the columns of a group. */
const groupGap = 12;
/** A branch beside more rows than this stands at the end of its way, near what reads it. */
const longWay = 6;

/** The depth of each step; a branch that nothing else hangs on stands in the middle of its way, if that is short. */
export function rowsOf({ sides, depth }: Chains): ReadonlyMap<Step, number> {
  const rows = new Map(depth);
  for (const { steps, fork, merge, plain } of sides) {
    if (!plain || !fork || !merge) continue;
    const free = depth.get(merge)! - depth.get(fork)! - 1 - steps.length;
    const skipped = free > longWay ? free : Math.floor(free / 2);
    steps.forEach((step, i) => {
      rows.set(step, depth.get(fork)! + 1 + skipped + i);
    });
  }
  return rows;
}

/** Rows of the spine under one label; single rows that follow each other share one. */
export interface Band {
  readonly names: readonly string[];
  readonly first: number;
  readonly last: number;
}

export function bandsOf(spine: readonly Step[]): readonly Band[] {
  const bands: { names: string[]; first: number; last: number; isOpen: boolean }[] = [];
  spine.forEach((step, row) => {
    const stage = stageOf(step);
    if (!stage) return;
    const band = bands[bands.length - 1];
    const follows = band?.last === row - 1;
    if (follows && band.names[band.names.length - 1] === stage.name) {
      band.last = row;
      band.isOpen = false;
    } else {
      bands.push({ names: [stage.name], first: row, last: row, isOpen: stage.block === undefined });
    }
  });
  const joined: Omit<(typeof bands)[number], "isOpen">[] = [];
  bands.forEach(({ names, first, last, isOpen }, i) => {
    const before = joined[joined.length - 1];
    if (isOpen && bands[i - 1]?.isOpen && before.last === first - 1 && before.names.length < 3) {
      before.names.push(...names);
      before.last = last;
    } else joined.push({ names: [...names], first, last });
  });
  return joined;
}

export interface Verticals {
  readonly middles: readonly number[];
  readonly tops: readonly number[];
  readonly bottoms: readonly number[];
  /** Of each band. */
  readonly bands: readonly { readonly top: number; readonly bottom: number }[];
  readonly bottom: number;
}

export function verticals(
  steps: readonly Step[],
  spine: readonly Step[],
  rows: ReadonlyMap<Step, number>,
  forks: ReadonlySet<number>,
  bands: readonly Band[],
): Verticals {
  const tallest: number[] = [];
  for (const step of steps) {
    const row = rows.get(step)!;
    tallest[row] = Math.max(tallest[row] ?? 0, heightOf(step));
  }
  const starts = new Set(bands.map(({ first }) => first));
  const ends = new Set(bands.map(({ last }) => last));
  const stages = spine.map(stageOf);
  const middles: number[] = [];
  const tops: number[] = [];
  const bottoms: number[] = [];
  let y = 0;
  tallest.forEach((height, row) => {
    const [before, now] = [stages[row - 1], stages[row]];
    if (row > 0) y += gap;
    if (ends.has(row - 1)) y += bandFoot + bandGap - gap / 2;
    if (starts.has(row)) y += bandHead - gap / 2;
    else if (before?.block !== now?.block) y += blockGap;
    if (forks.has(row - 1)) y += groupGap;
    tops[row] = y;
    middles[row] = y + height / 2;
    y += height;
    bottoms[row] = y;
  });
  const places = bands.map(({ first, last }) => ({
    top: tops[first] - bandHead,
    bottom: bottoms[last] + bandFoot,
  }));
  return {
    middles,
    tops,
    bottoms,
    bands: places,
    bottom: Math.max(y, ...places.map(({ bottom }) => bottom)),
  };
}
