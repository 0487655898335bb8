/** Outline, folding, selections, tokens, hints, fixes and format of whole texts. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { applyEdits } from "../src/base/fix.ts";
import { codeActions } from "../src/language/code-actions.ts";
import { foldingRanges, selectionRanges } from "../src/language/folding.ts";
import { format } from "../src/language/format.ts";
import { inlayHints } from "../src/language/inlay-hints.ts";
import { semanticTokens, tokenModifiers, tokenTypes } from "../src/language/semantic-tokens.ts";
import { type DocumentSymbol, symbols } from "../src/language/symbols.ts";
import { openMarked, showRanges } from "./support/cursor.ts";
import { examplePath } from "./support/nets.ts";

const file = (name: string) => readFileSync(examplePath(name), "utf8");

// ---- outline -----------------------------------------------------------------------------------------------

const outline = (found: readonly DocumentSymbol[], indent = ""): string[] =>
  found.flatMap(({ name, kind, detail, children }) => [
    `${indent}${kind} ${name} ${detail}`.trimEnd(),
    ...outline(children, `${indent}  `),
  ]);

test("the outline has declarations and labelled rows with their shapes", () => {
  const { document } = openMarked(`use basic from std
let k = 3
names mine { scale -> gamma }
block pair(width, act = relu) {
  first: [
    inner: conv(k, width)
  ]
  act
}
net m(n = 2) {
  input left: 8x8x3
  input right: 8x8x3
  a: left -> pair(4) x n /1
  relu
  b: a + right
}
net derived = m(n = 3)
`);
  assert.equal(outline(symbols(document)), [
    "let k",
    "names mine",
    "block pair (width: int, act: path = relu)",
    "  label first",
    "  label inner",
    "net m (n: int = 2)",
    "  input left 8x8x3",
    "  input right 8x8x3",
    "  label a 8x8x4",
    "  label b",
    "net derived",
  ]);
});

test("names stand inside the spans of their symbols", () => {
  const text = file("cifar.resnet");
  const inside = (found: readonly DocumentSymbol[]) => {
    for (const { name, span, selection, children } of found) {
      assert.is(text.slice(selection.start, selection.end), name);
      assert.ok(span.start <= selection.start && selection.end <= span.end, name);
      for (const child of children) assert.ok(span.start <= child.span.start && child.span.end <= span.end);
      inside(children);
    }
  };
  const found = symbols(openMarked(text).document);
  inside(found);
  assert.is(found.length, 14);
});

// ---- folding and selections -----------------------------------------------------------------------------------

test("brackets, comments and `use` rows fold", () => {
  const { document } = openMarked(`use a from "./a"
use b,
  c from std

# one
# two
net m(
  n = 2
) {
  input 8x8x3 # at the end
  # alone
  x: [
    relu
  ]
}
`);
  assert.equal(
    foldingRanges(document).map(({ startLine, endLine, kind }) => `${startLine}-${endLine} ${kind}`),
    ["1-3 imports", "5-6 comment", "7-8 region", "9-14 region", "12-13 region"],
  );
  assert.equal(foldingRanges(openMarked("net m { relu }").document), []);
  assert.equal(
    foldingRanges(openMarked("net m {\n relu )\n ]\n").document),
    [],
    "what is not closed does not fold",
  );
});

test("selections grow from a word to the file", () => {
  const text = "let k = 3\nnet m { input 8x8x3\n  a: conv(k x ┆k, 4) -> relu\n}";
  const { document, at, text: plain } = openMarked(text);
  assert.equal(
    selectionRanges(document, at).map(({ start, end }) => plain.slice(start, end)),
    [
      "k",
      "k x k",
      "conv(k x k, 4)",
      "conv(k x k, 4) -> relu",
      "a: conv(k x k, 4) -> relu",
      "net m { input 8x8x3\n  a: conv(k x k, 4) -> relu\n}",
      plain,
    ],
  );
});

// ---- tokens ------------------------------------------------------------------------------------------------

test("tokens say what words mean", () => {
  const text = `resnet 1 # why
use basic from std
## What.
block b(width, act = relu) { let two = 2 x 2
  s: conv(two, width, pad = "tf") -> act + in.nothing }
net m { input 8x8x3
  b(4) x 3 /2
  expect params 1K }`;
  const { document } = openMarked(text);
  const found = semanticTokens(document).map(({ span, type, modifiers }) => {
    return `${text.slice(span.start, span.end)}|${[type, ...modifiers].join(" ")}`;
  });
  for (const wanted of [
    "resnet 1|keyword",
    "# why|comment",
    "basic|function",
    "std|namespace",
    "## What.|comment documentation",
    "b|function declaration",
    "width|parameter declaration",
    "relu|function defaultLibrary",
    "two|variable declaration",
    "x|operator",
    "s|variable declaration",
    "conv|function defaultLibrary",
    "two|variable",
    "width|parameter",
    "pad|parameter defaultLibrary",
    '"tf"|string',
    "->|operator",
    "act|parameter",
    "in|keyword",
    "m|class declaration",
    "8x8x3|number",
    "b|function",
    "params|property defaultLibrary",
    "1K|number",
  ])
    assert.ok(found.includes(wanted), `${wanted} is not in\n${found.join("\n")}`);
  assert.not.ok(
    found.some((token) => token.startsWith("nothing|")),
    "of what means nothing there is no token",
  );
});

test("tokens are in order, on one line and do not overlap", () => {
  for (const text of [file("cifar.resnet"), `\uFEFF${file("fpn.resnet").replaceAll("\n", "\r\n")}`]) {
    const { document } = openMarked(text);
    let last = 0;
    for (const { span, type, modifiers } of semanticTokens(document)) {
      assert.ok(span.start >= last && span.end > span.start);
      assert.not.match(text.slice(span.start, span.end), /[\r\n\uFEFF]/);
      assert.ok(
        tokenTypes.includes(type) && modifiers.every((modifier) => tokenModifiers.includes(modifier)),
      );
      last = span.end;
    }
  }
});

// ---- hints -------------------------------------------------------------------------------------------------

/** The text with the hints where they stand. */
function hinted(text: string, start = 0, end = text.length): string {
  const { document } = openMarked(text);
  return [...inlayHints(document, start, end)]
    .reverse()
    .reduce((shown, { offset, label }) => `${shown.slice(0, offset)} «${label}»${shown.slice(offset)}`, text);
}

