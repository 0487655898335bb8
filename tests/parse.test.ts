/**
 * Properties of the parser and of everything behind it: no text makes it throw or hang, and an error stays in its row.
 *
 * `npm run fuzz` runs more: FUZZ_RUNS=5000.
 */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect, type Diagnostic } from "../src/base/diagnostic.ts";
import { renderDiagnostic } from "../src/base/render-diagnostic.ts";
import { makeSource, positionAt } from "../src/base/source.ts";
import type { Analysis } from "../src/compile.ts";
import type { File, Item } from "../src/parser/ast.ts";
import { parse } from "../src/parser/parse.ts";
import { lexer } from "../src/parser/tokens.ts";
import { brokenRow, brokenText, goodTexts, tokenSoup } from "./support/arbitrary-text.ts";
import { analyseText } from "./support/compiled.ts";
import { cpuMs } from "./support/cpu-time.ts";

const numRuns = Number(process.env.FUZZ_RUNS ?? 400);
const files = Object.fromEntries(goodTexts);

function parsed(text: string): { file: File | undefined; diagnostics: readonly Diagnostic[] } {
  const { diagnostics, report } = collect();
  return { file: parse(makeSource("model.resnet", text), report)?.file, diagnostics };
}

/** An item of the tree as text, without places. */
const shapeOf = (item: Item): string =>
  JSON.stringify(item, (key, value) => (key === "span" || key === "operatorSpan" ? undefined : value));

function checkDiagnostic(diagnostic: Diagnostic): void {
  const { span, hint, code } = diagnostic;
  const text = renderDiagnostic(diagnostic);
  assert.ok(hint, `no hint: ${text}`);
  assert.ok(span, `no place: ${text}`);
  assert.ok(span.start >= 0 && span.start <= span.end && span.end <= span.source.text.length, text);
  assert.not.match(text, /Expecting|NoViableAlt|Redundant input|-->\s+<--|undefined|NaN/, code);
}

// ---- no text does harm --------------------------------------------------------------------------------

test("any text: no exception, soon done, every diagnostic with its place and a hint", () => {
  let slowest = 0;
  fc.assert(
    fc.property(brokenText, (text) => {
      const start = cpuMs();
      const { diagnostics, fine }: Analysis = analyseText(text, { net: "*", files });
      const ms = cpuMs() - start;
      slowest = Math.max(slowest, ms);
      assert.ok(ms < 2000, `${ms.toFixed(0)} ms`);
      assert.is(fine, !diagnostics.some(({ severity }) => severity === "error"));
      diagnostics.forEach(checkDiagnostic);
    }),
    { numRuns, includeErrorInReport: true },
  );
  if (process.env.FUZZ_RUNS) console.log(`slowest: ${slowest.toFixed(0)} ms`);
});

test("a good text cut anywhere", () => {
  const text = files["resnet18.resnet"];
  for (let end = 0; end <= text.length; end++)
    analyseText(text.slice(0, end), { net: "*" }).diagnostics.forEach(checkDiagnostic);
});

test("every token once in every place of a row", () => {
  const row = [
    "a",
    ":",
    "conv",
    "(",
    "3x3",
    ",",
    "4",
    ")",
    "x",
    "2",
    "/",
    "2",
    "->",
    "[",
    "bn",
    "]",
    "+",
    "in",
  ];
  for (let at = 0; at <= row.length; at++) {
    for (const token of tokenSoup) {
      const text = `net m {\n  input 8x8x3\n  ${[...row.slice(0, at), token, ...row.slice(at)].join(" ")}\n}\n`;
      analyseText(text, { net: "*" }).diagnostics.forEach(checkDiagnostic);
    }
  }
});

test("the lexer reads every character", () => {
  fc.assert(
    fc.property(brokenText, (text) => assert.equal(lexer.tokenize(makeSource("m", text).text).errors, [])),
    { numRuns, includeErrorInReport: true },
  );
});

