/**
 * The order of phases, and the only file that knows it:
 *
 *     text → AST → names checked → graph → passes → artifacts
 *
 * Pure and synchronous: no file system, no globals, no throw at a user. Adapters read files and weights, and
 * show the diagnostics.
 */
import { type Code, collect, type Diagnostic } from "./base/diagnostic.ts";
import { makeSource, positionAt, type Source, type Span } from "./base/source.ts";
import { listNames, nearest } from "./base/suggest.ts";
import type { Arithmetic, Artifact, Card, Kernels, Server, Target } from "./codegen/target.ts";
import type { Graph, Node } from "./ir/graph.ts";
import { isOp } from "./ir/graph.ts";
import type { WeightSource } from "./ir/interpret.ts";
import { ops } from "./ir/ops/index.ts";
import { isConstant } from "./ir/ops/param.ts";
import { countGraph, depthOf } from "./ir/stats.ts";
import { checkNames } from "./lower/check-names.ts";
import type { Verdict } from "./lower/expectations.ts";
import { evaluateSetting, type LabelledRow, type Lowered, lower } from "./lower/lower.ts";
import { type Module, ModuleLoader, type ReadModule } from "./lower/modules.ts";
import type { OnRow } from "./lower/row-event.ts";
import type { Declaration, Given } from "./lower/values.ts";
import type { NetItem } from "./parser/ast.ts";
import { parse } from "./parser/parse.ts";
import type { PassEvent } from "./passes/pass.ts";
import { runPasses } from "./passes/pipeline.ts";
import { labelSets } from "./std/labels.generated.ts";
import { version } from "./version.generated.ts";
import type { NamesTable } from "./weights/names.ts";

export interface AnalyseOptions {
  /** The net to build; without it the file's default net. "*" means every net of the file. */
  readonly net?: string | undefined;
  /** Finds other files for `use … from "./x"`. */
  readonly read?: ReadModule | undefined;
  /** Parameters of the net, as texts in the language: `{ n: "18", shortcut: "none" }`. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly batch?: number | undefined;
  /** Told of every row that ran: shapes and nodes, also of nets that fail further down. */
  readonly onRow?: OnRow | undefined;
}

