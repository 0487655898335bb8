/**
 * How the rows of a net go on below one that failed: with a tensor of which nothing is known. What can be said of them without
 * its shape is said - arguments, kinds, rows that start elsewhere - and nothing that follows from the failure.
 */
import type { Source } from "../base/source.ts";
import type { Node } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import type { Row } from "../parser/ast.ts";
import { allRows } from "./naming.ts";
import type { RowError } from "./row-error.ts";
import type { Frame, TensorValue } from "./values.ts";

/** Stands for the result of a failed row; its node is in no graph. */
export const unknownTensor: TensorValue = {
  kind: "tensor",
  isUnknown: true,
  node: { name: "", op: ops.input as Node["op"], inputs: [], attrs: null, type: { dtype: "f32", shape: [] } },
};

/** Marks what a failed row would have named, and gives what the next row starts from. */
export function recover(row: Row, frame: Frame): TensorValue {
  for (const { row: inner } of allRows([row])) {
    if (inner.kind === "let") frame.failed.add(inner.name.text);
    if ((inner.kind === "step" || inner.kind === "input") && inner.label) frame.failed.add(inner.label.text);
  }
  frame.input ??= unknownTensor;
  return unknownTensor;
}

/** A mistake inside a block of another file shows at every row that uses it: the first is enough. */
export class News {
  readonly #home: Source;
  readonly #told = new Set<string>();

  constructor(home: Source) {
    this.#home = home;
  }

  isNew({ origin, code }: RowError): boolean {
    if (!origin || origin.source === this.#home) return true;
    const place = `${code} ${origin.source.name}:${origin.start}`;
    const isNew = !this.#told.has(place);
    this.#told.add(place);
    return isNew;
  }
}
