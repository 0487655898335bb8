/** What the compiler makes of a net, as text: the graph, the plan, modules. */
import { targets } from "../../../src/codegen/targets.ts";
import { planGraph } from "../../../src/codegen/wasm/plan/plan.ts";
import { printPlan } from "../../../src/codegen/wasm/plan/print.ts";
import { planOptions, wasm } from "../../../src/codegen/wasm/target.ts";
import { emit } from "../../../src/compile.ts";
import { printGraph } from "../../../src/ir/print.ts";
import { runPasses } from "../../../src/passes/pipeline.ts";
import { heWeights } from "../../../src/weights/initialise.ts";
import type { Questions } from "../protocol.ts";
import { neededNet } from "./documents.ts";

export function code({ kind, ...spec }: Questions["code"]["ask"]): string {
  const net = neededNet(spec);
  const weights = heWeights(net.graph, 0);
  if (kind === "ir") return printGraph(net.graph);
  if (kind === "plan") return printPlan(planGraph(runPasses(net.graph, wasm.passes), weights, planOptions()));
  const target = targets.find(({ name }) => name === kind)!;
  const { artifacts, diagnostics } = emit(net, {
    target,
    weights,
    weightsFrom: "He initialisation, seed 0",
  });
  const module = artifacts.find(({ path }) => /\.(js|py)$/.test(path));
  if (typeof module?.contents !== "string")
    throw new Error(diagnostics[0]?.message ?? `The target ${kind} wrote no module.`);
  return module.contents;
}
