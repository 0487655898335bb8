/** Completion at marked places: what is offered, what is not, and what it changes elsewhere. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { applyEdits } from "../src/base/fix.ts";
import { complete } from "../src/language/complete.ts";
import { Workspace } from "../src/language/workspace.ts";
import { goodTexts } from "./support/arbitrary-text.ts";
import { openMarked } from "./support/cursor.ts";

function offered(marked: string, others: Record<string, string> = {}): string[] {
  const { document, at } = openMarked(marked, others);
  return complete(document, at, () => ["./other"]).map(({ label }) => label);
}

/** Exactly these, in any order. */
const offers = (marked: string, ...wanted: string[]) =>
  assert.equal(offered(marked).sort(), wanted.sort(), marked);

/** At least these, and none of `absent`. */
function includes(
  marked: string,
  present: readonly string[],
  absent: readonly string[] = [],
  others: Record<string, string> = {},
) {
  const labels = offered(marked, others);
  assert.equal(
    present.filter((label) => !labels.includes(label)),
    [],
    `lacking in ${marked}\n${labels}`,
  );
  assert.equal(
    absent.filter((label) => labels.includes(label)),
    [],
    `too much in ${marked}`,
  );
}

const head = "use basic, bottleneck from std\nlet wide = 128\nlet photo = image(range = 255)\n";
const inNet = (...rows: string[]) =>
  `${head}net m(n = 2, flag = true, short = basic) {\n  input 32x32x3\n  ${rows.join("\n  ")}\n}\n`;

test("at the top stand declarations", () => {
  offers("┆", "resnet 1", "net", "block", "let", "use", "names");
  offers("resnet 1\n┆", "net", "block", "let", "use", "names");
  offers(`${head}┆`, "net", "block", "let", "use", "names");
  offers(`${head}ne┆`, "net", "block", "let", "use", "names");
  offers("net ┆");
  offers("block b┆");
  includes("let a = ┆", ["conv", "image", "floor", "true", "none"], ["a"]);
});

test("`use` offers what the module has and the file has not", () => {
  includes("use ┆", ["basic", "imagenet", "torchvision"], ["conv"]);
  includes("use basic, ┆ from std", ["bottleneck"], ["basic"]);
  includes(`${head}use ┆`, ["project"], ["basic", "bottleneck"]);
  includes("use bas┆ic, bottleneck from std", ["basic", "project"], ["bottleneck"]);
  offers("use basic ┆", "from");
  offers("use basic from ┆", "std", '"./other"');
  offers('use basic from "┆"', "./other");
  offers('use basic from "./o┆', "./other");
  const others = { "other.resnet": "block mine(width) { in }\nlet ours = 3\n" };
  includes('use ┆ from "./other"\n', ["mine", "ours"], ["basic"], others);
  includes('use mine, ┆ from "./other"\n', ["ours"], ["mine"], others);
});

test("a row starts with a word or a path", () => {
  includes(
    inNet("a: conv(3x3, 4)", "┆"),
    [
      "input",
      "output",
      "expect",
      "default",
      "let",
      "a",
      "conv",
      "basic",
      "bottleneck",
      "short",
      "in",
      "none",
      "if",
    ],
    ["photo", "floor", "true", "n", "flag", "m", "image"],
  );
  includes(inNet("┆", "b: relu"), ["conv", "output"], ["b"]);
  includes(
    "block b(width) {\n  ┆\n}\n",
    ["default", "let", "in", "conv"],
    ["input", "output", "expect", "width"],
  );
  includes(inNet("x: [", "  ┆", "]"), ["conv", "let"], ["input", "output", "expect", "default"]);
  includes(inNet("conv(3x3, 4)\n  ┆"), ["output", "relu"]);
  includes(inNet("conv(3x3, 4); ┆"), ["output", "relu"]);
});

test("behind an arrow and between branches stand paths", () => {
  for (const row of ["a: ┆", "relu -> ┆", "relu ->\n    ┆", "relu\n    -> ┆", "in | ┆", "a: re┆"])
    includes(inNet(row), ["conv", "basic", "none"], ["input", "photo", "floor", "n"]);
  includes(inNet("in + ┆"), ["conv", "none"]);
  includes(inNet("if flag [ ┆ ]"), ["conv", "let"]);
  offers(inNet("if flag [ relu ] ┆"), "else");
  offers(inNet("if flag [ relu ] else ┆"), "if");
  offers(inNet("conv(3x3, 4) ┆"));
});

test("behind `x`, `/` and comparisons stand numbers", () => {
  for (const row of ["basic(4) x ┆", "basic(4) /┆", "basic(4) x (n - ┆)", "if n > ┆"])
    includes(inNet(row), ["n", "wide", "floor"], ["conv", "photo", "basic", "short"]);
  includes(inNet("if ┆"), ["flag", "n", "short", "true", "not"], ["conv", "basic"]);
  includes(inNet("if short == ┆"), ["none", "short"], ["conv"]);
  includes(inNet("let k = if flag [ ┆ ]"), ["n", "conv"], ["output"]);
  includes(inNet("basic(if flag [ ┆ ])"), ["n"]);
  includes(inNet("let k = max(2, ┆)"), ["n", "floor"], ["conv"]);
});

