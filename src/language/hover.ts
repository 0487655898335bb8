/**
 * What stands under the cursor, in Markdown: a name's declaration and documentation, a row's shapes and costs, a
 * number's exact value.
 */
import { count, short } from "../base/show-number.ts";
import type { Span } from "../base/source.ts";
import { isOp } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import { type Counts, countGraph, depthOf } from "../ir/stats.ts";
import { showMap } from "../ir/tensor.ts";
import { group } from "../lower/expectations.ts";
import { stdName } from "../lower/modules.ts";
import type { RowEvent } from "../lower/row-event.ts";
import type { NumberExpr } from "../parser/ast.ts";
import { occurrenceAt } from "./bind.ts";
import type { Document } from "./document.ts";
import { countCopy, factsOf, fieldOf } from "./facts.ts";
import { type Definition, type LabelRow, metrics, type Written } from "./scopes.ts";
import { showTaken, signatureOf, takenBy, takenSetting } from "./signature.ts";
import { type Branch, isA, pathTo } from "./walk.ts";

export interface Hover {
  readonly span: Span;
  readonly markdown: string;
}

export function hover(document: Document, offset: number): Hover | undefined {
  const { module } = document;
  if (!module) return undefined;
  const path = pathTo(module.file, offset);
  const innermost = path[path.length - 1];
  const occurrence = occurrenceAt(document.binding, offset);
  if (occurrence) {
    const { definition, span } = occurrence;
    const isStep = definition.kind === "operation" && isA(innermost, "name", "call");
    const built = isStep ? stepFacts(document, path) : factsAbout(document, definition);
    return { span, markdown: join(describe(document, definition), built) };
  }
  if (isA(innermost, "number") && innermost.slack > 0)
    return { span: innermost.span, markdown: describeNumber(innermost) };
  const row = path.findLast((node): node is LabelRow => isA(node, "step", "input"));
  const event = row && document.eventOf(row);
  return event && { span: row.span, markdown: describeRow(event) };
}

/** Paragraphs, those without text left out. */
const join = (...paragraphs: readonly string[]): string => paragraphs.filter(Boolean).join("\n\n");

const code = (text: string): string => `\`\`\`resnet\n${text}\n\`\`\``;

// ---- names --------------------------------------------------------------------------------------------

/** How it is declared and what is said of it: what the text alone tells. */
export function describe(document: Document, definition: Definition): string {
  const from = "span" in definition ? placeOf(document, definition) : "";
  switch (definition.kind) {
    case "operation":
      return join(code(signatureOf(definition)), definition.operation.summary);
    case "function":
      return join(code(signatureOf(definition)), "a function of numbers");
    case "property":
      return join(code(definition.name), `the ${definition.name} of the tensor`);
    case "metric":
      return join(code(definition.name), metrics.get(definition.name) ?? "");
    case "setting":
      return join(
        code(showTaken(takenSetting(definition.setting))),
        `a parameter of \`${definition.of.name}\``,
      );
    case "block":
      return join(code(`block ${signatureOf(definition)}`), definition.item.doc, from);
    case "net":
      return join(code(`net ${signatureOf(definition)}`), definition.item.doc, from);
    case "let":
      return join(code(textOf(definition.row.span)), definition.row.doc, from);
    case "table":
      return join(code(`names ${definition.name}`), definition.item.doc, "a table of names of weights", from);
    case "parameter": {
      const of = definition.owner.name.text;
      return join(code(showTaken(takenBy(definition))), `a parameter of \`${of}\``);
    }
    case "index":
      return join(code(definition.name), "the number of the copy, from 0");
    case "label":
      return join(code(`${definition.name}: ${textOf(definition.row.value.span)}`), from);
    case "file":
      return join(
        code(`use … from ${definition.name === "std" ? "std" : JSON.stringify(definition.name)}`),
        from,
      );
  }
}

/** What showed when nets were built. */
function factsAbout(document: Document, definition: Definition): string {
  if (definition.kind === "net") return netFacts(document, definition);
  const event = definition.kind === "label" ? document.eventOf(definition.row) : undefined;
  return event ? describeRow(event) : "";
}

