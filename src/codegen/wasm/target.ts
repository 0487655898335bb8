/** The wasm target: a plan of the network, its kernels as a WebAssembly module, its weights in the order of use. */
import { fuseResidual, standardPasses } from "../../passes/pipeline.ts";
import type { Arithmetic, Artifact, EmitRequest, Target } from "../target.ts";
import { wasmArtifacts } from "./artifacts.ts";
import { baseline, relaxedSimd } from "./kernels/gemm.ts";
import type { PlanOptions } from "./plan/choose.ts";
import { weightFile } from "./plan/chunks.ts";
import { type Plan, planGraph } from "./plan/plan.ts";
import { storedNote } from "./plan/precision.ts";

export const wasm: Target = {
  name: "wasm",
  summary: "a stand-alone WebAssembly SIMD module with kernels made for this network",
  passes: [...standardPasses, fuseResidual],
  needsWeights: true,
  emit,
};

/** What the planner makes of `--exact`, `--fast-math` and `--precision`. */
export const planOptions = ({
  exact = false,
  relaxed = false,
  precision = "f32",
}: Arithmetic = {}): PlanOptions => ({
  exact,
  precision,
  engine: relaxed ? relaxedSimd : baseline,
});

/** Addresses have 32 bits; the program, which is placed later, takes far less than what is left here. */
const memoryLimit = 2 ** 32 - 2 ** 24;

function emit(request: EmitRequest): readonly Artifact[] {
  const { graph, weights, card, labels, name, report, arithmetic, shardBytes } = request;
  const { onProgress, onNote } = request;
  const { relaxed = false } = arithmetic ?? {};
  const plan = planGraph(graph, weights, planOptions({ ...arithmetic, relaxed: false }));
  const needed = plan.image.fixedBytes + plan.image.scratchBytes;
  if (needed > memoryLimit) {
    const hint = "a smaller picture needs less: see --size";
    report("network-too-large", undefined, { needed, limit: memoryLimit }, { hint });
    return [];
  }
  for (const line of costLines(plan)) onNote?.(line);
  const precision = arithmetic?.precision ?? "f32";
  const error = precision === "f32" ? undefined : { values: 0, differences: 0 };
  const packed = weightFile(plan.pieces, onProgress, error);
  if (error) onNote?.(storedNote(precision, error));
  return wasmArtifacts({
    name,
    card,
    labels,
    image: plan.image,
    relaxed: relaxed ? planGraph(graph, weights, planOptions(arithmetic)).image : undefined,
    weights: packed,
    shardBytes,
    tensors: plan.pieces.map(({ label, stored }) => ({ label, floats: stored })),
    plan: { predictedMs: Number(plan.predictedMs.toFixed(3)), bytes: plan.bytes },
  });
}

/** What a plan will cost, for people. */
function costLines({ predictedMs, bytes, image }: Plan): string[] {
  const short = (value: number) => (value < 10 ? String(Number(value.toPrecision(2))) : value.toFixed(0));
  const mb = (size: number) => short(size / 1e6);
  const { weights, arena, scratch, staging } = bytes;
  const total = image.fixedBytes + scratch;
  return [
    `predicted ${short(predictedMs)} ms a picture on one core of a 2023 server`,
    `memory ${mb(total)} MB: weights ${mb(weights)}, maps ${mb(arena)}, a thread ${mb(scratch)}, loading ${mb(staging)}`,
  ];
}