test("behind `@` stand rows above, and the number of a copy is a number", () => {
  offers(inNet("a: relu", "b: relu @ ┆", "c: relu"), "a");
  offers(inNet("b: relu x 3 as ┆"));
  includes(inNet("b: conv(3x3, 4 * ┆i) x 3 as i"), ["i", "n"], ["conv", "b"]);
});

test("labels are offered from the next row on", () => {
  includes(inNet("a: relu", "b: a -> ┆", "c: relu"), ["a"], ["b", "c"]);
  includes(inNet("a: relu", "let two = 2", "b: basic(4) x ┆", "c: relu"), ["two", "a"], ["b", "c"]);
});

test("in a call stand its parameters with kinds and defaults, and values of the next one", () => {
  const { document, at } = openMarked(inNet("conv(3x3, ┆)"));
  const found = complete(document, at);
  const detailOf = (label: string) => found.find((completion) => completion.label === label)?.detail;
  assert.is(detailOf("channels ="), "channels: int");
  assert.is(detailOf("stride ="), "stride: int = 1");
  assert.is(detailOf("pad ="), 'pad: pad = "same"');
  assert.is(detailOf("kernel ="), undefined, "filled by its place");
  assert.is(found.find(({ label }) => label === "stride =")?.insert, "stride = ");
  includes(inNet("conv(3x3, ┆)"), ["wide", "n"], ["basic"]);
  includes(inNet("conv(3x3, 4, stride = 2, ┆)"), ["groups ="], ["stride =", "channels =", "wide"]);
  includes(inNet("conv(\n    3x3,\n    ┆)"), ["channels ="]);
  includes(inNet("bottleneck(64, ┆)"), ["out =", "shortcut ="], ["width ="]);
  includes(inNet("short(┆)"), ["width =", "shortcut ="]);
  includes(`${head}let thin = basic(8)\nnet m { input 8x8x3\n thin(┆) }`, ["stride ="]);
  includes(inNet("image(┆"), ["mean =", "order ="]);
  includes(inNet("default bn(┆)"), ["eps ="]);
  includes(inNet("x: ((┆"), ["n"]);
  includes(inNet("conv(3x3, 4 * ┆)"), ["n", "wide"], ["basic", "x"]);
  includes(inNet("basic(4, act = relu + ┆)"), ["relu"], ["n"]);
});

test("a net takes what it and those under it leave open", () => {
  const nets = "net a(n = 1, m = 2) { input 8x8x3\n relu }\nnet b(k = 3) = a(n = 2)\n";
  includes(`${nets}net c = b(┆)`, ["k =", "m ="], ["n ="]);
  includes(`${nets}net c = ┆`, ["a", "b"], ["c"]);
});

test("the value of a named argument is of its kind", () => {
  offers(
    inNet("conv(3x3, 4, bias = ┆)").replace(/flag = true, /, ""),
    "true",
    "false",
    "not",
    "in",
    "n",
    "wide",
    "floor",
    "ceil",
    "round",
    "min",
    "max",
  );
  includes(inNet("conv(3x3, 4, pad = ┆)"), ['"same"', '"tf"', "n"], ["basic", "photo"]);
  offers(inNet('conv(3x3, 4, pad = "┆")'), "same", "tf");
  offers(inNet('conv(3x3, 4, pad = "t┆'), "same", "tf");
  includes(inNet("basic(4, shortcut = ┆)"), ["none", "project", "basic"], ["n", "photo", "floor"]);
  offers('let a = image(order = "┆")', "rgb", "bgr");
  offers('let a = image(labels = "┆")', "imagenet-1k", "cifar-10");
  offers(inNet("conv(3x3, 4, nothing = ┆)"));
  offers('let a = "┆"');
});

test("of a tensor there are labels, copies and sizes", () => {
  const resnet = "block unit(width) {\n  first: conv(3x3, width)\n  second: relu\n}\n";
  const rows = (row: string) => `${resnet}net m {\n  input 8x8x3\n  a: unit(4) x 3 /1\n  ${row}\n}\n`;
  offers(rows("let k = a.┆"), "first", "second", "0", "1", "2", "channels", "height", "width");
  offers(rows("let k = a.2.┆"), "first", "second", "channels", "height", "width");
  offers(rows("output a.┆"), "first", "second", "0", "1", "2");
  offers(rows("expect a.┆"), "first", "second", "0", "1", "2", "params", "state", "macs");
  offers(rows("let k = in.┆"), "channels", "height", "width");
  offers("block b { if in.┆ == 3 [ relu ] }", "channels", "height", "width");
  const { document, at } = openMarked(rows("output a.┆"));
  assert.is(complete(document, at).find(({ label }) => label === "1")?.detail, "8x8x4");
});

test("parts of nets in other files", () => {
  const others = { "other.resnet": "net base {\n  input 8x8x3\n  stem: relu\n  head: relu\n}\n" };
  const text = 'use base from "./other"\nnet m {\n  input 8x8x3\n  body: base\n  output body.┆\n}\n';
  includes(text, ["stem", "head"], ["params"], others);
});

