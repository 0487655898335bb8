/** Pictures of a net, also after some of the passes, and what each pass changed. */
import { headingOf } from "../../../src/codegen/svg/target.ts";
import { cardOf } from "../../../src/compile.ts";
import { drawPicture } from "../../../src/draw/picture.ts";
import { stepsOf } from "../../../src/draw/steps.ts";
import { changedLines } from "../../../src/ir/changed-lines.ts";
import { type Graph, isOp } from "../../../src/ir/graph.ts";
import { ops } from "../../../src/ir/ops/index.ts";
import { printGraph } from "../../../src/ir/print.ts";
import { allPasses, runPasses } from "../../../src/passes/pipeline.ts";
import type { PassRow, PictureAsk, Spec } from "../protocol.ts";
import { neededNet } from "./documents.ts";

export function picture({ passes = 0, unfold, colour, times, ...spec }: PictureAsk): string {
  const net = neededNet(spec);
  const heading = headingOf(cardOf(net, ""));
  const last = allPasses[passes - 1];
  const title = last ? `${heading.title}, after ${last.name}` : heading.title;
  const graph = runPasses(net.graph, allPasses.slice(0, passes));
  const view = {
    colour,
    unfold: unfold === "all" ? ("all" as const) : new Set(unfold),
    times: times && new Map(times),
  };
  return drawPicture(stepsOf(graph), { ...heading, title }, view);
}

export function passes(spec: Spec): readonly PassRow[] {
  let { graph } = neededNet(spec);
  const summary = "the graph as the text says it, before any pass";
  const rows: PassRow[] = [{ name: "lower", summary, nodes: operations(graph), changes: [], ms: 0 }];
  for (const pass of allPasses) {
    const start = performance.now();
    const after = runPasses(graph, [pass]);
    const ms = performance.now() - start;
    const lines = changedLines(printGraph(graph), printGraph(after));
    const changes = lines === "" ? [] : lines.split("\n");
    rows.push({ name: pass.name, summary: pass.summary, nodes: operations(after), changes, ms });
    graph = after;
  }
  return rows;
}

const operations = ({ nodes }: Graph): number => nodes.filter((node) => !isOp(node, ops.param)).length;
