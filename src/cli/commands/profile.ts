/** `resnetc profile`: where the time of a net goes, layer by layer, measured here; as a table, JSON, a trace and a picture. */
import { writeFileSync } from "node:fs";
import type { Arguments, Argv } from "yargs";
import { makeDiagnostic } from "../../base/diagnostic.ts";
import { headingOf } from "../../codegen/svg/target.ts";
import { cardOf } from "../../compile.ts";
import { drawPicture } from "../../draw/picture.ts";
import { stepsOf } from "../../draw/steps.ts";
import { whyNot } from "../../node/files.ts";
import { UsageError } from "../../node/usage-error.ts";
import { adviceOn } from "../../run/advice.ts";
import { type Layer, type Profile, profileNet } from "../../run/profile.ts";
import { traceOf } from "../../run/trace.ts";
import { heWeights } from "../../weights/initialise.ts";
import { arithmeticOptions, readArithmetic } from "../arithmetic-options.ts";
import { formatOption, netOptions, openNet } from "../net-options.ts";
import { paintFor, print, printDiagnostics, printJson, progress, table, wrapped } from "../terminal.ts";

export const builder = (yargs: Argv) =>
  arithmeticOptions(formatOption(netOptions(yargs)))
    .positional("file", {
      type: "string",
      demandOption: true,
      describe: "a .resnet file, FILE#net for one of its nets",
    })
    .option("target", {
      choices: ["wasm", "tfjs"] as const,
      default: "wasm" as const,
      describe: "what is measured",
    })
    .option("backend", {
      choices: ["wasm", "cpu"] as const,
      defaultDescription: "wasm",
      describe: "tfjs: its backend",
    })
    .option("threads", {
      type: "string",
      defaultDescription: "1",
      describe: "wasm: how many, or auto: the processors there are",
    })
    .option("seconds", {
      type: "number",
      default: 3,
      describe: "how long to measure; the least of all rounds counts",
    })
    .option("top", {
      type: "number",
      describe: "only so many layers, those that take longest (default: all, in order)",
    })
    .option("trace", {
      type: "string",
      describe: "a file for Perfetto or Chrome's DevTools (Trace Event JSON)",
    })
    .option("picture", { type: "string", describe: "an .svg of the net, coloured by time" })
    .example("$0 profile examples/resnet50.resnet --top 10", "the ten layers that take longest")
    .example("$0 profile examples/resnet18.resnet --trace trace.json", "for https://ui.perfetto.dev")
    .example("$0 profile examples/resnet18.resnet --picture times.svg", "the picture, coloured by time");

type ProfileArguments = Arguments<Awaited<ReturnType<typeof builder>["argv"]>>;

export async function handler(options: ProfileArguments): Promise<number> {
  const { seconds, top } = options;
  if (!(seconds > 0 && seconds <= 600))
    throw new UsageError(`--seconds ${seconds} is not a number up to 600`);
  if (top !== undefined && !(Number.isInteger(top) && top > 0))
    throw new UsageError(`--top ${top} is not a whole number from 1`);
  const isTfjs = options.target === "tfjs";
  if (isTfjs && options.threads !== undefined) throw new UsageError("--threads goes with --target wasm");
  if (!isTfjs && options.backend !== undefined) throw new UsageError("--backend goes with --target tfjs");
  const threads = readThreads(options.threads ?? "1");
  const place = isTfjs ? "--target wasm" : undefined;
  const arithmetic = readArithmetic(options, place, place);
  const opened = await openNet(options.file, options);
  if (!opened) return 1;
  const { net } = opened;
  const found = await profileNet({
    ...{ net, threads, arithmetic },
    target: isTfjs ? `tfjs ${options.backend ?? "wasm"}` : "wasm",
    // How long kernels take does not depend on the numbers.
    weights: heWeights(net.graph, 0),
    patience: 1000 * seconds,
    onRound: (part) => progress("measuring", part),
  });
  const times = new Map(found.layers.map(({ name, ms }) => [name, ms]));
  const picture = () => drawPicture(stepsOf(net.graph), headingOf(cardOf(net, "")), { colour: "ms", times });
  const files = [
    ...(options.trace === undefined ? [] : [[options.trace, traceOf(net.name, found)] as const]),
    ...(options.picture === undefined ? [] : [[options.picture, picture()] as const]),
  ];
  for (const [file, text] of files) {
    try {
      writeFileSync(file, text);
    } catch (error) {
      const problem = makeDiagnostic("unwritable-output", undefined, { path: file, why: whyNot(error) });
      printDiagnostics([problem], options.format);
      return 1;
    }
  }
  const written = files.map(([path, text]) => ({ path, bytes: Buffer.byteLength(text) }));
  if (options.json)
    printJson({ command: "profile", net: net.name, ...found, advice: adviceOn(found), written });
  else show(net.name, found, top, written);
  return 0;
}

function readThreads(text: string): "auto" | number {
  if (text === "auto") return text;
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > 64) throw new UsageError(`--threads ${text} is not auto or a number from 1 to 64`);
  return count;
}

function show(
  name: string,
  found: Profile,
  top: number | undefined,
  written: readonly { readonly path: string }[],
): void {
  const paint = paintFor(process.stdout);
  const { layers, ms, threads, rounds } = found;
  const sum = layers.reduce((total, layer) => total + layer.ms, 0);
  const shown = top === undefined ? layers : [...layers].sort((a, b) => b.ms - a.ms).slice(0, top);
  const count = threads.used === 1 ? "1 thread" : `${threads.used} threads`;
  print(`${paint("bold", name)}  ${count}, the least of ${rounds} rounds\n`);
  print(
    table(
      [
        { title: "layer", align: "left" },
        { title: "operation", align: "left" },
        { title: "kernel", align: "left" },
        { title: "ms", align: "right" },
        { title: "share", align: "right" },
        { title: "GMAC/s", align: "right" },
      ],
      shown.map((layer) => rowOf(layer, sum)),
      paint,
    ),
  );
  if (shown.length < layers.length) print(`… and ${layers.length - shown.length} more layers`);
  print(`\nlayers ${sum.toFixed(2)} ms, whole ${ms.toFixed(2)} ms (${percent(sum / ms)})\n`);
  for (const line of adviceOn(found)) print(wrapped(line));
  for (const { path } of written) print(`wrote ${path}`);
}

const rowOf = ({ name, what, kernels, ms, macs }: Layer, sum: number): string[] => [
  name,
  what,
  // Their variants are in JSON and traces.
  kernels === what ? "" : kernels.split(" + ").at(-1)!.split(" ")[0],
  ms.toFixed(2),
  percent(ms / sum),
  macs > 0 ? (macs / ms / 1e6).toFixed(1) : "",
];

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
