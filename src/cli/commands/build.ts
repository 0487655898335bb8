/** `resnetc build`: compiles a net into files, and shows what it is, whether it keeps its promises, what was written. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Arguments, Argv } from "yargs";
import type { Diagnostic } from "../../base/diagnostic.ts";
import { makeDiagnostic } from "../../base/diagnostic.ts";
import { nearest } from "../../base/suggest.ts";
import { graphModel } from "../../codegen/graph-model/target.ts";
import { onnx } from "../../codegen/onnx/target.ts";
import type { Artifact, Target } from "../../codegen/target.ts";
import { targets } from "../../codegen/targets.ts";
import { tfjs } from "../../codegen/tfjs/target.ts";
import { wasm } from "../../codegen/wasm/target.ts";
import { type AnalysedNet, cardOf, type EmitOptions, emit } from "../../compile.ts";
import type { Graph } from "../../ir/graph.ts";
import { printGraph } from "../../ir/print.ts";
import { whyNot } from "../../node/files.ts";
import {
  areUntrained,
  type FoundWeights,
  noWeights,
  tablesOf,
  unknownTable,
} from "../../node/find-weights.ts";
import { areLabels, readLabels, unfitLabels } from "../../node/labels.ts";
import { UsageError } from "../../node/usage-error.ts";
import type { PassEvent } from "../../passes/pass.ts";
import { allPasses } from "../../passes/pipeline.ts";
import { arithmeticOptions, readArithmetic } from "../arithmetic-options.ts";
import { withIntegrity } from "../integrity.ts";
import { labelsOption } from "../labels-option.ts";
import { formatOption, netOptions, openNet } from "../net-options.ts";
import { writeArtifacts } from "../output.ts";
import { describeFusion, netToJson, stageTable, verdictLines } from "../report.ts";
import { storedNote } from "../stored-note.ts";
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
import { findWeights, weightOptions } from "../weights-options.ts";

export const builder = (yargs: Argv) =>
  labelsOption(formatOption(arithmeticOptions(weightOptions(netOptions(yargs)))))
    .positional("file", {
      type: "string",
      demandOption: true,
      describe: "a .resnet file, FILE#net for one of its nets",
    })
    .option("output", { alias: "o", type: "string", describe: "the folder to write (default: dist/NET)" })
    .option("target", {
      type: "string",
      default: "wasm",
      describe: `what to make, commas between: ${targets.map(({ name }) => name).join(", ")}`,
    })
    .option("kernels", {
      choices: ["stock", "own"] as const,
      default: "stock" as const,
      describe: "tfjs: its own kernels, or ours in their place on the wasm backend",
    })
    .option("for", {
      choices: ["triton"] as const,
      describe: "onnx: the folder as a model of Triton Inference Server, with its config.pbtxt",
    })
    .option("shard", {
      type: "number",
      describe: "wasm, graph-model: the size of weights files, in megabytes (default: one file; 4)",
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
    .example("$0 build examples/resnet50.resnet --target wasm,svg -o out", "two targets into one folder")
    .example("$0 build examples/resnet50.resnet --target onnx", "dist/resnet50/resnet50.onnx, NCHW")
    .example("$0 build examples/resnet50.resnet --target graph-model", "for tf.loadGraphModel")
    .example(
      "$0 build examples/resnet50.resnet --target pytorch --names torchvision",
      "Python source, to train with torch",
    );

type BuildArguments = Arguments<Awaited<ReturnType<typeof builder>["argv"]>>;

export async function handler(options: BuildArguments): Promise<number> {
  const chosen = chooseTargets(options.target);
  if ("code" in chosen) return stop([chosen], options);
  const wanted = options["print-after"];
  const passes = allPasses.map(({ name }) => name);
  if (wanted === "plan")
    throw new UsageError("--print-after takes a pass; `resnetc ir FILE --after plan` prints the plan");
  if (wanted !== undefined && !passes.includes(wanted)) return stop([unknownPass(wanted, passes)], options);
  if (options.kernels === "own" && !chosen.includes(tfjs))
    throw new UsageError("--kernels own goes with --target tfjs");
  if (options.for !== undefined && !chosen.includes(onnx))
    throw new UsageError(`--for ${options.for} goes with --target onnx`);
  const shardBytes = readShard(options.shard, chosen);
  const arithmetic = readArithmetic(
    options,
    chosen.includes(wasm) ? undefined : "--target wasm",
    chosen.includes(wasm) || chosen.includes(graphModel) ? undefined : "--target wasm or graph-model",
  );

  const opened = await openNet(options.file, options);
  if (!opened) return 1;
  const { net, module } = opened;

  let weights: FoundWeights | undefined;
  const isWanted = ({ needsWeights, takesWeights }: Target) =>
    needsWeights || (takesWeights === true && options.weights !== undefined);
  if (chosen.some(isWanted)) {
    const found = await findWeights(net, module, options);
    if (found.diagnostics.length > 0) printDiagnostics(found.diagnostics, options.format);
    if (!found.weights) return 1;
    weights = found.weights;
  }

  const labels = readLabels(options.labels, cardOf(net, ""));
  if (!areLabels(labels)) return stop([labels], options);
  const misfit = labels ? undefined : unfitLabels(cardOf(net, ""));
  if (misfit && !options.json) note(misfit);
  const tables = tablesOf(module);
  const names =
    options.names === undefined ? weights?.table : tables.find(({ name }) => name === options.names);
  if (options.names !== undefined && !names) return stop([unknownTable(options.names, tables)], options);
  const how = { arithmetic, shardBytes, names, labels };
  const emitted = emitAll(net, chosen, weights, how, options);
  const { optimised, problems, notes } = emitted;
  if (problems.length > 0) printDiagnostics(problems, options.format);
  if (problems.some(({ severity }) => severity === "error")) return 1;
  if (chosen.includes(wasm) && weights && !areUntrained(weights.from)) {
    progress("comparing results");
    const { source, from: weightsFrom } = weights;
    const emission = { weights: source, weightsFrom, level: options.optimise, arithmetic };
    const line = await storedNote(net, emitted.made.get(wasm) ?? [], emission);
    const behind = notes.findLastIndex(({ target }) => target === wasm.name) + 1;
    if (line) notes.splice(behind, 0, { target: wasm.name, text: line });
  }

  const folder = options.output ?? path.join("dist", net.name);
  progress(`writing ${folder}`);
  const artifacts = withIntegrity(emitted.artifacts);
  const unwritten = writeArtifacts(folder, artifacts);
  if (unwritten) return stop([unwritten], options);

  const sizes = artifacts.map(({ path: name, contents }) => ({
    path: path.join(folder, name).split(path.sep).join("/"),
    bytes: typeof contents === "string" ? Buffer.byteLength(contents) : contents.length,
  }));
  if (options.json) {
    const warnings = opened.diagnostics.map(diagnosticToJson);
    const from = weights ? { weights: weights.from } : {};
    const told = [...(weights?.notes ?? []), ...notes.map(({ text }) => text)];
    printJson({ command: "build", ...netToJson(net), ...from, notes: told, warnings, written: sizes });
    return 0;
  }
  show(net, optimised, weights, notes, sizes);
  return 0;
}

/** Below this many bytes a file costs more to ask for than to send. */
const smallestShard = 10_000;

