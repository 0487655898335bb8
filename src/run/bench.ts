/**
 * A net on our targets and on runtimes that are installed beside it, in one process, in turn: what a machine does to one it does
 * to all. Times of a first answer and of later ones, and how far results are from ours.
 */
import { onnx } from "../codegen/onnx/target.ts";
import type { Artifact, Target } from "../codegen/target.ts";
import { tfjs } from "../codegen/tfjs/target.ts";
import { wasm } from "../codegen/wasm/target.ts";
import { type AnalysedNet, emit } from "../compile.ts";
import { isOp } from "../ir/graph.ts";
import type { WeightSource } from "../ir/interpret.ts";
import { ops } from "../ir/ops/index.ts";
import { elements, type Tensor } from "../ir/tensor.ts";
import { fromNhwc, toNhwc } from "./array-layout.ts";
import { startTfjs } from "./tfjs.ts";
import { startWasm } from "./wasm.ts";

export const rivals = ["tfjs", "ort"] as const;
export type Rival = (typeof rivals)[number];

type Maps = Readonly<Record<string, Tensor>>;

interface Running {
  run(inputs: Maps): Maps | Promise<Maps>;
  dispose(): void | Promise<void>;
}

interface Contender {
  readonly name: string;
  start(): Promise<Running>;
}

export interface BenchResult {
  readonly name: string;
  /** From the files to a network that can run. */
  readonly loadMs: number;
  readonly firstMs: number;
  /** The median of later runs. */
  readonly ms: number;
  /** The largest difference from the first contender, over the largest absolute value of its results. */
  readonly difference: number;
}

export interface Missing {
  readonly name: string;
  readonly why: string;
}

export interface Bench {
  readonly results: readonly BenchResult[];
  readonly missing: readonly Missing[];
  readonly rounds: number;
}

export interface BenchRequest {
  readonly net: AnalysedNet;
  readonly weights: WeightSource;
  readonly against: readonly Rival[];
  /** More threads than one, where there are more processors. */
  readonly threads: number;
  /** How long to go on, in milliseconds; three rounds are done in any case. */
  readonly patience: number;
  readonly onStep?: (what: string, part?: number) => void;
}

export async function benchNet({
  net,
  weights,
  against,
  threads,
  patience,
  onStep,
}: BenchRequest): Promise<Bench> {
  const make = (target: Target) => emit(net, { target, weights, weightsFrom: "none" }).artifacts;
  const ours = make(wasm);
  const onWasm = (count: number): Contender => ({
    name: count === 1 ? "wasm, 1 thread" : `wasm, ${count} threads`,
    start: () => startWasm({ artifacts: ours, threads: count }),
  });
  const contenders = [
    onWasm(1),
    ...(threads > 1 ? [onWasm(threads)] : []),
    ...(against.includes("tfjs") ? [tfjsContender(make(tfjs))] : []),
    ...(against.includes("ort") ? [ortContender(make(onnx))] : []),
  ];
  const inputs = inputsOf(net);
  const missing: Missing[] = [];
  const started: Started[] = [];
  try {
    for (const { name, start } of contenders) {
      onStep?.(`starting ${name}`);
      try {
        started.push(await startOne(name, start, inputs));
      } catch (error) {
        missing.push({ name, why: (error as Error).message.split("\n")[0] });
      }
    }
    const rounds = await race(started, inputs, patience, onStep);
    return { results: started.map((one) => resultOf(one, started[0])), missing, rounds };
  } finally {
    for (const { running } of started) await running.dispose();
  }
}

// ---- who takes part -----------------------------------------------------------------------------

/** With its own kernels: ours in their place would be there for all that runs on tfjs in this process. */
const tfjsContender = (artifacts: readonly Artifact[]): Contender => ({
  name: "tfjs, wasm",
  start: () => startTfjs({ artifacts }),
});

