/** `resnetc ir`: the graph as text at any point of the pipeline, and the plan that the wasm target makes of it. */
import type { Arguments, Argv } from "yargs";
import type { Arithmetic } from "../../codegen/target.ts";
import { targets } from "../../codegen/targets.ts";
import { planGraph } from "../../codegen/wasm/plan/plan.ts";
import { printPlan } from "../../codegen/wasm/plan/print.ts";
import { planOptions, wasm } from "../../codegen/wasm/target.ts";
import { changedLines, nothingChanged } from "../../ir/changed-lines.ts";
import type { Graph } from "../../ir/graph.ts";
import { printGraph } from "../../ir/print.ts";
import { noWeights } from "../../node/find-weights.ts";
import { UsageError } from "../../node/usage-error.ts";
import type { Pass } from "../../passes/pass.ts";
import { allPasses, runPasses } from "../../passes/pipeline.ts";
import { arithmeticOptions, readArithmetic } from "../arithmetic-options.ts";
import { formatOption, netOptions, openNet } from "../net-options.ts";
import { print, printDiagnostics, printJson } from "../terminal.ts";
import { unknownPass } from "./build.ts";

/** The points of the pipeline that have a name. */
const points: readonly string[] = [...allPasses.map(({ name }) => name), "all", "plan"];

export const builder = (yargs: Argv) =>
  arithmeticOptions(formatOption(netOptions(yargs)))
    .positional("file", {
      type: "string",
      demandOption: true,
      describe: "a .resnet file, FILE#net for one of its nets",
    })
    .option("after", {
      type: "string",
      describe: `the point: ${points.join(", ")} (default: before any pass); plan is the wasm target's: steps, kernels, memory`,
    })
    .option("diff", { type: "boolean", default: false, describe: "only the lines that this pass changed" })
    .option("params", { type: "boolean", default: false, describe: "show weights as nodes too" })
    .option("target", {
      type: "string",
      describe: `the passes of a target: ${targets.map(({ name }) => name).join(", ")}`,
    })
    .example("$0 ir examples/resnet18.resnet", "as lowered")
    .example("$0 ir examples/resnet18.resnet --after fold-batch-norm --diff", "what one pass did")
    .example("$0 ir examples/resnet18.resnet --after all --target tfjs", "what the tfjs target gets")
    .example(
      "$0 ir examples/resnet18.resnet --after plan",
      "what runs when and where, and what it will cost",
    );

type IrArguments = Arguments<Awaited<ReturnType<typeof builder>["argv"]>>;

export async function handler(options: IrArguments): Promise<number> {
  const { after, diff, params } = options;
  if (after !== undefined && !points.includes(after)) {
    printDiagnostics([unknownPass(after, points)], options.format);
    return 1;
  }
  if (diff && after === undefined) throw new UsageError("--diff needs --after PASS, or --after all");
  const target = targets.find(({ name }) => name === options.target);
  if (options.target !== undefined && !target) {
    throw new UsageError(
      `--target ${options.target} is none of ${targets.map(({ name }) => name).join(", ")}`,
    );
  }
  const place = after === "plan" ? undefined : "--after plan";
  const arithmetic = readArithmetic(options, place, place);
  if (after === "plan") {
    if (diff || params)
      throw new UsageError(`--${diff ? "diff" : "params"} is for graphs, and a plan is none`);
    if (target && target !== wasm)
      throw new UsageError(`target ${target.name} makes no plan, only wasm does`);
    return showPlan(options, arithmetic);
  }
  const passes = target?.passes ?? allPasses;
  if (after !== undefined && after !== "all" && !passes.some(({ name }) => name === after))
    throw new UsageError(`target ${options.target} does not run ${after}`);
  return showGraph(options, passes);
}

async function showGraph(options: IrArguments, passes: readonly Pass[]): Promise<number> {
  const { after, diff, params } = options;
  const opened = await openNet(options.file, options);
  if (!opened) return 1;
  let before: Graph = opened.net.graph;
  let now: Graph = opened.net.graph;
  for (const pass of after === undefined ? [] : passes) {
    if (after !== "all") before = now;
    now = runPasses(now, [pass]);
    if (pass.name === after) break;
  }
  const text = diff
    ? changedLines(printGraph(before, { params }), printGraph(now, { params })) || nothingChanged
    : printGraph(now, { params });
  if (options.json) printJson({ command: "ir", net: opened.net.name, after: after ?? "lower", text });
  else print(text.trimEnd());
  return 0;
}

async function showPlan(options: IrArguments, arithmetic: Arithmetic): Promise<number> {
  const opened = await openNet(options.file, options);
  if (!opened) return 1;
  const { name, graph } = opened.net;
  const plan = planGraph(runPasses(graph, wasm.passes), noWeights, planOptions(arithmetic));
  const text = printPlan(plan);
  const { predictedMs, bytes } = plan;
  if (options.json) printJson({ command: "ir", net: name, after: "plan", predictedMs, bytes, text });
  else print(text.trimEnd());
  return 0;
}
