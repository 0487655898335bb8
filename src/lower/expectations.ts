/**
 * `expect`: counts and shapes that a net must have, checked at compile time. A plain number is exact; one with
 * a suffix is compared at the precision it is written in. Expectations hold for the net as its file declares
 * it: where a setting from outside changes a parameter, a failure is a warning that names the setting.
 */
import type { Extra, Report } from "../base/diagnostic.ts";
import { replace, writeOneOf } from "../base/fix.ts";
import type { Span } from "../base/source.ts";
import { allNearest, didYouMean, listNames } from "../base/suggest.ts";
import type { Graph } from "../ir/graph.ts";
import { type Counts, countGraph, countUnder, depthOf } from "../ir/stats.ts";
import type { ExpectRow } from "../parser/ast.ts";
import { evaluate } from "./evaluate.ts";
import type { Expanded } from "./expansion.ts";
import { explainPart } from "./explain-names.ts";
import { foreignMetric } from "./foreign-names.ts";
import { fail, RowError } from "./row-error.ts";
import {
  type Declaration,
  describeKind,
  type Expectation,
  type Frame,
  type Given,
  tapLabels,
  type Value,
} from "./values.ts";

export interface Verdict {
  /** The row that expects. */
  readonly span: Span;
  /** "params", "conv4 ->", "depth <=". */
  readonly what: string;
  readonly wanted: string;
  readonly found: string;
  readonly holds: boolean;
}

const metricNames = ["params", "state", "macs", "depth"] as const;
type Metric = (typeof metricNames)[number];

export function checkExpectations(
  graph: Graph,
  { expectations, frame }: Expanded,
  net: Declaration,
  settings: ReadonlyMap<string, Given>,
  report: Report,
): readonly Verdict[] {
  const total = countGraph(graph);
  const verdicts: Verdict[] = [];
  for (const { row, frame: scope } of expectations) {
    try {
      const verdict =
        row.comparison === "->"
          ? checkShape(row, evaluate(row.value, scope), graph, frame)
          : checkCount(row, evaluate(row.value, scope), countOf(row, graph, total, frame));
      verdicts.push(verdict);
      if (!verdict.holds) {
        const changed = settingsBehind({ row, frame: scope }, net, settings);
        const extra = changed
          ? { severity: "warning" as const, hint: `the file's own net differs: ${changed}` }
          : explainShape(row, verdict, frame);
        report("expectation-failed", row.span, verdict, extra);
      }
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      error.reportTo(report);
    }
  }
  return verdicts;
}

/** Where the shape comes from that was not expected, and whether it was meant with channels first. */
function explainShape(
  { comparison, reference, value }: ExpectRow,
  { wanted, found }: Verdict,
  frame: Frame,
): Extra {
  if (comparison !== "->") return {};
  const label = reference.parts[0];
  const rows = frame.declaration?.item.rows ?? [];
  const made = rows.find((row) => row.kind === "step" && row.label?.text === label);
  const notes = made ? [{ message: `${found} is made here`, span: made.span }] : [];
  const [channels, height, width] = wanted.split("x");
  if ([height, width, channels].join("x") === found && value.kind === "size") {
    return { notes, hint: `channels stand last: ${found}`, fixes: writeOneOf(value.span, [found]) };
  }
  return { notes, hint: "`resnetc info` shows the shapes row by row" };
}

/** What was set from outside, in words, when that may be why an expectation fails. */
function settingsBehind(
  { frame }: Expectation,
  net: Declaration,
  settings: ReadonlyMap<string, Given>,
): string | undefined {
  if (settings.size > 0) return `--set ${[...settings.keys()].join(", ")}`;
  if (frame.declaration && frame.declaration !== net) {
    const own = net.item.name.text;
    const theirs = frame.declaration.item.name.text;
    return `this row is \`${theirs}\`'s, and \`${own}\` is \`${theirs}\` with other settings`;
  }
  return undefined;
}