/** A file as far as it goes before anything is built. */
export interface Loaded {
  readonly module: Module | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export interface Analysis {
  readonly module: Module | undefined;
  readonly nets: readonly AnalysedNet[];
  readonly diagnostics: readonly Diagnostic[];
  /** No error: the nets can be built. */
  readonly fine: boolean;
}

export interface AnalysedNet {
  readonly name: string;
  readonly doc: string;
  readonly graph: Graph;
  readonly verdicts: readonly Verdict[];
  readonly rows: ReadonlyMap<string, LabelledRow>;
  /** The block that each scope of names is written as. */
  readonly blocks: ReadonlyMap<string, string>;
}

/** Text → names, with those of the files it uses. */
export function load(source: Source, read?: ReadModule): Loaded {
  const { diagnostics, report } = collect();
  const noFiles: ReadModule = () => ({ why: "this compiler was given no way to read files" });
  const module = new ModuleLoader(read ?? noFiles, report).load(source);
  return { module, diagnostics };
}

/** Text → graphs with verdicts; everything but passes and emission. */
export function analyse(source: Source, options: AnalyseOptions = {}): Analysis {
  return analyseLoaded(load(source, options.read), options);
}

/** The same for a file that is loaded already. */
export function analyseLoaded(
  { module, diagnostics: text }: Loaded,
  { net, settings = {}, batch, onRow }: AnalyseOptions = {},
): Analysis {
  const finish = (diagnostics: readonly Diagnostic[], nets: readonly AnalysedNet[] = []): Analysis => {
    const sorted = [...diagnostics].sort((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0));
    return { module, nets, diagnostics: sorted, fine: !sorted.some(({ severity }) => severity === "error") };
  };
  if (!module) return finish(text);

  const meaning = collect();
  checkNames(module, meaning.report);
  const chosen = net === "*" ? module.nets : chooseNet(module, net, meaning.report);
  const given = readSettings(settings, chosen[0], meaning);
  const nets: AnalysedNet[] = [];
  for (const declaration of given ? chosen : []) {
    const lowered: Lowered | undefined = lower(declaration, meaning.report, {
      settings: given!,
      batch: batch ?? 1,
      onRow,
    });
    if (lowered) nets.push({ name: declaration.item.name.text, ...lowered });
  }
  return finish([...text, ...consequential(meaning.diagnostics, text, module)], nets);
}

/** Errors about the whole of a net, which a syntax error anywhere in the file may cause. */
const aboutWholes = new Set<Code>([
  "expectation-failed",
  "unused-row",
  "unused-name",
  "missing-input",
  "no-net",
  "ambiguous-net",
  "unknown-net",
]);

/**
 * What is worth saying after the syntax: nothing from the first broken row on, nothing about wholes when a
 * part is missing, one error a row.
 */
function consequential(
  found: readonly Diagnostic[],
  before: readonly Diagnostic[],
  module: Module,
): Diagnostic[] {
  const broken = before.some(({ severity }) => severity === "error");
  const rows = new Set(before.map(({ span }) => rowOf(span)));
  const kept = found.filter(({ code, severity, span }) => {
    if (broken && aboutWholes.has(code)) return false;
    if (span?.source === module.source && span.start >= module.brokenFrom) return false;
    const row = rowOf(span);
    if (severity !== "error" || row === undefined) return true;
    if (rows.has(row)) return false;
    rows.add(row);
    return true;
  });
  // What is doubtful in a row with an error will be said once the error is mended.
  return kept.filter(({ severity, span }) => severity === "error" || !rows.has(rowOf(span)));
}

function rowOf(span: Span | undefined): string | undefined {
  return span && `${span.source.name}:${positionAt(span.source, span.start).line}`;
}

/** The net that is wanted by name, else the default one; what is wrong where there is none. */
function chooseNet(
  module: Module,
  wanted: string | undefined,
  report: ReturnType<typeof collect>["report"],
): readonly Declaration[] {
  const { nets, source } = module;
  const all = nets.map(({ item }) => item.name.text);
  const top: Span = { source, start: 0, end: 0 };
  if (wanted !== undefined) {
    const found = nets.find(({ item }) => item.name.text === wanted);
    if (found) return [found];
    const near = nearest(wanted, all);
    const hint = near ? `did you mean \`${near}\`?` : `it has ${listNames(all) || "none"}`;
    report("unknown-net", undefined, { name: wanted }, { hint });
    return [];
  }
  if (nets.length === 0) {
    report("no-net", top, {}, { hint: "`net name { ... }` declares one" });
    return [];
  }
  const found = defaultNet(module);
  if (found) return [found];
  report(
    "ambiguous-net",
    undefined,
    { nets: listNames(all) },
    { hint: `name one: ${source.name}#${all[all.length - 1]}` },
  );
  return [];
}

/**
 * The default net of a file: the one named like the file, else the only one, else the last that nothing else
 * in the file is made from; undefined where several may be meant.
 */
export function defaultNet({ nets, source }: Module): Declaration | undefined {
  const stem = source.name.replace(/^.*[\\/]/, "").replace(/\.resnet$/, "");
  const named = nets.find(({ item }) => item.name.text === stem);
  if (named) return named;
  const used = new Set<string>();
  for (const { item } of nets) {
    // A net that names itself is a mistake of its own, and still the one that is meant.
    for (const name of namesIn(item as NetItem)) if (name !== item.name.text) used.add(name);
  }
  const candidates = nets.filter(({ item }) => !used.has(item.name.text));
  return candidates.length === 1 ? candidates[0] : undefined;
}

/** Every name that a net's base and rows are written with. */
function namesIn({ base, rows }: NetItem): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (typeof value === "object" && value !== null) {
      if ("kind" in value && value.kind === "name" && "name" in value) found.add(String(value.name));
      for (const [key, inner] of Object.entries(value))
        if (key !== "span" && key !== "operatorSpan") walk(inner);
    }
  };
  walk(base);
  walk(rows);
  return found;
}

/** `{ n: "18" }` → values: each text is an expression of the language, evaluated at the top of the file. */
function readSettings(
  settings: Readonly<Record<string, string>>,
  net: Declaration | undefined,
  meaning: ReturnType<typeof collect>,
): ReadonlyMap<string, Given> | undefined {
  const given = new Map<string, Given>();
  for (const [name, text] of Object.entries(settings)) {
    const parsed = parse(makeSource("--set", `let ${name} = ${text}`), meaning.report);
    const row = parsed?.file.items[0];
    if (meaning.failed() && (!row || parsed.brokenFrom < Number.POSITIVE_INFINITY)) return undefined;
    if (!net || row?.kind !== "let") return undefined;
    const value = evaluateSetting(net, row.value, meaning.report);
    if (!value) return undefined;
    given.set(name, value);
  }
  return given;
}

// ---- graph → artifacts --------------------------------------------------------------------------------

