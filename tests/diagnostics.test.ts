/**
 * What the front end says of broken texts: every code has a text, every frame is a golden file. A change of wording
 * is reviewed there: `npm run bless`, then `git diff`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Diagnostic, makeDiagnostic } from "../src/base/diagnostic.ts";
import { messages } from "../src/base/messages.ts";
import { renderDiagnostic, renderGnu } from "../src/base/render-diagnostic.ts";
import { makeSource, positionAt } from "../src/base/source.ts";
import { analyseText, around } from "./support/compiled.ts";
import { cpuMs } from "./support/cpu-time.ts";
import { type DiagnosticCase, diagnosticCases, elsewhere, mixedCases } from "./support/diagnostic-cases.ts";
import { golden, goldenNames } from "./support/golden.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

/** Words of the parser library, which a user must never see. */
const libraryWords = /Expecting|NoViableAlt|Redundant input|-->\s+<--|undefined|\[object|NaN/;

/** Asserts what holds for every diagnostic, and gives it rendered. */
function checked(diagnostic: Diagnostic): string {
  const text = renderDiagnostic(diagnostic);
  const { span, hint, code } = diagnostic;
  assert.ok(hint, `no hint: ${text}`);
  assert.not.match(text, libraryWords);
  if (span) {
    assert.ok(span.start >= 0 && span.start <= span.end && span.end <= span.source.text.length, text);
    const { line, column } = positionAt(span.source, span.start);
    assert.match(text, `--> ${span.source.name}:${line}:${column}\n`);
    assert.match(text, /^ *\|.*\^/m);
  } else assert.ok(["unknown-net", "ambiguous-net"].includes(code), `no place: ${text}`);
  for (const line of text.split("\n")) assert.ok(line.length <= 80, `${line.length} columns: ${line}`);
  return text;
}

/** The text of a case with what is said of it, after checking that the first code is the wanted one. */
function report({ text, isLong, ...options }: DiagnosticCase, wanted?: string): string {
  const start = cpuMs();
  const { diagnostics } = analyseText(text, options);
  const ms = cpuMs() - start;
  const excerpt = text.slice(0, 300);
  assert.ok(ms < 5000, `${ms.toFixed(0)} ms for ${excerpt}`);
  if (wanted) assert.is(diagnostics[0]?.code, wanted, excerpt);
  const settings = Object.entries(options.settings ?? {}).map(([name, value]) => `--set ${name}=${value}\n`);
  const shown = isLong
    ? `(${text.length} characters)\n`
    : text.replace(/\n?$/, "\n").replace(/^\uFEFF/, "(BOM)");
  const indented = shown.replaceAll("\r\n", "\n").replaceAll(/^/gm, "    ").replaceAll(/ +$/gm, "");
  return `${settings.join("")}${indented}\n${diagnostics.map((d) => `${checked(d)}\n`).join("")}`;
}

for (const [code, cases] of Object.entries(diagnosticCases)) {
  test(code, () => {
    golden("diagnostics/codes", code, cases.map((one) => report(one, code)).join("\n"));
  });
}

for (const [name, one] of Object.entries(mixedCases)) {
  test(name, () => {
    golden("diagnostics/mixed", name.replaceAll(/\W+/g, "-"), report(one));
  });
}

test("every code has a text, or is said elsewhere", () => {
  const here = Object.keys(diagnosticCases);
  assert.equal([...here, ...elsewhere].sort(), Object.keys(messages).sort());
  assert.equal([...goldenNames("diagnostics/codes")], here.sort());
});

test("columns count UTF-16 code units, marks count terminal columns", () => {
  const { diagnostics } = analyseText(around('let a = "😀😀"; rellu'));
  const [{ span }] = diagnostics;
  assert.equal(positionAt(span!.source, span!.start), { line: 3, column: 19 });
  const [, , code, marks] = renderDiagnostic(diagnostics[0]).split("\n");
  // Two astral characters take four columns in a terminal, as many as their code units.
  assert.is(marks.indexOf("^"), code.indexOf("rellu"));
});

test("an error inside a library block is blamed on the row that used it", () => {
  const text = `use bottleneck, identity from std\n${around("a: bottleneck(64, shortcut = identity) x 3")}`;
  const [{ span, notes }] = analyseText(text).diagnostics;
  assert.is(span?.source.name, "model.resnet");
  assert.ok(notes.some(({ message }) => /^in `bottleneck`, std\.resnet:\d+$/.test(message)));
});

test("thousands of names that mean nothing are told in no time", () => {
  const word = (i: number) => `w${((i * 7919) % 100_003).toString(36)}${i.toString(36)}q`;
  const names = Array.from({ length: 3000 }, (_, i) => `  ${word(i)}: ${word(i + 5000)}`);
  const start = cpuMs();
  const { diagnostics } = analyseText(`net m {\n  input 8x8x3\n${names.join("\n")}\n}\n`);
  const ms = cpuMs() - start;
  assert.is(diagnostics.filter(({ code }) => code === "unknown-name").length, 3000);
  assert.ok(ms < 3000, `${ms.toFixed(0)} ms`);
});

test("rendering for editors is one line", () => {
  const [diagnostic] = analyseText(around("rellu")).diagnostics;
  assert.is(renderGnu(diagnostic), "model.resnet:3:3: error: nothing here is called `rellu` [unknown-name]");
  assert.is(
    renderGnu(makeDiagnostic("unknown-net", undefined, { name: "m" })),
    "error: this file has no net called `m` [unknown-net]",
  );
});

test("frames hold at every width of the place", () => {
  for (const length of [0, 1, 80, 95, 96, 97, 98, 120, 300]) {
    for (const at of [0, 5, 60, 90, 99, 200]) {
      const source = makeSource("a.resnet", `${"x".repeat(at)}${"y".repeat(length)}${"z".repeat(60)}\n`);
      const span = { source, start: at, end: at + length };
      const [, , code, marks] = renderDiagnostic(makeDiagnostic("no-net", span, {})).split("\n");
      assert.ok(code.length <= 80 && marks.length <= 80, `${length} at ${at}`);
      const marked = code.slice(marks.indexOf("^"), marks.lastIndexOf("^") + 1);
      assert.match(marked, length === 0 ? /^z$/ : /^y+…?$/);
    }
  }
});

if (requireShared("language/errors/01_x3.resnet")) {
  test("the broken files of the language's design", () => {
    const folder = sharedPath("language/errors");
    const names = readdirSync(folder).filter((name) => name.endsWith(".resnet"));
    assert.is(names.length, 50);
    const others = sharedPath("language/samples/resnet.resnet");
    for (const name of names) {
      const text = readFileSync(`${folder}/${name}`, "utf8");
      const files = { "../samples/resnet.resnet": readFileSync(others, "utf8") };
      const { diagnostics, fine } = analyseText(text, { name, files, net: "*" });
      assert.not(fine, name);
      const shown = diagnostics.map((d) => `${checked(d)}\n`).join("");
      golden("diagnostics/errors", name.replace(".resnet", ""), shown);
    }
  });
}

test.run();
