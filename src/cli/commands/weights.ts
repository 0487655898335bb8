/** `resnetc weights`: what is in a checkpoint, and whether it fits a net. */
import type { Arguments, Argv } from "yargs";
import { collect } from "../../base/diagnostic.ts";
import { isOp } from "../../ir/graph.ts";
import { ops } from "../../ir/ops/index.ts";
import { elements } from "../../ir/tensor.ts";
import { type Checkpoint, openCheckpoint } from "../../weights/checkpoint.ts";
import { checkpointFiles } from "../files.ts";
import { formatOption, netOptions, openNet } from "../net-options.ts";
import {
  count,
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
      describe: "safetensors, PyTorch or a tfjs manifest",
    })
    .positional("file", { type: "string", describe: "a .resnet file, FILE#net, that it should fit" })
    .example("$0 weights resnet50.pth", "every tensor: name, shape, type")
    .example("$0 weights resnet50.pth examples/resnet50.resnet", "whether it fits, and what does not");

export function handler(options: Arguments<Awaited<ReturnType<typeof builder>["argv"]>>): number {
  const { checkpoint: path, file, json, format } = options;
  progress(`reading ${path}`);
  const { diagnostics, report } = collect();
  const checkpoint = openCheckpoint(path, checkpointFiles, report);
  if (!checkpoint) {
    printDiagnostics(diagnostics, format);
    return 1;
  }
  if (file === undefined) {
    if (json) printJson({ command: "weights", ...describe(path, checkpoint) });
    else show(path, checkpoint);
    return 0;
  }

  const opened = openNet(file, options);
  if (!opened) return 1;
  const { weights, diagnostics: problems } = findWeights(opened.net, opened.module, {
    ...options,
    weights: path,
    seed: 0,
  });
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
    }
  }
  return weights ? 0 : 1;
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

function show(path: string, checkpoint: Checkpoint): void {
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
}