export interface EmitOptions {
  readonly target: Target;
  readonly weights: WeightSource;
  /** Where the weights come from, for the card. */
  readonly weightsFrom: string;
  /** The names of the classes; those that the input says without it. */
  readonly labels?: readonly string[] | undefined;
  /** Stem of the artifacts' names; the net's own without it. */
  readonly name?: string | undefined;
  readonly level?: 0 | 1 | 2 | undefined;
  /** What may be done to the last bits. */
  readonly arithmetic?: Arithmetic | undefined;
  /** Only the tfjs target has a choice. */
  readonly kernels?: Kernels | undefined;
  /** Only the onnx target has a choice. */
  readonly server?: Server | undefined;
  /** The size of weights files, for the targets wasm and graph-model. */
  readonly shardBytes?: number | undefined;
  /** The names of weights for other frameworks; only the pytorch target has a choice. */
  readonly names?: NamesTable | undefined;
  /** Whether the weights are of a checkpoint. */
  readonly hasWeights?: boolean | undefined;
  /** Told what people may want to know of the result: time and memory. */
  readonly onNote?: ((line: string) => void) | undefined;
  readonly onPass?: ((event: PassEvent) => void) | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface Emitted {
  /** The graph as the target got it. */
  readonly graph: Graph;
  readonly artifacts: readonly Artifact[];
  readonly diagnostics: readonly Diagnostic[];
}

/** A net through the passes of a target, and out as files. */
export function emit(net: AnalysedNet, options: EmitOptions): Emitted {
  const {
    target,
    weights,
    weightsFrom,
    level = 2,
    arithmetic,
    kernels,
    server,
    shardBytes,
    names,
    hasWeights,
    onNote,
    onPass,
    onProgress,
  } = options;
  const name = options.name ?? net.name;
  const { diagnostics, report } = collect();
  const graph = runPasses(net.graph, target.passes, { level, ...(onPass ? { onPass } : {}) });
  const card = cardOf(net, weightsFrom);
  const labels = options.labels ?? labelSets[card.inputs[0]?.preprocess?.labels ?? ""];
  const how = {
    ...{ arithmetic, kernels, server, shardBytes, names, hasWeights, blocks: net.blocks },
    ...{ onNote, onProgress },
  };
  const artifacts = target.emit({ graph, weights, card, labels, name, report, ...how });
  return { graph, artifacts, diagnostics };
}

/** What NAME.json says: counts of the net as written, not as folded. */
export function cardOf({ name, doc, graph }: AnalysedNet, weightsFrom: string): Card {
  const { params, state, macs } = countGraph(graph);
  const inputs = graph.nodes.filter((node) => isOp(node, ops.input));
  return {
    name,
    summary: doc,
    inputs: inputs.map(({ name: label, type, attrs }) => ({
      name: label,
      shape: type.shape,
      ...(attrs.preprocess ? { preprocess: attrs.preprocess } : {}),
    })),
    outputs: graph.outputs.map(({ name: label, node }) => ({
      name: label,
      shape: node.type.shape,
      ...(areProbabilities(node) ? { probabilities: true as const } : {}),
    })),
    params,
    state,
    macs,
    depth: depthOf(graph),
    weights: weightsFrom,
    compiler: `resnetc ${version}`,
  };
}

/** The number that all values are multiplied by, if there is one. */
function factorOf({ inputs: [, scale, shift] }: Node): number | undefined {
  if (!isConstant(scale) || !isConstant(shift)) return undefined;
  const [factors, offsets] = [scale, shift].map((node) => node.attrs.compute!([]));
  const isSame = factors.every((factor) => factor === factors[0]) && offsets.every((offset) => offset === 0);
  return isSame ? factors[0] : undefined;
}

/** Whether the channels of each place are scaled to sum 1: by a softmax, or as the mean of some. */
function areProbabilities(node: Node): boolean {
  // Each value once: sums of sums would be looked at in as many ways as there are.
  const sums = new Map<Node, number>();
  const sumOf = (value: Node): number => {
    const known = sums.get(value) ?? findSum(value);
    sums.set(value, known);
    return known;
  };
  const findSum = (value: Node): number => {
    if (isOp(value, ops.softmax)) return value.attrs.parts || value.attrs.places ? Number.NaN : 1;
    if (isOp(value, ops.affine)) return (factorOf(value) ?? Number.NaN) * sumOf(value.inputs[0]);
    return isOp(value, ops.add) ? sumOf(value.inputs[0]) + sumOf(value.inputs[1]) : Number.NaN;
  };
  return Math.abs(sumOf(node) - 1) < 1e-6;
}
