/**
 * Every feature at every sort of place in every sort of text: none throws, all that is pointed at lies in a text, and
 * texts of a thousand rows are answered in time. `npm run fuzz` looks longer.
 */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Span } from "../src/base/source.ts";
import { codeActions } from "../src/language/code-actions.ts";
import { complete } from "../src/language/complete.ts";
import type { Document } from "../src/language/document.ts";
import { foldingRanges, selectionRanges } from "../src/language/folding.ts";
import { format } from "../src/language/format.ts";
import { hover } from "../src/language/hover.ts";
import { inlayHints } from "../src/language/inlay-hints.ts";
import { definition, references } from "../src/language/references.ts";
import { isRefused, prepareRename, rename } from "../src/language/rename.ts";
import { semanticTokens } from "../src/language/semantic-tokens.ts";
import { signatureHelp } from "../src/language/signature-help.ts";
import { symbols } from "../src/language/symbols.ts";
import { Workspace } from "../src/language/workspace.ts";
import { brokenText, goodTexts } from "./support/arbitrary-text.ts";
import { fastestMs } from "./support/cpu-time.ts";

const numRuns = Number(process.env.FUZZ_RUNS ?? 60);

function inText({ source, start, end }: Span, what: string): void {
  const fine = 0 <= start && start <= end && end <= source.text.length;
  assert.ok(fine, `${what}: ${start} to ${end} of ${source.text.length} in ${source.name}`);
}

/** What looks at the whole of a text. */
function askWhole(document: Document): void {
  const { length } = document.text;
  for (const { span } of semanticTokens(document)) inText(span, "token");
  for (const { span, selection } of symbols(document)) {
    inText(span, "symbol");
    inText(selection, "selection");
  }
  foldingRanges(document);
  for (const { offset } of inlayHints(document, 0, length)) assert.ok(offset <= length);
  for (const { edits } of codeActions(document, 0, length)) for (const { span } of edits) inText(span, "fix");
  for (const { span } of format(document)) inText(span, "format");
}

/** What looks at one place. */
function askAt(workspace: Workspace, document: Document, offset: number): void {
  for (const { span, edits = [] } of complete(document, offset)) {
    inText(span, "completion");
    assert.ok(span.start <= offset && offset <= span.end, "a completion is at the cursor");
    for (const edit of edits) inText(edit.span, "use");
  }
  const shown = hover(document, offset);
  if (shown) inText(shown.span, "hover");
  signatureHelp(document, offset);
  const found = definition(document, offset);
  if (found) inText(found.target, "definition");
  for (const { span } of references(workspace, document, offset)) inText(span, "reference");
  for (const span of selectionRanges(document, offset)) inText(span, "selection");
  const named = prepareRename(document, offset);
  if (!isRefused(named)) {
    inText(named.span, "rename");
    rename(workspace, document, offset, "fresh_name");
  }
}

test("good texts, at many offsets", () => {
  for (const [name, text] of goodTexts) {
    const workspace = new Workspace();
    const document = workspace.open(name === "std.resnet" ? "library.resnet" : name, text);
    askWhole(document);
    const step = text.length < 700 ? 2 : 11 * Math.ceil(text.length / 1500);
    for (let offset = 0; offset <= text.length; offset += step) askAt(workspace, document, offset);
  }
});

test("good texts that end at any place", () => {
  const text = goodTexts.get("resnet50.resnet")!;
  for (let end = 0; end <= text.length; end += 7) {
    const workspace = new Workspace();
    const document = workspace.open("cut.resnet", text.slice(0, end));
    askWhole(document);
    askAt(workspace, document, end);
  }
});

test("broken texts", () => {
  fc.assert(
    fc.property(
      brokenText,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
      (text, places) => {
        const workspace = new Workspace();
        const document = workspace.open("broken.resnet", text);
        askWhole(document);
        for (const place of places) askAt(workspace, document, Math.round(place * text.length));
      },
    ),
    { numRuns },
  );
});

test("places outside a text", () => {
  const workspace = new Workspace();
  for (const text of ["", "\uFEFF", "net m { input 8x8x3 }"]) {
    const document = workspace.open("m.resnet", text);
    for (const offset of [-5, 0, text.length, text.length + 5]) {
      hover(document, offset);
      complete(document, Math.max(0, Math.min(offset, text.length)));
      definition(document, offset);
      selectionRanges(document, offset);
      signatureHelp(document, offset);
    }
    inlayHints(document, -5, 500);
    codeActions(document, -5, 500);
  }
});

test("texts that are refused as a whole have no features and no faults", () => {
  for (const text of [
    "resnet 99\nnet m { input 8x8x3 }",
    "(".repeat(200),
    "net m { a: ".concat("relu -> ".repeat(600), "relu }"),
  ]) {
    const workspace = new Workspace();
    const document = workspace.open("m.resnet", text);
    assert.is(document.diagnostics.length, 1);
    askWhole(document);
    askAt(workspace, document, 5);
  }
});

test("files that use one another in a circle", () => {
  const files = new Map([
    ["a", 'use b from "b"\nblock a { b }\n'],
    ["b", 'use a from "a"\nblock b { a }\n'],
  ]);
  const workspace = new Workspace({
    resolve: (request) => request,
    read: (name) => files.get(name) ?? { why: "there is no such file" },
    list: () => files.keys(),
  });
  const document = workspace.open("a", files.get("a")!);
  askWhole(document);
  for (let offset = 0; offset <= document.text.length; offset++) askAt(workspace, document, offset);
});

test("declarations that are made from one another in a circle", () => {
  const text = `net a(n = 1) = b(1)
net b(m = 2) = a(2, n = 3) { x: a }
block c(f = d) { f(1) -> e }
block d(f = c) { y: f(2) -> d.y }
let e = g
let g = e(1)
net f { input 8x8x3
  p: q -> c(1)
  q: p.x -> e(2) }
`;
  const workspace = new Workspace();
  const document = workspace.open("circle.resnet", text);
  askWhole(document);
  for (let offset = 0; offset <= text.length; offset++) askAt(workspace, document, offset);
});

// ---- time --------------------------------------------------------------------------------------------------

const rows = Array.from({ length: 995 }, (_, i) => `  r${i}: conv(3x3, 16) -> bn -> relu`);
const thousand = `use basic from std\nnet big {\n  input 32x32x3\n${rows.join("\n")}\n}\n`;

test("a thousand rows: hover is answered in 30 ms once the text is known", () => {
  const document = new Workspace().open("big.resnet", thousand);
  assert.equal(document.diagnostics, []);
  for (const place of ["r0:", "r500:", "bn -> relu\n}", "conv(3x3", "big"]) {
    const offset = thousand.lastIndexOf(place) + 1;
    hover(document, offset);
    const ms = fastestMs(3, () => hover(document, offset));
    assert.ok(hover(document, offset) && ms < 30, `${place} ${ms.toFixed(1)} ms`);
  }
  const ms = fastestMs(3, () => complete(document, thousand.indexOf("conv")));
  assert.ok(ms < 100, `completion ${ms.toFixed(1)} ms`);
});

test("a thousand rows: the first answer after an edit comes in a second", () => {
  const workspace = new Workspace();
  let version = 0;
  const ms = fastestMs(3, () => {
    const document = workspace.open("big.resnet", thousand.replace("r7:", `edited${version++}:`));
    assert.ok(hover(document, thousand.indexOf("r500:") + 1));
    assert.is(inlayHints(document, 0, thousand.length).length, 996);
  });
  assert.ok(ms < 1000, `${ms.toFixed(0)} ms`);
});

test.run();
