/**
 * What the language means: how arguments are filled, what the operators build, which net of a file is built, and
 * that every block of std does what it says. Names of weights, the window rule and speed have files of their own.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { renderDiagnostic } from "../src/base/render-diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { type Graph, isOp, type Node } from "../src/ir/graph.ts";
import { interpret, paramValue } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import type { ParamAttrs } from "../src/ir/ops/param.ts";
import { printGraph } from "../src/ir/print.ts";
import { countGraph, countUnder, depthOf } from "../src/ir/stats.ts";
import { builtins, functions, imageParameters } from "../src/lower/builtins.ts";
import { standardLibrary } from "../src/lower/modules.ts";
import type { Value } from "../src/lower/values.ts";
import { format } from "../src/parser/format.ts";
import { stdText } from "../src/std/std.generated.ts";
import { exportWeights } from "../src/weights/export.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { analyseText, around, codesOf, netOf, nodeOf, problemsOf, shapeOf } from "./support/compiled.ts";
import { fastestMs } from "./support/cpu-time.ts";
import { root } from "./support/nets.ts";
import { randomTensor } from "./support/random.ts";
import { stdNets } from "./support/std-nets.ts";

/** What a step of a text's net is: its attributes. */
const attrsOf = (text: string, name: string, options = {}) =>
  nodeOf(netOf(text, options), name).attrs as Readonly<Record<string, unknown>>;
/** The operations of a net that compute, by name. */
const opsOf = (text: string): readonly string[] =>
  netOf(text)
    .graph.nodes.filter((node) => !isOp(node, ops.param) && !isOp(node, ops.input))
    .map(({ op }) => op.name);

// ---- std ----------------------------------------------------------------------------------------------

test("std says nothing and is in canonical format", () => {
  const source = makeSource("std.resnet", stdText);
  assert.equal(analyse(source, { net: "*" }).diagnostics, []);
  assert.is(format(source).text, stdText);
});

test("every block of std makes what it says", () => {
  const { exports, scope } = standardLibrary();
  const blocks = [...exports].filter((name) => {
    const entry = scope.get(name);
    return entry?.kind === "value" && entry.value.kind === "block";
  });
  const used = new Set(stdNets.flatMap(({ use }) => use));
  assert.equal(
    blocks.filter((name) => !used.has(name)),
    [],
  );
  for (const { use, rows, input, shape, params } of stdNets) {
    const net = netOf(`use ${use.join(", ")} from std\n${around(rows, input)}`);
    assert.is(net.graph.outputs[0].node.type.shape.slice(1).join("x"), shape, rows);
    assert.is(countGraph(net.graph).params, params, rows);
  }
});

test("norm and activation of std's blocks are paths, and shortcuts have the norm of their block", () => {
  const use = "use basic, bottleneck, preact_bottleneck, project, always, avg_project, pad from std\n";
  const used = (rows: string) => {
    const names = netOf(use + around(rows, "8x8x8")).graph.nodes.map(({ op }) => op.name);
    return ["batchNorm", "groupNorm", "activation"].map((name) => names.filter((n) => n === name).length);
  };
  for (const shortcut of ["project", "always", "avg_project"]) {
    const stage = `a: bottleneck(8, shortcut = ${shortcut}) x 2 /2`;
    const projections = shortcut === "always" ? 2 : 1;
    assert.equal(used(stage), [6 + projections, 0, 6], shortcut);
    assert.equal(used(`default bottleneck(norm = gn(4))\n ${stage}`), [0, 6 + projections, 6], shortcut);
  }
  assert.equal(used("default basic(norm = gn(4), shortcut = project)\n a: basic(16) /2"), [0, 3, 2]);
  // What the call says of a shortcut is stronger than what the block hands on.
  assert.equal(used("a: basic(16, norm = gn(4), shortcut = project(norm = bn)) /2"), [1, 2, 2]);
  assert.equal(used("a: basic(16, norm = gn(4), shortcut = pad) /2"), [0, 2, 2]);
  assert.equal(used("a: basic(16, act = none) /2"), [3, 0, 0]);
  // In front of a convolution, and none behind the projection.
  assert.equal(used("a: preact_bottleneck(8, norm = gn(4)) x 2 /2"), [0, 6, 6]);
  const { graph } = netOf(use + around("a: basic(16, act = swish) /2", "8x8x8"));
  const swish = graph.nodes.flatMap((node) => (isOp(node, ops.activation) ? [node.attrs.fn] : []));
  assert.equal(swish, ["swish", "swish"]);
});

