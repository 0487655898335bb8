/**
 * Where the time of a network goes on the wasm target: the least time of each layer over some rounds, beside the least time of
 * whole runs in between, so that both saw the same machine.
 */

import type { Arithmetic } from "../codegen/target.ts";
import { planGraph } from "../codegen/wasm/plan/plan.ts";
import { planOptions, wasm } from "../codegen/wasm/target.ts";
import { type AnalysedNet, emit } from "../compile.ts";
import { isOp } from "../ir/graph.ts";
import type { WeightSource } from "../ir/interpret.ts";
import { ops } from "../ir/ops/index.ts";
import { elements } from "../ir/tensor.ts";
import { runPasses } from "../passes/pipeline.ts";
import { type Layer, layersOf } from "./layers.ts";
import { startWasm } from "./wasm.ts";

export interface Profile {
  readonly layers: readonly Layer[];
  /** Of a whole run. */
  readonly ms: number;
  readonly threads: { readonly used: number; readonly why: string };
  readonly rounds: number;
}

export interface ProfileRequest {
  readonly net: AnalysedNet;
  readonly weights: WeightSource;
  readonly threads: "auto" | number;
  readonly arithmetic?: Arithmetic;
  /** How long to go on, in milliseconds; three rounds are done in any case. */
  readonly patience?: number;
  readonly onRound?: (part: number) => void;
}

export async function profileNet(request: ProfileRequest): Promise<Profile> {
  const { net, weights, threads, arithmetic = {}, patience = 3000, onRound } = request;
  const { artifacts } = emit(net, { target: wasm, weights, weightsFrom: "none", arithmetic });
  const { steps } = planGraph(runPasses(net.graph, wasm.passes), weights, planOptions(arithmetic));
  const started = await startWasm({ artifacts, threads });
  try {
    const inputs = Object.fromEntries(inputsOf(net));
    started.run(inputs);
    const least = new Array<number>(steps.length).fill(Number.POSITIVE_INFINITY);
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
    const layers = layersOf(steps.map((step, i) => ({ ...step, ms: least[i] })));
    return { layers, ms: whole, threads: started.threads, rounds };
  } finally {
    started.dispose();
  }
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
