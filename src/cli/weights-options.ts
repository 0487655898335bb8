/** Where a command's weights come from: a checkpoint that must fit the net, or seeded He initialisation. */
import type { Argv } from "yargs";
import { collect, type Diagnostic, makeDiagnostic } from "../base/diagnostic.ts";
import { nearest } from "../base/suggest.ts";
import type { AnalysedNet } from "../compile.ts";
import type { WeightSource } from "../ir/interpret.ts";
import { type Module, standardLibrary } from "../lower/modules.ts";
import { bindWeights } from "../weights/bind.ts";
import { openCheckpoint } from "../weights/checkpoint.ts";
import { heWeights } from "../weights/initialise.ts";
import type { NamesTable } from "../weights/names.ts";
import { checkpointFiles } from "./files.ts";
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
      describe: "a checkpoint: safetensors, PyTorch (.pth, .pt, .bin) or a tfjs manifest",
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

export function findWeights(net: AnalysedNet, module: Module, options: WeightArguments): WeightsResult {
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
  const checkpoint = openCheckpoint(path, checkpointFiles, report);
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
      },
      report,
    );
  const name = path.replace(/^.*[\\/]/, "");
  return { weights: source && { source, from: name, notes: source.notes }, diagnostics };
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
