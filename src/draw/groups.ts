/**
 * Branches that leave the spine at one step and meet in one concat, an inception module, stand side by side:
 *
 *            pool
 *     ┌───────┼───────┐
 *   conv    conv    conv
 *     │     conv    conv
 *   [──── concat, 256 ────]
 */
import type { Chain, Chains } from "./chains.ts";
import type { Step } from "./steps.ts";

const columnGap = 14;

/** Branches between one step of the spine and one concat, each a chain of its own: an inception module. */
export interface Group {
  readonly fork: Step;
  readonly merge: Step;
  readonly columns: readonly (readonly Step[])[];
}

export function groupsOf({ spine, sides }: Chains): readonly Group[] {
  const at = new Map(spine.map((step, i) => [step, i]));
  const byMerge = new Map<Step, Chain[]>();
  for (const chain of sides) {
    if (!chain.merge) continue;
    if (byMerge.has(chain.merge)) byMerge.get(chain.merge)!.push(chain);
    else byMerge.set(chain.merge, [chain]);
  }
  const forkCount = new Map<Step, number>();
  for (const { fork } of sides) if (fork) forkCount.set(fork, (forkCount.get(fork) ?? 0) + 1);
  const groups: Group[] = [];
  for (const [merge, found] of byMerge) {
    const end = at.get(merge);
    const { fork } = found[0];
    const start = fork && at.get(fork);
    if (end === undefined || start === undefined || !fork || merge.kind !== "concat") continue;
    const inside = spine.slice(start + 1, end);
    const isClean = found.every((chain) => chain.plain && chain.fork === fork) && inside.length > 0;
    const isWhole = found.length === merge.sources.length - 1 && inside.every((step) => !forkCount.has(step));
    if (!isClean || !isWhole || inside.some((step) => step.sources.length > 1)) continue;
    const endsIn = new Map(
      [inside, ...found.map(({ steps }) => steps)].map((steps) => [steps[steps.length - 1], steps]),
    );
    groups.push({ fork, merge, columns: merge.sources.map((source) => endsIn.get(source)!) });
  }
  return groups;
}

/** Columns around the middle, in operand order; the concat reaches across all. */
export function spread({ merge, columns }: Group, xs: Map<Step, number>, widths: Map<Step, number>): void {
  const sizes = columns.map((column) => Math.max(...column.map((step) => widths.get(step)!)));
  const total = sizes.reduce((sum, size) => sum + size, columnGap * (columns.length - 1));
  let left = -total / 2;
  columns.forEach((column, i) => {
    for (const step of column) xs.set(step, left + sizes[i] / 2);
    left += sizes[i] + columnGap;
  });
  widths.set(merge, total);
}
