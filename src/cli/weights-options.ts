/** Where a command's weights come from: a checkpoint that must fit the net, or seeded He initialisation. */
import type { Argv } from "yargs";
import { collect, type Diagnostic, makeDiagnostic } from "../base/diagnostic.ts";
import { nearest } from "../base/suggest.ts";
import { type AnalysedNet, analyse } from "../compile.ts";
import type { Graph } from "../ir/graph.ts";
import type { WeightSource } from "../ir/interpret.ts";
import { type Module, standardLibrary } from "../lower/modules.ts";
import { recogniseArchitecture } from "../weights/architecture/index.ts";
import { bindWeights } from "../weights/bind.ts";
import { type Checkpoint, openCheckpoint } from "../weights/checkpoint.ts";
import { heWeights } from "../weights/initialise.ts";
import type { NamesTable } from "../weights/names.ts";
import { checkpointFilesFor, readModule } from "./files.ts";
import { progress } from "./terminal.ts";

export interface WeightArguments {
  readonly weights?: string | undefined;
  readonly names?: string | undefined;
  readonly seed: number;
  readonly "allow-nan": boolean;
  readonly strict: boolean;
}

/** How a checkpoint is fitted to a net. */
export function bindingOptions<T>(yargs: Argv<T>) {
  return yargs
    .option("names", { type: "string", describe: "the table that names its tensors (default: recognised)" })
    .option("strict", {
      type: "boolean",
      default: false,
      describe: "tensors that the net has no place for are errors",
    })
    .option("allow-nan", {
      type: "boolean",
      default: false,
      describe: "take NaN and infinite weights as they are",
    });
}

export function weightOptions<T>(yargs: Argv<T>) {
  return bindingOptions(yargs)
    .option("weights", {
      type: "string",
      describe:
        "a checkpoint: safetensors (or .index.json), PyTorch (.pth, .pt, .bin), Keras (.keras, .h5), ONNX, Caffe (.caffemodel), .npz or a tfjs manifest",
    })
    .option("init", {
      choices: ["he"] as const,
      default: "he" as const,
      describe: "weights without a checkpoint",
    })
    .option("seed", { type: "number", default: 0, describe: "seed of the initialisation" });
}

export interface FoundWeights {
  readonly source: WeightSource;
  /** For the card and the reader: "resnet20.th", "He initialisation, seed 0". */
  readonly from: string;
  /** What was recognised. */
  readonly notes: readonly string[];
}

/** Whether weights come from no checkpoint, by what the card says of them. */
export const areUntrained = (from: string): boolean => from.startsWith("He initialisation");

export interface WeightsResult {
  readonly weights: FoundWeights | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export async function findWeights(
  net: AnalysedNet,
  module: Module,
  options: WeightArguments,
): Promise<WeightsResult> {
  if (options.weights === undefined) {
    const from = `He initialisation, seed ${options.seed}`;
    return { weights: { source: heWeights(net.graph, options.seed), from, notes: [] }, diagnostics: [] };
  }
  const tables = tablesOf(module);
  const table = options.names === undefined ? undefined : tables.find(({ name }) => name === options.names);
  if (options.names !== undefined && !table)
    return { weights: undefined, diagnostics: [unknownTable(options.names, tables)] };
  const { diagnostics, report } = collect();
  const path = options.weights;
  progress(`reading ${path}`);
  const checkpoint = openCheckpoint(path, await checkpointFilesFor(path), report);
  const source =
    checkpoint &&
    bindWeights(
      {
        graph: net.graph,
        checkpoint,
        path,
        tables,
        table,
        allowNaN: options["allow-nan"],
        strict: options.strict,
        others: () => otherGraphs(module, net.name),
      },
      report,
    );
  const name = path.replace(/^.*[\\/]/, "");
  if (!source) return { weights: undefined, diagnostics: withWhatItIs(diagnostics, checkpoint, path) };
  return { weights: { source, from: name, notes: source.notes }, diagnostics };
}

/** The other nets of a file, with the default values of their parameters. */
export function otherGraphs(module: Module, name: string): readonly Graph[] {
  const names = module.nets.map(({ item }) => item.name.text).filter((other) => other !== name);
  return names.flatMap((net) =>
    analyse(module.source, { net, read: readModule }).nets.map(({ graph }) => graph),
  );
}

/** What does not fit is told with what the checkpoint seems to be instead. */
function withWhatItIs(
  diagnostics: readonly Diagnostic[],
  checkpoint: Checkpoint | undefined,
  path: string,
): readonly Diagnostic[] {
  const found = checkpoint && recogniseArchitecture(checkpoint, path);
  if (!found || diagnostics.length === 0) return diagnostics;
  const [first, ...rest] = diagnostics;
  const message = `the checkpoint seems to be of ${found.title}, with the names of ${found.convention}`;
  return [{ ...first, notes: [...(first.notes ?? []), { message }] }, ...rest];
}

/** The tables of a file, then those of the standard library. */
export function tablesOf(module: Module | undefined): readonly NamesTable[] {
  const own = [...(module?.tables.values() ?? [])];
  const library = [...standardLibrary().tables.values()].filter(
    ({ name }) => !own.some((table) => table.name === name),
  );
  return [...own, ...library];
}

export function unknownTable(name: string, tables: readonly NamesTable[]): Diagnostic {
  const all = tables.map((table) => table.name);
  const near = nearest(name, all);
  const hint = near ? `did you mean \`${near}\`?` : `there are ${all.join(", ")}`;
  return makeDiagnostic("unknown-names", undefined, { name }, { hint });
}

/** For what needs none: pictures, plans. */
export const noWeights: WeightSource = {
  get(name: string): never {
    throw new Error(`${name} was asked for where no weights are needed`);
  },
};
