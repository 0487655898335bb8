/**
 * A text for every sentence that the front end can say. tests/golden/diagnostics/codes shows each with what is said of
 * it, under the code of the first diagnostic.
 */
import type { Code } from "../../src/base/diagnostic.ts";
import { around, type TextOptions } from "./compiled.ts";

export interface DiagnosticCase extends TextOptions {
  readonly text: string;
  /** Too long to show. */
  readonly isLong?: boolean;
}

const rows = (text: string, input = "8x8x3"): DiagnosticCase => ({ text: around(text, input) });
const std = (use: string, text: string, input?: string): DiagnosticCase => ({
  text: `use ${use} from std\n${around(text, input)}`,
});
const file = (text: string, options: TextOptions = {}): DiagnosticCase => ({ text, ...options });
const long = (text: string): DiagnosticCase => ({ text, isLong: true });

/** Said by weights, runners and the command line, and tested with them. */
export const elsewhere: readonly Code[] = [
  "unreadable-file",
  "unknown-pass",
  "unknown-names",
  "bad-checkpoint",
  "refused-global",
  "missing-weight",
  "extra-weight",
  "weight-shape",
  "weight-used-twice",
  "not-finite",
  "checkpoint-does-not-fit",
  "unknown-architecture",
  "unknown-published",
  "differs-from-published",
  "no-spec",
  "bad-image",
  "bad-array",
  "unwritable-output",
  "unknown-target",
  "backend-missing",
  "network-too-large",
  "network-failed",
  "not-formatted",
  // Shape rules of weights: the language makes each of the shape its operation needs.
  "param-shape",
];

const doubling = (first: string) =>
  `${first}\n${Array.from({ length: 60 }, (_, i) => `let a${i + 1} = a${i} -> a${i}\n`).join("")}`;
const chain = (count: number, first: string, next: (i: number) => string) =>
  `${first}\n${Array.from({ length: count }, (_, i) => next(i)).join("\n")}\n`;

