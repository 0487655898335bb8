/**
 * Where the time of a network goes on the wasm or the tfjs target: the least time of each layer over some rounds, beside the least time of
 * whole runs in between, so that both saw the same machine.
 */

import type { Arithmetic } from "../codegen/target.ts";
import { tfjs } from "../codegen/tfjs/target.ts";
import { planGraph } from "../codegen/wasm/plan/plan.ts";
import { planOptions, wasm } from "../codegen/wasm/target.ts";
import { type AnalysedNet, emit } from "../compile.ts";
import { isOp, type Node } from "../ir/graph.ts";
import type { WeightSource } from "../ir/interpret.ts";
import { ops } from "../ir/ops/index.ts";
import { elements } from "../ir/tensor.ts";
import { runPasses } from "../passes/pipeline.ts";
import { type NodeBackend, type StartedTfjs, startTfjs } from "./tfjs.ts";
import { startWasm } from "./wasm.ts";

export interface Layer {
  /** Of its operation. */
  readonly name: string;
  /** The operation, as people say it: "conv 3x3 /2, 256". */
  readonly what: string;
  /** The kernels that it takes, in words. */
  readonly kernels: string;
  readonly ms: number;
  /** What the wasm target's planner expects on one thread. */
  readonly predictedMs?: number;
  /** Multiply-adds of the definition, whatever the algorithm does. */
  readonly macs: number;
  /** Weights and maps, float32, each once. */
  readonly bytes: number;
}

export interface Profile {
  readonly layers: readonly Layer[];
  /** Of a whole run. */
  readonly ms: number;
  readonly threads: { readonly used: number; readonly why: string };
  readonly rounds: number;
}

/** What is measured: our module, or tfjs with a backend. */
export type ProfileTarget = "wasm" | NodeBackendOfTfjs;
type NodeBackendOfTfjs = `tfjs ${NodeBackend}`;

export interface ProfileRequest {
  readonly net: AnalysedNet;
  readonly weights: WeightSource;
  /** wasm unless given. */
  readonly target?: ProfileTarget;
  /** Of wasm. */
  readonly threads: "auto" | number;
  readonly arithmetic?: Arithmetic;
  /** How long to go on, in milliseconds; three rounds are done in any case. */
  readonly patience?: number;
  readonly onRound?: (part: number) => void;
}

export async function profileNet(request: ProfileRequest): Promise<Profile> {
  const { net, patience = 3000, onRound } = request;
  const { started, parts, threads } = await (request.target?.startsWith("tfjs") ? onTfjs : onWasm)(request);
  try {
    const inputs = Object.fromEntries(inputsOf(net));
    started.run(inputs);
    const least = new Array<number>(parts.length).fill(Number.POSITIVE_INFINITY);
    let whole = Number.POSITIVE_INFINITY;
    let rounds = 0;
    const start = performance.now();
    for (let spent = 0; rounds < 3 || spent < patience; spent = performance.now() - start) {
      const before = performance.now();
      started.run(inputs);
      whole = Math.min(whole, performance.now() - before);
      const times = started.profile(inputs, 1);
      for (const [i, { ms }] of times.entries()) least[i] = Math.min(least[i], ms);
      rounds++;
      onRound?.(Math.min(1, spent / patience));
    }
    const layers = layersOf(parts.map((part, i) => ({ ...part, ms: least[i] })));
    return { layers, ms: whole, threads, rounds };
  } finally {
    started.dispose();
  }
}

/** A network that runs, and what each of its steps is of. */
interface Measured {
  readonly started: Pick<StartedTfjs, "run" | "profile" | "dispose">;
  readonly parts: readonly Part[];
  readonly threads: Profile["threads"];
}

interface Part {
  readonly node: Node;
  readonly kernel: string;
  readonly predictedMs?: number;
}

async function onWasm({ net, weights, threads, arithmetic = {} }: ProfileRequest): Promise<Measured> {
  const { artifacts } = emit(net, { target: wasm, weights, weightsFrom: "none", arithmetic });
  const { steps } = planGraph(runPasses(net.graph, wasm.passes), weights, planOptions(arithmetic));
  const started = await startWasm({ artifacts, threads });
  const parts = steps.map(({ node, kernel, predictedMs }) => ({
    node,
    kernel: familyOf(kernel.name),
    predictedMs,
  }));
  return { started, parts, threads: started.threads };
}

async function onTfjs({ net, weights, target }: ProfileRequest): Promise<Measured> {
  const { artifacts, graph } = emit(net, { target: tfjs, weights, weightsFrom: "none" });
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const card = artifacts.find(({ path }) => path.endsWith(".json"))!;
  const { steps } = JSON.parse(String(card.contents)) as { steps: string[] };
  const backend = target === "tfjs cpu" ? "cpu" : "wasm";
  const started = await startTfjs({ artifacts, backend });
  const parts = steps.map((step) => ({ node: nodes.get(step.split(" ")[0])!, kernel: `tfjs ${backend}` }));
  return { started, parts, threads: { used: 1, why: "tfjs has no threads in Node" } };
}

/** Something that is neither zero nor the same everywhere. */
const inputsOf = ({ graph }: AnalysedNet) =>
  graph.nodes
    .filter((node) => isOp(node, ops.input))
    .map(({ name, type: { shape } }) => {
      const one = [1, ...shape.slice(1)];
      const data = Float32Array.from({ length: elements(one) }, (_, i) => Math.sin(i * 0.37));
      return [name, { shape: one, data }] as const;
    });

interface TimedStep extends Part {
  readonly ms: number;
}

/** The steps of one operation together, in the order of their first. */
function layersOf(steps: readonly TimedStep[]): readonly Layer[] {
  const byNode = new Map<Node, TimedStep[]>();
  for (const step of steps) {
    const found = byNode.get(step.node);
    if (found) found.push(step);
    else byNode.set(step.node, [step]);
  }
  return [...byNode].map(([node, parts]) => {
    const predicted = parts.flatMap(({ predictedMs }) => predictedMs ?? []);
    return {
      name: node.name,
      what: whatIs(node),
      kernels: [...new Set(parts.map(({ kernel }) => kernel))].join(" + "),
      ms: parts.reduce((sum, { ms }) => sum + ms, 0),
      ...(predicted.length > 0 ? { predictedMs: predicted.reduce((sum, ms) => sum + ms, 0) } : {}),
      macs: node.op.macs(node),
      bytes: 4 * [node, ...node.inputs].reduce((sum, { type: { shape } }) => sum + elements(shape), 0),
    };
  });
}

function whatIs(node: Node): string {
  if (isOp(node, ops.conv2d)) {
    const { kernel, stride, channels, groups } = node.attrs;
    const split = groups === 1 ? "" : groups === channels ? " depthwise" : ` in ${groups} groups`;
    return `conv ${kernel.join("x")}${stride > 1 ? ` /${stride}` : ""}, ${channels}${split}`;
  }
  if (isOp(node, ops.dense)) return `dense ${node.attrs.units}`;
  return node.op.name;
}

/** "winograd F(4,3)", "conv", "maxPool": the family of a kernel's name, with the variant where it has one. */
function familyOf(name: string): string {
  const [family, variant = ""] = name.split(" ");
  return /^F\(/.test(variant) ? `${family} ${variant}` : family;
}