test("pictures carry how they are prepared", () => {
  const preprocess = (row: string) =>
    attrsOf(`use imagenet, caffe from std\n${around("relu", row)}`, "input");
  assert.equal(preprocess("imagenet(224x224x3)"), {
    shape: [1, 224, 224, 3],
    preprocess: {
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
      range: 1,
      order: "rgb",
      resize: 256,
      labels: "imagenet-1k",
    },
  });
  assert.equal((preprocess("caffe(224x224x3)").preprocess as { order: string }).order, "bgr");
  // Settings may follow, and a net without a picture has no preprocessing.
  const small = preprocess("imagenet(64x64x3, resize = 72)").preprocess;
  assert.equal((small as { resize: number }).resize, 72);
  const grey = preprocess("image(8x8x2, mean = 0.5, std = (1, 2))").preprocess as Record<string, unknown>;
  assert.equal(
    [grey.mean, grey.std],
    [
      [0.5, 0.5],
      [1, 2],
    ],
  );
  assert.equal(preprocess("5x5x7"), { shape: [1, 5, 5, 7] });
});

// ---- copies and shared weights ------------------------------------------------------------------------

test("copies know their number, which is known in them only", () => {
  const channels = (rows: string) =>
    netOf(around(rows)).graph.nodes.flatMap((node) => (isOp(node, ops.conv2d) ? [node.attrs.channels] : []));
  assert.equal(channels("a: conv(3x3, 4 + i) x 3 as i"), [4, 5, 6]);
  assert.equal(channels("a: conv(3x3, 4 + i) x 3 as i /2\n b: conv(3x3, 8 - i) x 2 as i"), [4, 5, 6, 8, 7]);
  assert.equal(
    channels("a: [ b: conv(3x3, 1 + i) -> [ c: conv(1x1, 1 + 10 * i + j) x 2 as j ] ] x 2 as i"),
    [1, 1, 2, 2, 11, 12],
  );
  // A path that is handed on remembers the copy it was written in.
  const handed = "block twice(path: path) { path -> path }";
  const net = netOf(`${handed}\n${around("a: twice([ conv(3x3, 1 + i) ]) x 2 as i")}`);
  const made = net.graph.nodes.flatMap((node) => (isOp(node, ops.conv2d) ? [node.attrs.channels] : []));
  assert.equal(made, [1, 1, 2, 2]);
  // What a copy names stays what it is called without the number.
  const names = netOf(
    around("a: conv(3x3, 4 + i) x 2 as i\n b: a.0 -> conv(1x1, a.0.channels)\n output a, b"),
  ).graph.nodes;
  assert.ok(names.some(({ name }) => name === "a.1.weight"));
  assert.equal(codesOf(around("a: conv(3x3, 4 + i) x 2 as i\n b: conv(3x3, 4 + i)")), ["unknown-name"]);
  assert.equal(codesOf(around("i: relu\n a: conv(3x3, 4) x 2 as i")), ["duplicate-name"]);
  assert.equal(codesOf(around("a: [ b: conv(3x3, 1 + i) x 2 as i ] x 2 as i")), ["duplicate-name"]);
  assert.equal(codesOf(around("a: conv(3x3, 4) x 2 as relu")), ["name-taken"]);
});

test("a row takes the weights of another, and computes what that one would", () => {
  const text = `block head { conv(3x3, 4, bias = true) -> bn -> relu -> conv(1x1, 2) }
net n {
  input 8x8x4
  small: in -> maxpool(2x2) /2
  h1: in -> head
  h2: small -> head @ h1
  h3: in -> head @ h2
  output h1, h2, h3
}`;
  const { graph } = netOf(text);
  const params = graph.nodes.filter((node) => isOp(node, ops.param));
  assert.equal(params.length, 3 + 4, "two kernels, a bias, four vectors of the norm");
  assert.ok(params.every(({ name }) => name.startsWith("h1.")));
  const weights = heWeights(graph, 1);
  const input = randomTensor(1, [1, 8, 8, 4], -1, 1);
  const { h1, h2, h3 } = interpret(graph, { input }, weights);
  assert.equal(h3.data, h1.data);
  assert.equal(h2.shape, [1, 4, 4, 2]);
  // Each row counts its own multiply-adds; the weights are those of the first.
  assert.is(countUnder(graph, "h2")?.params, 0);
  assert.is(countUnder(graph, "h2")?.macs, 4 * 4 * (9 * 4 * 4 + 4 * 2));
  // Copies and rows of blocks can lend too.
  const lent = netOf(
    around("a: conv(3x3, 4, bias = true) x 2\n b: conv(3x3, 4, bias = true) @ a.1", "8x8x4"),
  );
  assert.equal(
    lent.graph.nodes.filter((node) => isOp(node, ops.param)).map(({ name }) => name),
    ["a.0.weight", "a.0.bias", "a.1.weight", "a.1.bias"],
  );
});

