/** Names of weights: checkpoints and tables of names depend on them, so they are written out here. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { around, netOf, nodeOf, weightNames } from "./support/compiled.ts";
import { examplePath, openNet } from "./support/nets.ts";

/** The weights of rows on a small input; of a norm only the scale. */
const namesOf = (rows: string, before = ""): readonly string[] => weightNames(netOf(before + around(rows)));
const norm = (name: string) => ["mean", "var", "scale", "shift"].map((role) => `${name}.${role}`);

test("resnet18", () => {
  const stage = (s: number) =>
    [0, 1].flatMap((b) => [
      `conv${s}.${b}.conv1.weight`,
      ...norm(`conv${s}.${b}.norm1`),
      `conv${s}.${b}.conv2.weight`,
      ...norm(`conv${s}.${b}.norm2`),
      ...(s > 2 && b === 0 ? [`conv${s}.0.shortcut.conv.weight`, ...norm(`conv${s}.0.shortcut.norm`)] : []),
    ]);
  const wanted = [
    "conv1.conv.weight",
    ...norm("conv1.bn"),
    ...[2, 3, 4, 5].flatMap(stage),
    "fc.weight",
    "fc.bias",
  ];
  const names = weightNames(openNet(examplePath("resnet18.resnet")).net, { also: true });
  assert.is(names.length, 20 * 5 + 2);
  assert.equal([...names].sort(), [...wanted].sort());
});

test("a label on one step is its name, on several a scope", () => {
  assert.equal(namesOf("fc: dense(10)"), ["fc.weight", "fc.bias"]);
  assert.equal(namesOf("a: conv(1x1, 2) x 2"), ["a.0.weight", "a.1.weight"]);
  assert.equal(namesOf("a: conv(1x1, 2) /2 x 2 /1"), ["a.0.weight", "a.1.weight"]);
  assert.equal(namesOf("a: conv(1x1, 2) -> bn"), ["a.conv.weight", "a.bn.scale"]);
  assert.equal(namesOf("a: conv(1x1, 2) + conv(3x3, 2)"), ["a.conv1.weight", "a.conv2.weight"]);
  assert.equal(namesOf("a: in -> conv(1x1, 2)"), ["a.conv.weight"]);
  assert.equal(namesOf("a: [ conv(1x1, 2) ]"), ["a.conv.weight"]);
});

test("unlabelled steps are called what they are written as, numbered in the order of the text", () => {
  assert.equal(namesOf("conv(1x1, 2)"), ["conv.weight"]);
  assert.equal(namesOf("conv(1x1, 2) -> bn\n conv(1x1, 2) -> affine"), [
    "conv1.weight",
    "bn.scale",
    "conv2.weight",
    "affine.scale",
  ]);
  assert.equal(namesOf("[ conv(1x1, 2)\n conv(1x1, 2) ] | conv(1x1, 2)"), [
    "conv1.weight",
    "conv2.weight",
    "conv3.weight",
  ]);
  assert.equal(namesOf("conv(3x3)(channels = 2) -> conv(1x1)(channels = 2)"), [
    "conv1.weight",
    "conv2.weight",
  ]);
  // Within a label the numbers start again.
  assert.equal(namesOf("conv(1x1, 2)\n a: relu -> conv(1x1, 2)\n conv(1x1, 2)"), [
    "conv1.weight",
    "a.conv.weight",
    "conv2.weight",
  ]);
});

test("both branches of an `if` count, so names do not depend on parameters", () => {
  const block = `block b(w, wide = false) {
    if wide [ conv(3x3, w) -> bn ] else if w > 5 [ conv(5x5, w) ] else [ conv(1x1, w) ]
    conv(1x1, w)
  }\n`;
  assert.equal(namesOf("b(2)", block), ["b.conv3.weight", "b.conv4.weight"]);
  assert.equal(namesOf("b(9)", block), ["b.conv2.weight", "b.conv4.weight"]);
  assert.equal(namesOf("b(2, true)", block), ["b.conv1.weight", "b.bn.scale", "b.conv4.weight"]);
});

