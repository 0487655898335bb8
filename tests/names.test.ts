/** Tables of names: the patterns, what is wrong with them, and the tables that the library and examples bring. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { isOp } from "../src/ir/graph.ts";
import { ops } from "../src/ir/ops/index.ts";
import { standardLibrary } from "../src/lower/modules.ts";
import { checkTable, type NamesLine, type NamesTable, translate } from "../src/weights/names.ts";
import { cpuMs } from "./support/cpu-time.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const table = (
  lines: readonly (readonly [string, string])[],
  leaves: Record<string, string> = {},
): NamesTable => ({
  name: "test",
  leaves: new Map(Object.entries(leaves)),
  lines: lines.map(([from, to]): NamesLine => ({ from, to })),
});
const problems = (from: string, to = ""): string => checkTable(table([[from, to]])).join("; ");

test("plain lines rename the last part, also where no text line matches", () => {
  const renamed = table([["a.{*}", "b.{*}"]], { scale: "weight", weight: "kernel" });
  assert.is(translate(renamed, "a.bn.scale"), "b.bn.weight");
  assert.is(translate(renamed, "x.scale.weight"), "x.scale.kernel");
  assert.is(translate(renamed, "weight"), "kernel");
  assert.is(translate(renamed, "x.shift"), "x.shift");
  assert.is(translate(table([], { constructor: "x" }), "a.toString"), "a.toString");
});

test("the first line that matches the whole name wins", () => {
  const lines = table([
    ["conv{s}.bn.{*}", "one{s}.{*}"],
    ["conv{s}.{*}", "two{s}.{*}"],
  ]);
  assert.is(translate(lines, "conv3.bn.scale"), "one3.scale");
  assert.is(translate(lines, "conv3.conv.weight"), "two3.conv.weight");
  assert.is(translate(lines, "xconv3.bn.scale"), "xconv3.bn.scale");
  assert.is(translate(lines, "conv.bn.scale"), "conv.bn.scale");
});

test("numbers, words, choices and the rest", () => {
  const keras = table([["conv{s}.{b}.{op}{k}.{*}", "conv{s}_block{b+1}_{k}_{op}/{*}"]]);
  assert.is(translate(keras, "conv4.35.conv2.kernel"), "conv4_block36_2_conv/kernel");
  assert.is(translate(keras, "conv4.35.0.kernel"), "conv4.35.0.kernel");
  const caffe = table([
    ["conv{s=2|5}.{b}.bn{k}.{p=mean|var}", "bn{s}{b:a}_branch2{k-1:a}/{p}"],
    ["conv{s}.{b}.bn{k}.{p=mean|var}", "bn{s}b{b}/{p}"],
  ]);
  assert.is(translate(caffe, "conv2.0.bn1.mean"), "bn2a_branch2a/mean");
  assert.is(translate(caffe, "conv5.2.bn3.var"), "bn5c_branch2c/var");
  assert.is(translate(caffe, "conv4.35.bn3.var"), "bn4b35/var");
  assert.is(translate(caffe, "conv2.0.bn1.scale"), "conv2.0.bn1.scale");
  const letters = table([["a{n}", "{n:a}"]]);
  assert.equal(
    [0, 25, 26, 701, 702].map((n) => translate(letters, `a${n}`)),
    ["a", "z", "aa", "zz", "aaa"],
  );
});

test("numbers may have two digits, as units of Big Transfer", () => {
  const features = table([["conv{s}.{b}.{*}", "features.{2s-3}.{2b:a}.{*}"]]);
  assert.is(translate(features, "conv2.0.weight"), "features.1.a.weight");
  assert.is(translate(features, "conv5.2.bias"), "features.7.e.bias");
  const units = table([["conv{s}.{b}", "block{s-1}/unit{b+1:2}"]]);
  assert.equal(
    ["conv2.0", "conv4.8", "conv4.9", "conv3.120"].map((name) => translate(units, name)),
    ["block1/unit01", "block3/unit09", "block3/unit10", "block2/unit121"],
  );
  assert.match(problems("a.{op}", "{op:2}"), /is a word, `\{op:2\}` needs a number/);
  assert.match(problems("a.{s}", "{s:0}"), /is no use of a variable/);
});

test("signs of regular expressions stand for themselves", () => {
  assert.is(translate(table([["a.b(c)+[d]^$|\\/", "x"]]), "a.b(c)+[d]^$|\\/"), "x");
  assert.is(translate(table([["a.b", "x"]]), "aXb"), "aXb");
  assert.is(translate(table([["a", "$1 $&"]]), "a"), "$1 $&");
});

test("what is wrong with a line is said, and the line matches nothing", () => {
  assert.is(problems("conv{s}.{b}.{*}", "layer{s-1}.{b}.{*}"), "");
  assert.match(problems("conv{s", "x"), /"conv\{s" has a brace that is not closed/);
  assert.match(problems("a", "x{s"), /"x\{s" has a brace that is not closed/);
  assert.match(problems("a}", "x"), /brace/);
  assert.match(problems("{}", "x"), /`\{\}` is no variable/);
  assert.match(problems("{s-1}", "x"), /`\{s-1\}` is no variable/);
  assert.match(problems("{s}.{s}", "x"), /`\{s\}` stands twice/);
  assert.match(problems("{op}{word}", "x"), /nothing stands between `\{word\}` and what is before it/);
  assert.match(problems("{a}{b}", "x"), /nothing stands between `\{b\}`/);
  assert.match(problems("a.{s}", "{b}"), /`\{b\}` does not stand on the left side/);
  assert.match(problems("a.{op}", "{op+1}"), /`\{op\}` is a word, `\{op\+1\}` needs a number/);
  assert.match(problems("a.{*}", "{*:a}"), /is a word/);
  assert.match(problems("a.{s}", "{s*2}"), /is no use of a variable/);
  assert.match(problems("{aa}.{bb}.{cc}.{dd}", "x"), /more than 3 words/);
  const broken = table([
    ["{op}{word}", "x"],
    ["a", "b"],
  ]);
  assert.is(translate(broken, "aa"), "aa");
  assert.is(translate(broken, "a"), "b");
});

test("12,000 names take no time", () => {
  const torchvision = standardLibrary().tables.get("torchvision")!;
  const names = Array.from({ length: 12_000 }, (_, i) => `conv${2 + (i % 4)}.${i}.conv2.weight`);
  const start = cpuMs();
  for (const name of names) translate(torchvision, name);
  const ms = cpuMs() - start;
  assert.ok(ms < 1000, `${ms} ms`);
});

// ---- the tables that come with resnetc --------------------------------------------------------------

/** The weights of a net in a file, with the tables that the file sees. */
function weightsOf(
  path: string,
  net?: string,
): { readonly names: string[]; readonly tables: ReadonlyMap<string, NamesTable> } {
  const { nets, module, diagnostics } = analyse(makeSource(path, readFileSync(path, "utf8")), { net });
  if (!nets[0]) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  const names = nets[0].graph.nodes.filter((node) => isOp(node, ops.param)).map(({ name }) => name);
  return { names, tables: new Map([...standardLibrary().tables, ...module!.tables]) };
}