function checkShape(row: ExpectRow, wanted: Value, graph: Graph, frame: Frame): Verdict {
  const { parts, span } = row.reference;
  const name = parts.join(".");
  const node =
    parts[0] === "output" && parts.length === 1
      ? graph.outputs[0].node
      : tapLabels(frame.labels, parts)?.node;
  if (!node) {
    const labels = new Map([...frame.labels].filter(([, value]) => value.kind === "tensor"));
    fail(
      "unknown-part",
      span,
      { owner: "the net", part: name },
      explainPart(parts[0], span, { labels, copies: [] }),
    );
  }
  const sides =
    wanted.kind === "number" ? [1, 1, wanted.value] : wanted.kind === "size" ? wanted.sides : undefined;
  if (!sides)
    fail("kind-mismatch", row.value.span, {
      message: `a shape is needed here, this is ${describeKind(wanted)}`,
    });
  const found = node.type.shape.slice(1).join("x");
  return {
    span: row.span,
    what: `${name} ->`,
    wanted: sides.join("x"),
    found,
    holds: found === sides.join("x"),
  };
}

function countOf(row: ExpectRow, graph: Graph, total: Counts, frame: Frame): number {
  const { parts, span } = row.reference;
  const metric = parts[parts.length - 1];
  if (parts.length === 1) {
    if (metric === "depth") return depthOf(graph);
    if (isMetric(metric) && metric !== "depth") return total[metric];
    fail("unknown-metric", span, { name: metric }, explainMetric(row, frame));
  }
  const label = parts.slice(0, -1).join(".");
  const counts = countUnder(graph, label);
  if (!isMetric(metric) || metric === "depth" || !counts) {
    const labels = [...frame.labels.keys()];
    const ofLabel = ["params", "state", "macs"];
    const near = counts
      ? allNearest(foreignMetric(metric)?.meant ?? metric, ofLabel).map((name) => `${label}.${name}`)
      : allNearest(label, labels).map((name) => `${name}.${metric}`);
    const all = counts ? "of a label there are params, state and macs" : `the rows are ${listNames(labels)}`;
    const hint = didYouMean(near) ?? all;
    fail("unknown-metric", span, { name: parts.join(".") }, { hint, fixes: writeOneOf(span, near) });
  }
  return counts[metric];
}

/** What a word may mean that is no metric: a row, whose shape is checked, or a metric by another name. */
function explainMetric({ reference: { parts, span }, comparison, value }: ExpectRow, frame: Frame): Extra {
  const [name] = parts;
  if (tapLabels(frame.labels, parts)) {
    const { source } = span;
    const shape = value.kind === "size" ? source.text.slice(value.span.start, value.span.end) : "7x7x2048";
    const between = { source, start: span.end, end: value.span.start };
    const isMeant = value.kind === "size" && comparison === "==";
    const hint = `a shape is checked with an arrow: \`expect ${name} -> ${shape}\``;
    return { hint, fixes: isMeant ? [{ title: "write `->`", edits: [replace(between, " -> ")] }] : [] };
  }
  const foreign = foreignMetric(name);
  const near = foreign ? (foreign.meant ? [foreign.meant] : []) : allNearest(name, metricNames);
  const all = `the metrics are ${metricNames.join(", ")}, and LABEL.params, LABEL.macs`;
  const hint = foreign?.hint ?? didYouMean(near) ?? all;
  return { hint, fixes: writeOneOf(span, near) };
}

const isMetric = (name: string): name is Metric => (metricNames as readonly string[]).includes(name);

function checkCount(
  { span, reference, comparison, value: expr }: ExpectRow,
  wanted: Value,
  found: number,
): Verdict {
  const name = reference.parts.join(".");
  if (wanted.kind !== "number") {
    const hint =
      wanted.kind === "size"
        ? `the shape of a row is checked so: \`expect output -> ${wanted.sides.join("x")}\``
        : undefined;
    fail(
      "kind-mismatch",
      expr.span,
      { message: `a number is needed here, this is ${describeKind(wanted)}` },
      { hint },
    );
  }
  const { value, slack = 0, text } = wanted;
  const holds = compare(comparison, found, value, slack);
  const what = comparison === "==" ? name : `${name} ${comparison}`;
  return { span, what, wanted: text ?? group(value), found: group(found), holds };
}

function compare(comparison: ExpectRow["comparison"], found: number, wanted: number, slack: number): boolean {
  switch (comparison) {
    case "<":
      return found < wanted;
    case "<=":
      return found <= wanted + slack;
    case ">":
      return found > wanted;
    case ">=":
      return found >= wanted - slack;
    case "!=":
      return Math.abs(found - wanted) > slack;
    default:
      return Math.abs(found - wanted) <= slack;
  }
}

/** 25_557_032: as the language writes numbers. */
export const group = (value: number): string =>
  value.toLocaleString("en", { maximumFractionDigits: 6 }).replaceAll(",", "_");
