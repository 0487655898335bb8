/** `resnetc weights`: what is in a checkpoint, and whether it fits a net. */

import { writeFileSync } from "node:fs";
import type { Arguments, Argv } from "yargs";
import { collect, type Diagnostic, makeDiagnostic } from "../../base/diagnostic.ts";
import { count } from "../../base/show-number.ts";
import type { AnalysedNet } from "../../compile.ts";
import { isOp } from "../../ir/graph.ts";
import { ops } from "../../ir/ops/index.ts";
import { elements } from "../../ir/tensor.ts";
import type { Module } from "../../lower/modules.ts";
import { checkpointFiles, checkpointFilesFor, whyNot } from "../../node/files.ts";
import { type FoundWeights, tablesOf, unknownTable } from "../../node/find-weights.ts";
import { UsageError } from "../../node/usage-error.ts";
import { type Architecture, recogniseArchitecture } from "../../weights/architecture/index.ts";
import { type Checkpoint, openCheckpoint } from "../../weights/checkpoint.ts";
import { clashingNames, exportWeights } from "../../weights/export.ts";
import { writeSafetensors } from "../../weights/write-safetensors.ts";
import { architectureLines, architectureTitle, nextStep, writeSpec } from "../architecture-report.ts";
import { formatOption, netOptions, openNet } from "../net-options.ts";
import {
  diagnosticToJson,
  fileSize,
  paintFor,
  print,
  printDiagnostics,
  printJson,
  progress,
  table,
} from "../terminal.ts";
import { bindingOptions, findWeights } from "../weights-options.ts";

export const builder = (yargs: Argv) =>
  formatOption(bindingOptions(netOptions(yargs)))
    .positional("checkpoint", {
      type: "string",
      demandOption: true,
      describe: "safetensors, PyTorch, Keras, ONNX, Caffe, .npz or a tfjs manifest",
    })
    .option("write", {
      type: "string",
      describe: "write a .resnet file that loads it, where the architecture is known",
    })
    .option("save", {
      type: "string",
      describe: "write the weights of the net as safetensors, in torch's layout",
    })
    .option("as", {
      type: "string",
      describe: "--save: the table that names the tensors (default: the net's own names)",
    })
    .positional("file", { type: "string", describe: "a .resnet file, FILE#net, that it should fit" })
    .example("$0 weights resnet50.pth", "every tensor: name, shape, type")
    .example("$0 weights resnet50.pth examples/resnet50.resnet", "whether it fits, and what does not")
    .example("$0 weights resnet50d.pth --write resnet50d.resnet", "the net that it is of")
    .example(
      "$0 weights resnet50.h5 resnet50.resnet --save resnet50.safetensors --as torchvision",
      "Keras' weights as torch has them",
    );

export async function handler(
  options: Arguments<Awaited<ReturnType<typeof builder>["argv"]>>,
): Promise<number> {
  const { checkpoint: path, file, json, format } = options;
  if (options.write !== undefined && file !== undefined) {
    throw new UsageError("--write is for checkpoints without a net");
  }
  if (options.as !== undefined && options.save === undefined) throw new UsageError("--as goes with --save");
  if (options.save !== undefined && file === undefined) {
    throw new UsageError(
      "--save needs the net whose weights it writes: `weights CHECKPOINT FILE --save OUT`",
    );
  }
  progress(`reading ${path}`);
  const { diagnostics, report } = collect();
  const checkpoint = openCheckpoint(path, await checkpointFilesFor(path), report);
  if (!checkpoint) {
    printDiagnostics(diagnostics, format);
    return 1;
  }
  if (options.write !== undefined) return write(options.write, path, checkpoint, options);
  if (file === undefined) {
    const architecture = recogniseArchitecture(checkpoint, path);
    if (json)
      printJson({ command: "weights", ...describe(path, checkpoint), architecture: architecture ?? null });
    else show(path, checkpoint, architecture);
    return 0;
  }

  const opened = await openNet(file, options);
  if (!opened) return 1;
  const { weights, diagnostics: found } = await findWeights(opened.net, opened.module, {
    ...options,
    weights: path,
    seed: 0,
  });
  const problems = [...found];
  const saving =
    weights && options.save !== undefined ? save(options.save, options.as, opened, weights) : undefined;
  if (saving) problems.push(saving);
  const params = opened.net.graph.nodes.filter((node) => isOp(node, ops.param));
  if (json) {
    printJson({
      command: "weights",
      checkpoint: path,
      net: opened.net.name,
      fits: weights !== undefined,
      notes: weights?.notes ?? [],
      diagnostics: problems.map(diagnosticToJson),
    });
  } else {
    if (problems.length > 0) printDiagnostics(problems, format);
    if (weights) {
      print(
        `${paintFor(process.stdout)("info", "ok")}  ${path} fits ${opened.net.name}: ${count(params.length)} tensors`,
      );
      for (const line of weights.notes) print(`    ${line}`);
      if (options.save !== undefined && !saving) print(`    written: ${options.save}`);
    }
  }
  return weights && !saving ? 0 : 1;
}