const example = (file: string): string => fileURLToPath(new URL(`../examples/${file}`, import.meta.url));

const sorted = (names: Iterable<string>): string[] => [...names].sort();

test("every table of the library is well-formed", () => {
  for (const each of standardLibrary().tables.values()) assert.equal(checkTable(each), [], each.name);
});

if (requireShared("facts/state-dicts.json.gz")) {
  type Entry = readonly [name: string, shape: readonly number[], dtype?: string];
  const facts = JSON.parse(gunzipSync(readFileSync(sharedPath("facts/state-dicts.json.gz"))).toString());
  for (const net of ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]) {
    test(`table torchvision gives exactly torchvision's names for ${net}`, () => {
      const { names, tables } = weightsOf(example(`${net}.resnet`));
      const entries: Entry[] = facts.torchvision[net];
      const theirs = entries.map(([name]) => name).filter((name) => !name.endsWith("num_batches_tracked"));
      const ours = names.map((name) => translate(tables.get("torchvision")!, name));
      assert.equal(sorted(ours), sorted(theirs));
    });
  }
}

if (requireShared("facts/state-dicts.json.gz")) {
  type Entry = readonly [name: string, shape: readonly number[]];
  const facts = JSON.parse(gunzipSync(readFileSync(sharedPath("facts/state-dicts.json.gz"))).toString());
  test("table timm gives exactly timm's names for resnet50_gn, whose norms are a net's parameter", () => {
    const { names, tables } = weightsOf(example("norms.resnet"), "resnet50_gn");
    const entries: Entry[] = facts.timm.resnet50_gn;
    const ours = names.map((name) => translate(tables.get("timm")!, name));
    assert.equal(sorted(ours), sorted(entries.map(([name]) => name)));
  });
}