test("the parts of channels: slice, softmax among them, and sizes from other maps", () => {
  assert.is(shapeOf(around("conv(3x3, 8) -> slice(2, 3)")), "8x8x3");
  assert.is(shapeOf(around("conv(3x3, 8) -> slice(2)")), "8x8x6");
  assert.is(shapeOf(around("a: maxpool(3x3) /2\n avgpool -> resize(a.height x a.width)", "9x7x3")), "5x4x3");
  assert.is(attrsOf(around('n: resize(5x6, method = "nearest")'), "n").method, "nearest");
  assert.is(shapeOf(around("resize(5)")), "5x5x3");
  assert.equal(codesOf(around('resize(5, method = "cubic")')), ["out-of-range"]);
  assert.equal(codesOf(around("softmax(parts = 2)")), ["groups-mismatch"]);
  assert.is(shapeOf(around("blurpool", "9x9x3")), "5x5x3");
  assert.is(shapeOf(around("blurpool(5) /1")), "8x8x3");
});

test("a blur pool's kernel is binomial, no parameter, and counts as a convolution", () => {
  const { graph } = netOf(around("n: blurpool", "8x8x2"));
  assert.equal(countGraph(graph).params, 0);
  assert.is(countGraph(graph).macs, 4 * 4 * 2 * 9);
  assert.is(depthOf(graph), 0, "it is no layer");
  const kernel = graph.nodes.find(({ name }) => name === "n.binomial")!;
  const { data } = paramValue(kernel as Node<ParamAttrs>, heWeights(graph, 0));
  const row = [1, 2, 1];
  assert.equal(
    [...data],
    row.flatMap((y) => row.flatMap((x) => [(x * y) / 16, (x * y) / 16])),
  );
});

test("to multiply by a number takes no weights", () => {
  const { graph } = netOf(around("n: times(0.25)", "2x2x3"));
  assert.equal(countGraph(graph), { params: 0, state: 0, macs: 0, timmMacs: 0, activations: 0 });
  const scale = graph.nodes.find(({ name }) => name === "n.scale")!;
  assert.equal([...paramValue(scale as Node<ParamAttrs>, heWeights(graph, 0)).data], [0.25, 0.25, 0.25]);
  assert.equal(codesOf(around("times")), ["missing-argument"]);
});

// ---- arguments ----------------------------------------------------------------------------------------

test("the call is stronger than the nearest default, that than farther ones, all than the declared", () => {
  const eps = (rows: string) =>
    attrsOf(`block b { bn }\nblock c {\n default bn(eps = 0.3)\n bn\n}\n${around(rows)}`, "n.bn").eps;
  const own = (rows: string) => attrsOf(around(rows), "n").eps;
  assert.is(own("n: bn"), 1e-5);
  assert.is(own("default bn(eps = 0.2)\n n: bn"), 0.2);
  assert.is(own("n: bn\n default bn(eps = 0.2)"), 0.2, "a default row may stand anywhere");
  assert.is(own("default bn(eps = 0.2)\n n: bn(eps = 0.4)"), 0.4);
  assert.is(own("default bn(eps = 0.2), bn(eps = 0.5)\n n: bn"), 0.5);
  assert.is(eps("n: b"), 1e-5);
  assert.is(eps("default bn(eps = 0.2)\n n: b"), 0.2, "it holds however deep");
  assert.is(eps("default bn(eps = 0.2)\n n: c"), 0.3, "the nearest wins");
  // One default sets one parameter and leaves the others to those farther out.
  const both = attrsOf(
    `block d {\n default bn(eps = 0.3)\n bn\n}\n${around("default bn(scale = false)\n n: d")}`,
    "n.bn",
  );
  assert.equal([both.eps, both.scale], [0.3, false]);
});

test("arguments without a name fill what is free, at each call", () => {
  const stride = (rows: string) => {
    const { stride, groups, channels } = attrsOf(`let c = conv(3x3, 4)\n${around(rows, "64x64x4")}`, "s");
    return [channels, stride, groups];
  };
  assert.equal(stride("s: conv(3x3, 4, 2, 4)"), [4, 2, 4]);
  assert.equal(stride("s: conv(3x3, channels = 8)"), [8, 1, 1]);
  assert.equal(stride("s: conv(channels = 8)(3x3, 2)"), [8, 2, 1]);
  assert.equal(stride("s: c(2)"), [4, 2, 1]);
  assert.equal(stride("s: c(channels = 8)"), [8, 1, 1], "a later name replaces what was given");
  assert.equal(stride("s: conv(3x3, 4, 4) /2"), [4, 2, 1], "and so does a stride");
  assert.equal(stride("s: c(2)(4)"), [4, 2, 4]);
  assert.equal(codesOf(around("conv(3x3, 8, kernel = 1x1)")), ["duplicate-name"]);
  assert.equal(codesOf(around("conv(3x3, channels = 8, channels = 9)")), ["duplicate-name"]);
  assert.equal(codesOf(around("conv(kernel = 3x3, 8)")), ["argument-order"]);
  assert.equal(codesOf(around("relu(1)")), ["extra-argument"]);
});

