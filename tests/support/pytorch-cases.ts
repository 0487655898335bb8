/** The cases of operations as modules of the pytorch target. */
import { pytorch } from "../../src/codegen/pytorch/target.ts";
import { type Graph, isOp, type Node } from "../../src/ir/graph.ts";
import type { Op } from "../../src/ir/op.ts";
import { type OpName, ops } from "../../src/ir/ops/index.ts";
import { opCases } from "../op-cases.ts";
import { testCard } from "./cards.ts";
import { type CaseGraph, caseGraph } from "./case-graph.ts";
import type { Case } from "./operands.ts";

export interface PytorchCase extends CaseGraph {
  readonly op: OpName;
  readonly title: string;
  readonly text: string;
  /** What the state dict calls each weight. */
  readonly names: ReadonlyMap<Node, string>;
}

/** Computed weights come of passes, which do not run for this target. */
const isMade = (op: OpName, { title }: Case): boolean => op === "param" && title === "computed";

export const pytorchCases = (Object.entries(opCases) as [OpName, readonly Case[]][]).map(
  ([op, cases]) => [op, cases.filter((one) => !isMade(op, one))] as const,
);

export function pytorchCase(op: OpName, one: Case): PytorchCase {
  const made = caseGraph(ops[op] as Op<never>, one);
  const names = namesOf(made.graph, op, one.attrs);
  const lines = [...names].map(([{ name }, to]) => ({ from: name, to }));
  const [{ contents }] = pytorch.emit({
    ...{ graph: made.graph, weights: made.weights, card: testCard(made.graph), name: "case" },
    names: { name: "case", leaves: new Map(), lines },
    report: () => {},
  });
  return { ...made, op, title: one.title, text: String(contents), names };
}

/** PyTorch's modules call their weights so; a case's own names are numbers. */
function namesOf(graph: Graph, op: OpName, attrs: unknown): ReadonlyMap<Node, string> {
  const { scale, shift } = (attrs ?? {}) as { scale?: boolean; shift?: boolean };
  const halves = [...(scale ? ["weight"] : []), ...(shift ? ["bias"] : [])];
  const leaves = op === "batchNorm" ? ["running_mean", "running_var", ...halves] : ["weight", "bias"];
  const weights = graph.nodes.filter((node) => isOp(node, ops.param));
  return new Map(weights.map((node, i) => [node, `y.${leaves[i] ?? `w${i}`}`]));
}
