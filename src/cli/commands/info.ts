/** `resnetc info`: the table of a net, with counts in both conventions. */
import type { Arguments, Argv } from "yargs";
import { wrap } from "../../base/render-diagnostic.ts";
import { count, short } from "../../base/show-number.ts";
import type { AnalysedNet } from "../../compile.ts";
import { isOp } from "../../ir/graph.ts";
import { ops } from "../../ir/ops/index.ts";
import { countGraph, depthOf, stagesOf } from "../../ir/stats.ts";
import { UsageError } from "../../node/usage-error.ts";
import type { SameCounts } from "../../published/compare.ts";
import { formatOption, netOptions, openNet } from "../net-options.ts";
import { netToJson, stageTable, verdictLines } from "../report.ts";
import { paintFor, print, printJson, table } from "../terminal.ts";

export const builder = (yargs: Argv) =>
  formatOption(netOptions(yargs))
    .positional("file", {
      type: "string",
      demandOption: true,
      describe: "a .resnet file, FILE#net for one of its nets",
    })
    .option("depth", {
      type: "number",
      default: 1,
      describe: "2 shows the blocks of each row, 3 their steps",
    })
    .example("$0 info examples/resnet50.resnet", "the table by row")
    .example("$0 info examples/resnet50.resnet --depth 2", "by block")
    .example("$0 info examples/resnet50.resnet --json", "for programs");

export async function handler(
  options: Arguments<Awaited<ReturnType<typeof builder>["argv"]>>,
): Promise<number> {
  if (!Number.isInteger(options.depth) || options.depth < 1)
    throw new UsageError(`--depth ${options.depth} is not a whole number from 1`);
  const opened = await openNet(options.file, options);
  if (!opened) return 1;
  // Loaded here: the catalogue is larger than what shows it.
  const { sameCounts } = await import("../../published/compare.ts");
  const published = sameCounts(opened.net.graph);
  if (options.json) printJson({ command: "info", ...netToJson(opened.net, options.depth), published });
  else show(opened.net, options.depth, published);
  return 0;
}

function show(net: AnalysedNet, depth: number, published: SameCounts): void {
  const paint = paintFor(process.stdout);
  const { params, state, macs, timmMacs, activations } = countGraph(net.graph);
  print(`${paint("bold", net.name)}${net.doc ? `  ${net.doc.split("\n")[0]}` : ""}\n`);
  print(`${stageTable(net, paint, undefined, depth)}\n`);
  const field = stagesOf(net.graph).reduce((most, stage) => Math.max(most, stage.field.size), 0);
  const kept = net.graph.nodes.some((node) => isOp(node, ops.param) && node.attrs.frozen)
    ? "running statistics, frozen scales and shifts"
    : "running means and variances (in Keras' total)";
  const rows = [
    ["params", count(params), "weights, biases, scales, shifts (as torch counts)"],
    ["state", count(state), kept],
    ["MACs", count(macs), `${short(macs)}, conv and dense only (torchvision)`],
    ["timm MACs", count(timmMacs), `${short(timmMacs)}, with norms, global pools (fvcore)`],
    ["activations", count(activations), "results of convolution and dense layers"],
    ["depth", count(depthOf(net.graph)), "most convolution and dense layers on one path"],
    ["field", count(field), "pixels across that one result sees"],
  ];
  print(
    table(
      [
        { title: "count", align: "left" },
        { title: "", align: "right" },
        { title: "what", align: "left" },
      ],
      rows,
      paint,
    ),
  );
  for (const line of publishedLines(published)) print(line);
  if (net.verdicts.length > 0) print(`\n${verdictLines(net, paint)}`);
}

/** Which published networks have these counts; none is said where none has. */
function publishedLines({ both, paramsOnly }: SameCounts): readonly string[] {
  const line = (names: readonly string[], what: string) =>
    names.length === 0 ? [] : wrap(`${what} ${names.join(", ")}`, 0, 2);
  const lines = [
    ...line(both, "the params and MACs of"),
    ...line(paramsOnly, both.length > 0 ? "the params also of" : "the params of"),
  ];
  return lines.length > 0 ? ["", ...lines] : [];
}