test("defaults of parameters see the parameters before them, and give the kind", () => {
  const text =
    "block b(w, out = 4 * w, k = 3x3, act = relu, end = out > 30) { conv(k, out) -> act\n if end [ bn ] }\n";
  assert.is(shapeOf(text + around("b(2)")), "8x8x8");
  assert.equal(opsOf(text + around("b(2, act = sigmoid)")), ["conv2d", "activation"]);
  assert.equal(opsOf(text + around("b(8)")), ["conv2d", "activation", "batchNorm"]);
  assert.is(shapeOf(text + around("b(2, k = 1)")), "8x8x8", "a number is a square size");
  for (const [argument, wanted] of [
    ["out = relu", "a whole number"],
    ["k = true", "a size such as 3x3"],
    ["act = 3", "a block or a path"],
    ["end = 1", "true or false"],
  ]) {
    const [problem] = problemsOf(text + around(`b(2, ${argument})`));
    assert.match(problem, new RegExp(`^kind-mismatch: .*must be ${wanted}`), argument);
  }
  assert.equal(problemsOf(`block b(w) { conv(3x3, w) }\n${around("b(1.5)")}`), [
    "not-whole: `w` of `b` must be whole, this is 1.5",
  ]);
  assert.equal(codesOf(`block b(a: number) { in }\n${around("b(1)")}`), ["unknown-kind"]);
  const annotated = "block b(k: size, r: float, p: path, t: text, f: bool, n: int) { conv(k, n) -> p }\n";
  assert.is(shapeOf(annotated + around('b(3x1, 0.5, relu, "a", true, 4)')), "8x8x4");
});

test("numbers are computed as written", () => {
  const value = (expr: string) => attrsOf(around(`let n = ${expr}\n c: conv(1x1, n)`), "c").channels;
  for (const [expr, wanted] of [
    ["2 + 3 * 4", 14],
    ["(2 + 3) * 4", 20],
    ["20 - 3 - 4", 13],
    ["64 / 4 / 2", 8],
    ["17 % 5 * 2", 4],
    ["-3 + 5", 2],
    ["- -3", 3],
    ["min(8, 3, 5) + max(1, 2)", 5],
    ["floor(7 / 2) + ceil(7 / 2) + round(2.6)", 10],
    ["1_0", 10],
    ["0.1 * 30", 3],
    ["1.5K", 1500],
    ["if 3 > 2 and not (1 == 2) [ 7 ] else [ 9 ]", 7],
    ["if 1 >= 2 or false [ 7 ] else if 2 <= 2 and 3 != 4 [ 5 ] else [ 9 ]", 5],
    ["if 3x3 == 3 x 3 [ 1 ] else [ 2 ]", 1],
  ] as const)
    assert.is(value(expr), wanted, expr);
  assert.is(shapeOf(around("let k = 3\n conv(k x k, 2, pad = 0)")), "6x6x2");
  assert.equal(codesOf(around("conv(1x1, 4 / 0)")), ["out-of-range"]);
  assert.equal(codesOf(around("conv(1x1, 4 % 0)")), ["out-of-range"]);
});

// ---- paths --------------------------------------------------------------------------------------------

test("a row continues from the row above, and a label starts elsewhere", () => {
  const text = around("a: conv(1x1, 4)\n b: conv(1x1, 5)\n a -> conv(1x1, 6) | b");
  assert.is(shapeOf(text), "8x8x11");
  assert.is(shapeOf(around("conv(1x1, 4)\n in -> conv(1x1, 5)")), "8x8x5");
  assert.equal(opsOf(around("relu -> bn -> tanh")), ["activation", "batchNorm", "activation"]);
});

test("`none` is nothing, and what is added to nothing stays", () => {
  assert.equal(opsOf(around("relu + none")), ["activation"]);
  assert.equal(opsOf(around("none | relu | none")), ["activation"]);
  assert.equal(opsOf(around("relu -> none -> bn")), ["activation", "batchNorm"]);
  assert.equal(opsOf(around("relu\n none(64, stride = 2) /2 x 3")), ["activation"]);
  assert.equal(opsOf(`use basic from std\n${around("basic(3, shortcut = none)")}`), [
    ...["conv2d", "batchNorm", "activation"],
    ...["conv2d", "batchNorm", "activation"],
  ]);
});

