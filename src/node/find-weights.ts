/** Where a net's weights come from: a checkpoint that must fit it, or seeded He initialisation. */
import { existsSync } from "node:fs";
import { collect, type Diagnostic, makeDiagnostic, type Report } from "../base/diagnostic.ts";
import { listNames, nearest } from "../base/suggest.ts";
import { type AnalysedNet, analyse } from "../compile.ts";
import type { Graph } from "../ir/graph.ts";
import type { WeightSource } from "../ir/interpret.ts";
import { type Module, standardLibrary } from "../lower/modules.ts";
import { recogniseArchitecture } from "../weights/architecture/index.ts";
import { type BindRequest, bindWeights } from "../weights/bind.ts";
import { type Checkpoint, openCheckpoint } from "../weights/checkpoint.ts";
import { heWeights } from "../weights/initialise.ts";
import { type NamesTable, torchNames } from "../weights/names.ts";
import { innerPart, labelsOf, partOf, weightsBeside } from "../weights/parts.ts";
import { checkpointFilesFor, readModule } from "./files.ts";
import { UsageError } from "./usage-error.ts";

export interface WeightOptions {
  /** One file, or LABEL=FILE for parts of the net. */
  readonly weights?: string | readonly string[] | undefined;
  /** The table that names its tensors; recognised unless given. */
  readonly names?: string | undefined;
  /** Of the initialisation, where there is no file; 0 unless given. */
  readonly seed?: number | undefined;
  /** Tensors that the net has no place for are errors. */
  readonly strict?: boolean | undefined;
  /** Takes NaN and infinite weights as they are. */
  readonly allowNaN?: boolean | undefined;
  /** Told what takes long. */
  readonly onProgress?: ((what: string) => void) | undefined;
  /** Told of every file that is read. */
  readonly onRead?: ((file: string) => void) | undefined;
}

export interface FoundWeights {
  readonly source: WeightSource;
  /** For the card and the reader: "resnet20.th", "He initialisation, seed 0". */
  readonly from: string;
  /** What was recognised. */
  readonly notes: readonly string[];
  /** The table of the checkpoint's names. */
  readonly table?: NamesTable | undefined;
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
  options: WeightOptions,
): Promise<WeightsResult> {
  if (options.weights === undefined) {
    const { seed = 0 } = options;
    const from = `He initialisation, seed ${seed}`;
    return { weights: { source: heWeights(net.graph, seed), from, notes: [] }, diagnostics: [] };
  }
  const tables = tablesOf(module);
  const table = options.names === undefined ? undefined : tables.find(({ name }) => name === options.names);
  if (options.names !== undefined && !table)
    return { weights: undefined, diagnostics: [unknownTable(options.names, tables)] };
  const how = {
    ...{ tables, table, allowNaN: options.allowNaN ?? false, strict: options.strict ?? false },
    others: () => otherGraphs(module, net.name),
    open: openerOf(options),
  };
  const given = [options.weights].flat();
  const labelled = given.map(splitLabel);
  if (given.length === 1 && !labelled[0]) return bindFile(net.graph, given[0], how);
  return bindParts(net.graph, given, labelled, how);
}

type Binding = Omit<BindRequest, "graph" | "checkpoint" | "path"> & { readonly open: Open };

type Open = (path: string, report: Report) => Promise<Checkpoint | undefined>;

function openerOf({ onProgress, onRead }: WeightOptions): Open {
  return async (path, report) => {
    onProgress?.(`reading ${path}`);
    const files = await checkpointFilesFor(path);
    const read = (file: string) => {
      onRead?.(file);
      return files.read(file);
    };
    return openCheckpoint(path, { ...files, read }, report);
  };
}

async function bindFile(graph: Graph, path: string, { open, ...how }: Binding): Promise<WeightsResult> {
  const { diagnostics, report } = collect();
  const checkpoint = await open(path, report);
  const source = checkpoint && bindWeights({ graph, checkpoint, path, ...how }, report);
  if (!source) return { weights: undefined, diagnostics: withWhatItIs(diagnostics, checkpoint, path) };
  const { notes, table } = source;
  return { weights: { source, from: path.replace(/^.*[\\/]/, ""), notes, table }, diagnostics };
}

// ---- parts of a net ---------------------------------------------------------------------------------

interface Labelled {
  readonly label: string;
  readonly path: string;
}

/** LABEL=FILE, unless a file is called so. */
function splitLabel(text: string): Labelled | undefined {
  const found = existsSync(text) ? null : /^([A-Za-z_]\w*(?:\.\w+)*)=(.+)$/.exec(text);
  return found ? { label: found[1], path: found[2] } : undefined;
}

/** The weights of parts from a file each; all of the net's must be in one of them. */
async function bindParts(
  graph: Graph,
  given: readonly string[],
  labelled: readonly (Labelled | undefined)[],
  how: Binding,
): Promise<WeightsResult> {
  const parts = labelled.filter((part) => part !== undefined);
  if (parts.length < given.length) {
    const example = labelsOf(graph)
      .slice(0, 2)
      .map((label, i) => `--weights ${label}=${given[i] ?? "FILE"}`);
    throw new UsageError(`several --weights are of a part each: ${example.join(" ")}`);
  }
  const sources = new Map<string, WeightSource>();
  const notes: string[] = [];
  const told: Diagnostic[] = [];
  for (const { label, path } of parts) {
    const part = partOf(graph, label);
    if (!part)
      throw new UsageError(`nothing called ${label} has weights; what has is ${listNames(labelsOf(graph))}`);
    const found = await bindPart(part, path, how);
    told.push(...found.diagnostics);
    if (!found.weights) return { weights: undefined, diagnostics: told };
    sources.set(label, found.weights.source);
    notes.push(...found.weights.notes.map((line) => `${label}: ${line}`));
  }
  const beside = weightsBeside(graph, [...sources.keys()]);
  if (beside.length > 0) {
    const labels = [...new Set(beside.map((name) => name.split(".")[0]))];
    throw new UsageError(
      `${listNames(labels)} ${labels.length > 1 ? "have" : "has"} weights too: --weights ${labels[0]}=FILE`,
    );
  }
  const get = (name: string) => {
    const [label, source] = [...sources].find(([front]) => name.startsWith(`${front}.`))!;
    return source.get(name.slice(label.length + 1));
  };
  const from = parts.map(({ label, path }) => `${label}: ${path.replace(/^.*[\\/]/, "")}`).join(", ");
  return { weights: { source: { get }, from, notes }, diagnostics: told };
}

/** A part under its label, or, where its one step has them all, under that step. */
async function bindPart(part: Graph, path: string, how: Binding): Promise<WeightsResult> {
  const step = innerPart(part);
  const inner = step && partOf(part, step);
  if (!inner) return bindFile(part, path, how);
  const found = await bindFile(inner, path, how);
  if (!found.weights) return found;
  const { source } = found.weights;
  const get = (name: string) => source.get(name.slice(step.length + 1));
  return { ...found, weights: { ...found.weights, source: { get } } };
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

/** The tables of a file, then those of the standard library, then what the pytorch target calls weights by itself. */
export function tablesOf(module: Module | undefined): readonly NamesTable[] {
  const own = [...(module?.tables.values() ?? [])];
  const library = [...standardLibrary().tables.values()].filter(
    ({ name }) => !own.some((table) => table.name === name),
  );
  return [...own, ...library, torchNames];
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