/** What is used of ONNX Runtime Web. */
interface Ort {
  readonly env: { logLevel: string; readonly wasm: { numThreads: number } };
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{
      run(
        feeds: object,
      ): Promise<Record<string, { readonly data: Float32Array; readonly dims: readonly number[] }>>;
      release(): Promise<void>;
    }>;
  };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => object;
}

const ortContender = (artifacts: readonly Artifact[]): Contender => ({
  name: "onnxruntime-web, 1 thread",
  async start() {
    // No bundler shall look for it: only who compares has it.
    const name = "onnxruntime-web";
    const ort = await import(name).then(
      (found) => found as Ort,
      () => Promise.reject(new Error("the package onnxruntime-web is not installed")),
    );
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "error";
    const model = artifacts.find(({ path }) => path.endsWith(".onnx"))?.contents as Uint8Array;
    const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
    return {
      async run(inputs) {
        const feeds = Object.entries(inputs).map(([input, map]) => {
          const { shape, data } = fromNhwc(map, "nchw");
          return [input, new ort.Tensor("float32", Float32Array.from(data), shape)] as const;
        });
        const results = await session.run(Object.fromEntries(feeds));
        return Object.fromEntries(
          Object.entries(results).map(([output, { data, dims }]) => [output, fromNchw(data, dims)]),
        );
      },
      dispose: () => session.release(),
    };
  },
});

function fromNchw(data: Float32Array, [n, c, h, w]: readonly number[]): Tensor {
  const found = toNhwc({ shape: [n, c, h, w], data }, [n, h, w, c], "nchw");
  if (typeof found === "string") throw new Error(found);
  return found;
}

const inputsOf = ({ graph }: AnalysedNet): Maps =>
  Object.fromEntries(
    graph.nodes
      .filter((node) => isOp(node, ops.input))
      .map(({ name, type: { shape } }) => {
        const one = [1, ...shape.slice(1)];
        return [
          name,
          { shape: one, data: Float32Array.from({ length: elements(one) }, (_, i) => Math.sin(i * 0.37)) },
        ];
      }),
  );

// ---- the race -----------------------------------------------------------------------------------

interface Started {
  readonly name: string;
  readonly running: Running;
  readonly loadMs: number;
  readonly firstMs: number;
  readonly results: Maps;
  readonly times: number[];
}

async function startOne(name: string, start: () => Promise<Running>, inputs: Maps): Promise<Started> {
  const begin = performance.now();
  const running = await start();
  const loaded = performance.now();
  const results = await running.run(inputs);
  const firstMs = performance.now() - loaded;
  return { name, running, loadMs: loaded - begin, firstMs, results, times: [] };
}

/** One run of each in turn, the order changing, so that none is always behind the same. */
async function race(
  started: readonly Started[],
  inputs: Maps,
  patience: number,
  onStep: BenchRequest["onStep"],
): Promise<number> {
  const begin = performance.now();
  let rounds = 0;
  for (let spent = 0; rounds < 3 || spent < patience; spent = performance.now() - begin) {
    for (let i = 0; i < started.length; i++) {
      const { running, times } = started[(i + rounds) % started.length];
      const before = performance.now();
      await running.run(inputs);
      times.push(performance.now() - before);
    }
    rounds++;
    onStep?.("measuring", Math.min(1, spent / patience));
  }
  return rounds;
}

function resultOf(
  { name, loadMs, firstMs, times, results }: Started,
  { results: wanted }: Started,
): BenchResult {
  const sorted = [...times].sort((a, b) => a - b);
  const ms = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  let largest = 0;
  let off = 0;
  for (const [output, { data }] of Object.entries(wanted)) {
    const found = results[output]?.data ?? [];
    for (let i = 0; i < data.length; i++) {
      largest = Math.max(largest, Math.abs(data[i]));
      off = Math.max(off, Math.abs(data[i] - (found[i] ?? Number.NaN)) || 0);
    }
  }
  return { name, loadMs, firstMs, ms, difference: largest > 0 ? off / largest : 0 };
}