test("a chain of `|` is one concatenation, `+` and `*` take two", () => {
  const four = around("conv(1x1, 1) | conv(1x1, 2) | conv(1x1, 3) | conv(1x1, 4)");
  assert.is(opsOf(four).filter((name) => name === "concat").length, 1);
  assert.is(shapeOf(four), "8x8x10");
  const sums = opsOf(around("in + relu + tanh"));
  assert.is(sums.filter((name) => name === "add").length, 2);
  assert.equal(opsOf(around("in * [ avgpool -> sigmoid ]")), ["globalAveragePool", "activation", "mul"]);
  // Brackets make their own: a concatenation inside one stays.
  const nested = opsOf(around("in | [ in | relu ]"));
  assert.is(nested.filter((name) => name === "concat").length, 2);
});

test("`b x n /s` strides the first copy, `b /s x n` every copy, the last stride written holds", () => {
  const strides = (row: string) =>
    netOf(around(`a: ${row}`, "256x256x3"))
      .graph.nodes.filter((node) => isOp(node, ops.conv2d))
      .map((node) => (node.attrs as { stride: number }).stride);
  assert.equal(strides("conv(1x1, 4) x 3 /2"), [2, 1, 1]);
  assert.equal(strides("conv(1x1, 4) /2 x 3"), [2, 2, 2]);
  assert.equal(strides("conv(1x1, 4) /2 x 3 /4"), [4, 2, 2]);
  assert.equal(strides("conv(1x1, 4) /2 /4"), [4]);
  assert.equal(strides("conv(1x1, 4, stride = 8) x 2 /2"), [2, 8]);
  assert.equal(strides("(conv(1x1, 4) x 2) x 2 /4"), [4, 1, 1, 1]);
  assert.equal(strides("conv(1x1, 4) x (3 - 1) -> conv(1x1, 4) /2"), [1, 1, 2]);
});

test("a path of several steps refuses a stride and ignores arguments", () => {
  for (const path of ["[ relu -> bn ]", "(relu + bn)", "(conv(1x1, 2) -> bn)", "(in | relu)"]) {
    assert.equal(codesOf(around(`${path} /2`)), ["no-stride"], path);
    assert.equal(codesOf(around(`${path} /1`)), [], path);
  }
  assert.equal(codesOf(around("let p = conv(1x1, 3) -> bn\n p(64) + p /1")), []);
  assert.equal(codesOf(around("let p = conv(1x1, 3) -> bn\n p /2")), ["no-stride"]);
});

test("whether a path is there can be asked", () => {
  const made = (argument: string) =>
    shapeOf(
      `block b(path = none) { if path == none [ conv(1x1, 2) ] else [ path ] }\n${around(`b${argument}`)}`,
    );
  assert.is(made(""), "8x8x2");
  assert.is(made("(none)"), "8x8x2");
  assert.is(made("(conv(1x1, 5))"), "8x8x5");
  assert.is(made("([ conv(1x1, 6) ])"), "8x8x6");
  for (const condition of ["relu == bn", "relu != 3", "3 == relu"])
    assert.equal(codesOf(around(`if ${condition} [ relu ]`)), ["kind-mismatch"], condition);
});

test("blocks are values", () => {
  const text =
    "use basic, bottleneck, se from std\nlet thin = basic(4)\nlet gated = bottleneck(attend = se(2))\n";
  assert.is(shapeOf(text + around("thin x 2 /2")), "4x4x4");
  assert.is(shapeOf(text + around("gated(2)")), "8x8x8");
  // A `let` at the top of a file may hold rows, and is used as often as one likes.
  const rows = "let stem = [ c: conv(3x3, 8) -> bn\n relu\n c -> tanh ]\n";
  assert.equal(opsOf(rows + around("stem")), ["conv2d", "batchNorm", "activation"]);
  assert.is(shapeOf(rows + around("stem\n stem")), "8x8x8");
  // Labels inside an argument belong to the declaration that it is written in.
  const argument = around("a: basic(4, shortcut = [ p: conv(1x1, 4)\n relu\n p -> bn ])");
  assert.is(shapeOf(`use basic from std\n${argument}`), "8x8x4");
});

test("`extend` fills at the end, in the middle, or around", () => {
  const pads = (row: string) => attrsOf(around(`e: ${row}`, "4x6x3"), "e");
  const around0 = { top: 0, bottom: 0, left: 0, right: 0 };
  assert.equal(pads("extend(8)"), { pads: around0, before: 0, after: 5 });
  assert.equal(pads("extend(8, center = true)"), { pads: around0, before: 2, after: 3 });
  assert.equal(pads("extend(0, 7, 9)"), { pads: { ...around0, bottom: 3, right: 3 }, before: 0, after: 0 });
  assert.equal(pads("extend(height = 7, center = true)"), {
    pads: { ...around0, top: 1, bottom: 2 },
    before: 0,
    after: 0,
  });
  assert.equal(pads("extend(top = 1, left = 2, bottom = 3, right = 4)"), {
    pads: { top: 1, left: 2, bottom: 3, right: 4 },
    before: 0,
    after: 0,
  });
  assert.equal(pads("extend(height = 7, top = 1)").pads, { ...around0, top: 1, bottom: 2 });
  assert.equal(opsOf(around("extend(3)\n relu")), ["activation"], "nothing to do, nothing made");
  assert.equal(codesOf(around("extend(2)")), ["bad-extension"]);
  const centred = `use pad from std\n${around("p: pad(8, center = true) /2")}`;
  assert.equal(attrsOf(centred, "p.extend"), { pads: around0, before: 2, after: 3 });
});