test("copies of a group", () => {
  assert.equal(namesOf("a: [ conv(1x1, 3) -> bn\n p: conv(1x1, 3)\n conv(1x1, 3) ] x 2"), [
    ...["a.0.conv1.weight", "a.0.bn.scale", "a.0.p.weight", "a.0.conv2.weight"],
    ...["a.1.conv1.weight", "a.1.bn.scale", "a.1.p.weight", "a.1.conv2.weight"],
  ]);
});

test("words that end in a digit, and names that a row has", () => {
  const block = "block b2(w) { conv(1x1, w) }\n";
  assert.equal(namesOf("b2(3)", block), ["b2.conv.weight"]);
  assert.equal(namesOf("b2(3) -> b2(3)", block), ["b2_1.conv.weight", "b2_2.conv.weight"]);
  assert.equal(namesOf("conv1: conv(1x1, 2)\n conv(1x1, 2) -> conv(1x1, 2)"), [
    "conv1.weight",
    "conv_1.weight",
    "conv_2.weight",
  ]);
});

test("what a `let` names is called after it", () => {
  const lets =
    "use basic from std\nlet thin = basic(4)\nlet f = conv(1x1, 3) -> bn\nlet g = [ f\n conv(1x1, 3) ]\n";
  assert.equal(namesOf("thin -> thin", lets), [
    ...["thin1.conv1.weight", "thin1.norm1.scale", "thin1.conv2.weight", "thin1.norm2.scale"],
    ...["thin1.shortcut.conv.weight", "thin1.shortcut.norm.scale"],
    ...["thin2.conv1.weight", "thin2.norm1.scale", "thin2.conv2.weight", "thin2.norm2.scale"],
  ]);
  assert.equal(namesOf("f", lets), ["f.conv.weight", "f.bn.scale"]);
  assert.equal(namesOf("a: f x 2", lets), [
    "a.0.conv.weight",
    "a.0.bn.scale",
    "a.1.conv.weight",
    "a.1.bn.scale",
  ]);
  assert.equal(namesOf("g -> f", lets), [
    "g.f.conv.weight",
    "g.f.bn.scale",
    "g.conv.weight",
    "f.conv.weight",
    "f.bn.scale",
  ]);
  // A path that is an argument is called after its parameter.
  assert.equal(namesOf("b: basic(4, shortcut = conv(1x1, 4) -> bn)", lets).slice(-2), [
    "b.shortcut.conv.weight",
    "b.shortcut.bn.scale",
  ]);
});

test("derived nets have the names of the net under them", () => {
  const text = "net base(w = 2) { input 8x8x3\n a: conv(1x1, w) }\nnet m = base(w = 4) { conv(1x1, 2) }\n";
  assert.equal(weightNames(netOf(text, { net: "m" })), ["a.weight", "conv.weight"]);
});

test("a net inside another is a scope, and its copies can be tapped", () => {
  const text = `use resnet152 from "./resnet152"
    net m { input 224x224x3
      body: resnet152
      output body.conv4.35, body.conv5
      expect body.conv4.35 -> 14x14x1024
      expect body.conv5 -> 7x7x2048 }`;
  const files = { "resnet152.resnet": openNet(examplePath("resnet152.resnet")).module.source.text };
  const net = netOf(text, { files });
  assert.equal(
    net.graph.outputs.map(({ name, node }) => `${name} ${node.name}`),
    ["body.conv4.35 body.conv4.35.act3", "body.conv5 body.conv5.2.act3"],
  );
  assert.is(nodeOf(net, "body.conv4.35.conv2.weight").type.shape.join("x"), "3x3x256x256");
  assert.is(nodeOf(net, "body.conv3.0.shortcut.norm.scale").type.shape.join("x"), "512");
});

test("weights of every role", () => {
  const rows = "a: affine\n b: prelu\n c: gn(1)\n d: conv(1x1, 2, bias = true)\n e: bn(scale = false)";
  assert.equal(weightNames(netOf(around(rows)), { also: true }), [
    ...["a.scale", "a.shift", "b.weight", "c.scale", "c.shift"],
    ...["d.weight", "d.bias", "e.mean", "e.var", "e.shift"],
  ]);
});

test.run();
