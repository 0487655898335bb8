/** The outline: declarations, and the labelled rows in them. */
import type { Span } from "../base/source.ts";
import { showMap } from "../ir/tensor.ts";
import { allRows } from "../lower/naming.ts";
import type { Item } from "../parser/ast.ts";
import type { Document } from "./document.ts";
import { parametersOf, showTaken } from "./signature.ts";

export interface DocumentSymbol {
  readonly name: string;
  readonly kind: "net" | "block" | "let" | "names" | "label" | "input";
  /** A net's parameters, a row's shape. */
  readonly detail: string;
  readonly span: Span;
  /** The name itself, inside `span`. */
  readonly selection: Span;
  readonly children: readonly DocumentSymbol[];
}

export function symbols(document: Document): readonly DocumentSymbol[] {
  return (document.module?.file.items ?? []).flatMap((item) => symbolOf(item, document) ?? []);
}

function symbolOf(item: Item, document: Document): DocumentSymbol | undefined {
  if (item.kind === "use") return undefined;
  const { kind, span, name } = item;
  const place = { name: name.text, kind, span, selection: name.span };
  if (item.kind === "let" || item.kind === "names") return { ...place, detail: "", children: [] };
  const module = document.module!;
  const callee = { name: name.text, span: name.span, module };
  const parameters = parametersOf(
    item.kind === "net" ? { kind: "net", item, ...callee } : { kind: "block", item, ...callee },
  );
  return {
    ...place,
    detail: parameters.length > 0 ? `(${parameters.map(showTaken).join(", ")})` : "",
    children: allRows(item.rows).flatMap(({ row }) => {
      if ((row.kind !== "step" && row.kind !== "input") || !row.label) return [];
      const result = item.kind === "net" ? document.rowsOf(item).get(row)?.result : undefined;
      const label = row.label;
      return {
        name: label.text,
        kind: row.kind === "input" ? ("input" as const) : ("label" as const),
        detail: result ? showMap(result.node.type.shape) : "",
        span: row.span,
        selection: label.span,
        children: [],
      };
    }),
  };
}
