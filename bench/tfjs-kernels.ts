/**
 * `npm run bench:tfjs-kernels`: plain tfjs GraphModels with tfjs' kernels and with ours, in turns in one process or
 * page. In Node times are the processor's, in Chromium the clock's; a Markdown table on stdout.
 */
import { parseArgs } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-wasm";
import { runPasses, standardPasses } from "../src/passes/pipeline.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { requireChromium, startChromium } from "../tests/support/chromium.ts";
import { compileSources } from "../tests/support/compiled-sources.ts";
import { cpuMs } from "../tests/support/cpu-time.ts";
import { type GraphModelFiles, loadFiles, toGraphModel } from "../tests/support/graph-model.ts";
import { kernelSets } from "../tests/support/kernel-sets.ts";
import { claimCores, kernelsPageFiles, onPage } from "../tests/support/kernels-page.ts";
import { pictureShape, pictures } from "./contest.ts";
import { serveIsolated } from "./isolated-server.ts";
import { fixed, markdownTable } from "./markdown.ts";
import { type NetName, netNames, openNamed } from "./nets.ts";
import { difference, median } from "./statistics.ts";

const usage = `npm run bench:tfjs-kernels -- [options]

  --nets LIST     of ${netNames.join(", ")} (resnet18,resnet50)
  --rounds N      runs with either (15)
  --threads LIST  runs in Chromium instead, tfjs with 1 or 2 threads, ours with one`;

const kinds = ["stock", "own"] as const;

type Times = Readonly<Record<(typeof kinds)[number], number[]>>;

const { values } = parseArgs({
  options: {
    nets: { type: "string", default: "resnet18,resnet50" },
    rounds: { type: "string", default: "15" },
    threads: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});

/** Engines have compiled and packed by then. */
const warmUp = 4;

async function inNode(files: GraphModelFiles, rounds: number): Promise<{ times: Times; apart: number }> {
  const model = await loadFiles(files);
  const picture = tf.tensor4d(pictures(1), [1, ...pictureShape]);
  const sets = kernelSets(tf);
  const times: Times = { stock: [], own: [] };
  const logits: Record<(typeof kinds)[number], Float32Array> = {
    stock: new Float32Array(),
    own: new Float32Array(),
  };
  for (let round = -warmUp; round < rounds; round++) {
    for (const kind of kinds) {
      sets.use(kind);
      const start = cpuMs();
      const y = model.predict(picture) as tf.Tensor;
      logits[kind] = y.dataSync<"float32">();
      y.dispose();
      if (round >= 0) times[kind].push(cpuMs() - start);
    }
  }
  sets.unregister();
  model.dispose();
  picture.dispose();
  return { times, apart: difference(logits.stock, logits.own) };
}

async function inChromium(files: GraphModelFiles, rounds: number, threads: number): Promise<Times> {
  if (!requireChromium()) throw new Error("Without Chromium there is no page.");
  const compiled = compileSources("tfjs-kernels/register.ts");
  const contents = [...kernelsPageFiles(files, pictures(1), compiled.folder)].map(([name, make]) => {
    const made = make();
    return [`/${name}`, typeof made === "string" ? Buffer.from(made) : made] as const;
  });
  const server = await serveIsolated({ folders: {}, files: Object.fromEntries(contents) });
  const browser = await startChromium();
  try {
    const page = await browser.newPage();
    await page.addInitScript(claimCores, 2 * threads);
    await page.goto(`${server.origin}/index.html`);
    await page.waitForFunction("globalThis.page");
    const started = await onPage(page, "start", threads);
    if (started !== threads) throw new Error(`tfjs starts ${started} threads here.`);
    return await onPage(page, "compare", rounds);
  } finally {
    await browser.close();
    await server.close();
    compiled.remove();
  }
}

async function measure(name: NetName, rounds: number, threads: readonly number[]): Promise<string[][]> {
  const net = openNamed(name);
  const files = toGraphModel(runPasses(net.graph, standardPasses), heWeights(net.graph, 1));
  const row = (where: string, { stock, own }: Times, rest: string) => [
    name,
    where,
    ...[stock, own].flatMap((times) => [fixed(median(times)), fixed(Math.min(...times))]),
    fixed(median(stock) / median(own)),
    rest,
  ];
  if (threads.length === 0) {
    const { times, apart } = await inNode(files, rounds);
    return [row("Node", times, apart.toExponential(1))];
  }
  const rows: string[][] = [];
  for (const count of threads)
    rows.push(row(`Chromium ${count}T`, await inChromium(files, rounds, count), ""));
  return rows;
}

async function main(): Promise<void> {
  if (values.help) return console.log(usage);
  const unknown = values.nets.split(",").find((name) => !netNames.includes(name as NetName));
  if (unknown !== undefined) throw new Error(`There is no net ${unknown}: ${netNames.join(", ")}.`);
  const threads = values.threads?.split(",").map(Number) ?? [];
  await tf.setBackend("wasm");
  const rows: string[][] = [];
  for (const name of values.nets.split(","))
    rows.push(...(await measure(name as NetName, Number(values.rounds), threads)));
  const head = ["net", "where", "tfjs ms", "least", "ours ms", "least", "times as fast", "apart"];
  console.log(markdownTable(head, rows));
}

await main();
