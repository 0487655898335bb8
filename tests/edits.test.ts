/**
 * What an editor asks of a compiler: whatever is done to a good text, every check ends soon, says the same each time,
 * and costs no more than the rows that were touched.
 *
 * `npm run fuzz` runs more: FUZZ_RUNS=5000.
 */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect, type Diagnostic } from "../src/base/diagnostic.ts";
import { renderDiagnostic } from "../src/base/render-diagnostic.ts";
import { makeSource, positionAt, type Span } from "../src/base/source.ts";
import { printGraph } from "../src/ir/print.ts";
import type { Expr, File, Row } from "../src/parser/ast.ts";
import { parse } from "../src/parser/parse.ts";
import { brokenText, editedText, goodTexts, twoBrokenRows } from "./support/arbitrary-text.ts";
import { analyseText } from "./support/compiled.ts";
import { cpuMs } from "./support/cpu-time.ts";

const numRuns = Number(process.env.FUZZ_RUNS ?? 300);
const files = Object.fromEntries(goodTexts);
const analyseAll = (text: string) => analyseText(text, { net: "*", files });
const rendered = (diagnostics: readonly Diagnostic[]) => diagnostics.map((one) => renderDiagnostic(one));

/** Milliseconds of the processor that a check may take, of nets up to so many nodes. */
const most = 100;
const nodes = 5000;

test(`any edit of any text is checked within ${most} ms`, () => {
  // Warm, as an editor is.
  for (const text of goodTexts.values()) analyseAll(text);
  let slowest = 0;
  let large = 0;
  fc.assert(
    fc.property(editedText, (edited) => {
      // Two of 25,000 nodes together: what they take is bounded by tests of their own.
      const text = edited.replace(/^net \w+1202 .*$/gm, "");
      let least = Number.POSITIVE_INFINITY;
      let size = 0;
      for (let run = 0; run < 4 && least > most; run++) {
        const start = cpuMs();
        const { nets, diagnostics } = analyseAll(text);
        least = Math.min(least, cpuMs() - start);
        size = nets.reduce((sum, { graph }) => sum + graph.nodes.length, 0);
        if (diagnostics.some(({ code }) => code === "net-too-large")) size = Number.POSITIVE_INFINITY;
      }
      if (size > nodes) large++;
      else {
        slowest = Math.max(slowest, least);
        assert.ok(least <= most, `${least.toFixed(0)} ms for ${size} nodes`);
      }
    }),
    { numRuns, includeErrorInReport: true },
  );
  assert.ok(large < numRuns / 10, `${large} of ${numRuns} are larger`);
  if (process.env.FUZZ_RUNS) console.log(`slowest: ${slowest.toFixed(0)} ms`);
});

test("checks say the same, whatever was checked in between", () => {
  fc.assert(
    fc.property(brokenText, brokenText, (text, other) => {
      const first = rendered(analyseAll(text).diagnostics);
      analyseAll(other);
      assert.equal(rendered(analyseAll(text).diagnostics), first);
    }),
    { numRuns: Math.ceil(numRuns / 3), includeErrorInReport: true },
  );
});

test("expansion is deterministic", () => {
  for (const [name, text] of goodTexts) {
    const graphs = () =>
      analyseText(text, { net: "*", name, files }).nets.map(({ graph }) => printGraph(graph));
    const first = graphs().join("\n");
    assert.ok(graphs().join("\n") === first, name);
  }
});

// ---- rows ----------------------------------------------------------------------------------------------

function read(text: string): { file: File; diagnostics: readonly Diagnostic[] } {
  const { diagnostics, report } = collect();
  return { file: parse(makeSource("m.resnet", text), report)!.file, diagnostics };
}

const linesOf = ({ source, start, end }: Span): readonly [from: number, to: number] => [
  positionAt(source, start).line,
  positionAt(source, end).line,
];

/** Every row of a file, those in groups too, as the lines that it stands on and what it says. */
function rowsOf({ items }: File): { from: number; to: number; says: string }[] {
  const found: { from: number; to: number; says: string }[] = [];
  const inRows = (rows: readonly Row[]) => {
    for (const row of rows) {
      const [from, to] = linesOf(row.span);
      const says = JSON.stringify(row, (key, value) =>
        ["span", "operatorSpan", "doc"].includes(key) ? undefined : value,
      );
      found.push({ from, to, says });
      groupsIn(row);
    }
  };
  const groupsIn = (value: Row | Expr | unknown): void => {
    if (Array.isArray(value)) value.forEach(groupsIn);
    else if (typeof value === "object" && value !== null) {
      if ("kind" in value && value.kind === "group" && "rows" in value) inRows(value.rows as Row[]);
      else for (const [key, inner] of Object.entries(value)) if (!/[sS]pan$/.test(key)) groupsIn(inner);
    }
  };
  for (const item of items) if ("rows" in item) inRows(item.rows);
  return found;
}

/** Rows that an edit of a line may change: those around it, and those before and after it, which may become one with it. */
function mayChange(
  rows: readonly { from: number; to: number }[],
  line: number,
): (row: { from: number; to: number }) => boolean {
  const before = Math.max(...rows.map(({ to }) => to).filter((to) => to < line));
  const after = Math.min(...rows.map(({ from }) => from).filter((from) => from > line));
  return ({ from, to }) => (from <= line && line <= to) || to === before || from === after;
}

test("an edit loses no row but those that it touches and their neighbours", () => {
  fc.assert(
    fc.property(twoBrokenRows, ({ text, lines, both }) => {
      const rows = rowsOf(read(text).file);
      const touched = lines.map((line) => mayChange(rows, line));
      const kept = rowsOf(read(both).file).map(({ says }) => says);
      for (const row of rows) {
        if (touched.some((touches) => touches(row))) continue;
        const at = kept.indexOf(row.says);
        assert.ok(at >= 0, `line ${row.from} is lost: ${row.says}\n${both}`);
        kept.splice(at, 1);
      }
    }),
    { numRuns, includeErrorInReport: true },
  );
});

test("each of two broken rows says what it says by itself", () => {
  let twice = 0;
  fc.assert(
    fc.property(twoBrokenRows, ({ first, second, both }) => {
      const alone = [first, second].map((text) => rendered(read(text).diagnostics));
      // Words come before rows; `analyse` puts them in the order of the text.
      assert.equal(rendered(read(both).diagnostics).sort(), alone.flat().sort());
      if (alone.every((said) => said.length > 0)) twice++;
    }),
    { numRuns, includeErrorInReport: true },
  );
  assert.ok(twice > numRuns / 5, `${twice} of ${numRuns} have two broken rows`);
});

test("a broken row leaves what is said of the meaning of rows above it", () => {
  const rows = ["conv(3x3, 4)", "nowhere(4)", "conv(3x3, strange = 1)", "let a = missing", "b: [ gone ]"];
  const text = (last: string) =>
    `net m {\n  input 8x8x3\n${rows.map((row) => `  ${row}\n`).join("")}  ${last}\n  also_gone\n}\n`;
  const said = (last: string) =>
    analyseText(text(last))
      .diagnostics.filter(({ span }) => positionAt(span!.source, span!.start).line < rows.length + 3)
      .map(({ code, span }) => `${code} ${positionAt(span!.source, span!.start).line}`);
  const expected = ["unknown-name 4", "unknown-parameter 5", "unknown-name 6", "unknown-name 7"];
  assert.equal(said("relu"), expected);
  for (const broken of ["relu x3", "relu bn", "= 3", ")", "c: -> d", '"open'])
    assert.equal(said(broken), expected, broken);
});

test.run();