test("`avgpool` counts padding as torch does unless told otherwise", () => {
  const pool = (row: string) => attrsOf(around(`p: ${row}`), "p").countPads;
  assert.is(pool("avgpool(3x3)"), true);
  assert.is(pool("avgpool(3x3, count_pad = false)"), false);
  assert.equal(opsOf(around("avgpool")), ["globalAveragePool"]);
});

test("several inputs and several outputs", () => {
  const net = netOf(`net m {
    input left: 8x8x3
    input right: 8x8x5
    a: conv(1x1, 4)
    b: right -> conv(1x1, 4)
    sum: a + b
    top: dense(2)
    output sum, top
    expect sum -> 8x8x4
    expect top -> 2
    expect output -> 8x8x4
    expect a.params 12
    expect b.params == 20
    expect depth <= 2
  }`);
  const inputs = net.graph.nodes.filter((node) => isOp(node, ops.input));
  assert.equal(
    inputs.map(({ name }) => name),
    ["left", "right"],
  );
  assert.equal(
    net.graph.outputs.map(({ name, node }) => [name, node.type.shape]),
    [
      ["sum", [1, 8, 8, 4]],
      ["top", [1, 1, 1, 2]],
    ],
  );
  assert.equal(
    netOf(around("dense(10)")).graph.outputs.map(({ name }) => name),
    ["logits"],
  );
  assert.is(netOf(around("relu"), { batch: 4 }).graph.outputs[0].node.type.shape[0], 4);
});

test("what reaches no output is not built", () => {
  const names = netOf(
    `use fpn from std
    net body { input 64x64x3
      c1: conv(3x3, 4) /2
      c2: conv(3x3, 8) /2
      fc: dense(10) }
    net m { input 64x64x3
      b: body
      output b.c1 }`,
    { net: "m" },
  ).graph.nodes.map(({ name }) => name);
  assert.equal(names, ["input", "b.c1.weight", "b.c1"]);
  assert.equal(codesOf(around("a: relu\n b: bn\n in -> tanh")), ["unused-row", "unused-row"]);
});

// ---- nets ---------------------------------------------------------------------------------------------

const family = `net base(n = 2, w = 4) { input 8x8x3
  a: conv(1x1, w) x n
  expect a.params 12 + 16 * (n - 1)
  expect depth n }
net two = base
net five = base(n = 5)
net wide(k = 2) = base(w = 4 * k)\n`;

test("a derived net inherits rows, and what it leaves open stays open", () => {
  const depth = (net: string, settings = {}) => {
    const { verdicts } = netOf(family, { net, settings });
    return verdicts.find(({ what }) => what === "depth")?.found;
  };
  assert.is(depth("two"), "2");
  assert.is(depth("five"), "5");
  assert.is(shapeOf(`${family}net more = five { extend(8) }`, { net: "more" }), "8x8x8");
  const set = (net: string, settings: Record<string, string>) => {
    const { nets, diagnostics } = analyseText(family, { net, settings });
    return [
      nets[0]?.graph.outputs[0].node.type.shape[3],
      ...diagnostics.map(({ code, severity }) => `${severity} ${code}`),
    ];
  };
  assert.equal(set("two", { n: "3" }), [4]);
  assert.equal(set("two", { w: "6" }), [6, "warning expectation-failed"]);
  assert.equal(set("five", { w: "6" }), [6, "warning expectation-failed"]);
  assert.equal(set("wide", { k: "3" })[0], 12);
  // A net that gives an argument has settled it: setting it again would be without effect.
  assert.equal(set("five", { n: "3" }), [undefined, "error unknown-parameter"]);
  assert.equal(set("two", { m: "3" }), [undefined, "error unknown-setting"]);
  // Labels of the net under it can be continued from.
  const tail = "net short { input 8x8x3\n a: conv(1x1, 4) }\nnet tail = short { b: conv(1x1, 9)\n a | b }\n";
  assert.is(shapeOf(tail, { net: "tail" }), "8x8x13");
});

