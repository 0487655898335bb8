/**
 * `npm run bench:peers`: our wasm build against the runtimes that people use instead, side by side. Tables in Markdown
 * on stdout, progress on stderr. bench/gate.ts compares such ratios with floors.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { hasLitertModel } from "./chromium-contest.ts";
import {
  type ContestPlan,
  type ContestResult,
  type Entry,
  type Runtime,
  titleOf,
  type Where,
} from "./contest.ts";
import { codeBytes, type Fresh } from "./fresh.ts";
import { fixed, markdownTable } from "./markdown.ts";
import { batchPlan, batchRatio, comparesProcessorTime, freshOurs, freshTfjs, timesOf } from "./measures.ts";
import { leastMemory, type NetName, netNames } from "./nets.ts";
import { ourFolder, runContest } from "./run-contest.ts";
import { ratio, summarise } from "./statistics.ts";

const usage = `npm run bench:peers -- [options]

  --nets LIST         of ${netNames.join(", ")}
  --where LIST        of node, chromium
  --contestants LIST  of tfjs, ort (in Node), litert (in Chromium; resnet18 and resnet50)
  --threads LIST      of 1, 2
  --figures LIST      of times, batch, start (the first run, memory), code
  --rounds N          runs of each contestant in a contest (15)
  --ours DIR          our builds, a folder for each net; without it they are made
  --json FILE         everything measured, every single run`;

const choices = {
  nets: netNames,
  where: ["node", "chromium"],
  contestants: ["tfjs", "ort", "litert"],
  threads: ["1", "2"],
  figures: ["times", "batch", "start", "code"],
} as const;

type Choice = keyof typeof choices;

interface Options {
  readonly nets: readonly NetName[];
  readonly where: readonly Where[];
  readonly contestants: readonly Runtime[];
  readonly threads: readonly string[];
  readonly figures: readonly string[];
  readonly rounds: number;
  readonly ours?: string | undefined;
  readonly json?: string | undefined;
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      nets: { type: "string" },
      where: { type: "string" },
      contestants: { type: "string" },
      threads: { type: "string" },
      figures: { type: "string" },
      rounds: { type: "string", default: "15" },
      ours: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds is a whole number, not ${values.rounds}.`);
  const list = <K extends Choice>(name: K) => chosen(name, values[name]);
  return {
    nets: list("nets"),
    where: list("where"),
    contestants: list("contestants"),
    threads: list("threads"),
    figures: list("figures"),
    rounds,
    ours: values.ours,
    json: values.json,
  };
}

/** What an option lists; all there is when it is not given. */
function chosen<K extends Choice>(name: K, text: string | undefined): (typeof choices)[K][number][] {
  const known: readonly string[] = choices[name];
  const words = text === undefined ? [...known] : text.split(",").map((word) => word.trim());
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) throw new Error(`--${name} takes ${known.join(", ")}, not ${unknown}.`);
  return words as (typeof choices)[K][number][];
}

// ---- times -----------------------------------------------------------------------------------------

function plansOf({ nets, where, threads, contestants, rounds, ours }: Options): readonly ContestPlan[] {
  return nets.flatMap((net) =>
    where.flatMap((place) =>
      threads.map((count) => ({
        where: place,
        net,
        entries: entriesOf(net, place, Number(count), contestants),
        rounds,
        ours,
      })),
    ),
  );
}

/** Ours and the peers that run here; beside two threads also our one, to see what the second brings. */
function entriesOf(net: NetName, where: Where, threads: number, peers: readonly Runtime[]): readonly Entry[] {
  const runs = (peer: Runtime) => {
    if (peer === "litert") return where === "chromium" && hasLitertModel(net);
    return peer === "ort" ? where === "node" : where === "chromium" || threads === 1;
  };
  const entry = (runtime: Runtime, count: number): Entry => ({ runtime, threads: count, batch: 1 });
  const alone = threads > 1 ? [entry("ours", 1)] : [];
  const relaxed = where === "chromium" && peers.includes("litert") ? [entry("relaxed", threads)] : [];
  const others = peers.filter(runs).map((peer) => entry(peer, threads));
  return [entry("ours", threads), ...alone, ...relaxed, ...others];
}

