/**
 * A net of a file as the files of a target, without a terminal: what bundlers and programs ask for. Everything that
 * was looked at on the way is told, also of a build that fails, so that it can be watched.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import type { Diagnostic } from "../base/diagnostic.ts";
import { renderDiagnostic } from "../base/render-diagnostic.ts";
import type { Artifact, Kernels, Precision } from "../codegen/target.ts";
import { tfjs } from "../codegen/tfjs/target.ts";
import { wasm } from "../codegen/wasm/target.ts";
import { type AnalysedNet, cardOf, emit } from "../compile.ts";
import { isOp } from "../ir/graph.ts";
import type { WeightSource } from "../ir/interpret.ts";
import { param } from "../ir/ops/param.ts";
import { elements } from "../ir/tensor.ts";
import type { Module, ReadModule } from "../lower/modules.ts";
import { analyseFile, readSize } from "./analyse-target.ts";
import { readModule } from "./files.ts";
import { type FoundWeights, findWeights } from "./find-weights.ts";
import { areLabels, readLabels } from "./labels.ts";
import { UsageError } from "./usage-error.ts";

export interface BuildOptions {
  /** The net of the file; its default net unless given. */
  readonly net?: string | undefined;
  /**
   * A checkpoint, or one for each labelled part of the net; "random" for He initialisation. Unless given, the one that
   * lies beside the file: resnet18.safetensors, .pth, .onnx … for resnet18.resnet.
   */
  readonly weights?: string | Readonly<Record<string, string>> | undefined;
  /** The table that names its tensors; recognised unless given. */
  readonly names?: string | undefined;
  /** Of random weights; 0 unless given. */
  readonly seed?: number | undefined;
  /** Tensors that the net has no place for are errors. */
  readonly strict?: boolean | undefined;
  /** Takes NaN and infinite weights as they are. */
  readonly allowNaN?: boolean | undefined;
  /** Parameters of the net: `{ classes: 10 }`. */
  readonly set?: Readonly<Record<string, string | number>> | undefined;
  /** The picture's side: 288, "256x192". */
  readonly size?: string | number | undefined;
  /** "wasm" unless given. */
  readonly target?: "wasm" | "tfjs" | undefined;
  /** Of tfjs: its own kernels, "stock", unless given. */
  readonly kernels?: Kernels | undefined;
  /** How the weights are stored; "f32" unless given. */
  readonly precision?: Precision | undefined;
  /** No Winograd convolution: sums in the order of the definition. */
  readonly exact?: boolean | undefined;
  /** Fused multiply-adds where the engine has them. */
  readonly fastMath?: "relaxed" | undefined;
  /** The names of the classes: a text file, a name a line, or JSON; those that the input says unless given. */
  readonly labels?: string | undefined;
  /** The size of weights files, in megabytes: one file unless given. */
  readonly shard?: number | undefined;
}

export interface BuildRequest extends BuildOptions {
  readonly file: string;
  readonly onProgress?: ((what: string, share?: number) => void) | undefined;
  readonly onRead?: OnRead | undefined;
}

/** Told of every file that is looked at, before it is; some may not be there. */
export type OnRead = (file: string, kind: "source" | "weights") => void;

export interface Build {
  /** Of the net, and of its files. */
  readonly name: string;
  readonly artifacts: readonly Artifact[];
  /** Where the weights come from: "resnet18.pth", "He initialisation, seed 0". */
  readonly weightsFrom: string;
  /** What was recognised of them. */
  readonly notes: readonly string[];
  /** Random weights that nobody asked for. */
  readonly untrained: boolean;
  /** Warnings. */
  readonly diagnostics: readonly Diagnostic[];
}

/** What is wrong, as text and frames; without diagnostics where an option is. */
export class BuildError extends Error {
  override readonly name = "BuildError";
  readonly diagnostics: readonly Diagnostic[];

  constructor(
    diagnostics: readonly Diagnostic[],
    message = diagnostics.map((d) => renderDiagnostic(d)).join("\n\n"),
  ) {
    super(message);
    this.diagnostics = diagnostics;
  }
}

/** Throws a BuildError where there is nothing to build. */
export async function buildFile(request: BuildRequest): Promise<Build> {
  try {
    const { net, module, diagnostics } = await open(request);
    const found = await weightsOf(net, module, request);
    const all = [...diagnostics, ...found.diagnostics];
    if (!found.weights) throw new BuildError(all);
    return build(net, { ...found, weights: found.weights, diagnostics: all }, request);
  } catch (error) {
    throw error instanceof UsageError ? new BuildError([], error.message) : error;
  }
}

/** NAME.d.ts of a net, which needs no weights; `text` is what the file would say. */
export async function typesOf(
  request: Omit<BuildRequest, "weights"> & { readonly text?: string },
): Promise<string> {
  try {
    const { net } = await open(request);
    const weights = { source: zeros(net), from: "none", notes: [] };
    const { artifacts } = build(net, { weights, isRandom: false, diagnostics: [] }, request);
    return String(artifacts.find(({ path }) => path.endsWith(".d.ts"))?.contents);
  } catch (error) {
    throw error instanceof UsageError ? new BuildError([], error.message) : error;
  }
}

interface Opened {
  readonly net: AnalysedNet;
  readonly module: Module;
  readonly diagnostics: readonly Diagnostic[];
}

