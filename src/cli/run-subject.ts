/**
 * What `resnetc run` runs: a net of a .resnet file, emitted on the spot, or a folder that `resnetc build` wrote. To
 * the command both are a name, inputs, outputs and a way to start.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { type Diagnostic, makeDiagnostic } from "../base/diagnostic.ts";
import type { Artifact, Card } from "../codegen/target.ts";
import { tfjs } from "../codegen/tfjs/target.ts";
import { cardOf, emit } from "../compile.ts";
import { interpret } from "../ir/interpret.ts";
import type { Tensor } from "../ir/tensor.ts";
import { type NodeBackend, startTfjs } from "../run/tfjs.ts";
import { whyNot } from "./files.ts";
import { type NetArguments, openNet, UsageError } from "./net-options.ts";
import { type DiagnosticFormat, note, printDiagnostics, progress } from "./terminal.ts";
import { areUntrained, findWeights, type WeightArguments } from "./weights-options.ts";

export interface RunSubject {
  readonly name: string;
  readonly inputs: Card["inputs"];
  readonly outputs: Card["outputs"];
  /** Loads it; a backend that does not work throws BackendError, here or in `run`. */
  start(): Promise<Running>;
}

export interface Running {
  /** By the names of inputs and outputs; NHWC, any batch. */
  run(inputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>;
  dispose(): void;
}

export interface SubjectArguments extends NetArguments, WeightArguments {
  readonly file: string;
  readonly target: "tfjs" | "reference";
  readonly backend: NodeBackend;
  readonly optimise: 0 | 1 | 2;
  readonly format: DiagnosticFormat;
  readonly json: boolean;
}

/** A backend of tfjs that does not start or fails in its own code: told, not blamed on us. */
export class BackendError extends Error {
  readonly diagnostic: Diagnostic;

  constructor(backend: NodeBackend, why: string) {
    super(why);
    const hint =
      backend === "wasm" ? "--backend cpu runs anywhere, slowly" : "--target reference needs no backend";
    this.diagnostic = makeDiagnostic("backend-missing", undefined, { backend, why }, { hint });
  }
}

/** Undefined after its errors were shown. */
export function openSubject(options: SubjectArguments): RunSubject | undefined {
  const isFolder = statSync(options.file, { throwIfNoEntry: false })?.isDirectory();
  return isFolder ? openFolder(options) : openFile(options);
}

function openFile(options: SubjectArguments): RunSubject | undefined {
  const opened = openNet(options.file, options);
  if (!opened) return undefined;
  const { net, module } = opened;
  const { weights, diagnostics } = findWeights(net, module, options);
  if (diagnostics.length > 0) printDiagnostics(diagnostics, options.format);
  if (!weights) return undefined;
  if (areUntrained(weights.from)) note("no --weights: the net has random weights, its answers mean nothing");
  for (const line of weights.notes) if (!options.json) note(line);
  const { name, inputs, outputs } = cardOf(net, weights.from);
  const start = async (): Promise<Running> => {
    if (options.target === "reference") {
      const run = (given: Readonly<Record<string, Tensor>>) => {
        let done = 0;
        const onValue = () => progress("running the reference", ++done / net.graph.nodes.length);
        return interpret(net.graph, given, weights.source, { onValue });
      };
      return { run, dispose: () => {} };
    }
    const { artifacts } = emit(net, {
      target: tfjs,
      weights: weights.source,
      weightsFrom: weights.from,
      level: options.optimise,
      onProgress: (done, total) => progress("packing weights", done / total),
    });
    return startOn(artifacts, options.backend);
  };
  return { name, inputs, outputs, start };
}

/** A folder of `resnetc build`: the card says what goes in and out. */
function openFolder(options: SubjectArguments): RunSubject | undefined {
  const { file: folder, format } = options;
  if (options.target === "reference" || options.weights !== undefined || options.set !== undefined) {
    throw new UsageError("a built folder has its target, weights and settings: build it again with others");
  }
  const found = readBuilt(folder);
  if (typeof found === "string") {
    const hint = "`resnetc build FILE -o FOLDER` makes one that can be run";
    printDiagnostics(
      [makeDiagnostic("unreadable-file", undefined, { path: folder, why: found }, { hint })],
      format,
    );
    return undefined;
  }
  const { card, artifacts } = found;
  if (areUntrained(card.weights ?? ""))
    note("built without --weights: the net has random weights, its answers mean nothing");
  return { ...card, start: () => startOn(artifacts, options.backend) };
}

function readBuilt(
  folder: string,
): { readonly card: Card; readonly artifacts: readonly Artifact[] } | string {
  try {
    const names = readdirSync(folder);
    const stems = names
      .filter((name) => name.endsWith(".weights"))
      .map((name) => name.slice(0, -".weights".length));
    const built = stems.filter((stem) => names.includes(`${stem}.js`) && names.includes(`${stem}.json`));
    if (built.length !== 1)
      return built.length === 0 ? "there is no built net in it" : `it has ${built.join(", ")}`;
    const [stem] = built;
    const read = (ending: string) => readFileSync(path.join(folder, `${stem}.${ending}`));
    const card = JSON.parse(read("json").toString()) as Card;
    if (!Array.isArray(card.inputs) || !Array.isArray(card.outputs))
      return `${stem}.json is no card of a build`;
    const artifacts = [
      { path: `${stem}.js`, contents: read("js").toString() },
      { path: `${stem}.weights`, contents: read("weights") },
    ];
    return { card, artifacts };
  } catch (error) {
    return error instanceof SyntaxError ? "its card is no JSON" : whyNot(error);
  }
}

async function startOn(artifacts: readonly Artifact[], backend: NodeBackend): Promise<Running> {
  const blame = (error: unknown): never => {
    throw new BackendError(backend, error instanceof Error ? error.message : String(error));
  };
  progress(`starting tfjs ${backend}`);
  const started = await startTfjs({ artifacts, backend }).catch(blame);
  return {
    run(inputs) {
      progress(`running tfjs ${backend}`);
      try {
        return started.run(inputs);
      } catch (error) {
        return blame(error);
      }
    },
    dispose: () => started.dispose(),
  };
}
