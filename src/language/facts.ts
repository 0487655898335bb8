/** What is known of a row once a net was built: what comes in, what goes out, what it costs. */
import { isOp, type Node } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import { type Counts, countNodes, type Field, receptiveField } from "../ir/stats.ts";
import { showMap } from "../ir/tensor.ts";
import type { RowEvent } from "../lower/row-event.ts";

export interface RowFacts extends Counts {
  /** "56x56x64"; undefined for an input, or where the row gives nothing. */
  readonly comesIn: string | undefined;
  readonly goesOut: string | undefined;
  /** How many copies a repetition made; 0 where nothing was repeated. */
  readonly copies: number;
}

export function factsOf({ input, result, nodes }: RowEvent): RowFacts {
  return {
    ...countNodes(nodes),
    comesIn: input && showMap(input.type.shape),
    goesOut: result && showMap(result.node.type.shape),
    copies: result?.parts?.copies.length ?? 0,
  };
}

/** What one copy of a repetition costs. */
export function countCopy({ row, scope, nodes }: RowEvent, copy: number): Counts {
  const own = [scope, row.label?.text, copy].filter((part) => part !== "" && part !== undefined).join(".");
  return countNodes(nodes.filter(({ name }) => name === own || name.startsWith(`${own}.`)));
}

const fields = new WeakMap<Node, Field>();

/** How far apart neighbouring places of a result are in the picture, and how much of it one place sees. */
export function fieldOf(node: Node): Field {
  const open: Node[] = [node];
  while (open.length > 0) {
    const at = open[open.length - 1];
    const missing = at.inputs.filter((input) => !fields.has(input) && !isOp(input, ops.param));
    if (missing.length > 0) open.push(...missing);
    else {
      fields.set(
        at,
        receptiveField(at, (input) => fields.get(input)),
      );
      open.pop();
    }
  }
  return fields.get(node)!;
}