test("behind each row of a net stands its shape, behind a stage what it costs", () => {
  assert.is(
    hinted(`use basic from std
net m(n = 2) {
  input 8x8x3
  let k = 3
  a: conv(k, 4) /2
  b: basic(4) x n
  c: relu x n
  expect params > 1
}
`),
    `use basic from std
net m(n = 2) {
  input 8x8x3 «8x8x3»
  let k = 3
  a: conv(k, 4) /2 «4x4x4»
  b: basic(4) x n «4x4x4  608 params»
  c: relu x n «4x4x4»
  expect params > 1
}
`,
  );
});

test("rows before a broken one keep their hints, and those out of range have none", () => {
  assert.is(
    hinted("net m {\n input 8x8x3\n a: relu\n b: conv(99x99, 3, pad = 0)\n c: relu\n}"),
    "net m {\n input 8x8x3 «8x8x3»\n a: relu «8x8x3»\n b: conv(99x99, 3, pad = 0)\n c: relu\n}",
  );
  assert.is(
    hinted("net m {\n input 8x8x3\n a: relu\n b: conv(\n c: relu\n}"),
    "net m {\n input 8x8x3 «8x8x3»\n a: relu «8x8x3»\n b: conv(\n c: relu\n}",
  );
  const text = "net m {\n input 8x8x3\n a: relu\n b: relu\n}";
  assert.is(hinted(text, text.indexOf("a:"), text.indexOf("a:")), text.replace("a: relu", "a: relu «8x8x3»"));
});

// ---- fixes -------------------------------------------------------------------------------------------------

/** "title: text after it" for each action in a text. */
function fixed(text: string): string[] {
  const { document } = openMarked(text);
  return codeActions(document, 0, text.length).map(
    ({ title, edits }) => `${title}: ${applyEdits(text, edits)}`,
  );
}

test("fixes: names that std has, names that are nearly right", () => {
  assert.equal(fixed("net m { input 8x8x3\n basic(4) }"), [
    "add `use basic from std`: use basic from std\nnet m { input 8x8x3\n basic(4) }",
  ]);
  assert.equal(fixed("\uFEFFnet m { input 8x8x3\r\n basic(4) }"), [
    "add `use basic from std`: \uFEFFuse basic from std\r\nnet m { input 8x8x3\r\n basic(4) }",
  ]);
  const nearly = (text: string, mended: string) =>
    assert.ok(
      fixed(text).some((action) => action.endsWith(`: ${mended}`)),
      fixed(text).join("\n---\n"),
    );
  nearly("net m { input 8x8x3\n rlu }", "net m { input 8x8x3\n relu }");
  nearly("use bottlneck from std\n", "use bottleneck from std\n");
  nearly(
    "net m { input 8x8x3\n conv(3x3, 4, strid = 2) }",
    "net m { input 8x8x3\n conv(3x3, 4, stride = 2) }",
  );
});

test("fixes: an `expect` takes what the net has, at its own precision", () => {
  const expects = (row: string, mended: string) => {
    const text = `net m { input 8x8x3\n a: conv(3x3, 400)\n expect ${row}\n}`;
    assert.equal(
      fixed(text).map((action) => action.replace(/^.*?: net/s, "net")),
      [text.replace(row, mended)],
    );
  };
  expects("params 3", "params 10_800");
  expects("params 9.5K", "params 10.8K");
  expects("params 3M", "params 10_800");
  expects("params < 3", "params < 10_800");
  expects("a -> 8x8x4", "a -> 8x8x400");
  expects("a -> 4", "a -> 8x8x400");
  expects("a.params 2 * 3", "a.params 10_800");
});

test("a fix is offered where its diagnostic is", () => {
  const text = "net m { input 8x8x3\n maxpol(2x2)\n}\nnet n { input 8x8x3\n maxpol(2x2)\n}";
  const { document } = openMarked(text);
  const second = text.lastIndexOf("maxpol");
  const found = codeActions(document, second, second);
  assert.is(found.length, 1);
  assert.is(
    showRanges(
      text,
      found[0].edits.map(({ span }) => span),
    ),
    `${text.slice(0, second)}⟦maxpol⟧(2x2)\n}`,
  );
  assert.is(found[0].isPreferred, true);
});

// ---- format ------------------------------------------------------------------------------------------------

test("format is one small edit that keeps line breaks and byte-order marks", () => {
  const after = (text: string) => applyEdits(text, format(openMarked(text).document));
  assert.is(after("net m {\n input  8x8x3\n}\n"), "net m {\n  input 8x8x3\n}\n");
  assert.is(after("\uFEFFnet m {\r\n input  8x8x3\r\n}\r\n"), "\uFEFFnet m {\r\n  input 8x8x3\r\n}\r\n");
  assert.equal(format(openMarked(file("cifar.resnet")).document), []);
  assert.equal(format(openMarked("net m { (").document), [], "a broken text stays as it is");
  const [{ span, text }] = format(openMarked("net m {\n  input 8x8x3\n  a:relu\n}\n").document);
  assert.equal([span.start, span.end, text], [26, 26, " "]);
});

test.run();