/** `--shard`, in bytes. */
function readShard(megabytes: number | undefined, chosen: readonly Target[]): number | undefined {
  if (megabytes === undefined) return undefined;
  if (!chosen.includes(graphModel) && !chosen.includes(wasm))
    throw new UsageError("--shard goes with --target wasm or graph-model");
  const bytes = Math.round(megabytes * 2 ** 20);
  if (bytes >= smallestShard && Number.isFinite(bytes)) return bytes;
  throw new UsageError(`--shard ${megabytes} is not a number of megabytes, such as 4 or 0.5`);
}

function emitAll(
  net: AnalysedNet,
  chosen: readonly Target[],
  weights: FoundWeights | undefined,
  how: Pick<EmitOptions, "arithmetic" | "shardBytes" | "names" | "labels">,
  options: BuildArguments,
) {
  const artifacts: Artifact[] = [];
  const made = new Map<Target, readonly Artifact[]>();
  const problems: Diagnostic[] = [];
  const notes: TargetNote[] = [];
  let optimised: Graph | undefined;
  let printed = false;
  for (const target of chosen) {
    const observer = new PassObserver(target, net.graph, options);
    const emitted = emit(net, {
      target,
      weights: weights?.source ?? noWeights,
      weightsFrom: weights?.from ?? "none",
      level: options.optimise,
      ...how,
      hasWeights: weights !== undefined && !areUntrained(weights.from),
      kernels: options.kernels,
      server: options.for,
      onNote: (text) => notes.push({ target: target.name, text }),
      onPass: (event) => observer.see(event),
      onProgress: (done, total) => progress(`packing weights for ${target.name}`, done / total),
    });
    const twice = emitted.artifacts.find(({ path: file }) => artifacts.some((other) => other.path === file));
    if (twice) {
      throw new UsageError(
        `--target ${options.target}: more than one of them makes ${twice.path}; build them one by one, each with its -o`,
      );
    }
    artifacts.push(...emitted.artifacts);
    made.set(target, emitted.artifacts);
    problems.push(...emitted.diagnostics, ...observer.problems);
    if (target.passes.length > 0) optimised ??= emitted.graph;
    printed ||= observer.printed;
  }
  const wanted = options["print-after"];
  if (wanted !== undefined && !printed)
    note(`--print-after ${wanted}: that pass does not run for ${options.target} at -O${options.optimise}`);
  return { artifacts, made, optimised, problems, notes };
}

/** What a target says of its result. */
interface TargetNote {
  readonly target: string;
  readonly text: string;
}

/** `--print-after` and `--dump`. */
class PassObserver {
  readonly problems: Diagnostic[] = [];
  printed = false;
  readonly #options: BuildArguments;
  readonly #target: Target;
  #step = 0;

  constructor(target: Target, before: Graph, options: BuildArguments) {
    this.#options = options;
    this.#target = target;
    if (target.passes.length > 0) this.#dump("lower", before);
  }

  see({ pass, after }: PassEvent): void {
    if (this.#options["print-after"] === pass.name) {
      note(printGraph(after).trimEnd());
      this.printed = true;
    }
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

/** `points`: what could have been named. */
export function unknownPass(name: string, points: readonly string[]): Diagnostic {
  const near = nearest(name, points);
  return makeDiagnostic(
    "unknown-pass",
    undefined,
    { name },
    { hint: near ? `did you mean ${near}?` : `there are ${points.join(", ")}` },
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
  notes: readonly TargetNote[],
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
  if (notes.length > 0) print(`${noteLines(notes)}\n`);
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

/** Each target's name once, its lines beside it. */
function noteLines(notes: readonly TargetNote[]): string {
  return notes
    .map(({ target, text }, i) => {
      const head = `${target}: `;
      return `${notes[i - 1]?.target === target ? " ".repeat(head.length) : head}${text}`;
    })
    .join("\n");
}