test("paths in brackets that a derived net hands on run in it", () => {
  const text = `net base(stem = relu) {\n input 8x8x3\n stem\n conv(1x1, 2)\n}\n`;
  const derived = `net m = base(stem = [ conv(3x3, 5) -> in + in -> maxpool(2x2) /2 ])\n`;
  assert.is(shapeOf(`${text}${derived}`), "4x4x2");
  assert.is(shapeOf(`${text}${derived}net n = m { relu }\n`, { net: "n" }), "4x4x2");
});

test("settings are expressions, and an expectation that they break is a warning that names them", () => {
  const text = `use identity from std
    net m(k = 3x3, act = relu, n = 1, on = false) { input 8x8x3
      conv(k, n, pad = 0) -> act
      if on [ bn ]
      expect output -> 6x6x1 }`;
  const { nets, diagnostics } = analyseText(text, {
    settings: { k: "1x1", n: "2 * 3", act: "none", on: "true" },
  });
  assert.is(nets[0].graph.outputs[0].node.type.shape.join(), "1,8,8,6");
  assert.equal(
    diagnostics.map(({ code, severity, hint }) => [code, severity, hint]),
    [["expectation-failed", "warning", "the file's own net differs: --set k, n, act, on"]],
  );
  for (const [value, code] of [
    ["", "incomplete-row"],
    ["3 3", "missing-arrow"],
    ["foo", "unknown-name"],
    ["basic", "unknown-name"],
    ["0", "out-of-range"],
    ["(", "unclosed-bracket"],
  ]) {
    const found = codesOf(text, { settings: { n: value } });
    assert.is(found[0], code, `n=${value}: ${found}`);
  }
});

test("the default net: named like the file, the only one, or the one that nothing is made from", () => {
  const chosen = (text: string, name = "m.resnet") =>
    analyseText(text, { name }).nets.map((net) => net.name)[0] ?? codesOf(text, { name })[0];
  const net = (name: string, rows = "relu") => `net ${name} { input 8x8x3\n ${rows} }\n`;
  assert.is(chosen(net("a") + net("m")), "m");
  assert.is(chosen(net("a") + net("m"), "x/y\\m.resnet"), "m");
  assert.is(chosen(net("a")), "a");
  assert.is(chosen(`${net("a")}net b = a\n`), "b");
  assert.is(chosen(net("a") + net("b", "a")), "b");
  assert.is(chosen(`${net("a")}net b = a\nnet c = a\n`), "ambiguous-net");
  assert.is(chosen("block b { in }\n"), "no-net");
  assert.is(chosen(""), "no-net");
  const { diagnostics } = analyseText(`${net("a")}net b = a\nnet c = a\n`);
  assert.is(diagnostics[0].message, "this file has several nets: a, b, c");
  assert.is(analyseText(net("a"), { net: "b" }).diagnostics[0].code, "unknown-net");
  assert.is(analyseText(net("a") + net("b"), { net: "*" }).nets.length, 2);
});

// ---- files --------------------------------------------------------------------------------------------

test("files use one another by name, in any order, but not in a circle", () => {
  const files = {
    "parts.resnet": `use cbr from std\nblock two(w) { cbr(3x3, w) x 2 }\nlet wide = two(16)\nnet small { input 8x8x3\n two(4) }\nnames t { weight -> kernel }`,
  };
  const { module, diagnostics } = analyseText(
    `use t, two from "./parts"\nuse small, wide from "./parts"\n${around("two(2)\n wide\n small")}`,
    { files },
  );
  assert.equal(diagnostics, []);
  assert.equal([...(module?.tables.keys() ?? [])], ["t"]);
  assert.is(shapeOf(`use wide from "./parts"\n${around("wide")}`, { files }), "8x8x16");
  // What a file uses is its own business: it is not handed on.
  assert.equal(problemsOf(`use cbr from "./parts"\n${around("relu")}`, { files }), [
    'unknown-export: "./parts" has no `cbr`',
  ]);
  const circle = { "b.resnet": `use m from "./a"\nblock b { in }` };
  assert.equal(problemsOf(`use b from "./b"\n${around("b")}`, { name: "a.resnet", files: circle }), [
    "cyclic-definition: `a.resnet` is built from itself: a.resnet -> b.resnet -> a.resnet",
  ]);
  assert.equal(codesOf(`use b from "./nowhere"\n${around("b")}`), ["unknown-module"]);
  assert.equal(codesOf(`use b from other\n${around("b")}`), ["unknown-module"]);
  assert.equal(codesOf(`use basic, basic from std\n${around("relu")}`), ["duplicate-name"]);
  assert.equal(codesOf(`use basic from std\nblock basic { in }\n${around("relu")}`), ["duplicate-name"]);
  // An error in another file is blamed there, once, and on nothing that follows from it.
  const broken = { "c.resnet": "block c { conv(3x3 }" };
  const found = analyseText(`use c from "./c"\n${around("c\n c")}`, { files: broken }).diagnostics;
  assert.equal(
    found.map(({ code, span }) => `${span?.source.name} ${code}`),
    ["c.resnet unclosed-bracket"],
  );
});

