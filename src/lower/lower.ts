/**
 * One net of a file → a graph, with the verdict on every `expect`. The graph holds what reaches an output and
 * nothing else; labelled rows of the net that reach none are mistakes.
 */
import type { Report } from "../base/diagnostic.ts";
import type { Span } from "../base/source.ts";
import { listNames, nearest } from "../base/suggest.ts";
import { type Graph, isOp, type Node, type Output } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import { reachable } from "../ir/rewrite.ts";
import type { Expr, NetItem } from "../parser/ast.ts";
import { evaluate, lookupTop, topFrame } from "./evaluate.ts";
import { Expander } from "./expand.ts";
import type { Expanded } from "./expansion.ts";
import { checkExpectations, type Verdict } from "./expectations.ts";
import { explainPart } from "./explain-names.ts";
import { labelRows } from "./naming.ts";
import { RowError } from "./row-error.ts";
import type { OnRow } from "./row-event.ts";
import { settledText } from "./settled-text.ts";
import { type Declaration, type Given, type TensorValue, tapLabels, type Value } from "./values.ts";

export interface LowerOptions {
  /** Parameters set from outside (`--set`), with where they were written. */
  readonly settings?: ReadonlyMap<string, Given>;
  readonly batch?: number;
  /** Told of every row that ran, also where the net fails later. */
  readonly onRow?: OnRow | undefined;
}

export interface Lowered {
  readonly graph: Graph;
  readonly verdicts: readonly Verdict[];
  readonly doc: string;
  /** The labelled rows of the net by label. */
  readonly rows: ReadonlyMap<string, LabelledRow>;
  /** The block or net that each scope of names is written as. */
  readonly blocks: ReadonlyMap<string, string>;
}

export interface LabelledRow {
  /** In the file's words, with numbers for the names of numbers: "bottleneck(64) x 3". */
  readonly text: string;
  readonly span: Span;
}

export function lower(
  net: Declaration,
  report: Report,
  { settings = new Map(), batch = 1, onRow }: LowerOptions = {},
): Lowered | undefined {
  const { item } = net;
  if (!checkSettings(net, settings, report)) return undefined;
  const expander = new Expander({ report, batch, root: net, onRow });
  try {
    const expanded = expander.expandRoot(settings);
    if (expander.broken) return undefined;
    if (expander.inputs.length === 0) {
      const extra = { hint: "add a row such as `input imagenet(224x224x3)`" };
      report("missing-input", item.name.span, { net: item.name.text }, extra);
      return undefined;
    }
    const outputs = collectOutputs(net, expanded, report);
    if (!outputs) return undefined;
    const graph = reachable(item.name.text, outputs, expander.inputs);
    if (!checkUnused(expanded, graph, report)) return undefined;
    const verdicts = checkExpectations(graph, expanded, net, settings, report);
    return { graph, verdicts, doc: item.doc, rows: labelledRows(expanded), blocks: expander.blocks };
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    error.reportTo(report);
    return undefined;
  }
}

/** Whether every setting names a parameter of the net or of one it is derived from. */
function checkSettings(net: Declaration, settings: ReadonlyMap<string, Given>, report: Report): boolean {
  const known = new Set(lineage(net).flatMap(({ item }) => item.parameters.map(({ name }) => name.text)));
  let fine = true;
  for (const [name, { span }] of settings) {
    if (known.has(name)) continue;
    fine = false;
    const near = nearest(name, known);
    const hint = near
      ? `did you mean \`${near}\`?`
      : known.size > 0
        ? `it takes ${listNames(known)}`
        : "it takes no arguments";
    report("unknown-setting", span, { net: net.item.name.text, name }, { hint });
  }
  return fine;
}

/** The net and those it is derived from, itself first. */
function lineage(net: Declaration): readonly Declaration[] {
  const found: Declaration[] = [];
  let at: Declaration | undefined = net;
  while (at && !found.includes(at)) {
    found.push(at);
    const base: Expr | undefined = (at.item as NetItem).base;
    const callee: Expr | undefined = base?.kind === "call" ? base.callee : base;
    const value: Value | undefined = callee?.kind === "name" ? lookupTop(callee.name, at.module) : undefined;
    at = value?.kind === "block" ? value.declaration : undefined;
  }
  return found;
}

/** Rows of the net itself are stronger than those of the nets that it is derived from. */
function labelledRows(expanded: Expanded): ReadonlyMap<string, LabelledRow> {
  const rows = new Map<string, LabelledRow>();
  for (let of: Expanded | undefined = expanded; of; of = of.inherited) {
    const { frame } = of;
    for (const row of frame.declaration?.item.rows ?? []) {
      if (row.kind !== "step" || !row.label || rows.has(row.label.text)) continue;
      const { value } = row;
      rows.set(row.label.text, {
        span: value.span,
        get text() {
          return settledText(value, frame);
        },
      });
    }
  }
  return rows;
}

/** Named results of an `output` row; without one, the last row's result. */
function collectOutputs(
  net: Declaration,
  { result, frame, outputs }: Expanded,
  report: Report,
): Output[] | undefined {
  if (!outputs) {
    if (result.kind === "tensor")
      return [{ name: isLogits(result.node) ? "logits" : "output", node: result.node }];
    return undefined;
  }
  const found: Output[] = [];
  for (const { parts, span } of outputs) {
    const tapped = tapLabels(frame.labels, parts);
    if (!tapped) {
      const owner = `net \`${net.item.name.text}\``;
      const labels = new Map([...frame.labels].filter(([, value]) => value.kind === "tensor"));
      report(
        "unknown-part",
        span,
        { owner, part: parts.join(".") },
        explainPart(parts[0], span, { labels, copies: [] }),
      );
      return undefined;
    }
    found.push({ name: parts.join("."), node: tapped.node });
  }
  return found;
}

/** What a classifier ends in: a dense layer, perhaps with its bias. */
function isLogits(node: Node): boolean {
  return isOp(node, ops.dense) || (isOp(node, ops.bias) && isOp(node.inputs[0], ops.dense));
}

/**
 * A row continues from the row above, so a side branch put in the middle leaves the main line unused: that a
 * labelled row reaches no output is reported, unless a part of it does.
 */
function checkUnused({ frame }: Expanded, graph: Graph, report: Report): boolean {
  const live = new Set(graph.nodes);
  const reaches = (value: TensorValue): boolean =>
    live.has(value.node) ||
    (value.parts?.copies ?? []).some(reaches) ||
    [...(value.parts?.labels.values() ?? [])].some(reaches);
  let fine = true;
  for (const [label, value] of frame.labels) {
    if (value.kind === "none" || reaches(value)) continue;
    fine = false;
    const hint = `the rows below do not start from it: name it in an \`output\` row, or begin the next row with \`${label} ->\``;
    report("unused-row", labelSpan(frame.declaration, label), { label }, { hint });
  }
  return fine;
}

function labelSpan(declaration: Declaration | undefined, label: string): Span | undefined {
  for (const { item } of declaration ? lineage(declaration) : []) {
    const found = labelRows(item.rows).find(({ name }) => name === label);
    if (found) return "label" in found.row ? found.row.label?.span : found.row.span;
  }
  return declaration?.item.name.span;
}

/** A setting written outside the file, such as `--set n=18`: the text is an expression in the net's file. */
export function evaluateSetting(net: Declaration, expr: Expr, report: Report): Given | undefined {
  try {
    return { value: evaluate(expr, topFrame(net.module)), span: expr.span };
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    error.reportTo(report);
    return undefined;
  }
}
