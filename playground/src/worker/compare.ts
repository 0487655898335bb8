/** What differs between two texts' nets: the words of `resnetc diff`, and the stages that cost or make something else. */
import { diffNets, type StagePair, signed } from "../../../src/diff/diff-nets.ts";
import type { ComparedRow, Comparison, Questions } from "../protocol.ts";
import { documentOf, netOf, netsOf } from "./documents.ts";

export function compare({ a, b }: Questions["compare"]["ask"]): Comparison {
  const [left, right] = [netOf(a), netOf(b)];
  if (!left || !right)
    throw new Error(`The ${left ? "second" : "editor's"} text has mistakes: nothing can be compared.`);
  const { words, stages, totals } = diffNets(left, right);
  const rows = stages.flatMap(rowsOf);
  for (const what of ["params", "macs", "depth"] as const)
    rows.push(...rowOf("in all", wordsOf[what], totals.before[what], totals.after[what]));
  return { names: [left.name, right.name], nets: netsOf(documentOf(b.text)), words, rows };
}

const wordsOf = { params: "parameters", macs: "multiply-adds", depth: "layers deep" } as const;

function rowsOf({ before, after }: StagePair): ComparedRow[] {
  const name = after?.name ?? before?.name ?? "";
  return [
    ...rowOf(name, "output", before?.shape, after?.shape),
    ...rowOf(name, "blocks", before?.blocks.length, after?.blocks.length),
    ...rowOf(name, wordsOf.params, before?.params, after?.params),
    ...rowOf(name, wordsOf.macs, before?.macs, after?.macs),
  ];
}

/** Nothing where both are the same. */
function rowOf(
  name: string,
  what: string,
  a: string | number | undefined,
  b: string | number | undefined,
): ComparedRow[] {
  if (a === b) return [];
  const change = typeof a === "number" && typeof b === "number" ? signed(b - a) : "";
  return [{ name, what, a: shown(a), b: shown(b), change }];
}

const shown = (value: string | number | undefined): string => value?.toLocaleString("en") ?? "none";
