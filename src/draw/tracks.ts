/**
 * Tracks: what is no part of the spine runs beside it. To the right, where it comes back; to the left, where it
 * ends in an output of its own. The shorter run nearer, so that they nest.
 */
import type { Chain, Chains, Link } from "./chains.ts";
import { reachLeft } from "./sizes.ts";
import type { Step } from "./steps.ts";

const trackGap = 16;

export interface Placing {
  readonly chains: Chains;
  /** The side chains that need a track. */
  readonly sides: readonly Chain[];
  readonly rows: ReadonlyMap<Step, number>;
  readonly widths: ReadonlyMap<Step, number>;
  /** Where the spine and the columns of groups are; the steps of side chains get their places here. */
  readonly xs: Map<Step, number>;
}

export interface TrackPlaces {
  readonly xs: ReadonlyMap<Chain | Link, number>;
  readonly left: number;
  readonly right: number;
}

export function placeTracks({ chains: { spine, skips }, sides, rows, widths, xs }: Placing): TrackPlaces {
  const onSpine = new Set(spine);
  const moving = new Set(sides.flatMap(({ steps }) => steps));
  const right = new Skyline();
  const left = new Skyline();
  for (const [step, x] of xs) {
    if (moving.has(step)) continue;
    right.take(rows.get(step)!, x + widths.get(step)! / 2);
    left.take(rows.get(step)!, -x + Math.max(reachLeft(step), widths.get(step)! / 2));
  }
  const places = new Map<Chain | Link, number>();
  for (const { item, first, halves } of itemsOf(sides, skips, rows, widths)) {
    const leads = "steps" in item && item.plain && !item.merge && item.fork && onSpine.has(item.fork);
    const x = leads ? -left.place(first, halves) : right.place(first, halves);
    places.set(item, x);
    if ("steps" in item) for (const step of item.steps) xs.set(step, x);
  }
  return { xs: places, left: -left.furthest, right: right.furthest };
}

interface Item {
  readonly item: Chain | Link;
  readonly first: number;
  /** Half the width that it takes in each row from the first on. */
  readonly halves: readonly number[];
}

/** The steps of other chains that it hangs on. */
const endsOf = (item: Chain | Link): readonly [Step | undefined, Step | undefined] =>
  "steps" in item ? [item.fork, item.merge] : [item.from, item.to];

/** How far from the spine: 0 if it hangs on nothing else, one more than the side chain that it hangs on otherwise. */
function levelsOf(sides: readonly Chain[], skips: readonly Link[]): ReadonlyMap<Chain | Link, number> {
  const owners = new Map<Step, Chain>();
  for (const chain of sides) for (const step of chain.steps) owners.set(step, chain);
  const levels = new Map<Chain | Link, number>();
  // A chain only hangs on those that were found before it.
  for (const item of [...sides, ...skips]) {
    const under = endsOf(item).flatMap((end) => (end && owners.get(end)) ?? []);
    levels.set(item, Math.max(-1, ...under.map((chain) => levels.get(chain)!)) + 1);
  }
  return levels;
}

/** What needs a track: after what it hangs on, the shorter first. */
function itemsOf(
  sides: readonly Chain[],
  skips: readonly Link[],
  rows: ReadonlyMap<Step, number>,
  widths: ReadonlyMap<Step, number>,
): readonly Item[] {
  const row = (step: Step) => rows.get(step)!;
  const levels = levelsOf(sides, skips);
  const items = [
    ...sides.map((chain): Item => {
      const { steps, fork, merge } = chain;
      const first = fork ? row(fork) + 1 : row(steps[0]);
      const last = row(merge ?? steps[steps.length - 1]);
      const halves = new Array<number>(last - first + 1).fill(0);
      for (const step of steps) halves[row(step) - first] = widths.get(step)! / 2;
      return { item: chain, first, halves };
    }),
    ...skips.map((skip): Item => {
      const first = row(skip.from) + 1;
      return { item: skip, first, halves: new Array<number>(row(skip.to) - first + 1).fill(0) };
    }),
  ];
  const level = ({ item }: Item) => levels.get(item)!;
  return items.sort((a, b) => level(a) - level(b) || a.halves.length - b.halves.length || a.first - b.first);
}

/** How far from the middle each row is taken. */
class Skyline {
  readonly #rows: number[] = [];
  furthest = 0;

  take(row: number, x: number): void {
    this.#rows[row] = Math.max(this.#rows[row] ?? 0, x);
    this.furthest = Math.max(this.furthest, x);
  }

  /** The middle of the nearest track that clears what is there: the ends too, which stand in these rows or reach into them. */
  place(first: number, halves: readonly number[]): number {
    const x = halves.reduce(
      (most, half, i) => Math.max(most, (this.#rows[first + i] ?? 0) + trackGap + half),
      0,
    );
    halves.forEach((half, i) => {
      this.take(first + i, x + half);
    });
    return x;
  }
}
