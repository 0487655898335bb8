/**
 * What can be measured, as data: each measure is one ratio (or one size). Measures that one contest answers share
 * it, so that a table of them takes no longer than it must.
 */
import type { ContestPlan, ContestResult, Entry, Run, Runtime, Where } from "./contest.ts";
import { codeBytes, type Fresh, measureFresh } from "./fresh.ts";
import { built, leastMemory, type NetName } from "./nets.ts";
import { ourFolder, runContest } from "./run-contest.ts";
import { ratio, type Summary, summarise } from "./statistics.ts";

/** The better peer's time over ours. */
export interface Speed {
  readonly kind: "speed";
  readonly net: NetName;
  readonly where: Where;
  readonly threads: number;
  readonly peers: readonly Runtime[];
}

export type Measure =
  | Speed
  /** Our time with one thread over that with two. */
  | { readonly kind: "scaling"; readonly net: NetName }
  /** The first run after load over a steady one. */
  | { readonly kind: "cold"; readonly net: NetName }
  /** Eight pictures at once over eight times one. */
  | { readonly kind: "batch"; readonly net: NetName }
  /** Peak memory over the weights and maps that a net cannot do without. */
  | { readonly kind: "memory"; readonly net: NetName }
  /** Peak memory over tfjs'. */
  | { readonly kind: "memory against tfjs"; readonly net: NetName }
  /** KB of code over the wire. */
  | { readonly kind: "code"; readonly net: NetName };

export interface MeasureOptions {
  readonly rounds: number;
  readonly ours?: string | undefined;
}

/** Measures with the same key are answered by one piece of work. */
export function workOf(measure: Measure): string {
  const { kind, net } = measure;
  if (kind === "speed") return `${measure.where} ${net} ${measure.threads}T`;
  // Own threads are compared where they compete with another runtime's.
  if (kind === "scaling") return `node ${net} 2T`;
  if (kind === "memory" || kind === "memory against tfjs") return `memory ${net}`;
  return `${kind} ${net}`;
}

/** The values of measures that share their work, in order. */
export async function measureAll(measures: readonly Measure[], options: MeasureOptions): Promise<number[]> {
  const [{ kind, net }] = measures;
  if (kind === "speed" || kind === "scaling") {
    const result = await runContest(planFor(measures, options));
    return measures.map((measure) => valueIn(measure, result));
  }
  if (kind === "batch") return [batchRatio(await runContest(batchPlan(net, options)))];
  if (kind === "code") return [codeBytes(ourFolder(net, options.ours)) / 1000];
  const ours = await freshOurs(net, options);
  if (kind === "cold") return [ours.firstMs / ours.steadyMs];
  const { weights, arena } = leastMemory(net);
  const tfjs = measures.some((one) => one.kind === "memory against tfjs") ? await freshTfjs(net) : undefined;
  return measures.map((one) => ours.peakBytes / (one.kind === "memory" ? weights + arena : tfjs!.peakBytes));
}

export const freshOurs = (net: NetName, { ours }: MeasureOptions): Promise<Fresh> =>
  measureFresh(net, ourFolder(net, ours), { threads: 1 });

export const freshTfjs = (net: NetName): Promise<Fresh> =>
  measureFresh(net, built(net, "tfjs"), { backend: "wasm" });

// ---- contests --------------------------------------------------------------------------------------

/** One contest with everybody that the measures speak of. */
function planFor(measures: readonly Measure[], { rounds, ours }: MeasureOptions): ContestPlan {
  const [first] = measures;
  const entries = new Map<string, Entry>();
  for (const measure of measures) {
    for (const entry of entriesOf(measure)) entries.set(`${entry.runtime} ${entry.threads}`, entry);
  }
  const where = first.kind === "speed" ? first.where : "node";
  return { where, net: first.net, entries: [...entries.values()], rounds, ours };
}

function entriesOf(measure: Measure): readonly Entry[] {
  if (measure.kind === "speed") {
    const { threads, peers } = measure;
    return [ownFor(peers), ...peers].map((runtime) => ({ runtime, threads, batch: 1 }));
  }
  return [1, 2].map((threads) => ({ runtime: "ours", threads, batch: 1 }));
}

/** Kernels of the kind that the peer has. */
const ownFor = (peers: readonly Runtime[]): Runtime => (peers.includes("litert") ? "relaxed" : "ours");

function valueIn(measure: Measure, result: ContestResult): number {
  if (measure.kind === "scaling") return ratio(timesOf(result, "ours", 1), timesOf(result, "ours", 2)).median;
  if (measure.kind !== "speed") throw new Error(`A contest does not answer ${measure.kind}.`);
  const { threads, peers } = measure;
  const ratios = peers.map(
    (peer) => ratio(timesOf(result, peer, threads), timesOf(result, ownFor(peers), threads)).median,
  );
  return Math.min(...ratios);
}

/**
 * Whether ratios are of the processor's time: where one thread runs in Node, because what others do on the machine
 * does not count there. Elsewhere they are of the clock's.
 */
export const comparesProcessorTime = ({ times }: ContestResult): boolean =>
  times.every(({ entry, runs }) => entry.threads === 1 && runs[0].cpuMs !== undefined);

/** The times that ratios are made of. */
export function timesOf(result: ContestResult, runtime: Runtime, threads: number): Summary {
  const found = result.times.find(({ entry }) => entry.runtime === runtime && entry.threads === threads);
  if (!found) throw new Error(`${runtime} with ${threads} threads took no part.`);
  const byProcessor = comparesProcessorTime(result);
  return summarise(found.runs.map(({ cpuMs, wallMs }) => (byProcessor ? cpuMs! : wallMs)));
}

export const batchPlan = (net: NetName, { rounds, ours }: MeasureOptions): ContestPlan => ({
  where: "node",
  net,
  entries: [1, 8].map((batch) => ({ runtime: "ours", threads: 1, batch })),
  rounds,
  ours,
});

/** Eight at once over eight times one. */
export function batchRatio({ times: [one, eight] }: ContestResult): number {
  const of = (runs: readonly Run[]) => summarise(runs.map(({ cpuMs }) => cpuMs!)).median;
  return of(eight.runs) / (eight.entry.batch * of(one.runs));
}
