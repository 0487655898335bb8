/**
 * `npm run fuzz:checkpoints -- [--files N] [--seed S] [--format NAME] [--seconds T]`: opens mutated checkpoints, 100,000
 * unless told otherwise, and reads every tensor of those that open. Each must give a checkpoint or exactly one
 * diagnostic, within a second and with no more memory than a file of its size may take.
 *
 * File i of a seed is always the same file, whatever else is done: its mutations follow from the two numbers. The work
 * is done in worker threads, which share a counter of files and tell which file they are at; so this thread knows which
 * one hangs (the worker is ended after ten seconds) and which one fills the heap (V8 ends the worker at the limit given
 * to it). Memory outside the heap is counted where it is asked for: `tests/support/checkpoint-judge.ts` says how; a
 * typed array of 2 GB is an error before it is made. Each worker first proves on planted faults that it catches them.
 *
 * What reads HDF5 is a library, which never comes back on some damaged files: resnetc gives it up after a time, which is
 * short here, and starts another. Such files are counted, and are no failures.
 *
 * What fails is written to a temporary folder, with the seed and the number that make it again:
 * `--seed S --from I --files 1`, and the same --format. The exit code is 1 then.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { hdf5Loader } from "../src/node/hdf5.ts";
import { openCheckpoint } from "../src/weights/checkpoint.ts";
import { type Case, judge, limitsFor, type Open } from "../tests/support/checkpoint-judge.ts";
import { type Seed, seeds } from "../tests/support/checkpoint-seeds.ts";
import { mutate, Random } from "../tests/support/mutate-checkpoint.ts";

interface Job {
  readonly seed: number;
  readonly format: string | undefined;
  readonly end: number;
  /** The next file that nobody has taken, how many of each outcome there were, then the file that each worker is at. */
  readonly shared: Int32Array;
  readonly worker: number;
}

/** What a worker says of a file that failed, and in the end of all of its files. */
type Message =
  | { readonly kind: "failed"; readonly file: number; readonly fault: string }
  | { readonly kind: "done"; readonly messages: readonly string[] };

/** Places in what the threads share. */
const slots = { next: 0, opened: 1, refused: 2, givenUp: 3, workers: 4 } as const;

const chosen = (format: string | undefined): readonly Seed[] =>
  seeds().filter((seed) => format === undefined || seed.format === format);

interface Made {
  readonly files: Case;
  readonly from: string;
}

function fileOf(all: readonly Seed[], seed: number, number: number): Made {
  const random = new Random(seed, number);
  const chosen = random.pick(all);
  const other = random.pick(all);
  const { files, steps } = mutate(chosen.files, Object.values(other.files)[0], random);
  return { files, from: `${chosen.name}: ${steps.join(", ")}` };
}

// ---- a worker -----------------------------------------------------------------------------------------

/** Faults that must be seen; if one is not, nothing that this worker says is worth anything. */
function proveJudge(): void {
  const limits = { ms: 20, bytes: 2 ** 26 };
  const planted: readonly (readonly [Open, RegExp])[] = [
    [() => void new Float64Array(2 ** 28), /asked for 2147483648 bytes/],
    [() => void Array.from({ length: 40 }, () => new Uint8Array(2 ** 21)), /asked for/],
    [() => JSON.parse("{"), /threw SyntaxError/],
    [() => undefined, /gave 0 diagnostics/],
    [
      () => {
        for (const start = performance.now(); performance.now() - start < 40; );
        throw new Error("late");
      },
      /late/,
    ],
  ];
  for (const [open, expected] of planted) {
    const { fault } = judge({ "planted.bin": new Uint8Array(1) }, limits, open);
    if (!expected.test(fault ?? "")) throw new Error(`a planted fault was judged as ${fault}`);
  }
}

/** Enough for any of these small files, unless the machine is busy: then a file is given up that need not be. */
const loadHdf5 = hdf5Loader({ patience: 400 });
const wasGivenUp = /HDF5's library did not come to an end/;

