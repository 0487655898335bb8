/** `resnetc diff`: what changed between published networks is said in the field's words, and what did not is not. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { diffNets, signed } from "../src/diff/diff-nets.ts";
import { zooNet } from "../src/published/zoo.ts";
import { folder, oneLine, resnetc } from "./support/cli.ts";
import { netOf } from "./support/compiled.ts";
import { root } from "./support/nets.ts";
import { xmlProblem } from "./support/picture-checks.ts";

const example = (name: string) => path.join(root, "examples", `${name}.resnet`);
const zoo = (name: string) => path.join(root, "zoo", name);
const words = (before: string, after: string): readonly string[] => {
  const { code, out, err } = resnetc(["diff", before, after, "--json"]);
  assert.is(code, 0, err);
  return JSON.parse(out).words;
};

test("more blocks: how many, and what they cost", () => {
  assert.equal(words(example("resnet50"), example("resnet152")), [
    "conv3: 4 → 8 blocks, +1.12 M params, +873 M MACs",
    "conv4: 6 → 36 blocks, +33.5 M params, +6.55 G MACs",
  ]);
});

test("v1 and v1.5 are named, both ways; preprocessing is compared", () => {
  const found = words(zoo("caffe.resnet#resnet50"), example("resnet50"));
  assert.is(found[0], "ResNet v1 → v1.5: bottlenecks stride in the 3x3 instead of the first 1x1");
  assert.ok(found.includes("first blocks of conv3, conv4 and conv5: stride 2 moves from 1x1 to 3x3"));
  assert.ok(found.includes("input: order bgr → rgb"));
  const back = words(example("resnet50"), zoo("caffe.resnet#resnet50"));
  assert.is(back[0], "ResNet v1.5 → v1: bottlenecks stride in the first 1x1 instead of the 3x3");
});

test("plain nets, pre-activation and ResNet-D have their names too", () => {
  const plain = words(`${example("plain")}#plain34`, example("resnet34"));
  assert.is(plain[0], "a plain net → a residual one");
  assert.ok(plain.includes("first blocks of conv3, conv4 and conv5: shortcut none → projection (option B)"));
  // Parameters of the three projections and their norms.
  assert.ok(plain.includes("conv3: +8.45 k params, +6.42 M MACs"));
  assert.ok(
    words(example("cifar"), example("preact"))[0].startsWith("v1 → v2: norm and activation come before"),
  );
  const deep = words(zoo("timm.resnet#resnet50"), zoo("timm.resnet#resnet50d"));
  assert.ok(deep.some((line) => /^first blocks of .*average and projection \(ResNet-D\)$/.test(line)));
  assert.ok(deep.some((line) => line.startsWith("conv1: conv 7x7, 64 /2 bn relu → conv 3x3, 32 /2")));
});

test("layers: kernels, groups, norms and activations, each change once with its places", () => {
  const text = (norm: string, act: string, kernel = "3x3", width = 4) => `use basic from std
net n { input 8x8x3
  a: conv(3x3, 4) -> ${norm} -> ${act}
  b: basic(${width}, norm = ${norm}, act = ${act}) x 3
  c: conv(${kernel}, 8)
  pool: avgpool }`;
  const change = (before: string, after: string) => diffNets(netOf(before), netOf(after)).words;
  assert.equal(change(text("bn", "relu"), text("bn", "relu")), []);
  assert.equal(change(text("bn", "relu"), text("bn", "swish")), ["a; blocks of b: relu → swish"]);
  assert.equal(change(text("bn", "relu"), text("gn(2)", "relu")), ["a; blocks of b: bn → groupnorm"]);
  assert.equal(change(text("bn", "relu"), text("bn", "relu", "5x5")), [
    "c: +512 params, +32.8 k MACs",
    "c: conv 3x3, 8 → conv 5x5, 8",
  ]);
  const wider = change(text("bn", "relu"), text("bn", "relu", "3x3", 8));
  assert.ok(wider.includes("first block of b: shortcut identity → projection (option B)"));
  const stages = `net n { input 8x8x3; a: conv(3x3, 4); z: conv(3x3, 4); pool: avgpool }`;
  assert.equal(change(stages, stages.replace("z: conv(3x3, 4); ", "")), ["z is gone, -144 params"]);
  assert.equal(change(stages.replace("z: conv(3x3, 4); ", ""), stages), ["z is new: 8x8x4, +144 params"]);
  assert.equal(change(stages, stages.replace("8x8x3", "16x16x3"))[0], "input: 8x8x3 → 16x16x3");
});

test("all of a kind: every pair of torchvision's ResNets differs, each equals itself", () => {
  const names = ["resnet18", "resnet34", "resnet50", "resnext50_32x4d", "wide_resnet50_2"];
  const nets = names.map((name) => {
    const found = zooNet(`torchvision:${name}`);
    assert.ok(found, name);
    return found!;
  });
  for (const [i, a] of nets.entries()) {
    for (const [j, b] of nets.entries())
      assert.is(diffNets(a, b).words.length > 0, i !== j, `${names[i]} ${names[j]}`);
  }
});

test("a table that fits, a picture, an exit code", () => {
  const picture = path.join(folder, "both.svg");
  const args = ["diff", example("resnet18"), example("resnet34"), "--picture", picture, "--exit-code"];
  const { code, out } = resnetc(args);
  assert.is(code, 1);
  assert.match(out, /^resnet18 → resnet34$/m);
  assert.match(out, /^conv4 +2 → 6 +6,822,400 +\+4\.72 M +1,335,885,824 +\+925 M$/m);
  assert.match(out, /^total +21,797,672 +\+10\.1 M +3,663,761,408 +\+1\.85 G$/m);
  assert.ok(
    out.split("\n").every((line) => line.length <= 80 || line.includes(picture)),
    out,
  );
  assert.is(xmlProblem(readFileSync(picture, "utf8")), undefined);
  assert.match(
    resnetc(["diff", example("resnet18"), example("resnet18"), "--exit-code"]).out,
    /no difference/,
  );
  assert.is(resnetc(["diff", example("resnet18"), example("resnet18"), "--exit-code"]).code, 0);
  assert.match(oneLine(resnetc(["diff", example("resnet18"), "none.resnet"]).err), /there is no such file/);
});

test("numbers of three digits with their sign", () => {
  assert.equal([0, 999, -1000, 35_563_520, -1.5e9].map(signed), ["+0", "+999", "-1 k", "+35.6 M", "-1.5 G"]);
});

test.run();
