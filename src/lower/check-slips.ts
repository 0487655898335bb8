/**
 * Rows that can be read and surely mean something else: kernel and channels the wrong way round, a number where a `let`
 * was meant, a product where a size was, what PyTorch's habits make of `avgpool(1)` and of inputs with channels first.
 */
import type { Report } from "../base/diagnostic.ts";
import { replace, write, writeOneOf } from "../base/fix.ts";
import { positionAt, type Span } from "../base/source.ts";
import { allNearest, didYouMean } from "../base/suggest.ts";
import type { Argument, BlockItem, CallExpr, Expr, InputRow, NetItem, StepRow } from "../parser/ast.ts";
import { labelSets } from "../std/labels.generated.ts";
import { labelRows } from "./naming.ts";

/** `n: 3`: a label on what is no step. */
export function checkLabelled({ label, value }: StepRow, report: Report): boolean {
  if (
    !label ||
    (value.kind !== "number" && value.kind !== "text" && value.kind !== "bool" && value.kind !== "size")
  )
    return false;
  const what = value.kind === "bool" ? "true or false" : value.kind === "text" ? "text" : `a ${value.kind}`;
  const hint = `a ${value.kind === "number" ? "number" : "value"} is named with \`let ${label.text} = ${textOf(value.span)}\``;
  const fix = write({ ...label.span, end: value.span.end }, `let ${label.text} = ${textOf(value.span)}`);
  report(
    "kind-mismatch",
    value.span,
    { message: `a row is a step, this is ${what}` },
    { hint, fixes: [fix] },
  );
  return true;
}

/** `input 3x224x224`: nearly certainly PyTorch's order. */
export function checkInput({ value }: InputRow, report: Report): void {
  const size =
    value.kind === "call" ? value.args.find(({ name }) => !name || name.text === "size")?.value : value;
  if (size?.kind !== "size" || size.sides.length !== 3) return;
  const [channels, height, width] = size.sides;
  if (![1, 3, 4].includes(channels) || height !== width || height < 8) return;
  const meant = `${height}x${width}x${channels}`;
  const message = `${size.sides.join("x")} is a picture of ${channels} x ${height} with ${width} channels`;
  report(
    "doubtful-size",
    size.span,
    { message },
    { hint: `channels stand last: ${meant}`, fixes: [write(size.span, meant)] },
  );
}

/** `conv(64, 3x3)`, `conv(3*3, 64)`, `avgpool(1)`. */
export function checkCall({ callee, args, span }: CallExpr, report: Report): void {
  for (const { name, value } of args) if (name?.text === "labels") checkLabels(value, report);
  if (callee.kind !== "name") return;
  const [first, second] = args;
  if (callee.name === "conv" && isPlain(first, "number") && isPlain(second, "size")) {
    const [channels, kernel] = [first, second].map(({ value }) => textOf(value.span));
    const edits = [replace(first.value.span, kernel), replace(second.value.span, channels)];
    const message = "the kernel of `conv` comes before its channels";
    const hint = `write \`conv(${kernel}, ${channels})\``;
    report("kind-mismatch", second.span, { message }, { hint, fixes: [{ title: hint, edits }] });
  }
  if (["conv", "maxpool", "avgpool"].includes(callee.name)) {
    const kernel = args.find(({ name }) => name?.text === "kernel") ?? (first?.name ? undefined : first);
    if (kernel) checkProduct(kernel.value, report);
  }
  const isOne = (expr: Expr) => textOf(expr.span) === "1" || textOf(expr.span) === "1x1";
  if (callee.name === "avgpool" && args.length === 1 && isOne(first.value)) {
    const fix = write({ ...span, start: callee.span.end }, "");
    const hint = "the mean of the whole map is `avgpool`, without arguments";
    report(
      "idle-step",
      span,
      { step: textOf(span) },
      { hint, fixes: [{ ...fix, title: "write `avgpool`" }] },
    );
  }
}

/** `labels = "cifar"`: classes without names, which nobody would miss before a picture is shown. */
function checkLabels(value: Expr, report: Report): void {
  if (value.kind !== "text" || value.value === "" || Object.hasOwn(labelSets, value.value)) return;
  const near = allNearest(value.value, Object.keys(labelSets));
  // `imagenet`, `cifar10`: the beginning of one is near enough.
  const begun = Object.keys(labelSets).filter((name) =>
    name.replace(/\W/g, "").startsWith(value.value.toLowerCase().replace(/\W/g, "")),
  );
  const meant = near.length > 0 ? near : begun;
  const hint =
    didYouMean(
      meant.map((name) => `"${name}"`),
      "",
    ) ??
    `there are ${Object.keys(labelSets)
      .map((name) => `"${name}"`)
      .join(" and ")}`;
  report(
    "unknown-labels",
    value.span,
    { name: value.value },
    {
      hint,
      fixes: writeOneOf(
        value.span,
        meant.map((name) => `"${name}"`),
      ),
    },
  );
}

const isPlain = (argument: Argument | undefined, kind: "number" | "size"): boolean =>
  argument !== undefined && !argument.name && argument.value.kind === kind;

function checkProduct(value: Expr, report: Report): void {
  if (
    value.kind !== "binary" ||
    value.operator !== "*" ||
    value.left.kind !== "number" ||
    value.right.kind !== "number"
  )
    return;
  const product = value.left.value * value.right.value;
  const meant = `${value.left.text}x${value.right.text}`;
  const message = `\`${textOf(value.span)}\` is ${product}, and a window of ${product}x${product}`;
  const hint = `a size is written ${meant}`;
  report("doubtful-size", value.span, { message }, { hint, fixes: [write(value.span, meant)] });
}

/** A `-` at the start of a line: the row above goes on, which no list of YAML means. */
export function dashOfList(expr: Expr): Span | undefined {
  const isMinus =
    expr.kind === "binary" && expr.operator === "-" && isBelowLine(expr.operatorSpan, expr.left.span);
  return isMinus ? expr.operatorSpan : undefined;
}

/** `let`s of a body that nothing names, which may have swallowed the row below. */
export function checkUnusedLets(item: BlockItem | NetItem, used: ReadonlySet<string>, report: Report): void {
  const labels = new Set(labelRows(item.rows).map(({ name }) => name));
  for (const row of item.rows) {
    // A label of the same name is a mistake of its own.
    if (row.kind !== "let" || used.has(row.name.text) || labels.has(row.name.text)) continue;
    const swallows = isBelowLine(row.value.span, row.name.span);
    const hint = swallows
      ? "its value is the row below: give it one on its own line, or use it"
      : "remove it, or use it";
    report("unused-name", row.name.span, { name: row.name.text }, { hint });
  }
}

const textOf = ({ source, start, end }: Span): string => source.text.slice(start, end);

/** Whether a place stands on a line below another. */
const isBelowLine = (a: Span, b: Span): boolean =>
  positionAt(a.source, a.start).line > positionAt(b.source, b.end).line;