function contestTable({ entries: [first], net }: ContestPlan, result: ContestResult): string {
  const ours = timesOf(result, "ours", first.threads);
  const byProcessor = comparesProcessorTime(result);
  const rows = result.times.map(({ entry, runs }) => {
    const wall = summarise(runs.map(({ wallMs }) => wallMs));
    const times = timesOf(result, entry.runtime, entry.threads);
    const { median, min } = ratio(times, ours);
    const cpu = byProcessor ? [`${fixed(times.min)} / ${fixed(times.median)}`] : [];
    return [titleOf(entry), ...cpu, `${fixed(wall.min)} / ${fixed(wall.median)}`, fixed(median), fixed(min)];
  });
  const cpu = byProcessor ? ["CPU ms min / median"] : [];
  const head = [net, ...cpu, "wall ms min / median", "x ours (medians)", "x ours (minima)"];
  return `${result.platform}\n\n${markdownTable(head, rows)}\n`;
}

// ---- what is ours alone ----------------------------------------------------------------------------

interface OwnFigures {
  readonly net: NetName;
  batch?: number;
  ours?: Fresh;
  tfjs?: Fresh;
  leastBytes?: number;
  codeBytes?: number;
}

async function measureOwn(net: NetName, options: Options): Promise<OwnFigures> {
  const { figures, ours } = options;
  const found: OwnFigures = { net };
  if (figures.includes("batch")) found.batch = batchRatio(await runContest(batchPlan(net, options)));
  if (figures.includes("start")) {
    process.stderr.write(`${net}: fresh processes\n`);
    found.ours = await freshOurs(net, options);
    found.tfjs = await freshTfjs(net);
    const { weights, arena } = leastMemory(net);
    found.leastBytes = weights + arena;
  }
  if (figures.includes("code")) found.codeBytes = codeBytes(ourFolder(net, ours));
  return found;
}

function ownTable(all: readonly OwnFigures[]): string {
  const head = [
    "ours",
    "batch 8 / 8x batch 1",
    "first run ms",
    "first / steady",
    "tfjs first / steady",
    "peak MB",
    "peak / (weights + arena)",
    "tfjs peak MB",
    "code KB gzip",
  ];
  const show = (value: number | undefined) => (value === undefined ? "" : fixed(value));
  const rows = all.map(({ net, batch, ours, tfjs, leastBytes, codeBytes: code }) => [
    net,
    show(batch),
    show(ours?.firstMs),
    show(ours && ours.firstMs / ours.steadyMs),
    show(tfjs && tfjs.firstMs / tfjs.steadyMs),
    show(ours && ours.peakBytes / 1e6),
    show(ours && ours.peakBytes / leastBytes!),
    show(tfjs && tfjs.peakBytes / 1e6),
    show(code && code / 1e3),
  ]);
  return markdownTable(head, rows);
}

async function main(options: Options): Promise<void> {
  console.log(`${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${options.rounds} rounds\n`);
  const contests: { readonly plan: ContestPlan; readonly result: ContestResult }[] = [];
  for (const plan of options.figures.includes("times") ? plansOf(options) : []) {
    const result = await runContest(plan);
    contests.push({ plan, result });
    console.log(contestTable(plan, result));
  }
  const own: OwnFigures[] = [];
  if (options.figures.some((figure) => figure !== "times")) {
    for (const net of options.nets) own.push(await measureOwn(net, options));
    console.log(ownTable(own));
  }
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ contests, own }, null, 2)}\n`);
}

try {
  const options = readOptions();
  if (options) await main(options);
  else console.log(usage);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
