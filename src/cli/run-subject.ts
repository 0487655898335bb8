/**
 * What `resnetc run` runs: a net of a .resnet file, emitted on the spot, or a folder that `resnetc build` wrote. To
 * the command both are a name, inputs, outputs and a way to start.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { type Diagnostic, makeDiagnostic } from "../base/diagnostic.ts";
import type { Arithmetic, Artifact, Card } from "../codegen/target.ts";
import { tfjs } from "../codegen/tfjs/target.ts";
import { wasm } from "../codegen/wasm/target.ts";
import { type AnalysedNet, cardOf, emit } from "../compile.ts";
import { isOp } from "../ir/graph.ts";
import { interpret } from "../ir/interpret.ts";
import { ops } from "../ir/ops/index.ts";
import { sameShape, type Tensor } from "../ir/tensor.ts";
import { whyNot } from "../node/files.ts";
import { areUntrained, type FoundWeights } from "../node/find-weights.ts";
import { areLabels, readLabels } from "../node/labels.ts";
import { UsageError } from "../node/usage-error.ts";
import { type NodeBackend, startTfjs } from "../run/tfjs.ts";
import { startWasm } from "../run/wasm.ts";
import { labelSets } from "../std/labels.generated.ts";
import { type ArithmeticArguments, readArithmetic } from "./arithmetic-options.ts";
import type { LabelsArguments } from "./labels-option.ts";
import { analyseTarget, type NetArguments, openNet } from "./net-options.ts";
import { type DiagnosticFormat, note, printDiagnostics, progress } from "./terminal.ts";
import { findWeights, type WeightArguments } from "./weights-options.ts";

export interface RunSubject {
  readonly name: string;
  readonly inputs: Card["inputs"];
  readonly outputs: Card["outputs"];
  /** A name for each class, where there are names. */
  readonly labels?: readonly string[] | undefined;
  /** Loads it; a backend that does not work throws BackendError, here or in `run`. */
  start(): Promise<Running>;
  /** The same net and weights for pictures of another size; a usage error where there can be none. */
  at(height: number, width: number): Promise<RunSubject>;
}

export interface Running {
  /** By the names of inputs and outputs; NHWC, any batch. */
  run(inputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>;
  dispose(): void;
}

export type RunTarget = "wasm" | "tfjs" | "reference";

export interface SubjectArguments
  extends NetArguments,
    WeightArguments,
    ArithmeticArguments,
    LabelsArguments {
  readonly file: string;
  /** wasm unless given; a folder is built for one. */
  readonly target?: RunTarget | undefined;
  /** Of tfjs; wasm unless given. */
  readonly backend?: NodeBackend | undefined;
  /** Of wasm; auto unless given. */
  readonly threads?: string | undefined;
  readonly optimise: 0 | 1 | 2;
  readonly format: DiagnosticFormat;
  readonly json: boolean;
}

/** A network or a backend that does not start or fails in its own code: told, not blamed on us. */
export class RunError extends Error {
  readonly diagnostic: Diagnostic;

