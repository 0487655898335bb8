/** Which row each step stands in, and where the rows are. */
import type { Chains } from "./chains.ts";
import { heights } from "./sizes.ts";
import { stageOf } from "./stages.ts";
import type { Step } from "./steps.ts";

const gap = 16;
const stageGap = 14;
const blockGap = 6;
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

export interface Verticals {
  readonly middles: readonly number[];
  readonly tops: readonly number[];
  readonly bottoms: readonly number[];
  readonly bottom: number;
}

export function verticals(
  steps: readonly Step[],
  spine: readonly Step[],
  rows: ReadonlyMap<Step, number>,
  forks: ReadonlySet<number>,
): Verticals {
  const tallest: number[] = [];
  for (const step of steps) {
    const row = rows.get(step)!;
    tallest[row] = Math.max(tallest[row] ?? 0, heights[step.kind]);
  }
  const stages = spine.map(stageOf);
  const middles: number[] = [];
  const tops: number[] = [];
  const bottoms: number[] = [];
  let y = 0;
  tallest.forEach((height, row) => {
    const [before, now] = [stages[row - 1], stages[row]];
    if (row > 0) y += gap;
    if (row > 0 && before?.name !== now?.name) y += stageGap;
    else if (before?.block !== now?.block) y += blockGap;
    if (forks.has(row - 1)) y += groupGap;
    tops[row] = y;
    middles[row] = y + height / 2;
    y += height;
    bottoms[row] = y;
  });
  return { middles, tops, bottoms, bottom: y };
}