/** Says where a declaration of another file stands. */
function placeOf({ source }: Document, { span }: Written): string {
  if (span.source.name === source.name) return "";
  return `from ${span.source.name === stdName ? "std" : `\`${span.source.name}\``}`;
}

/** A text in one line, without its comments. */
const textOf = ({ source, start, end }: Span): string =>
  source.text
    .slice(start, end)
    .replace(/#[^\n]*/g, "")
    .replace(/\s+/g, " ")
    .trim();

function netFacts(document: Document, { item, module }: Extract<Definition, { kind: "net" }>): string {
  // A net of another file is built where that file is looked at.
  const net = module.source.name === document.source.name ? document.net(item.name.text) : undefined;
  if (!net) return "";
  const { graph, verdicts } = net;
  const inputs = graph.nodes.filter((node) => isOp(node, ops.input)).map(({ type }) => showMap(type.shape));
  const outputs = graph.outputs.map(({ node }) => showMap(node.type.shape));
  const failed = verdicts.filter(({ holds }) => !holds).length;
  const judged = `${verdicts.length} expectation${verdicts.length === 1 ? "" : "s"}`;
  const verdict =
    verdicts.length === 0 ? "" : failed === 0 ? `${judged}, all hold` : `${judged}, ${failed} of them fail`;
  const costs = [costsOf(countGraph(graph)), `depth ${depthOf(graph)}`].filter(Boolean).join(" · ");
  return join(`${inputs.join(", ")} → ${outputs.join(", ")}`, costs, verdict);
}

// ---- rows ---------------------------------------------------------------------------------------------

/** "25,557,032 params · 4.089 G MACs"; nothing of what is 0. */
function costsOf({ params, macs }: Counts): string {
  return [params ? `${count(params)} params` : "", macs ? `${short(macs)} MACs` : ""]
    .filter(Boolean)
    .join(" · ");
}

export function describeRow(event: RowEvent): string {
  const { declaration, net, input, result, scope } = event;
  const { comesIn, goesOut, copies, ...counts } = factsOf(event);
  const shapes = [comesIn, goesOut].filter(Boolean).join(" → ");
  const inBlock =
    declaration === net ? "" : ` (in \`${net.item.name.text}\`${scope ? `, \`${scope}\`` : ""})`;
  let stride = "";
  if (result && input) {
    const [before, after] = [fieldOf(input), fieldOf(result.node)];
    const own = after.jump / before.jump;
    stride = `stride ${own}${after.jump === own ? "" : `, ${after.jump} in all`} · sees ${after.size}x${after.size}`;
  }
  const each = [0, ...(copies > 1 ? [copies - 1] : [])].map((copy) => costsOf(countCopy(event, copy)));
  const repeated =
    copies < 2 || !each[0]
      ? ""
      : each[0] === each[1]
        ? `${copies} copies, each ${each[0]}`
        : `${copies} copies: the first ${each[0]}, the last ${each[1]}`;
  return join(`${shapes}${inBlock}`, costsOf(counts), repeated, stride);
}

/** What the operation under the cursor does where it stands: the shape it gives, in the net that ran it first. */
function stepFacts(document: Document, path: readonly Branch[]): string {
  const row = path.findLast((node) => isA(node, "step"));
  const event = row && document.eventOf(row);
  const name = path[path.length - 1];
  const call = path[path.length - 2];
  const step = isA(call, "call") && call.callee === name ? call : name;
  const here = event?.nodes.filter(
    ({ span }) =>
      span?.source === step.span.source && span.start === step.span.start && span.end === step.span.end,
  );
  const made = here?.findLast((node) => !isOp(node, ops.param));
  const first = here?.find((node) => !isOp(node, ops.param));
  if (!event || !made || !first) return "";
  const from = first.inputs.find((input) => !isOp(input, ops.param));
  return [from, made].flatMap((node) => (node ? [showMap(node.type.shape)] : [])).join(" → ");
}

// ---- numbers ------------------------------------------------------------------------------------------

function describeNumber({ text, value, slack }: NumberExpr): string {
  return join(
    code(group(value)),
    `\`${text}\` is compared at its precision: ${group(value - slack)} to ${group(value + slack)}`,
  );
}
