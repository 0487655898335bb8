/**
 * What is said of the mistakes people make, each in tests/golden/mistakes with its frame: one message a mistake, the right one,
 * in 80 columns. Fixes are shown with the text that they make, and are held to what they promise.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Diagnostic } from "../src/base/diagnostic.ts";
import { applyEdits } from "../src/base/fix.ts";
import { renderDiagnostic } from "../src/base/render-diagnostic.ts";
import { makeSource, positionAt } from "../src/base/source.ts";
import { analyseText } from "./support/compiled.ts";
import { diagnosticCases } from "./support/diagnostic-cases.ts";
import { golden, goldenNames } from "./support/golden.ts";
import { type Mistake, mistakes } from "./support/mistakes.ts";

const all = Object.values(mistakes).flatMap((group) => Object.entries(group));

const diagnose = ({ text, ...options }: Mistake): readonly Diagnostic[] =>
  analyseText(text, { net: "*", ...options }).diagnostics;

/** The rows that a fix changes, as it leaves them. */
function showFix(text: string, { title, edits }: NonNullable<Diagnostic["fixes"]>[number]): string {
  const mended = applyEdits(text, edits)!.split("\n");
  const before = new Set(text.split("\n"));
  const changed = mended.filter((line) => !before.has(line)).map((line) => `      ${line.trim()}`);
  return [`  fix: ${title}`, ...changed].join("\n");
}

function show(name: string, mistake: Mistake): string {
  const diagnostics = diagnose(mistake);
  const shown = diagnostics.map((one) => {
    const text = renderDiagnostic(one);
    for (const line of text.split("\n")) assert.ok(line.length <= 80, `${line.length} columns: ${line}`);
    return [text, ...(one.fixes ?? []).map((fix) => showFix(mistake.text, fix))].join("\n");
  });
  return `${name}\n\n${mistake.text.replaceAll(/^(?=.)/gm, "    ")}\n${shown.join("\n")}\n`;
}

for (const [group, cases] of Object.entries(mistakes)) {
  test(group, () => {
    const shown = Object.entries(cases).map(([name, mistake]) => {
      assert.ok(diagnose(mistake).length > 0, `nothing is said: ${name}`);
      return show(name, mistake);
    });
    golden("mistakes", group.replaceAll(/\W+/g, "-"), shown.join(`\n${"-".repeat(80)}\n`));
  });
}

test("there are many, and no golden file is stale", () => {
  assert.ok(all.length >= 100, `${all.length}`);
  const names = Object.keys(mistakes).map((group) => group.replaceAll(/\W+/g, "-"));
  assert.equal([...goldenNames("mistakes")], names.sort());
});

test("every fix says less is wrong, and one that stands alone removes its mistake", () => {
  const cases = [...all.map(([, mistake]) => mistake), ...Object.values(diagnosticCases).flat()];
  const errors = (found: readonly Diagnostic[]) =>
    found.filter(({ severity }) => severity === "error").length;
  let count = 0;
  for (const { text, ...options } of cases.filter((one) => one.text.length < 10_000)) {
    const found = diagnose({ text, ...options });
    for (const { code, span, message, fixes = [] } of found) {
      for (const { title, edits } of fixes) {
        count++;
        assert.ok(
          edits.every((edit) => edit.span.source === span?.source),
          title,
        );
        const mended = applyEdits(makeSource("", text).text, edits);
        assert.ok(mended !== undefined, title);
        const after = diagnose({ text: mended, ...options });
        if (fixes.length > 1) continue;
        assert.ok(
          errors(after) <= errors(found),
          `${title}\n${mended}\n${after.map((d) => renderDiagnostic(d)).join("\n")}`,
        );
        const { line } = positionAt(span!.source, span!.start);
        const same = after.some(
          (d) => d.code === code && d.span?.start === span!.start && d.message === message,
        );
        assert.not(same, `${title} changes nothing at line ${line}\n${mended}`);
      }
    }
  }
  assert.ok(count > 100, `${count} fixes`);
});

test("byte-order marks and CRLF change nothing, tabs only the columns", () => {
  for (const [name, mistake] of all) {
    const wanted = diagnose(mistake).map((d) => renderDiagnostic(d));
    const windows = { ...mistake, text: `\uFEFF${mistake.text.replaceAll("\n", "\r\n")}` };
    assert.equal(
      diagnose(windows).map((d) => renderDiagnostic(d)),
      wanted,
      name,
    );
    const tabbed = { ...mistake, text: mistake.text.replaceAll(/^ {2}/gm, "\t") };
    const found = diagnose(tabbed);
    assert.equal(
      found.map(({ message }) => message),
      diagnose(mistake).map(({ message }) => message),
      name,
    );
    for (const diagnostic of found) {
      const [, place, code, marks] = renderDiagnostic(diagnostic)
        .replace(/\n {2}\S.*(?=\n *-->)/, "")
        .split("\n");
      if (!place?.includes("-->")) continue;
      // Both lines have the same tabs before the place.
      assert.is(marks.indexOf("\t"), code.indexOf("\t"), renderDiagnostic(diagnostic));
    }
  }
});

test("wide characters before a place move its mark by the columns they take", () => {
  for (const [wide, columns] of [
    ["\u{1F600}", 2],
    ["\u5BB6", 2],
    ["\u{2070E}", 2],
    ["e\u0301", 1],
    ["\u00E9", 1],
    ["\u2192", 1],
  ] as const) {
    const text = `net m {\n  input image(8x8x3, labels = "${wide}${wide}") -> rellu\n}\n`;
    const [diagnostic] = diagnose({ text });
    const [, , code, marks] = renderDiagnostic(diagnostic).split("\n");
    const before = code.indexOf("rellu") - 2 * wide.length;
    assert.is(marks.indexOf("^"), before + 2 * columns, wide);
  }
});

test.run();
