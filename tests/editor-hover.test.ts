/** What shows under the cursor, and the signature of the call it is in. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { hover } from "../src/language/hover.ts";
import { signatureHelp } from "../src/language/signature-help.ts";
import { openMarked } from "./support/cursor.ts";
import { examplePath } from "./support/nets.ts";

const example = readFileSync(examplePath("resnet152.resnet"), "utf8");

/** The example with a cursor before the last place of a text in it. */
function at(place: string): string {
  const offset = example.lastIndexOf(place);
  assert.ok(offset >= 0, place);
  return `${example.slice(0, offset)}┆${example.slice(offset)}`;
}

function shown(marked: string, others: Record<string, string> = {}): string | undefined {
  const { document, at: offset } = openMarked(marked, others);
  return hover(document, offset)?.markdown;
}

test("a net: its parameters, shapes, counts and verdicts", () => {
  assert.is(
    shown(at("resnet152(size")),
    `\`\`\`resnet
net resnet152(size: size = 224x224x3, classes: int = 1000)
\`\`\`

ResNet-152: Deep Residual Learning for Image Recognition, Table 1.

224x224x3 → 1x1x1000

60,192,808 params · 11.514 G MACs · depth 152

4 expectations, all hold`,
  );
  assert.match(shown("net ┆m { input 8x8x3\n relu\n expect depth 3 }")!, "1 expectation, 1 of them fail");
  assert.is(shown("net ┆m { relu }"), "```resnet\nnet m\n```", "a net that cannot be built has no counts");
});

test("a stage: shapes, totals, its copies, its stride", () => {
  assert.is(
    shown(at("conv3: bottleneck")),
    `\`\`\`resnet
conv3: bottleneck(128) x 8 /2
\`\`\`

56x56x256 → 28x28x512

2,339,840 params · 1.901 G MACs

8 copies: the first 379,392 params · 372.5 M MACs, the last 280,064 params · 218.4 M MACs

stride 2, 8 in all · sees 155x155`,
  );
  assert.match(
    shown("net m { input 8x8x3\n ┆a: conv(3x3, 3) x 4\n }")!,
    "4 copies, each 81 params · 5.184 K MACs",
  );
});

test("signs and numbers of a row show the row", () => {
  const row = "28x28x512 → 14x14x1024";
  assert.match(shown(at("x 36"))!, row);
  assert.match(shown(at("36 /2"))!, row);
  assert.match(shown(at("-> bn"))!, "224x224x3 → 112x112x64");
});

test("a row inside a block shows what happened in the first net that ran it", () => {
  const text = `block twice(width) {
  ┆first: conv(3x3, width) /2
  conv(3x3, width)
}
net m { input 8x8x3
  a: conv(1x1, 4) -> twice(6)
}`;
  assert.match(shown(text)!, "8x8x4 → 4x4x6 (in `m`, `a.twice`)");
});

test("a use of a label shows its row, a part of another net that net's row", () => {
  assert.match(shown(at("conv5 -> 7x7x2048"))!, "14x14x1024 → 7x7x2048");
  const others = { "base.resnet": "net base { input 8x8x3\n stem: conv(3x3, 4) }\n" };
  const part = shown('use base from "./base"\nnet m { input 8x8x3\n b: base\n output b.st┆em }', others)!;
  assert.match(part, "stem: conv(3x3, 4)");
  assert.match(part, "from `base.resnet`");
});

test("a block, a `let` and a table: how they are declared, their documentation, where they are from", () => {
  const block = shown(at("bottleneck(128)"))!;
  assert.match(block, "block bottleneck(width: int, out: int = 4 * width, stride: int = 1, groups: int = 1,");
  assert.match(block, "1x1, 3x3, 1x1 (ResNet-50 and deeper).");
  assert.match(block, /from std$/);
  assert.match(shown(at("imagenet(size)"))!, "let imagenet = image(mean = (0.485, 0.456, 0.406)");
  assert.match(shown(at("std\n\n## ResNet"))!, "use … from std");
  assert.match(shown("## Ours.\nnames ┆mine { scale -> gamma }")!, "Ours.\n\na table of names of weights");
});

