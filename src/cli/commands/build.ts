/** `resnetc build`: compiles a net into files, and shows what it is, whether it keeps its promises, what was written. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Arguments, Argv } from "yargs";
import type { Diagnostic } from "../../base/diagnostic.ts";
import { makeDiagnostic } from "../../base/diagnostic.ts";
import { nearest } from "../../base/suggest.ts";
import type { Artifact, Target } from "../../codegen/target.ts";
import { targets } from "../../codegen/targets.ts";
import { type AnalysedNet, emit } from "../../compile.ts";
import type { Graph } from "../../ir/graph.ts";
import { printGraph } from "../../ir/print.ts";
import type { PassEvent } from "../../passes/pass.ts";
import { allPasses } from "../../passes/pipeline.ts";
import { whyNot, writeArtifacts } from "../files.ts";
import { formatOption, netOptions, openNet } from "../net-options.ts";
import { describeFusion, netToJson, stageTable, verdictLines } from "../report.ts";
import {
  diagnosticToJson,
  fileSize,
  note,
  paintFor,
  print,
  printDiagnostics,
  printJson,
  progress,
  table,
} from "../terminal.ts";
import { areUntrained, type FoundWeights, findWeights, weightOptions } from "../weights-options.ts";

export const builder = (yargs: Argv) =>
  formatOption(weightOptions(netOptions(yargs)))
    .positional("file", {
      type: "string",
      demandOption: true,
      describe: "a .resnet file, FILE#net for one of its nets",
    })
    .option("output", { alias: "o", type: "string", describe: "the folder to write (default: dist/NET)" })
    .option("target", {
      type: "string",
      default: "tfjs",
      describe: `what to make, commas between: ${targets.map(({ name }) => name).join(", ")}`,
    })
    .option("optimise", {
      alias: "O",
      type: "number",
      choices: [0, 1, 2] as const,
      default: 2 as const,
      describe: "0 none, 1 exact passes, 2 all",
    })
    .option("print-after", { type: "string", describe: "print the IR after a pass, on stderr" })
    .option("dump", { type: "string", describe: "write the IR after every pass into a folder" })
    .example("$0 build examples/resnet152.resnet", "the table, the verdicts, dist/resnet152")
    .example("$0 build examples/cifar.resnet#resnet20 --weights resnet20.th", "with trained weights")
    .example("$0 build examples/resnet50.resnet --target tfjs,svg -o out", "two targets into one folder");

type BuildArguments = Arguments<Awaited<ReturnType<typeof builder>["argv"]>>;

export function handler(options: BuildArguments): number {
  const chosen = chooseTargets(options.target);
  if ("code" in chosen) return stop([chosen], options);
  const wanted = options["print-after"];
  if (wanted !== undefined && !allPasses.some(({ name }) => name === wanted))
    return stop([unknownPass(wanted)], options);

  const opened = openNet(options.file, options);
  if (!opened) return 1;
  const { net, module } = opened;

  let weights: FoundWeights | undefined;
  if (chosen.some(({ needsWeights }) => needsWeights)) {
    const found = findWeights(net, module, options);
    if (found.diagnostics.length > 0) printDiagnostics(found.diagnostics, options.format);
    if (!found.weights) return 1;
    weights = found.weights;
  }

  const { artifacts, optimised, problems } = emitAll(net, chosen, weights, options);
  if (problems.length > 0) printDiagnostics(problems, options.format);
  if (problems.some(({ severity }) => severity === "error")) return 1;

  const folder = options.output ?? path.join("dist", net.name);
  progress(`writing ${folder}`);
  const unwritten = writeArtifacts(folder, artifacts);
  if (unwritten) return stop([unwritten], options);

  const sizes = artifacts.map(({ path: name, contents }) => ({
    path: path.join(folder, name).split(path.sep).join("/"),
    bytes: typeof contents === "string" ? Buffer.byteLength(contents) : contents.length,
  }));
  if (options.json) {
    const warnings = opened.diagnostics.map(diagnosticToJson);
    const from = weights ? { weights: weights.from, notes: weights.notes } : {};
    printJson({ command: "build", ...netToJson(net), ...from, warnings, written: sizes });
    return 0;
  }
  show(net, optimised, weights, sizes);
  return 0;
}

function emitAll(
  net: AnalysedNet,
  chosen: readonly Target[],
  weights: FoundWeights | undefined,
  options: BuildArguments,
) {
  const artifacts: Artifact[] = [];
  const problems: Diagnostic[] = [];
  let optimised: Graph | undefined;
  for (const target of chosen) {
    const observer = new PassObserver(target, net.graph, options);
    const emitted = emit(net, {
      target,
      weights: weights?.source ?? noWeights,
      weightsFrom: weights?.from ?? "none",
      level: options.optimise,
      onPass: (event) => observer.see(event),
      onProgress: (done, total) => progress(`packing weights for ${target.name}`, done / total),
    });
    artifacts.push(...emitted.artifacts);
    problems.push(...emitted.diagnostics, ...observer.problems);
    if (target.passes.length > 0) optimised ??= emitted.graph;
  }
  return { artifacts, optimised, problems };
}

const noWeights = {
  get(name: string): never {
    throw new Error(`${name} was asked for by a target that needs no weights`);
  },
};

/** `--print-after` and `--dump`. */
class PassObserver {
  readonly problems: Diagnostic[] = [];
  readonly #options: BuildArguments;
  readonly #target: Target;
  #step = 0;

