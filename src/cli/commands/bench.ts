/** `resnetc bench`: our targets side by side with the runtimes that are installed, in one process, in turn. */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { Arguments, Argv } from "yargs";
import { makeDiagnostic } from "../../base/diagnostic.ts";
import { drawBars } from "../../draw/bars.ts";
import { whyNot } from "../../node/files.ts";
import { UsageError } from "../../node/usage-error.ts";
import { type Bench, type BenchResult, benchNet, type Rival, rivals } from "../../run/bench.ts";
import { heWeights } from "../../weights/initialise.ts";
import { formatOption, netOptions, openNet } from "../net-options.ts";
import { paintFor, print, printDiagnostics, printJson, progress, table } from "../terminal.ts";

export const builder = (yargs: Argv) =>
  formatOption(netOptions(yargs))
    .positional("file", {
      type: "string",
      demandOption: true,
      describe: "a .resnet file, FILE#net for one of its nets",
    })
    .option("against", {
      type: "string",
      default: "tfjs",
      describe: `runtimes, commas between: ${rivals.join(", ")} (the package onnxruntime-web), or none`,
    })
    .option("seconds", { type: "number", default: 5, describe: "how long to go on" })
    .option("chart", { type: "string", describe: "an .svg of the times" })
    .example("$0 bench examples/resnet18.resnet", "wasm on one thread and on all, and tfjs")
    .example(
      "$0 bench examples/resnet50.resnet --against tfjs,ort --chart times.svg",
      "ONNX Runtime Web too",
    );

type BenchArguments = Arguments<Awaited<ReturnType<typeof builder>["argv"]>>;

export async function handler(options: BenchArguments): Promise<number> {
  const { seconds, chart, format } = options;
  if (!(seconds > 0 && seconds <= 600))
    throw new UsageError(`--seconds ${seconds} is not a number up to 600`);
  const against = readRivals(options.against);
  const opened = await openNet(options.file, options);
  if (!opened) return 1;
  const { net } = opened;
  const found = await benchNet({
    ...{ net, against, patience: 1000 * seconds },
    // How long kernels take does not depend on the numbers.
    weights: heWeights(net.graph, 0),
    threads: Math.min(8, availableParallelism()),
    onStep: progress,
  });
  if (chart !== undefined) {
    try {
      writeFileSync(chart, chartOf(net.name, found));
    } catch (error) {
      printDiagnostics(
        [makeDiagnostic("unwritable-output", undefined, { path: chart, why: whyNot(error) })],
        format,
      );
      return 1;
    }
  }
  if (options.json) printJson({ command: "bench", net: net.name, ...found });
  else show(net.name, found, chart);
  return 0;
}

function readRivals(text: string): readonly Rival[] {
  if (text === "none") return [];
  const words = text.split(",").map((word) => word.trim());
  const unknown = words.find((word) => !rivals.includes(word as Rival));
  if (unknown !== undefined)
    throw new UsageError(`--against takes ${rivals.join(", ")} or none, not ${unknown}`);
  return words as Rival[];
}

function show(name: string, { results, missing, rounds }: Bench, chart: string | undefined): void {
  const paint = paintFor(process.stdout);
  print(`${paint("bold", name)}  medians of ${rounds} rounds, in turn in one process\n`);
  print(
    table(
      [
        { title: "", align: "left" },
        { title: "load", align: "right" },
        { title: "first run", align: "right" },
        { title: "run", align: "right" },
        { title: "times", align: "right" },
        { title: "differs by", align: "right" },
      ],
      results.map((result) => [
        result.name,
        `${short(result.loadMs)} ms`,
        `${short(result.firstMs)} ms`,
        `${short(result.ms)} ms`,
        (result.ms / results[0].ms).toFixed(2),
        result === results[0] ? "" : result.difference.toExponential(0),
      ]),
      paint,
    ),
  );
  for (const { name: who, why } of missing) print(`${who}: not measured, ${why}`);
  if (chart !== undefined) print(`\nwrote ${chart}`);
}

const chartOf = (name: string, { results, rounds }: Bench): string =>
  drawBars(
    `${name}: milliseconds a picture`,
    `Medians of ${rounds} rounds, in turn in one process; shorter is better`,
    results.map((result, i) => ({
      name: result.name,
      value: result.ms,
      words: `${short(result.ms)} ms${i === 0 ? "" : `, ${timesAs(result, results[0])}`}`,
      isOurs: result.name.startsWith("wasm"),
    })),
  );

function timesAs(result: BenchResult, first: BenchResult): string {
  const times = result.ms / first.ms;
  return times >= 1 ? `${times.toFixed(2)} times as long` : `${(1 / times).toFixed(2)} times as fast`;
}

const short = (ms: number): string => (ms >= 100 ? ms.toFixed(0) : Number(ms.toPrecision(3)).toString());