  constructor(diagnostic: Diagnostic) {
    super(diagnostic.message);
    this.diagnostic = diagnostic;
  }
}

/** Undefined after its errors were shown. */
export async function openSubject(options: SubjectArguments): Promise<RunSubject | undefined> {
  const isFolder = statSync(options.file, { throwIfNoEntry: false })?.isDirectory();
  return isFolder ? openFolder(options) : openFile(options);
}

/** What is run, and how; an option that has no meaning there is a usage error. */
function engineOf(target: RunTarget, { threads, backend }: SubjectArguments): Engine {
  if (threads !== undefined && target !== "wasm") throw new UsageError("--threads goes with --target wasm");
  if (backend !== undefined && target !== "tfjs") throw new UsageError("--backend goes with --target tfjs");
  return { target, threads: readThreads(threads), backend: backend ?? "wasm" };
}

interface Engine {
  readonly target: RunTarget;
  readonly threads: "auto" | number;
  readonly backend: NodeBackend;
}

function readThreads(threads = "auto"): "auto" | number {
  if (threads === "auto") return threads;
  const count = /^\d+$/.test(threads) ? Number(threads) : 0;
  if (count < 1 || count > 64)
    throw new UsageError(`--threads ${threads} is not auto or a number from 1 to 64`);
  return count;
}

async function openFile(options: SubjectArguments): Promise<RunSubject | undefined> {
  const engine = engineOf(options.target ?? "wasm", options);
  const place = engine.target === "wasm" ? undefined : "--target wasm";
  const arithmetic = readArithmetic(options, place, place);
  const opened = await openNet(options.file, options);
  if (!opened) return undefined;
  const { net, module } = opened;
  const { weights, diagnostics } = await findWeights(net, module, options);
  if (diagnostics.length > 0) printDiagnostics(diagnostics, options.format);
  if (!weights) return undefined;
  if (areUntrained(weights.from)) note("no --weights: the net has random weights, its answers mean nothing");
  for (const line of weights.notes) if (!options.json) note(line);
  const card = cardOf(net, weights.from);
  const given = readLabels(options.labels, card);
  if (!areLabels(given)) {
    printDiagnostics([given], options.format);
    return undefined;
  }
  const labels = given ?? labelSets[card.inputs[0]?.preprocess?.labels ?? ""];
  return subjectOf(net, weights, options, { engine, arithmetic, labels });
}

interface How {
  readonly engine: Engine;
  readonly arithmetic: Arithmetic;
  readonly labels: readonly string[] | undefined;
}

function subjectOf(net: AnalysedNet, weights: FoundWeights, options: SubjectArguments, how: How): RunSubject {
  const { engine, arithmetic, labels } = how;
  const { name, inputs, outputs } = cardOf(net, weights.from);
  const start = async (): Promise<Running> => {
    if (engine.target === "reference") {
      const run = (given: Readonly<Record<string, Tensor>>) => {
        let done = 0;
        const onValue = () => progress("running the reference", ++done / net.graph.nodes.length);
        return interpret(net.graph, given, weights.source, { onValue });
      };
      return { run, dispose: () => {} };
    }
    const { artifacts, diagnostics } = emit(net, {
      target: engine.target === "wasm" ? wasm : tfjs,
      weights: weights.source,
      weightsFrom: weights.from,
      level: options.optimise,
      arithmetic,
      onProgress: (done, total) => progress("packing weights", done / total),
    });
    const failed = diagnostics.find(({ severity }) => severity === "error");
    if (failed) throw new RunError(failed);
    return startOn(artifacts, engine);
  };
  const at = async (height: number, width: number): Promise<RunSubject> => {
    const size = `size=${height}x${width}x${inputs[0].shape[3]}`;
    const set = [...(options.set ?? []), size];
    const { analysis } = await analyseTarget(options.file, { ...options, size: undefined, set });
    // What the file expects is of its declared size; only what stands in the way is told.
    const resized = analysis?.fine ? analysis.nets[0] : undefined;
    const misfit = resized && misfitOf(net, resized);
    if (!resized || misfit) {
      const why = misfit
        ? `\`${misfit}\` reads a map of the declared size`
        : (analysis?.diagnostics.find(({ severity }) => severity === "error")?.message ?? "the file is gone");
      throw new UsageError(`${name} does not run on ${height}x${width}: ${why}`);
    }
    return subjectOf(resized, weights, options, how);
  };
  return { name, inputs, outputs, labels, start, at };
}

/** A weight that has another shape in the other net, if there is one. */
function misfitOf(one: AnalysedNet, other: AnalysedNet): string | undefined {
  const shapes = new Map(one.graph.nodes.map(({ name, type }) => [name, type.shape]));
  return other.graph.nodes.find(
    (node) => isOp(node, ops.param) && !sameShape(shapes.get(node.name) ?? [], node.type.shape),
  )?.name;
}

/** A folder of `resnetc build`: the card says what goes in and out. */
function openFolder(options: SubjectArguments): RunSubject | undefined {
  const { file: folder, format } = options;
  const found = readBuilt(folder);
  if (typeof found === "string") {
    const hint = "`resnetc build FILE -o FOLDER` makes one that can be run";
    printDiagnostics(
      [makeDiagnostic("unreadable-file", undefined, { path: folder, why: found }, { hint })],
      format,
    );
    return undefined;
  }
  const { card, target, artifacts } = found;
  const isOther = options.target !== undefined && options.target !== target;
  const { weights, names, set, size, exact, labels, "fast-math": fastMath } = options;
  if (
    isOther ||
    exact ||
    [weights, names, set, size, labels, fastMath].some((given) => given !== undefined)
  ) {
    throw new UsageError(
      `${folder} is built: its target (${target}), weights, labels, settings and arithmetic stay as they are`,
    );
  }
  const engine = engineOf(target, options);
  if (areUntrained(card.weights ?? ""))
    note("built without --weights: the net has random weights, its answers mean nothing");
  const at = (height: number, width: number): Promise<RunSubject> => {
    const [, own, side] = card.inputs[0].shape;
    throw new UsageError(
      `${folder} is built for ${own}x${side}, not for ${height}x${width}: --crops whole runs a .resnet file`,
    );
  };
  return { ...card, start: () => startOn(artifacts, engine), at };
}

interface Built {
  readonly card: Card & { readonly labels?: readonly string[] };
  readonly target: RunTarget;
  readonly artifacts: readonly Artifact[];
}

/** What the card of a build says besides. */
interface BuiltCard {
  readonly kernels?: unknown;
  /** The files of the weights, where there are several. */
  readonly parts?: readonly string[];
}

/** The files of the one net in a folder, or what is wrong with it. */
function readBuilt(folder: string): Built | string {
  try {
    const names = readdirSync(folder);
    const stems = names
      .filter((name) => name.endsWith(".weights"))
      .map((name) => name.replace(/(-\d{5}-of-\d{5})?\.weights$/, ""));
    const built = [...new Set(stems)].filter(
      (stem) => names.includes(`${stem}.js`) && names.includes(`${stem}.json`),
    );
    if (built.length !== 1)
      return built.length === 0 ? "there is no built net in it" : `it has ${built.join(", ")}`;
    const [stem] = built;
    const read = (ending: string) => readFileSync(path.join(folder, `${stem}.${ending}`));
    const card = JSON.parse(read("json").toString()) as Built["card"] & BuiltCard;
    if (![card?.inputs, card?.outputs].every((ports) => Array.isArray(ports) && ports.every(isPort)))
      return `${stem}.json is no card of a build`;
    const weights = card.parts ?? [`${stem}.weights`];
    if (!Array.isArray(weights)) return `${stem}.json is no card of a build`;
    const missing = weights.find((name) => !names.includes(name));
    if (missing !== undefined) return `${missing} is missing`;
    const artifacts = [
      { path: `${stem}.js`, contents: read("js").toString() },
      ...weights.map((name) => ({ path: name, contents: readFileSync(path.join(folder, name)) })),
    ];
    if (card.kernels === undefined) return { card, target: "tfjs", artifacts };
    if (!names.includes(`${stem}.wasm`)) return `${stem}.wasm is missing`;
    return {
      card,
      target: "wasm",
      artifacts: [...artifacts, { path: `${stem}.wasm`, contents: read("wasm") }],
    };
  } catch (error) {
    return error instanceof SyntaxError ? "its card is no JSON" : whyNot(error);
  }
}

const isPort = (port: Partial<Card["inputs"][number]> | null): boolean =>
  typeof port?.name === "string" && Array.isArray(port.shape) && port.shape.length === 4;

// ---- starting -----------------------------------------------------------------------------------

async function startOn(artifacts: readonly Artifact[], engine: Engine): Promise<Running> {
  const { target, backend, threads } = engine;
  const shown = target === "tfjs" ? `tfjs ${backend}` : target;
  const blame = (error: unknown): never => {
    const why = error instanceof Error ? error.message : String(error);
    throw new RunError(target === "tfjs" ? backendMissing(backend, why) : networkFailed(why));
  };
  progress(`starting ${shown}`);
  const start = async () => {
    if (target === "tfjs") return startTfjs({ artifacts, backend });
    const network = await startWasm({ artifacts, threads });
    const { used, why } = network.threads;
    if (threads !== "auto" && used !== threads) note(`--threads ${threads}: ${used} used, ${why}`);
    return network;
  };
  const started = await start().catch(blame);
  return {
    run(inputs) {
      progress(`running ${shown}`);
      try {
        return started.run(inputs);
      } catch (error) {
        return blame(error);
      }
    },
    dispose: () => started.dispose(),
  };
}

function backendMissing(backend: NodeBackend, why: string): Diagnostic {
  const hint =
    backend === "wasm" ? "--backend cpu runs anywhere, slowly" : "--target reference needs no backend";
  return makeDiagnostic("backend-missing", undefined, { backend, why }, { hint });
}

/** The sentence of the generated module, as a part of ours. */
function networkFailed(sentence: string): Diagnostic {
  const why = sentence.replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase()).replace(/\.$/, "");
  const hint = /relaxed.simd/i.test(why)
    ? "this engine has no relaxed SIMD: do without --fast-math relaxed"
    : "`resnetc build` makes a folder again; --target tfjs and reference run a .resnet file too";
  return makeDiagnostic("network-failed", undefined, { why }, { hint });
}
