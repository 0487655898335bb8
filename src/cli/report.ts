/** How a network is shown: the table by row, the verdicts, what passes fused; as text and as JSON. */

import type { Paint } from "../base/render-diagnostic.ts";
import { count, short } from "../base/show-number.ts";
import type { AnalysedNet } from "../compile.ts";
import { type Graph, isOp, type Node } from "../ir/graph.ts";
import { type OpName, ops } from "../ir/ops/index.ts";
import { countGraph, depthOf, type Stage, stagesOf } from "../ir/stats.ts";
import { type Column, table } from "./terminal.ts";

/** The column that is cut when a table would be wider than a terminal, and how wide that is. */
const stepsColumn = 1;
const widest = 80;

const columns: readonly Column[] = [
  { title: "row", align: "left", widest: 16 },
  { title: "steps", align: "left" },
  { title: "output", align: "left" },
  { title: "params", align: "right" },
  { title: "MACs", align: "right" },
  { title: "ops", align: "right" },
];

/** The rows of a net; `optimised` adds how many operations each has before and after the passes. */
export function stageTable(net: AnalysedNet, paint: Paint, optimised?: Graph, depth = 1): string {
  const before = stagesOf(net.graph, depth);
  const after =
    optimised && new Map(stagesOf(optimised, depth).map((stage) => [stage.name, countOps(stage.nodes)]));
  const whole = countGraph(net.graph);
  const cells = (stage: Stage) => [
    stage.name,
    depth === 1 ? (net.rows.get(stage.name)?.text ?? "") : describeOps(stage.nodes),
    stage.shape.join("x"),
    stage.params ? count(stage.params) : "",
    stage.macs ? short(stage.macs) : "",
    ...(after ? [`${countOps(stage.nodes)} -> ${after.get(stage.name) ?? 0}`] : []),
  ];
  const sum = [
    "total",
    "",
    "",
    count(whole.params),
    short(whole.macs),
    ...(optimised ? [`${countOps(net.graph.nodes)} -> ${countOps(optimised.nodes)}`] : []),
  ];
  const rows = [...before.map(cells), sum];
  const used = columns.slice(0, sum.length).map((column, i) => {
    return Math.min(
      column.widest ?? widest,
      Math.max(column.title.length, ...rows.map((row) => row[i].length)),
    );
  });
  const others = used.reduce((total, width, i) => total + (i === stepsColumn ? 0 : width + 2), 0);
  const fitted = columns.slice(0, sum.length).map((column, i) => {
    return i === stepsColumn ? { ...column, widest: Math.max(8, widest - others) } : column;
  });
  return table(fitted, rows, paint);
}

/** Operations that run: neither weights nor inputs. */
function countOps(nodes: readonly Node[]): number {
  return nodes.filter((node) => !isOp(node, ops.param) && !isOp(node, ops.input)).length;
}

function describeOps(nodes: readonly Node[]): string {
  const names = nodes.filter((node) => !isOp(node, ops.param)).map(({ op }) => op.name);
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, n]) => (n === 1 ? name : `${n} ${name}`)).join(", ");
}

/** "folded 155 batch norms; fused 151 activations, 50 residual adds": what passes did, from before and after. */
export function describeFusion(before: Graph, after: Graph): string {
  const many = (graph: Graph, names: readonly OpName[]) =>
    graph.nodes.filter(({ op }) => names.includes(op.name as OpName)).length;
  const gone = (names: readonly OpName[], one: string, more = `${one}s`): string[] => {
    const count = many(before, names) - many(after, names);
    return count > 0 ? [`${count} ${count === 1 ? one : more}`] : [];
  };
  // A batch norm that no convolution takes becomes an affine, so the two count together.
  const folded = [
    ...gone(["batchNorm", "affine"], "batch norm"),
    ...gone(["bias"], "bias", "biases"),
    ...gone(["pad"], "pad"),
  ];
  const fused = [...gone(["activation"], "activation"), ...gone(["add"], "residual add")];
  const parts = [
    ...(folded.length > 0 ? [`folded ${folded.join(", ")}`] : []),
    ...(fused.length > 0 ? [`fused ${fused.join(", ")}`] : []),
  ];
  return parts.length > 0 ? parts.join("; ") : "nothing to fuse";
}

export function verdictLines(net: AnalysedNet, paint: Paint): string {
  return net.verdicts
    .map(({ holds, what, wanted, found }) => {
      const mark = holds ? paint("info", "ok") : paint("error", "no");
      const same = wanted.replaceAll("_", "") === found.replaceAll("_", "");
      return `${mark}  expect ${what} ${wanted}${same ? "" : `  (${found})`}`;
    })
    .join("\n");
}

/** A net for programs: counts in both conventions, stages, verdicts. */
export function netToJson(net: AnalysedNet, depth = 1) {
  const { params, state, macs, timmMacs, activations } = countGraph(net.graph);
  const shape = (node: Node) => node.type.shape;
  return {
    net: net.name,
    summary: net.doc,
    inputs: net.graph.nodes
      .filter((node) => isOp(node, ops.input))
      .map((node) => ({ name: node.name, shape: shape(node) })),
    outputs: net.graph.outputs.map(({ name, node }) => ({ name, shape: shape(node) })),
    params,
    state,
    macs,
    timmMacs,
    activations,
    depth: depthOf(net.graph),
    stages: stagesOf(net.graph, depth).map((stage) => ({
      name: stage.name,
      ...(net.rows.has(stage.name) ? { steps: net.rows.get(stage.name)!.text } : {}),
      shape: stage.shape,
      params: stage.params,
      state: stage.state,
      macs: stage.macs,
      timmMacs: stage.timmMacs,
      activations: stage.activations,
      receptiveField: stage.field.size,
      stride: stage.field.jump,
    })),
    expectations: net.verdicts.map(({ what, wanted, found, holds }) => ({ what, wanted, found, holds })),
  };
}