async function open({
  file,
  text,
  net,
  set = {},
  size,
  onRead,
}: BuildRequest & { readonly text?: string }): Promise<Opened> {
  onRead?.(file, "source");
  const read: ReadModule = (wanted, from) => {
    const name = wanted.endsWith(".resnet") ? wanted : `${wanted}.resnet`;
    onRead?.(path.join(path.dirname(from.name), name), "source");
    return readModule(wanted, from);
  };
  const settings = Object.fromEntries(Object.entries(set).map(([name, value]) => [name, String(value)]));
  if (size !== undefined) {
    const sides = readSize(size);
    if (!sides) throw new UsageError(`size: "${size}" is no side such as 288, or 256x192, or 256x192x3`);
    settings.size = sides;
  }
  const { diagnostics, analysis } = await analyseFile(file, { text, net, settings, read });
  const opened = analysis?.nets[0];
  if (!analysis?.fine || !opened || !analysis.module) throw new BuildError(diagnostics);
  return { net: opened, module: analysis.module, diagnostics };
}

interface ForBuild {
  readonly weights: FoundWeights;
  readonly isRandom: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

async function weightsOf(net: AnalysedNet, module: Module, request: BuildRequest) {
  const { file, names, seed, strict, allowNaN, onProgress, onRead } = request;
  const given = request.weights ?? checkpointBeside(file, request.net, onRead);
  const found = await findWeights(net, module, {
    ...{
      weights: given === "random" ? undefined : pathsOf(given),
      names,
      seed,
      strict,
      allowNaN,
      onProgress,
    },
    onRead: (path) => onRead?.(path, "weights"),
  });
  return { ...found, isRandom: given === undefined };
}

function pathsOf(weights: BuildOptions["weights"]): string | string[] | undefined {
  if (typeof weights !== "object") return weights;
  return Object.entries(weights).map(([label, path]) => `${label}=${path}`);
}

/** What may lie beside a source under its name, the first first. */
export const checkpointEndings = [
  ...["safetensors", "safetensors.index.json", "pth", "pt", "th", "bin", "onnx"],
  ...["keras", "weights.h5", "h5", "npz", "caffemodel"],
] as const;

/** The checkpoint beside a source: called like the net where one is named, else like the file. */
export function checkpointBeside(file: string, net?: string, onRead?: OnRead): string | undefined {
  const own = file.replace(/\.resnet$/, "");
  const stems = net === undefined ? [own] : [path.join(path.dirname(file), net), own];
  for (const stem of new Set(stems)) {
    for (const ending of checkpointEndings) {
      const candidate = `${stem}.${ending}`;
      onRead?.(candidate, "weights");
      if (existsSync(candidate)) return candidate;
    }
  }
  return undefined;
}

function build(net: AnalysedNet, { weights, isRandom, diagnostics }: ForBuild, request: BuildRequest): Build {
  const { target = "wasm", kernels, precision, exact, fastMath, shard, onProgress } = request;
  if (target !== "wasm" && target !== "tfjs")
    throw new UsageError(`target: "${target}" is none that runs in a page; there are wasm and tfjs`);
  if (exact && fastMath) throw new UsageError("exact and fastMath are opposites: choose one of them");
  if (target === "tfjs" && (exact || fastMath || (precision ?? "f32") !== "f32"))
    throw new UsageError("exact, fastMath and precision go with the target wasm");
  if (shard !== undefined && !(shard >= 0.01 && Number.isFinite(shard)))
    throw new UsageError(`shard: ${shard} is not a number of megabytes, such as 4 or 0.5`);
  const labels = labelsOf(net, request);
  const { artifacts, diagnostics: problems } = emit(net, {
    target: target === "wasm" ? wasm : tfjs,
    weights: weights.source,
    weightsFrom: weights.from,
    arithmetic: { exact: exact ?? false, relaxed: fastMath === "relaxed", precision },
    kernels,
    labels,
    shardBytes: shard && Math.round(shard * 2 ** 20),
    onProgress: (done, total) => onProgress?.("packing weights", done / total),
  });
  const told = [...diagnostics, ...problems];
  if (problems.some(({ severity }) => severity === "error")) throw new BuildError(told);
  const { from: weightsFrom, notes } = weights;
  return { name: net.name, artifacts, weightsFrom, notes, untrained: isRandom, diagnostics: told };
}

function labelsOf(net: AnalysedNet, { labels, onRead }: BuildRequest): readonly string[] | undefined {
  if (labels === undefined) return undefined;
  onRead?.(labels, "source");
  const found = readLabels(labels, cardOf(net, ""));
  if (!areLabels(found)) throw new BuildError([found]);
  return found;
}

/** For what does not depend on weights: made faster than random ones. */
function zeros({ graph }: AnalysedNet): WeightSource {
  const shapes = new Map(
    graph.nodes.filter((node) => isOp(node, param)).map(({ name, type }) => [name, type.shape]),
  );
  return { get: (name) => new Float32Array(elements(shapes.get(name) ?? [])) };
}

/** What has to be said of random weights that nobody asked for. */
export function untrainedText(file: string): string {
  const stem = path.basename(file, ".resnet");
  return `${file} has random weights, so that its answers mean nothing: there is no checkpoint beside it, such as ${stem}.safetensors, .pth or .onnx, and no \`weights\` are given`;
}