// ---- an error stays in its row ------------------------------------------------------------------------

test("a broken row is silent about the rows above it and leaves the other declarations as they were", () => {
  let broke = 0;
  fc.assert(
    fc.property(brokenRow, ({ text, line, broken }) => {
      const good = parsed(text);
      const bad = parsed(broken);
      assert.equal(good.diagnostics, []);
      if (bad.diagnostics.length > 0) broke++;
      for (const diagnostic of bad.diagnostics) {
        const { source, start } = diagnostic.span!;
        const found = positionAt(source, start).line;
        assert.ok(found >= line, `line ${line} is broken:\n${renderDiagnostic(diagnostic)}`);
      }
      const lines = (item: Item) =>
        [item.span.start, item.span.end].map((at) => positionAt(item.span.source, at).line);
      const holds = (item: Item) => {
        const [from, to] = lines(item);
        return from <= line && line <= to;
      };
      const others = good.file!.items.filter((item) => !holds(item)).map(shapeOf);
      const kept = new Set(bad.file!.items.map(shapeOf));
      assert.equal(
        others.filter((item) => !kept.has(item)),
        [],
      );
      // The rows above it are read as they were.
      const own = good.file!.items.find(holds);
      const now = bad.file!.items.find((item) => item.span.start === own!.span.start);
      if (own && "rows" in own && now && "rows" in now) {
        const above = own.rows.filter(({ span }) => positionAt(span.source, span.end).line < line - 1);
        assert.equal(
          JSON.stringify(now.rows.slice(0, above.length).map((row) => row.kind)),
          JSON.stringify(above.map((row) => row.kind)),
        );
      }
    }),
    { numRuns, includeErrorInReport: true },
  );
  // The edits do break rows: a test of nothing would pass as well.
  assert.ok(broke > numRuns / 4, `${broke} of ${numRuns} rows are broken`);
});

test("rows recover one by one", () => {
  const broken = ["conv(3x3 64)", "relu x3", "a = relu", "relu bn", "conv[3x3]", "x: relu", "3X3", ")", "]"];
  const rows = broken.flatMap((row, i) => [`  l${i}: relu`, `  ${row}`]);
  const { file, diagnostics } = parsed(`net m {\n${rows.join("\n")}\n  end: tanh\n}\n`);
  assert.is(diagnostics.length, broken.length, diagnostics.map((d) => renderDiagnostic(d)).join("\n"));
  const [net] = file!.items;
  const labels =
    net.kind === "net" ? net.rows.flatMap((row) => (row.kind === "step" ? row.label?.text : [])) : [];
  assert.equal(
    labels.filter((label) => label !== undefined),
    [...broken.map((_row, i) => `l${i}`), "end"],
  );
});

test("a mistake among parameters leaves the others and the body", () => {
  const heads: Readonly<Record<string, readonly string[]>> = {
    "(a b)": ["a"],
    "(, a)": [],
    "(a = , b)": ["a", "b"],
    "(a: , b = 3, c)": ["a", "c"],
    "(a: 3, b)": ["a"],
    "(a = 3 4, b)": ["a"],
    "(a(b) c)": ["a"],
    "(a; b)": ["a"],
    "(224x224x3)": [],
    "(a = [ relu bn ], b 3)": ["a", "b"],
  };
  for (const [head, names] of Object.entries(heads)) {
    for (const word of ["block", "net"]) {
      const { file, diagnostics } = parsed(`${word} one${head} {\n  relu\n  tanh\n}\nlet k = 3\n`);
      assert.is(diagnostics.length, 1, head);
      const [item, last] = file!.items;
      assert.is(last.kind, "let", head);
      assert.ok("rows" in item && "parameters" in item);
      assert.is(item.rows.length, 2, head);
      assert.equal(
        item.parameters.map(({ name }) => name.text),
        names,
        head,
      );
    }
  }
});

test.run();