export const diagnosticCases: Readonly<Partial<Record<Code, readonly DiagnosticCase[]>>> = {
  "file-too-large": [long(`${"# long\n".repeat(300_000)}net m { input 8x8x3 }`)],
  "nesting-too-deep": [
    long(around(`${"[ ".repeat(101)}relu${" ]".repeat(101)}`)),
    long(chain(120, "block b0 { relu }", (i) => `block b${i + 1} { b${i} }`) + around("b120")),
    long(chain(900, "let a0 = 1", (i) => `let a${i + 1} = a${i} + 1`) + around("conv(1x1, a900)")),
    long(
      chain(95, "block b0 { relu }", (i) => `block b${i + 1} { b${i}${" -> relu".repeat(490)} }`) +
        around("b95"),
    ),
  ],
  "row-too-long": [
    long(around(`relu\n  relu${" -> relu".repeat(501)}`)),
    long(around(`${"[ relu\n + tanh".repeat(90)}${" ]".repeat(90)}${" -> relu".repeat(430)}`)),
  ],
  "unknown-edition": [file("resnet 2\n\nnet [ nothing of this is read"), file("resnet 0\n")],
  "bad-number": [rows("conv(3X3, 4)"), rows("3x relu"), rows("conv(3x3, 64k)"), rows("conv(3x3, 10d)")],
  "bad-text": [file(`net m {\n  input image(8x8x3, labels = "cifar)\n  relu\n}\n`)],
  "bad-escape": [rows('let a = "c:\\dir"\n  relu')],
  "bad-character": [
    rows("let a = 'text'"),
    rows("relu 😀"),
    rows("relu \\2"),
    rows("conv(3x3, ?)"),
    file(`\`\`\`resnet\n${around("relu")}\`\`\`\n`),
  ],
  "bad-name": [rows("1st: relu"), rows("my-stem: relu"), rows("layer1.0: relu")],
  "unknown-operator": [
    rows("conv(3x3, 4) → relu"),
    rows("if true & false [ relu ]"),
    rows("conv(3x3, 64 // 2)"),
  ],
  "wrong-bracket": [rows("a: conv(3x3, 4]"), rows("a: [ relu )\n  b: tanh")],
  "merge-conflict": [file("<<<<<<< HEAD\nnet a { }\n=======\nnet b { }\n>>>>>>> main\n")],
  "other-language": [
    file('layer {\n  name: "conv1"\n}\n'),
    file("import torch\n"),
    file("name: resnet\nlayers: 18\n"),
  ],
  "unknown-word": [
    rows("const n = 3\n  relu x n"),
    file(`import basic from std\n${around("basic(4)")}`),
    rows("return in"),
  ],
  "stray-sign": [file("net m {\n  input = 8x8x3\n}\n"), rows("relu\n  expect params: 0")],
  "round-group": [rows("a: (\n    relu\n    tanh\n  )")],
  "body-brackets": [file("net m (\n  input 8x8x3\n)\n"), file(`block b [\n  relu\n]\n${around("b")}`)],
  "unknown-kind": [
    file(`block b(w: integer) { relu }\n${around("b(3)")}`),
    file(`block b(w: sometimes) { relu }\n`),
  ],
  "doubtful-size": [rows("conv(3*3, 4)"), rows("relu", "3x224x224")],
  "idle-step": [rows("avgpool(1)")],
  "unused-name": [rows("let n = 3\n  relu"), rows("let n =\n  relu")],
  "unclosed-bracket": [
    rows("a: conv(3x3, 4\n  b: relu"),
    rows("a: [ relu\n  b: tanh"),
    file("net a {\n  input 8x8x3\n  relu\n\nnet b {\n  input 8x8x3\n  relu\n}\n"),
  ],
  "stray-bracket": [rows("conv(3x3, 4)) -> relu"), rows("relu ]"), file(`${around("relu")}}\n`)],
  "joined-word": [rows("relu x3"), std("basic", "a: basic(4) + x3")],
  "missing-arrow": [rows("relu bn"), rows("conv 3x3"), rows("conv(3x3, 4) [ relu ]")],
  "missing-operand": [
    rows("a: -> relu"),
    rows("[ + relu ]"),
    rows("relu -> -> bn"),
    rows("relu x"),
    rows("a: [ relu / ]"),
  ],
  "stray-comma": [rows("relu x 3, /2"), rows("[3x3, 64]"), rows("relu, bn")],
  "missing-comma": [rows("conv(3x3 64)"), rows("conv(3x3, 64 groups = 2)")],
  "stray-assignment": [rows("a = relu")],
  "stride-word": [rows("maxpool(3x3) stride 2"), rows("conv(3x3, 4) by 3")],
  "repeat-word": [rows("relu repeat 3"), rows("relu times 3")],
  "capital-x": [rows("relu X 3")],
  "slash-comment": [rows("relu // twice")],
  "unfinished-row": [rows("a: relu ->\n  b: tanh"), rows("a: relu /\n  b: tanh")],
  "incomplete-row": [rows("a:"), rows("let a ="), file("net m = ")],
  "missing-brackets": [rows("if true relu"), rows("if true [ relu ] else bn")],
  "square-arguments": [rows("conv[3x3, 4]")],
  "reserved-label": [rows("input: relu"), rows("x: relu"), rows("names: relu")],
  "missing-name": [
    file("block (w) { relu }\n"),
    file("net { relu }\n"),
    file("net m {\n  input 8x8x3\n  input 8x8x3\n  relu\n}\n"),
  ],
  "missing-part": [
    rows("expect"),
    rows("let = 3"),
    rows("output"),
    rows("default"),
    file("use\nuse basic\n"),
  ],
  "row-outside": [file("conv1: conv(3x3, 64)\n"), file("relu -> bn\n")],
  "misplaced-row": [
    file(`block b {\n  input 8x8x3\n  relu\n  output a\n  expect params 3\n}\n${around("b")}`),
    rows("[ relu\n    default bn(eps = 1e-3)\n  ]"),
  ],
  "nested-declaration": [
    rows("[ block b { relu } ]"),
    rows("relu; net n { relu }"),
    file("net m { net n { relu } }\n"),
  ],
  "empty-parentheses": [rows("relu -> ()"), rows("let a = 3 * ()\n  relu")],
  "unexpected-token": [
    file(`${around("relu")}resnet 1\n`),
    rows("relu -> bn : tanh"),
    file("block b(3) { relu }\n"),
    file("names t {\n  3 -> weight\n}\n"),
    rows("relu else bn"),
  ],
  "unknown-name": [
    rows("rely"),
    rows("a: rellu\n  b: tnh"),
    rows("basic(64)"),
    rows("botleneck(64)"),
    rows("something(64)"),
    file(`let f = in\n${around("f")}`),
  ],
  "used-before": [
    rows("a: relu -> b\n  b: tanh"),
    rows("let a = b\n  let b = 3\n  relu"),
    rows("let e = 1e-3\n  default bn(eps = e)\n  bn"),
  ],
  "unknown-part": [
    rows("a: relu\n  a.b -> tanh"),
    std("basic", "a: basic(4) x 2\n  a.2 -> relu"),
    rows("let a = 3 * in.chanels\n  relu"),
    rows("a: relu\n  output b"),
    rows("a: relu\n  expect b -> 8x8x3"),
    rows("relu.0 -> tanh"),
  ],
  "unknown-parameter": [
    rows("maxpool(3x3, strides = 2)"),
    std("basic", "basic(64, foo = 2)"),
    rows("relu(foo = 2)"),
    rows("let a = min(3, b = 4)\n  relu"),
    rows("default bn(epsilon = 1)\n  bn"),
    file("net a(n = 1) { input 8x8x3\n  relu }\nnet model = a(n = 2)\n", { settings: { n: "3" } }),
  ],
  "bad-pattern": [file(`names t {\n  scale -> "weight"\n  "{s}.{*}" -> "{t}.{*}"\n}\n${around("relu")}`)],
  "unknown-module": [file('use a from "./nowhere"\n'), file("use a from other\n")],
  "unknown-export": [
    file("use bottlneck from std\n"),
    file('use a from "./b"\n', { files: { "b.resnet": "block c { relu }\n" } }),
    file("use something from std\n"),
  ],
  "unknown-net": [file(around("relu"), { net: "n" }), file(around("relu"), { net: "something" })],
  "ambiguous-net": [file(`${around("relu")}net a = m\nnet b = m\n`)],
  "no-net": [file("block b { relu }\n")],
  "unknown-setting": [file("net m(n = 3) { input 8x8x3\n  relu }\n", { settings: { m: "3" } })],
  "unknown-labels": [
    rows("relu", 'image(8x8x3, labels = "cifar")'),
    rows("relu", 'image(8x8x3, labels = "mine")'),
  ],
  "unknown-metric": [
    rows("relu\n  expect parms 0"),
    rows("a: relu\n  expect a 8x8x3"),
    rows("a: relu\n  expect a.depth 0"),
    rows("a: relu\n  expect b.params 0"),
  ],
  "name-taken": [
    rows("relu: tanh"),
    rows("let conv = 3\n  relu"),
    file(`block relu { tanh }\n${around("tanh")}`),
    file("block b(bn) { relu }\n"),
    std("basic", "basic: relu"),
  ],
  "duplicate-name": [
    rows("a: relu\n  a: tanh"),
    rows("let a = 3\n  a: tanh"),
    file("block b(a, a) { relu }\n"),
    file(`block b { relu }\nblock b { tanh }\n${around("b")}`),
    rows("conv(3x3, 4, kernel = 5x5)"),
    rows("conv(3x3, channels = 4, channels = 4)"),
    file("use basic, basic from std\n"),
  ],
  "cyclic-definition": [
    file(`block a { b }\nblock b { a }\n${around("a")}`),
    file("net a = b\nnet b = a\n", { net: "a" }),
    file(`let a = b\nlet b = 2 * c\nlet c = a\n${around("conv(1x1, a)")}`),
    file('use b from "./b"\n', { files: { "b.resnet": 'use c from "./model"\nblock b { relu }\n' } }),
  ],
  "kind-mismatch": [
    rows("a: relu x 3 - 1"),
    rows("relu -> 3"),
    rows("relu -> 3x3"),
    rows("3 x relu"),
    rows("relu + 3"),
    rows("relu /2x2"),
    rows("conv(3x3, relu)"),
    rows("conv(relu, 3)"),
    rows("3x3(64)"),
    rows("if 3 [ relu ]"),
    rows("let a = not 3\n  relu"),
    rows("let a = (1, relu)\n  relu"),
    rows("relu\n  expect params 3x3"),
    rows("relu\n  expect output -> true"),
    file(`block b { relu }\nnet m = b\n`),
    rows("maxpool(3x3, pad = true)"),
  ],
  "missing-argument": [rows("conv(3x3)"), std("bottleneck", "bottleneck"), rows("let a = min()\n  relu")],
  "extra-argument": [
    rows("relu(3)"),
    rows("upsample(2, 3)"),
    std("identity", "let i = identity(3)\n  i(1, 2)"),
  ],
  "argument-order": [rows("conv(kernel = 3x3, 4)")],
  "not-whole": [rows("conv(3x3, 64 / 3)"), rows("relu x 1.5"), rows("maxpool(3x3) /1.5")],
  "out-of-range": [
    rows("relu x 0"),
    rows("maxpool(3x3) /0"),
    rows("maxpool(3x3) /(-2)"),
    rows("conv(3x3, 4, groups = 0)"),
    rows("conv(3x3, 0)"),
    rows("conv(0x3, 4)"),
    rows("conv(0, 4)"),
    rows("conv(3x3x3, 4)"),
    rows("conv(1x1, 3 / 0)"),
    rows("conv(1x1, 99_999_999_999)"),
    rows("conv(3x3, 4, pad = -1)"),
    rows("relu", "image(8x8x3, mean = (1, 2))"),
    rows("relu", 'image(8x8x3, order = "grb")'),
    rows("relu", "0x8x3"),
    rows("lrn(4)"),
  ],
  "no-stride": [
    rows("relu /2"),
    rows("[ relu -> bn ] /2"),
    rows("(relu + bn) /2"),
    file(`block b { relu }\n${around("b /2")}`),
    rows("a: relu\n  a /2"),
  ],
  "unlabelled-repetition": [rows("[ relu ] x 3")],
  "bad-index": [rows("relu as i"), rows("relu x 3 as 2"), rows("conv(3x3, 4) x 3 /2 as i")],
  "bad-sharing": [
    rows("a: conv(3x3, 4)\n  conv(3x3, 4) @ a"),
    rows("a: conv(3x3, 4)\n  b: [ conv(3x3, 4) @ a ]"),
    rows("a: conv(3x3, 4)\n  b: conv(3x3, 4) -> bn @ a"),
    rows("a: conv(3x3, 4)\n  b: conv(5x5, 4) @ a"),
    rows("a: conv(3x3, 4, bias = false)\n  b: conv(3x3, 4, bias = true) @ a"),
    rows("a: conv(3x3, 4) @ in"),
    rows("a: conv(3x3, 4)\n  b: conv(3x3, 4) @ conv(3x3, 4)"),
  ],
  "bad-slice": [rows("conv(3x3, 8) -> slice(6, 4)"), rows("conv(3x3, 8) -> slice(8)")],
  "bad-reflection": [rows("maxpool(8x8, pad = 0) -> blurpool"), rows("blurpool(25)")],
  "bad-default": [rows("default bn(1e-3)\n  bn"), rows("default bn\n  bn"), rows("default 3\n  bn")],
  "window-too-large": [
    rows("conv(9x9, 4, pad = 0)"),
    std("cbr", "a: cbr(3x3, 4) x 2\n  cbr(3x3, 4) -> maxpool(9x9, pad = 0)"),
    rows("avgpool(3x3, pad = 0)", "2x8x3"),
  ],
  "groups-mismatch": [
    rows("conv(3x3, 4, groups = 2)"),
    rows("conv(3x3, 4, groups = 3)"),
    rows("conv(1x1, 48) -> gn"),
  ],
  "shape-mismatch": [
    rows("in + conv(1x1, 4)"),
    rows("in + maxpool(2x2) /2"),
    rows("in | maxpool(2x2) /2"),
    rows("in * conv(1x1, 4)"),
    std("basic, identity", "a: conv(3x3, 8)\n  b: basic(16, shortcut = identity) x 3 /2"),
    file(`block twice(w) {\n  [ conv(3x3, w) ] + in\n}\n${around("a: twice(3)\n  b: twice(8)")}`),
  ],
  "bad-extension": [rows("extend(2)"), rows("extend(height = 4)")],
  "tensor-too-large": [
    rows("relu", "100000x100000x3"),
    rows("dense(1_000_000_000)"),
    rows("upsample(100_000)"),
  ],
  "net-too-large": [
    rows("relu x 1000000000"),
    rows("a: in x 1000000000"),
    { text: `${doubling("let a0 = relu -> relu")}${around("a60")}`, isLong: true },
    long(chain(60, "block a0 { relu }", (i) => `block a${i + 1} { a${i} -> a${i} }`) + around("a60")),
  ],
  "missing-input": [
    file("net m {\n  relu\n}\n"),
    file("net m {\n  conv1: relu\n  input 8x8x3\n}\n"),
    file("net m { }\n"),
  ],
  "bad-input": [rows("relu", "8x8"), rows("relu", "3"), rows("relu", "image")],
  "unused-row": [rows("a: relu\n  b: tanh\n  c: in -> bn"), rows("a: relu\n  b: a -> bn\n  output a")],
  "expectation-failed": [
    rows("relu\n  expect params 25_557_032\n  expect output -> 8x8x4\n  expect depth >= 2"),
    rows("conv(3x3, 4)\n  expect macs 11.5G\n  expect params 1.1K\n  expect output -> 4"),
    file("net m(w = 4) { input 8x8x3\n  conv(3x3, w)\n  expect output -> 8x8x4 }\n", {
      settings: { w: "5" },
    }),
    file(
      "net base(w = 4) { input 8x8x3\n  conv(3x3, w)\n  expect output -> 8x8x4 }\nnet model = base(w = 5)\n",
    ),
  ],
};

