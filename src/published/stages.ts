/** A net's stages beside those of a published network: which belong together, and how far apart they are. */

interface Named {
  readonly name: string;
  readonly params: number;
}

export type Pair<Ours, Theirs> = readonly [ours: Ours | undefined, theirs: Theirs | undefined];

/** Stages that have weights: those of the same name, and where names differ those in the same place. */
export function pairStages<Ours extends Named, Theirs extends Named>(
  ours: readonly Ours[],
  theirs: readonly Theirs[],
): readonly Pair<Ours, Theirs>[] {
  const mine = ours.filter(({ params }) => params > 0);
  const others = theirs.filter(({ params }) => params > 0);
  const named = mine.every(({ name }) => others.some((other) => other.name === name));
  if (!named) {
    const length = Math.max(mine.length, others.length);
    return Array.from({ length }, (_, i) => [mine[i], others[i]] as const);
  }
  return others.map((other) => [mine.find(({ name }) => name === other.name), other] as const);
}

/** How many parameters stand in one of two paired stages and not in the other. */
export const distance = (pairs: readonly Pair<Named, Named>[]): number =>
  pairs.reduce((sum, [a, b]) => sum + Math.abs((a?.params ?? 0) - (b?.params ?? 0)), 0);
