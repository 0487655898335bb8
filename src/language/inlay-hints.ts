/** What stands behind the rows of nets without being written: the shape that each makes, and what repetitions cost. */
import { count } from "../base/show-number.ts";
import type { Row } from "../parser/ast.ts";
import type { Document } from "./document.ts";
import { factsOf } from "./facts.ts";
import { describeRow } from "./hover.ts";
import type { LabelRow } from "./scopes.ts";

export interface InlayHint {
  readonly offset: number;
  readonly label: string;
  /** Markdown. */
  readonly tooltip: string;
}

/** The hints of rows that touch a range. */
export function inlayHints(document: Document, start: number, end: number): readonly InlayHint[] {
  const nets = (document.module?.file.items ?? []).filter((item) => item.kind === "net");
  return nets.flatMap((net) => {
    if (net.span.end < start || net.span.start > end) return [];
    const events = document.rowsOf(net);
    return rowsIn(net.rows).flatMap((row) => {
      const event = events.get(row);
      if (!event?.result || row.span.end < start || row.span.start > end) return [];
      const { goesOut, copies, params } = factsOf(event);
      const label = copies > 1 && params > 0 ? `${goesOut}  ${count(params)} params` : `${goesOut}`;
      return { offset: row.span.end, label, tooltip: describeRow(event) };
    });
  });
}

/** Rows that give a tensor; of groups only those that stand as a row of their own are worth a hint. */
const rowsIn = (rows: readonly Row[]): readonly LabelRow[] =>
  rows.filter((row) => row.kind === "step" || row.kind === "input");