/** Texts with more than one thing wrong, or with letters that are hard to count. */
export const mixedCases: Readonly<Record<string, DiagnosticCase>> = {
  "two rows": rows("a: conv(3x3 4)\n  b: relu x3\n  c: tanh"),
  "syntax silences what follows": rows("a: rellu\n  b: conv(3x3 4)\n  c: thing"),
  "two broken declarations": file(
    "block a { relu bn }\n\nblock b { relu }\n\nnet m { input 8x8x3\n  b b }\n",
  ),
  "byte-order mark, CRLF, tabs": file("\uFEFFresnet 1\r\nnet m {\r\n\tinput 8x8x3\r\n\t\trellu\r\n}\r\n"),
  "astral characters": rows('let a = "😀😀"; let b = rellu\n  # 😀 家\n  let c = "家家"; rellu'),
  "a long row": rows(`a: relu${" -> tanh".repeat(12)} -> rellu${" -> tanh".repeat(12)}`),
  "names of any length": rows(`${"very".repeat(100)}long`),
  "a wide place": rows(`let a = "${"wide ".repeat(40)}" + 3\n  relu`),
  "every bracket open": file("net m {\n  input 8x8x3\n  a: [ conv(3x3, (4\n"),
  "the end of the file": file("net m {\n  input 8x8x3\n  relu ->"),
};