async function work({ seed, format, end, shared, worker }: Job): Promise<void> {
  proveJudge();
  const all = chosen(format);
  const messages = new Set<string>();
  const next = (): number => Atomics.add(shared, slots.next, 1);
  for (let file = next(); file < end; file = next()) {
    Atomics.store(shared, slots.workers + worker, file);
    const { files } = fileOf(all, seed, file);
    // Another one after a file that was given up, else the same.
    const hdf5 = await loadHdf5();
    const { fault, message } = judge(files, limitsFor(files), openCheckpoint, hdf5);
    if (fault !== undefined) parentPort!.postMessage({ kind: "failed", file, fault } satisfies Message);
    const outcome =
      message === undefined ? slots.opened : wasGivenUp.test(message) ? slots.givenUp : slots.refused;
    Atomics.add(shared, outcome, 1);
    if (message !== undefined && messages.size < 100_000) messages.add(message.replace(/`[^`]*`|\d+/g, "…"));
  }
  Atomics.store(shared, slots.workers + worker, -1);
  parentPort!.postMessage({ kind: "done", messages: [...messages] } satisfies Message);
}

// ---- the main thread ----------------------------------------------------------------------------------

const { values } = isMainThread
  ? parseArgs({
      options: {
        files: { type: "string" },
        from: { type: "string", default: "0" },
        seed: { type: "string", default: "1" },
        format: { type: "string" },
        seconds: { type: "string" },
        messages: { type: "boolean", default: false },
      },
    })
  : { values: undefined };

/** With a time, as many files as it allows. */
const most = 2 ** 31 - 1_000_000;
const maxFailures = 20;
const hangsAfterMs = 10_000;

/** tsx does not follow into threads by itself. */
const startText = `
  import("tsx/esm/api").then(({ register }) => (register(), import(${JSON.stringify(import.meta.url)})));
`;

async function main(options: NonNullable<typeof values>): Promise<void> {
  const numbers = {
    from: Number(options.from),
    seed: Number(options.seed),
    seconds: Number(options.seconds ?? 0),
  };
  const files = Number(options.files ?? (options.seconds === undefined ? 100_000 : most - numbers.from));
  for (const value of [...Object.values(numbers), files]) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new Error("options are whole numbers that are not negative");
  }
  const all = chosen(options.format);
  if (all.length === 0) {
    const known = [...new Set(seeds().map(({ format }) => format))].join(", ");
    throw new Error(`there are no seeds of the format ${options.format}: there are ${known}`);
  }
  const count = Math.max(1, Math.min(4, availableParallelism()));
  const shared = new Int32Array(new SharedArrayBuffer(4 * (slots.workers + count)));
  shared.fill(-1, slots.workers);
  shared[slots.next] = numbers.from;
  const end = numbers.from + files;
  const messages = new Set<string>();
  let failures = 0;
  let folder: string | undefined;

  const failed = (file: number, fault: string): void => {
    failures++;
    folder ??= mkdtempSync(path.join(tmpdir(), "resnetc-fuzz-"));
    const made = fileOf(all, numbers.seed, file);
    const place = path.join(folder, String(file));
    for (const [name, bytes] of Object.entries(made.files)) {
      mkdirSync(place, { recursive: true });
      writeFileSync(path.join(place, name), bytes);
    }
    process.stdout.write(`seed ${numbers.seed} file ${file} (${made.from}) ${fault}\n  ${place}\n`);
    // Nobody reads more; let the others end.
    if (failures >= maxFailures) Atomics.store(shared, slots.next, end);
  };

  const start = performance.now();
  const run = (worker: number): Promise<void> =>
    new Promise((resolve) => {
      const job: Job = { seed: numbers.seed, format: options.format, end, shared, worker };
      const resourceLimits = { maxOldGenerationSizeMb: 160, maxYoungGenerationSizeMb: 32 };
      const thread = new Worker(startText, { eval: true, execArgv: [], workerData: job, resourceLimits });
      let at = -1;
      let since = performance.now();
      let verdict: string | undefined;
      const watch = setInterval(() => {
        const now = Atomics.load(shared, slots.workers + worker);
        if (now !== at) [at, since] = [now, performance.now()];
        else if (at >= 0 && performance.now() - since > hangsAfterMs) {
          verdict = `hangs: ended after ${hangsAfterMs / 1000} s`;
          void thread.terminate();
        }
      }, 500);
      thread.on("message", (message: Message) => {
        if (message.kind === "failed") failed(message.file, message.fault);
        else for (const one of message.messages) messages.add(one);
      });
      thread.on("error", (error) => {
        verdict ??= `ended its thread: ${error.message}`;
      });
      thread.on("exit", () => {
        clearInterval(watch);
        const file = Atomics.exchange(shared, slots.workers + worker, -1);
        if (verdict === undefined) return resolve();
        if (file < 0) {
          process.stdout.write(`a worker failed: ${verdict}\n`);
          process.exitCode = 1;
          return resolve();
        }
        failed(file, verdict);
        resolve(run(worker));
      });
    });

  if (numbers.seconds > 0)
    setTimeout(() => Atomics.store(shared, slots.next, end), 1000 * numbers.seconds).unref();
  await Promise.all(Array.from({ length: count }, (_, worker) => run(worker)));
  const seconds = (performance.now() - start) / 1000;
  const [opened, refused, givenUp] = [slots.opened, slots.refused, slots.givenUp].map((slot) => shared[slot]);
  const done = opened + refused + givenUp;
  if (options.messages) process.stdout.write(`${[...messages].sort().join("\n")}\n`);
  process.stdout.write(
    `seed ${numbers.seed}: ${done.toLocaleString("en")} files in ${seconds.toFixed(1)} s ` +
      `(${Math.round(done / seconds).toLocaleString("en")} a second), ${opened.toLocaleString("en")} opened, ` +
      `${refused.toLocaleString("en")} refused in ${messages.size} ways, ${givenUp.toLocaleString("en")} given up by ` +
      `HDF5's reader, ${failures} failed\n`,
  );
  if (failures > 0) process.exitCode = 1;
}

if (values) await main(values);
else await work(workerData as Job);