test("an operation: parameters, summary, and what it does at this place", () => {
  const conv = shown(at("conv(7x7"))!;
  assert.match(
    conv,
    "conv(kernel: size, channels: int, stride: int = 1, groups: int = 1, dilation: int = 1,",
  );
  assert.match(conv, /224x224x3 → 112x112x64$/);
  assert.match(shown(at("relu\n"))!, "max(x, 0)");
  assert.match(shown("let a = fl┆oor(2.5)")!, "floor(x)");
  assert.match(shown("let a = m┆in(2, 3)")!, "min(a, b, ...)");
});

test("parameters and settings: kind, default, whose they are", () => {
  assert.is(shown(at("classes)\n\n")), "```resnet\nclasses: int = 1000\n```\n\na parameter of `resnet152`");
  assert.is(
    shown("net m { input 8x8x3\n conv(3x3, 4, pa┆d = 0) }"),
    '```resnet\npad: pad = "same"\n```\n\na parameter of `conv`',
  );
  assert.is(shown("block b(x: siz┆e) { in }"), undefined);
});

test("a number with a suffix: exactly which, and what it accepts", () => {
  assert.is(
    shown(at("11.5G")),
    "```resnet\n11_500_000_000\n```\n\n`11.5G` is compared at its precision: 11_450_000_000 to 11_550_000_000",
  );
  assert.is(
    shown("let a = ┆26M"),
    "```resnet\n26_000_000\n```\n\n`26M` is compared at its precision: 25_500_000 to 26_500_000",
  );
});

test("what `expect` counts", () => {
  assert.match(shown(at("macs 11.5G"))!, "multiply-adds of convolutions and dense layers");
  assert.match(shown("block b(c) { if in.chan┆nels == c [ relu ] }")!, "the channels of the tensor");
});

test("nothing where nothing is", () => {
  for (const marked of [
    "┆",
    "# ┆comment",
    "net m {┆}",
    "  ┆\nnet m { input 8x8x3 }",
    "nothing ┆here",
    "block b { unkn┆own }",
  ])
    assert.is(shown(marked), undefined, marked);
});

test("the span is that of the name, in UTF-16 units of the text as it is", () => {
  for (const marked of [
    "\uFEFFnet m {\r\n  input 8x8x3 # 𝒳 😀\r\n  ⟦fi┆rst⟧: relu\r\n}\r\n",
    "net m {\r  input 8x8x3\r\t⟦first┆⟧: relu\r}",
    'let t = "😀"; net m { input 8x8x3\n ⟦┆first⟧: relu }',
  ]) {
    const { document, at: offset, ranges } = openMarked(marked);
    const { start, end } = hover(document, offset)!.span;
    assert.equal([{ start, end }], ranges, JSON.stringify(marked));
  }
});

// ---- signatures -------------------------------------------------------------------------------------------

const signatureAt = (marked: string) => {
  const { document, at: offset } = openMarked(marked);
  return signatureHelp(document, offset);
};

test("the signature of a call, and the argument at the cursor", () => {
  const inNet = (call: string) => signatureAt(`use basic from std\nnet m { input 8x8x3\n a: ${call}\n}`);
  assert.is(inNet("conv(┆)")!.active, 0);
  assert.is(inNet("conv(3x3, ┆)")!.active, 1);
  assert.is(inNet("conv(3x3, 4, ┆2")!.active, 2);
  assert.is(inNet("conv(3x3, 4, pad = ┆0)")!.active, 5);
  assert.is(inNet("conv(3x3, max(2, ┆3))")!.signature, "max(a, b, ...)");
  assert.is(inNet("conv(3x3, max(2, 3), ┆)")!.active, 2);
  assert.is(inNet("conv(3x3, (2 + ┆3))"), undefined, "mere parentheses");
  assert.is(inNet("conv(3x3, 4, pad = 0, ┆)")!.active, undefined);
  assert.is(inNet("conv(1, 1, 1, 1, 1, 1, true, 0, ┆)")!.active, undefined);
  assert.match(inNet("basic(┆)")!.signature, /^basic\(width: int, /);
  assert.match(inNet("basic(┆)")!.documentation, "Two 3x3 convolutions");
  assert.is(inNet("basic(4)┆"), undefined);
  assert.is(inNet("nothing(┆)"), undefined);
  assert.is(signatureAt("block b(width┆) { in }"), undefined);
  for (const { signature, parameters } of [inNet("conv(┆)")!, inNet("basic(┆)")!])
    for (const parameter of parameters) assert.ok(signature.includes(parameter), parameter);
});

test.run();
