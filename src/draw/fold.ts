/**
 * Blocks that follow each other and are equal are shown once, with their number:
 *
 *     conv4.0  bottleneck, /2                    conv4.0  bottleneck, /2
 *     conv4.1  bottleneck            ──►         conv4.1  bottleneck   x 35
 *     …
 *     conv4.35 bottleneck
 */
import { stageOf } from "./stages.ts";
import type { Step } from "./steps.ts";

/** A block that stands for itself and those behind it. */
export interface Repeat {
  readonly stage: string;
  /** The first block's number, and the last one's. */
  readonly block: string;
  readonly last: string;
  readonly count: number;
}

export interface Folded {
  readonly steps: readonly Step[];
  readonly repeats: readonly Repeat[];
}

interface Block {
  readonly stage: string;
  readonly number: string;
  readonly steps: Step[];
}

/** `unfolded`: the stages whose blocks are all shown. */
export function foldSteps(steps: readonly Step[], unfolded: (stage: string) => boolean): Folded {
  const blocks = blocksOf(steps);
  const readers = readersOf(steps);
  const gone = new Set<Step>();
  // The result of a run's last block is read from its first one.
  const standIns = new Map<Step, Step>();
  const repeats: Repeat[] = [];
  for (let start = 0; start < blocks.length; ) {
    const end = unfolded(blocks[start].stage) ? start + 1 : endOfRun(blocks, start, readers);
    const { stage, number: block } = blocks[start];
    if (end > start + 1) {
      repeats.push({ stage, block, last: blocks[end - 1].number, count: end - start });
      for (const { steps } of blocks.slice(start + 1, end)) for (const step of steps) gone.add(step);
      standIns.set(resultOf(blocks[end - 1], readers)!, resultOf(blocks[start], readers)!);
    }
    start = end;
  }
  if (repeats.length === 0) return { steps, repeats };
  const made = new Map<Step, Step>();
  const kept = steps.filter((step) => !gone.has(step));
  for (const step of kept) {
    const sources = step.sources.map((source) => made.get(standIns.get(source) ?? source)!);
    made.set(step, { ...step, sources });
  }
  return { steps: kept.map((step) => made.get(step)!), repeats };
}

/** In order; a block whose steps are apart is none. */
function blocksOf(steps: readonly Step[]): readonly Block[] {
  const blocks: Block[] = [];
  for (const step of steps) {
    const place = stageOf(step);
    if (place?.block === undefined) continue;
    const { name: stage, block: number } = place;
    const last = blocks[blocks.length - 1];
    if (last?.stage === stage && last.number === number) last.steps.push(step);
    else blocks.push({ stage, number, steps: [step] });
  }
  return blocks;
}

function readersOf(steps: readonly Step[]): ReadonlyMap<Step, readonly Step[]> {
  const readers = new Map<Step, Step[]>();
  for (const step of steps) {
    for (const source of step.sources) {
      const found = readers.get(source);
      if (found) found.push(step);
      else readers.set(source, [step]);
    }
  }
  return readers;
}

/** Behind the last of the equal blocks from `start` on, each of which only the next one reads. */
function endOfRun(
  blocks: readonly Block[],
  start: number,
  readers: ReadonlyMap<Step, readonly Step[]>,
): number {
  const wanted = signatureOf(blocks[start]);
  let end = start + 1;
  if (wanted === undefined || !resultOf(blocks[start], readers)) return end;
  for (; end < blocks.length && blocks[end].stage === blocks[start].stage; end++) {
    const result = resultOf(blocks[end - 1], readers);
    const inside = new Set(blocks[end].steps);
    const feeds =
      result && readers.get(result)!.every((reader) => inside.has(reader) || isIn(reader, blocks[end - 1]));
    if (!feeds || signatureOf(blocks[end]) !== wanted || sourceOf(blocks[end]) !== result) break;
    if (!resultOf(blocks[end], readers)) break;
  }
  return end;
}

const isIn = (step: Step, { steps }: Block): boolean => steps.includes(step);

/** The one step outside that the block reads. */
function sourceOf(block: Block): Step | undefined {
  const sources = new Set(
    block.steps.flatMap(({ sources }) => sources).filter((source) => !isIn(source, block)),
  );
  return sources.size === 1 ? [...sources][0] : undefined;
}

/** The one step that is read outside. */
function resultOf(block: Block, readers: ReadonlyMap<Step, readonly Step[]>): Step | undefined {
  const results = block.steps.filter((step) => readers.get(step)?.some((reader) => !isIn(reader, block)));
  return results.length === 1 ? results[0] : undefined;
}

/** Equal for blocks that do the same; none for those that read several steps outside. */
function signatureOf(block: Block): string | undefined {
  const source = sourceOf(block);
  if (!source) return undefined;
  const places = new Map(block.steps.map((step, i) => [step, i]));
  const lines = block.steps.map(({ kind, label, extras, shape, sources }) =>
    [kind, label, extras, shape, sources.map((from) => places.get(from) ?? "in")].join("|"),
  );
  return [source.shape, ...lines].join("\n");
}
