/** Two nets stage by stage: those of the same name beside each other, in the order of the first. */
import { countGraph, depthOf } from "../../../src/ir/stats.ts";
import type { ComparedRow, Comparison, Questions, StageRow } from "../protocol.ts";
import { rowsOf } from "./check.ts";
import { documentOf, netOf, netsOf } from "./documents.ts";

export function compare({ a, b }: Questions["compare"]["ask"]): Comparison {
  const [left, right] = [netOf(a), netOf(b)];
  if (!left || !right)
    throw new Error(`The ${left ? "other" : "editor's"} text has mistakes: nothing can be compared.`);
  const [ours, theirs] = [left, right].map((net) => new Map(rowsOf(net).map((row) => [row.name, row])));
  const names = inOrder([...ours.keys()], [...theirs.keys()]);
  const totals = [left, right].map(({ graph }) => ({ ...countGraph(graph), depth: depthOf(graph) }));
  return {
    names: [left.name, right.name],
    nets: netsOf(documentOf(b.text)),
    rows: names.map((name) => compareRow(name, ours.get(name), theirs.get(name))),
    totals: (["params", "macs", "activations", "depth"] as const).map((what) => ({
      name: what,
      cells: [{ what, a: grouped(totals[0][what]), b: grouped(totals[1][what]) }],
    })),
  };
}

/** Those of the second alone stand behind what they follow there. */
function inOrder(first: readonly string[], second: readonly string[]): readonly string[] {
  const names = [...first];
  for (const [i, name] of second.entries()) {
    if (names.includes(name)) continue;
    const before = second.slice(0, i).findLast((other) => names.includes(other));
    names.splice(before === undefined ? 0 : names.indexOf(before) + 1, 0, name);
  }
  return names;
}

const compareRow = (name: string, a: StageRow | undefined, b: StageRow | undefined): ComparedRow => ({
  name,
  cells: [
    { what: "output", a: a?.shape ?? "", b: b?.shape ?? "" },
    { what: "parameters", a: a ? grouped(a.params) : "", b: b ? grouped(b.params) : "" },
    { what: "multiply-adds", a: a ? grouped(a.macs) : "", b: b ? grouped(b.macs) : "" },
  ],
});

const grouped = (value: number): string => value.toLocaleString("en");
