/** What expansion tells of every row that ran, for those who show what happens in it. */
import type { Node } from "../ir/graph.ts";
import type { InputRow, StepRow } from "../parser/ast.ts";
import type { Declaration, NoneValue, TensorValue } from "./values.ts";

export interface RowEvent {
  /** The net that is being built. */
  readonly net: Declaration;
  /** The block or net whose row it is. */
  readonly declaration: Declaration;
  readonly row: StepRow | InputRow;
  /** What its weights' names begin with: "conv2.0" for rows of the first copy of `conv2`. */
  readonly scope: string;
  /** Undefined for an `input` row, and where a row above failed. */
  readonly input: Node | undefined;
  /** Undefined where the row gives nothing, and where that is not known. */
  readonly result: TensorValue | undefined;
  /** Everything it made, what blocks in it made included. */
  readonly nodes: readonly Node[];
}

export type OnRow = (event: RowEvent) => void;

export const knownTensor = (value: TensorValue | NoneValue): TensorValue | undefined =>
  value.kind === "tensor" && !value.isUnknown ? value : undefined;