const variants = "language/samples/variants.resnet";
if (requireShared("facts/state-dicts.json.gz") && requireShared(variants)) {
  type Layer = readonly [
    name: string,
    type: string,
    weights: readonly (readonly [string, readonly number[]])[],
  ];
  const facts = JSON.parse(gunzipSync(readFileSync(sharedPath("facts/state-dicts.json.gz"))).toString());
  test("table keras gives exactly the names of Keras' ResNet50", () => {
    const { names, tables } = weightsOf(sharedPath(variants), "resnet50_keras");
    const layers: Layer[] = facts.keras.ResNet50;
    const theirs = layers.flatMap(([, , weights]) => weights.map(([name]) => name));
    assert.equal(sorted(names.map((name) => translate(tables.get("keras")!, name))), sorted(theirs));
  });
}

const caffe = "language/samples/resnet152_caffe.resnet";
if (requireShared(caffe)) {
  // The sample's own table is from before steps of std's blocks were called `norm`.
  test("table caffe101 gives the layer names of ResNet-152-deploy.prototxt", () => {
    const { names, tables } = weightsOf(sharedPath(caffe), "resnet152_caffe");
    const theirs = new Set(names.map((name) => translate(tables.get("caffe101")!, name)));
    assert.is(theirs.size, names.length);
    // 155 convolutions with as many batch norms and scales, and a classifier.
    const layers = [...new Set([...theirs].map((name) => name.replace(/\/.*/, "")))];
    assert.is(layers.length, 3 * 155 + 1);
    for (const name of [
      "conv1/weight",
      "bn_conv1/mean",
      "res2a_branch1/weight",
      "scale2a_branch1/shift",
      "res2c_branch2c/weight",
    ]) {
      assert.ok(theirs.has(name), name);
    }
    for (const name of [
      "res3a_branch1/weight",
      "res3b7_branch2a/weight",
      "bn4b35_branch2b/var",
      "res5c_branch2c/weight",
      "fc1000/bias",
    ]) {
      assert.ok(theirs.has(name), name);
    }
  });
}

test("table faceapi gives exactly the names of face-api's manifest", () => {
  const { names, tables } = weightsOf(example("dlib_face.resnet"));
  const faceapi = tables.get("faceapi")!;
  assert.equal(checkTable(faceapi), []);
  const manifest = fileURLToPath(
    new URL(
      "../node_modules/@vladmandic/face-api/model/face_recognition_model-weights_manifest.json",
      import.meta.url,
    ),
  );
  const groups: { weights: { name: string }[] }[] = JSON.parse(readFileSync(manifest, "utf8"));
  const theirs = groups.flatMap(({ weights }) => weights.map(({ name }) => name));
  assert.equal(sorted(names.map((name) => translate(faceapi, name))), sorted(theirs));
});

test.run();