test("`expect` counts or looks at a shape", () => {
  offers(inNet("a: relu", "expect ┆"), "params", "state", "macs", "depth", "a", "output");
  includes(inNet("a: relu", "expect params > ┆"), ["n", "wide"], ["conv", "basic"]);
  includes(inNet("a: relu", "expect a -> ┆"), ["wide"], ["conv"]);
  for (const row of [
    "expect depth ┆",
    "expect a.params ┆",
    "expect params 2 * ┆",
    "expect a.params >= (1 + ┆",
  ])
    includes(inNet("a: relu", row), ["n", "wide", "floor"], ["conv", "photo", "params"]);
});

test("`output` names labels, `default` what can be set, `input` pictures", () => {
  offers(inNet("a: relu", "b: relu", "output ┆"), "a", "b");
  offers(inNet("a: relu", "b: relu", "output a, ┆"), "a", "b");
  includes(inNet("default ┆"), ["conv", "bn", "basic", "bottleneck"], ["photo", "wide", "image", "none"]);
  includes(`${head}net m {\n  input ┆\n}`, ["photo", "image", "imagenet"], ["conv", "wide", "basic"]);
  includes(`${head}net m {\n  input left: ┆\n}`, ["photo"], ["conv"]);
});

test("kinds, tables", () => {
  offers("block b(width: ┆) { in }", "int", "float", "bool", "text", "size", "path");
  includes("block b(act = ┆) { in }", ["relu", "true"]);
  offers("block b(┆) { in }");
  offers("names mine { ┆ }", "weight", "bias", "scale", "shift", "mean", "var");
  offers("names mine { scale -> ┆ }");
});

test("a name of std that is not used yet comes with its `use`", () => {
  const after = (marked: string, label: string) => {
    const { document, at, text } = openMarked(marked);
    const found = complete(document, at).find((completion) => completion.label === label);
    assert.ok(found, label);
    return applyEdits(text, [...(found.edits ?? []), { span: found.span, text: found.insert }]);
  };
  assert.is(
    after("use basic from std\nnet m { input 8x8x3\n  bot┆ }", "bottleneck"),
    "use basic, bottleneck from std\nnet m { input 8x8x3\n  bottleneck }",
  );
  assert.is(after("net m { input 8x8x3\n  ┆ }", "cbr"), "use cbr from std\nnet m { input 8x8x3\n  cbr }");
  assert.is(
    after("resnet 1  # edition\n\nnet m { input 8x8x3\n  ┆ }", "cbr"),
    "resnet 1  # edition\nuse cbr from std\n\nnet m { input 8x8x3\n  cbr }",
  );
  assert.is(
    after('use a from "./a"\nnet m { input 8x8x3\n  ┆ }', "cbr"),
    'use cbr from std\nuse a from "./a"\nnet m { input 8x8x3\n  cbr }',
  );
  assert.is(
    after("\uFEFFnet m {\r\n  input 8x8x3\r\n  ┆\r\n}", "cbr"),
    "\uFEFFuse cbr from std\r\nnet m {\r\n  input 8x8x3\r\n  cbr\r\n}",
  );
  assert.is(
    after("use basic from std\nnet m { input 8x8x3\n  ba┆ }", "basic"),
    "use basic from std\nnet m { input 8x8x3\n  basic }",
  );
});

test("nothing is offered in comments and texts that mean nothing", () => {
  offers("# net ┆");
  offers(inNet("relu  # and ┆"));
  offers(inNet("## doc ┆"));
});

test("half-typed rows above and below change nothing", () => {
  includes(inNet("a: conv(3x3, ", "b: conv(3x3, 4) -> ┆", "c: basic("), ["relu", "basic"], ["input"]);
  includes(inNet("a: conv(", "┆"), ["kernel ="]);
  includes(inNet("a: conv(", "output ┆"), ["a"]);
  includes(inNet("a: relu ->", "expect ┆"), ["params"]);
  includes(`${head}net m {\n  input 8x8x3\n  a: relu\n  ┆\nnet other { input 8x8x3\n relu }`, [
    "output",
    "a",
  ]);
});

test("every name of every example is offered where it stands", () => {
  for (const [name, text] of goodTexts) {
    const document = new Workspace().open(`x-${name}`, text);
    for (const { span, definition, isDeclaration } of document.binding!.occurrences) {
      if (isDeclaration) continue;
      const wanted = definition.kind === "file" ? "std" : definition.name;
      const labels = complete(document, span.start).map(({ label }) => label.replace(/ =$/, ""));
      assert.ok(labels.includes(wanted), `${name} at ${span.start} lacks ${wanted}: ${labels}`);
    }
  }
});

test("labels are ranked before the file's names, those before built-in ones and unused std names", () => {
  const { document, at } = openMarked(inNet("a: relu", "┆"));
  const rankOf = (label: string) => complete(document, at).find((found) => found.label === label)!.rank;
  const ranks = ["a", "basic", "conv", "cbr", "expect"].map(rankOf);
  assert.equal(
    ranks,
    [...ranks].sort((a, b) => a - b),
  );
});

test.run();
