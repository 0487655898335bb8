/**
 * Contests: several runtimes run the same network in turns, one run each a round, so that whatever else the machine
 * does falls on all of them alike. Only ratios within one contest say anything.
 */
import type { NetName } from "./nets.ts";
import { difference } from "./statistics.ts";

/** `relaxed` is ours with the kernels for relaxed SIMD, which is what LiteRT.js uses. */
export type Runtime = "ours" | "relaxed" | "tfjs" | "ort" | "litert";
export type Where = "node" | "chromium";

export interface Entry {
  readonly runtime: Runtime;
  readonly threads: number;
  /** Pictures a run. */
  readonly batch: number;
}

export interface ContestPlan {
  readonly where: Where;
  readonly net: NetName;
  readonly entries: readonly Entry[];
  readonly rounds: number;
  /** The folder with our builds, a folder for each net; without it what `resnetc build` makes. */
  readonly ours?: string | undefined;
}

export interface Run {
  readonly wallMs: number;
  /** Of all threads of the process; where that can be measured. */
  readonly cpuMs?: number;
}

/** A network that is loaded and ready. */
export interface Contestant {
  readonly entry: Entry;
  run(): Promise<Run>;
  /** What the last run gave for the first picture. */
  logits(): Promise<Float32Array>;
}

export interface Times {
  readonly entry: Entry;
  readonly runs: readonly Run[];
}

export interface ContestResult {
  readonly times: readonly Times[];
  /** "Node 20.20.2" */
  readonly platform: string;
}

export const titleOf = ({ runtime, threads, batch }: Entry): string =>
  `${runtime} ${threads}T${batch > 1 ? ` x${batch}` : ""}`;

const warmUp = { runs: 4, ms: 1000 };
/** Threads that spin on for a while at the end of a run must not do so in the next one's. */
const pauseMs = 60;
/** Behind a pause a system may keep threads on one processor for some ten milliseconds: as long as a run takes. */
const wakeMs = 60;

export async function compete(
  contestants: readonly Contestant[],
  rounds: number,
  onProgress: (text: string) => void,
): Promise<readonly Times[]> {
  for (const contestant of contestants) {
    onProgress(`warming up ${titleOf(contestant.entry)}`);
    // Until engines have compiled and packed.
    await runFor(contestant, warmUp.ms, warmUp.runs);
  }
  await checkAgreement(contestants);
  const threaded = contestants.some(({ entry }) => entry.threads > 1);
  const runs: Run[][] = contestants.map(() => []);
  onProgress(`${rounds} rounds: ${contestants.map(({ entry }) => titleOf(entry)).join(", ")}`);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const i = (round + turn) % contestants.length;
      if (threaded) {
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        await runFor(contestants[i], wakeMs);
      }
      runs[i].push(await contestants[i].run());
    }
  }
  return contestants.map(({ entry }, i) => ({ entry, runs: runs[i] }));
}

/** Runs that do not count, for so long and so many at least. */
async function runFor(contestant: Contestant, ms: number, least = 1): Promise<void> {
  let spent = 0;
  for (let runs = 0; runs < least || spent < ms; runs++) spent += (await contestant.run()).wallMs;
}

const tolerance = 1e-4;

/** Nobody measures garbage: all give the same logits. LiteRT's files hold other weights. */
async function checkAgreement(contestants: readonly Contestant[]): Promise<void> {
  const same = contestants.filter(({ entry }) => entry.runtime !== "litert");
  const expected = await same[0]?.logits();
  for (const contestant of same.slice(1)) {
    const apart = difference(expected, await contestant.logits());
    if (apart <= tolerance) continue;
    const [one, other] = [same[0], contestant].map(({ entry }) => titleOf(entry));
    throw new Error(
      `${one} and ${other} disagree: logits are ${apart.toExponential(1)} of the largest apart.`,
    );
  }
}

/** What all nets of the benchmark take: height, width, channels. */
export const pictureShape = [224, 224, 3] as const;
const pictureSize = 224 * 224 * 3;

/** Pictures for everybody, NHWC: numbers from -2 to 2 that look like noise. */
export function pictures(batch: number): Float32Array {
  const values = new Float32Array(batch * pictureSize);
  for (let i = 0; i < values.length; i++) values[i] = ((Math.imul(i, 2654435761) >>> 0) / 2 ** 32) * 4 - 2;
  return values;
}
