/** `resnetc ir`: the graph as text, at any point of the pipeline. */
import type { Arguments, Argv } from "yargs";
import { targets } from "../../codegen/targets.ts";
import type { Graph } from "../../ir/graph.ts";
import { printGraph } from "../../ir/print.ts";
import { allPasses, fuseResidual, runPasses, standardPasses } from "../../passes/pipeline.ts";
import { formatOption, netOptions, openNet, UsageError } from "../net-options.ts";
import { print, printDiagnostics, printJson } from "../terminal.ts";
import { unknownPass } from "./build.ts";

export const builder = (yargs: Argv) =>
  formatOption(netOptions(yargs))
    .positional("file", {
      type: "string",
      demandOption: true,
      describe: "a .resnet file, FILE#net for one of its nets",
    })
    .option("after", {
      type: "string",
      describe: `the point: ${allPasses.map(({ name }) => name).join(", ")}, or "all" (default: before any)`,
    })
    .option("diff", { type: "boolean", default: false, describe: "only the lines that this pass changed" })
    .option("params", { type: "boolean", default: false, describe: "show weights as nodes too" })
    .option("target", {
      type: "string",
      describe: `the passes of a target: ${targets.map(({ name }) => name).join(", ")}`,
    })
    .example("$0 ir examples/resnet18.resnet", "as lowered")
    .example("$0 ir examples/resnet18.resnet --after fold-batch-norm --diff", "what one pass did")
    .example("$0 ir examples/resnet18.resnet --after all --target tfjs", "what the tfjs target gets");

export function handler(options: Arguments<Awaited<ReturnType<typeof builder>["argv"]>>): number {
  const { after, diff, params } = options;
  if (after !== undefined && after !== "all" && !allPasses.some(({ name }) => name === after)) {
    printDiagnostics([unknownPass(after)], options.format);
    return 1;
  }
  if (diff && after === undefined) throw new UsageError("--diff needs --after PASS, or --after all");
  const target = targets.find(({ name }) => name === options.target);
  if (options.target !== undefined && !target) {
    throw new UsageError(
      `--target ${options.target} is none of ${targets.map(({ name }) => name).join(", ")}`,
    );
  }
  const opened = openNet(options.file, options);
  if (!opened) return 1;

  const passes = target ? target.passes : [...standardPasses, fuseResidual];
  let before: Graph = opened.net.graph;
  let now: Graph = opened.net.graph;
  let reached = after === undefined || after === "all";
  if (after !== undefined) {
    for (const pass of passes) {
      if (after !== "all") before = now;
      now = runPasses(now, [pass]);
      if (pass.name === after) {
        reached = true;
        break;
      }
    }
  }
  if (!reached) throw new UsageError(`target ${options.target} does not run ${after}`);
  const text = diff
    ? changedLines(printGraph(before, { params }), printGraph(now, { params }))
    : printGraph(now, { params });
  if (options.json) printJson({ command: "ir", net: opened.net.name, after: after ?? "lower", text });
  else print(text.trimEnd());
  return 0;
}

/** Lines that are gone with "-", new ones with "+", in the order of the later text. */
function changedLines(before: string, after: string): string {
  const old = before.split("\n");
  const fresh = after.split("\n");
  const kept = new Set(fresh);
  const known = new Set(old);
  const out: string[] = [];
  let at = 0;
  for (const line of fresh) {
    if (known.has(line)) {
      while (at < old.length && old[at] !== line) {
        if (!kept.has(old[at])) out.push(`-${old[at]}`);
        at++;
      }
      at++;
    } else {
      while (at < old.length && !kept.has(old[at])) out.push(`-${old[at++]}`);
      out.push(`+${line}`);
    }
  }
  for (; at < old.length; at++) if (!kept.has(old[at])) out.push(`-${old[at]}`);
  return out.length > 0 ? out.join("\n") : "(nothing changed)";
}
