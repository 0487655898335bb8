/**
 * The pages of the messages: each code has one, its wrong text says what it shows, its right text says nothing. `npm run
 * bless` writes the frames and the index.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Code, makeDiagnostic } from "../src/base/diagnostic.ts";
import { messageGroups, messages } from "../src/base/messages.ts";
import { noPaint, renderDiagnostic } from "../src/base/render-diagnostic.ts";
import { showPage, summaryOf } from "../src/cli/commands/explain.ts";
import { resnetc } from "./support/cli.ts";
import { analyseText } from "./support/compiled.ts";
import { messageSamples } from "./support/message-samples.ts";
import { root } from "./support/nets.ts";

const folder = path.join(root, "docs/diagnostics");
const codes = Object.keys(messages) as Code[];
const read = (code: string) => readFileSync(path.join(folder, `${code}.md`), "utf8").replaceAll("\r\n", "\n");
const blocks = (page: string) =>
  [...page.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map(([, kind, text]) => ({ kind, text }));
const blessed = Boolean(process.env.BLESS) && !process.env.CI;

/** What is said of the wrong text of a page, or the sentence alone where no short text causes it. */
function frameOf(code: Code, wrong: string | undefined): string {
  if (wrong === undefined) {
    const params = messageSamples[code];
    assert.ok(params, `${code} has neither a wrong text nor a sample`);
    return `${renderDiagnostic(makeDiagnostic(code, undefined, params as never))}\n`;
  }
  const { diagnostics } = analyseText(wrong, code === "no-net" ? {} : { net: "*" });
  assert.is(diagnostics[0]?.code, code, wrong);
  return diagnostics.map((one) => `${renderDiagnostic(one)}\n`).join("");
}

for (const code of codes) {
  test(`the page of ${code}`, () => {
    const page = read(code);
    assert.match(page, new RegExp(`^# ${code}\n\n\\S[\\s\\S]*?\n\n## Wrong\n\n[\\s\\S]*?\n\n## Right\n\n`));
    assert.ok(summaryOf(page).length > 10, "a first sentence");
    const [first, second, ...rest] = blocks(page);
    const wrong = first.kind === `resnet-error ${code}` ? first.text : undefined;
    const shown = wrong === undefined ? first : second;
    assert.is(shown.kind, "text");
    const frame = frameOf(code, wrong);
    if (blessed && shown.text !== frame) {
      const parts = page.split(`\`\`\`text\n${shown.text}\`\`\``);
      writeFileSync(path.join(folder, `${code}.md`), parts.join(`\`\`\`text\n${frame}\`\`\``));
    } else assert.is(shown.text, frame);
    const right = wrong === undefined ? [second, ...rest] : rest;
    assert.ok(right.length > 0, "a right text or command");
    for (const { kind, text } of right) {
      assert.ok(kind === "resnet" || kind === "sh", kind);
      if (kind === "resnet")
        assert.equal(
          analyseText(text, { net: "*" }).diagnostics.map((d) => renderDiagnostic(d)),
          [],
        );
    }
  });
}

test("no page is of a code that is gone, and none is in two groups", () => {
  const pages = readdirSync(folder).map((name) => name.replace(/\.md$/, ""));
  assert.equal(pages.sort(), [...codes, "README"].sort());
  const grouped = Object.values(messageGroups).flatMap((group) => Object.keys(group));
  assert.equal(grouped.sort(), [...codes].sort());
});

test("the index lists every code with its first sentence", () => {
  const groups = Object.entries(messageGroups).map(([title, group]) => {
    const lines = Object.keys(group).map((code) => `- [${code}](${code}.md): ${summaryOf(read(code))}`);
    return `## ${title[0].toUpperCase()}${title.slice(1)}\n\n${lines.join("\n")}\n`;
  });
  const index = `# What the compiler says

Each message has a code: it stands behind \`error\`, \`resnetc explain CODE\` shows its page, and it never changes its meaning.
\`resnetc check --fix\` mends what is certain.

${groups.join("\n")}`;
  const file = path.join(folder, "README.md");
  if (blessed) writeFileSync(file, index);
  assert.is(readFileSync(file, "utf8").replaceAll("\r\n", "\n"), index);
});

test("commands on the pages have the options that they use", () => {
  const help = new Map<string, string>();
  for (const code of codes) {
    for (const { text } of blocks(read(code)).filter(({ kind }) => kind === "sh")) {
      const [program, command, ...words] = text.trim().split(/\s+/);
      assert.is(program, "resnetc", code);
      if (!help.has(command)) help.set(command, resnetc([command, "--help"]).out);
      for (const option of words.filter((word) => word.startsWith("--"))) {
        assert.match(help.get(command)!, new RegExp(`${option}\\b`), `${code}: ${text}`);
      }
    }
  }
});

test("explain shows a page in 80 columns, and finds a code in what was copied", () => {
  const { code, out } = resnetc(["explain", "shape-mismatch"]);
  assert.is(code, 0);
  assert.match(out, /^shape-mismatch\n\nTwo paths of a sum/);
  assert.match(out, "    error shape-mismatch: cannot add");
  assert.not.match(out, "```");
  assert.is(resnetc(["explain", "error shape-mismatch:"]).out, out);
  assert.is(resnetc(["explain", "[shape-mismatch]"]).out, out);
  assert.is(resnetc(["explain", "SHAPE_MISMATCH"]).out, out);
  for (const one of codes) {
    // Frames have 80 columns of their own, and are indented.
    for (const line of showPage(read(one), noPaint).split("\n")) {
      assert.ok(line.length <= (line.startsWith("    ") ? 84 : 80), `${one}: ${line}`);
    }
  }
});

test("explain alone lists the codes in groups, in 80 columns", () => {
  const { out } = resnetc(["explain"]);
  for (const code of codes) assert.match(out, new RegExp(`^  ${code} `, "m"));
  for (const title of Object.keys(messageGroups)) assert.match(out, new RegExp(`^${title}$`, "m"));
  for (const line of out.split("\n")) assert.ok(line.length <= 80, line);
});

test("a mistyped code gets a suggestion, JSON has the pages", () => {
  const { code, err } = resnetc(["explain", "shape-missmatch"]);
  assert.is(code, 2);
  assert.match(err, "did you mean shape-mismatch?");
  assert.is(resnetc(["explain", "qqqqqqqqq"]).code, 2);
  const { messages: told } = JSON.parse(resnetc(["explain", "bad-input", "--json"]).out);
  assert.equal([told[0].code, told[0].group, told[0].severity], ["bad-input", "shapes", "error"]);
  assert.match(told[0].markdown, /^# bad-input/);
});

test.run();