  constructor(target: Target, before: Graph, options: BuildArguments) {
    this.#options = options;
    this.#target = target;
    if (target.passes.length > 0) this.#dump("lower", before);
  }

  see({ pass, after }: PassEvent): void {
    if (this.#options["print-after"] === pass.name) note(printGraph(after).trimEnd());
    this.#dump(pass.name, after);
  }

  #dump(name: string, graph: Graph): void {
    const folder = this.#options.dump;
    if (folder === undefined) return;
    const file = `${this.#target.name}-${String(this.#step++).padStart(3, "0")}_${name}.txt`;
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, file), printGraph(graph));
    } catch (error) {
      this.problems.push(
        makeDiagnostic("unwritable-output", undefined, { path: path.join(folder, file), why: whyNot(error) }),
      );
    }
  }
}

function chooseTargets(text: string): readonly Target[] | Diagnostic {
  const chosen: Target[] = [];
  for (const name of text.split(",").map((word) => word.trim())) {
    const found = targets.find((target) => target.name === name);
    if (!found) {
      const all = targets.map((target) => target.name);
      const near = nearest(name, all);
      const hint = near ? `did you mean ${near}?` : `there are ${all.join(", ")}`;
      return makeDiagnostic("unknown-target", undefined, { name }, { hint });
    }
    if (!chosen.includes(found)) chosen.push(found);
  }
  return chosen;
}

export function unknownPass(name: string): Diagnostic {
  const all = allPasses.map((pass) => pass.name);
  const near = nearest(name, all);
  return makeDiagnostic(
    "unknown-pass",
    undefined,
    { name },
    { hint: near ? `did you mean ${near}?` : `there are ${all.join(", ")}` },
  );
}

function stop(diagnostics: readonly Diagnostic[], { format }: BuildArguments): number {
  printDiagnostics(diagnostics, format);
  return 1;
}

function show(
  net: AnalysedNet,
  optimised: Graph | undefined,
  weights: FoundWeights | undefined,
  written: readonly { readonly path: string; readonly bytes: number }[],
): void {
  const paint = paintFor(process.stdout);
  const title = net.doc.split("\n")[0];
  print(`${paint("bold", net.name)}${title ? `  ${title}` : ""}\n`);
  print(`${stageTable(net, paint, optimised)}\n`);
  if (optimised) print(`${describeFusion(net.graph, optimised)}\n`);
  if (net.verdicts.length > 0) print(`${verdictLines(net, paint)}\n`);
  if (weights) {
    const random = areUntrained(weights.from);
    print(`weights: ${weights.from}${random ? " (untrained; see --weights)" : ""}`);
    for (const line of weights.notes) print(`         ${line}`);
    print("");
  }
  print(
    table(
      [
        { title: "written", align: "left" },
        { title: "size", align: "right" },
      ],
      written.map(({ path: file, bytes }) => [file, fileSize(bytes)]),
      paint,
    ),
  );
}