/** Why the weights could not be written. */
function save(
  file: string,
  as: string | undefined,
  { net, module }: { readonly net: AnalysedNet; readonly module: Module },
  { source }: FoundWeights,
): Diagnostic | undefined {
  const tables = tablesOf(module);
  const table = tables.find(({ name }) => name === as);
  if (as !== undefined && !table) return unknownTable(as, tables);
  const clashing = table ? clashingNames(net.graph, table) : [];
  if (clashing.length > 0) {
    const places = `${clashing.length} names of \`${as}\` stand for more than one weight of ${net.name}`;
    return makeDiagnostic("weight-used-twice", undefined, { name: clashing[0], places });
  }
  try {
    writeFileSync(file, writeSafetensors(exportWeights(net.graph, source, table)));
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return makeDiagnostic("unwritable-output", undefined, { path: file, why: whyNot(error) });
  }
  return undefined;
}

function describe(path: string, { format, tensors, notes }: Checkpoint) {
  const list = [...tensors.values()].map(({ name, shape, dtype }) => ({ name, shape, dtype }));
  return {
    checkpoint: path,
    format,
    tensors: list.length,
    values: list.reduce((sum, t) => sum + elements(t.shape), 0),
    notes,
    list,
  };
}

function write(
  file: string,
  path: string,
  checkpoint: Checkpoint,
  { format, json }: { readonly format: "pretty" | "gnu" | "json"; readonly json: boolean },
): number {
  const architecture = recogniseArchitecture(checkpoint, path);
  const written = writeSpec(file, architecture, checkpoint, path);
  if (!("name" in written)) {
    printDiagnostics(written, format);
    return 1;
  }
  if (written.problems.length > 0) printDiagnostics(written.problems, format);
  if (json) {
    const diagnostics = written.problems.map(diagnosticToJson);
    printJson({ command: "weights", checkpoint: path, architecture, written: file, diagnostics });
  } else {
    print(`${paintFor(process.stdout)("bold", architectureTitle(architecture!, checkpoint))}`);
    for (const line of architectureLines(architecture!)) print(line);
    print(`\n${file} is the net \`${written.name}\`, which ${path} fits`);
  }
  return 0;
}

function show(path: string, checkpoint: Checkpoint, architecture: Architecture | undefined): void {
  const paint = paintFor(process.stdout);
  const { format, tensors, values, notes, list } = describe(path, checkpoint);
  const found = checkpointFiles.read(path);
  const size = typeof found === "string" ? "" : `, ${fileSize(found.length)}`;
  print(`${paint("bold", path)}: ${format}${size}`);
  for (const line of notes) print(line);
  print("");
  const rows = list.map(({ name, shape, dtype }) => [
    name,
    shape.join("x") || "scalar",
    dtype,
    count(elements(shape)),
  ]);
  print(
    table(
      [
        { title: "tensor", align: "left", widest: 46 },
        { title: "shape", align: "left" },
        { title: "type", align: "left" },
        { title: "values", align: "right" },
      ],
      rows,
      paint,
    ),
  );
  print(`\n${count(tensors)} tensors, ${count(values)} values`);
  if (!architecture) {
    print("\nThe architecture is none that is known here.");
    return;
  }
  print(`\n${paint("bold", architectureTitle(architecture, checkpoint))}`);
  for (const line of architectureLines(architecture)) print(line);
  print(`\n${nextStep(architecture, path)}`);
}
