/**
 * Steps ──► chains: the spine, which is a longest way from an input to an output, and beside it the ways that
 * leave a chain at one step (`fork`) and come back at another (`merge`). What is left are links between
 * steps that are there already, such as identity shortcuts.
 *
 *     pool ─┬─ conv ── conv ─┬─ + ──►     spine: pool, conv, conv, +
 *           └───── conv ─────┘            a side chain: conv, from pool to +
 */
import type { Step } from "./steps.ts";

export interface Chain {
  readonly steps: readonly Step[];
  /** Where it leaves another chain; an input's chain has none. */
  readonly fork: Step | undefined;
  /** Where it comes back; a chain that ends in an output has none. */
  readonly merge: Step | undefined;
  /** Nothing else enters, leaves or starts inside. */
  readonly plain: boolean;
}

export interface Link {
  readonly from: Step;
  readonly to: Step;
}

export interface Chains {
  readonly spine: readonly Step[];
  readonly sides: readonly Chain[];
  readonly skips: readonly Link[];
  /** How many steps stand before each, on the longest way. */
  readonly depth: ReadonlyMap<Step, number>;
}

export function chainsOf(steps: readonly Step[]): Chains {
  const depth = depthsOf(steps);
  const readers = readersOf(steps);
  const taken = new Set<Step>();
  // A link that a chain draws itself, by its ends.
  const drawn = new Map<Step, Set<Step>>();
  const draw = (from: Step, to: Step) => {
    if (drawn.has(from)) drawn.get(from)!.add(to);
    else drawn.set(from, new Set([to]));
  };
  const follow = (last: Step): Pick<Chain, "steps" | "fork"> => {
    const chain = [last];
    taken.add(last);
    for (let step = last; ; ) {
      const free = step.sources.filter((source) => !taken.has(source));
      const before = deepest(free.length > 0 ? free : step.sources, depth);
      if (before) draw(before, step);
      if (!before || taken.has(before)) return { steps: chain.reverse(), fork: before };
      taken.add(before);
      chain.push(before);
      step = before;
    }
  };
  const spine = follow(deepest(steps, depth)!).steps;
  const found: Omit<Chain, "plain">[] = [];
  for (const last of [...steps].reverse()) {
    if (taken.has(last)) continue;
    const chain = follow(last);
    const merge = readers.get(last)?.[0];
    if (merge) draw(last, merge);
    found.push({ ...chain, merge });
  }
  const skips = skipsOf(steps, drawn);
  const busy = new Set([
    ...found.flatMap(({ fork }) => fork ?? []),
    ...skips.flatMap(({ from, to }) => [from, to]),
  ]);
  const merges = new Set(found.flatMap(({ merge }) => merge ?? []));
  const isPlain = (step: Step) => !busy.has(step) && !merges.has(step);
  const sides = found.map((chain) => ({ ...chain, plain: chain.steps.every(isPlain) }));
  return { spine, sides, skips, depth };
}

/** Links that no chain draws; an operand read twice has one more. */
function skipsOf(steps: readonly Step[], drawn: ReadonlyMap<Step, ReadonlySet<Step>>): readonly Link[] {
  const skips: Link[] = [];
  for (const to of steps) {
    const once = new Set<Step>();
    for (const from of to.sources) {
      if (once.has(from) || !drawn.get(from)?.has(to)) skips.push({ from, to });
      once.add(from);
    }
  }
  return skips;
}

function depthsOf(steps: readonly Step[]): ReadonlyMap<Step, number> {
  const depth = new Map<Step, number>();
  for (const step of steps) {
    depth.set(
      step,
      step.sources.reduce((most, source) => Math.max(most, depth.get(source)! + 1), 0),
    );
  }
  return depth;
}

function readersOf(steps: readonly Step[]): ReadonlyMap<Step, readonly Step[]> {
  const readers = new Map<Step, Step[]>();
  for (const step of steps) {
    for (const source of step.sources) {
      if (readers.has(source)) readers.get(source)!.push(step);
      else readers.set(source, [step]);
    }
  }
  return readers;
}

/** The first of the deepest. */
function deepest(steps: readonly Step[], depth: ReadonlyMap<Step, number>): Step | undefined {
  let best: Step | undefined;
  for (const step of steps) {
    if (!best || depth.get(step)! > depth.get(best)!) best = step;
  }
  return best;
}