test("rows that would do nothing where they stand are mistakes", () => {
  assert.equal(codesOf(`block b { input 8x8x3\n relu\n expect params 0\n output a }\n${around("b")}`), [
    ...["misplaced-row", "misplaced-row", "misplaced-row"],
  ]);
  assert.equal(codesOf(around("[ relu\n default bn(eps = 1e-3)\n expect params 0 ]")), [
    ...["misplaced-row", "misplaced-row"],
  ]);
  for (const row of ["default bn", "default bn(1)", "default 3", "default [ relu ]"])
    assert.equal(codesOf(around(`${row}\n relu`)), ["bad-default"], row);
});

test("a net of 1,000 rows takes less than a second, and so does its format", () => {
  const rows = Array.from(
    { length: 1000 },
    (_, i) => `  row${i}: conv(3x3, ${4 + (i % 5)}) -> bn -> relu # ${i}`,
  );
  const text = `net m {\n  input 8x8x3\n${rows.join("\n")}\n}\n`;
  const ms = fastestMs(7, () => {
    assert.is(netOf(text).graph.outputs.length, 1);
    assert.ok(format(makeSource("m", text)).text);
  });
  assert.ok(ms < 1000, `${ms.toFixed(0)} ms`);
});

test("a frozen norm counts as state, and is the same otherwise", () => {
  const net = (frozen: boolean) =>
    netOf(`net m { input 8x8x3; default bn(frozen = ${frozen}); c: conv(3x3, 4) -> bn -> relu }`);
  const [plain, frozen] = [net(false), net(true)].map(({ graph }) => graph);
  assert.equal(
    [plain, frozen].map((graph) => [countGraph(graph).params, countGraph(graph).state]),
    [
      [108 + 8, 8],
      [108, 16],
    ],
  );
  assert.match(printGraph(frozen, { params: true }), /%c\.bn\.scale = param frozen scale :/);
  const weights = heWeights(plain, 1);
  const input = { shape: [1, 8, 8, 3], data: Float64Array.from({ length: 192 }, (_, i) => Math.sin(i)) };
  assert.equal(interpret(frozen, { input }, weights), interpret(plain, { input }, weights));
  const exported = (graph: Graph) => [...exportWeights(graph, weights, undefined)].map(({ name }) => name);
  assert.equal(exported(frozen), exported(plain));
});

// ---- the reference ------------------------------------------------------------------------------------

const reference = readFileSync(path.join(root, "grammar/README.md"), "utf8");
const fences = [...reference.matchAll(/^```(\S+)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(
  ([, language, info, text]) => ({ language, info, text }),
);

test("every example of the reference compiles, or fails as it says", () => {
  assert.ok(fences.filter(({ language }) => language === "resnet").length >= 15);
  assert.ok(fences.filter(({ language }) => language === "resnet-error").length >= 5);
  // An example with a file's name is that file for those behind it.
  const files: Record<string, string> = {
    "resnet50.resnet": readFileSync(path.join(root, "examples/resnet50.resnet"), "utf8"),
  };
  for (const { language, info, text } of fences) {
    if (language === "resnet" && info) files[info] = text;
    assert.ok(["resnet", "resnet-error", "text"].includes(language), language);
    if (language === "text") continue;
    const { diagnostics } = analyseText(text, { net: "*", files });
    const codes = [...new Set(diagnostics.map(({ code }) => code))];
    assert.equal(
      codes,
      language === "resnet" ? [] : [info],
      `${text}\n${diagnostics.map((d) => renderDiagnostic(d))}`,
    );
    if (language === "resnet") assert.is(format(makeSource("m", text)).text, text, "not in canonical format");
  }
});

test("the reference lists every operation with its parameters and defaults", () => {
  const shown = (value: Value | undefined): string => {
    if (value?.kind === "number") return ` = ${value.value}`;
    if (value?.kind === "text") return ` = ${JSON.stringify(value.value)}`;
    return value?.kind === "bool" ? ` = ${value.value}` : "";
  };
  for (const { name, parameters, summary } of builtins.values()) {
    const list = parameters
      .map((parameter) => `${parameter.name}${shown(parameter.default)}${parameter.optional ? "?" : ""}`)
      .join(", ");
    const row = `| \`${name}\` | ${list ? `\`${list}\`` : ""} | ${summary.replaceAll("|", "\\|")} |`;
    assert.ok(reference.includes(row), `grammar/README.md lacks: ${row}`);
  }
  for (const { name } of imageParameters) assert.match(reference, new RegExp(`\`${name}\``));
  for (const name of functions.keys()) assert.match(reference, new RegExp(`\`${name}\``));
});

test.run();
