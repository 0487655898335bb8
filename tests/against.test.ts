/** Published networks by name: their counts are the published ones, and `check --against` tells where a net differs. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { renderDiagnostic } from "../src/base/render-diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { compareWithPublished, openPublished, unknownPublished } from "../src/cli/against.ts";
import { type AnalysedNet, analyse } from "../src/compile.ts";
import { zooNames, zooNet } from "../src/published/zoo.ts";
import { examplePath, openNet } from "./support/nets.ts";

const netOf = (text: string): AnalysedNet => {
  const { nets, diagnostics } = analyse(makeSource("mine.resnet", text));
  assert.equal(diagnostics, []);
  return nets[0];
};

function published(name: string, like?: AnalysedNet): AnalysedNet {
  const found = openPublished(name, like);
  assert.ok(found, name);
  return found;
}

test("every network of the zoo that the catalogue has is found by its name", () => {
  // Of some the counts that timm published are not those of its code: these are in the zoo, and not in the catalogue.
  const names = zooNames();
  assert.ok(names.length > 450, `${names.length}`);
  for (const name of ["timm:seresnext26t_32x4d", "keras:ResNet50V2", "caffe:SE-ResNet-50", "paper:wrn-28-10"])
    assert.ok(names.includes(name), name);
  for (const name of names) {
    const net = zooNet(name)!;
    assert.is(compareWithPublished(net, published(name, net), name), undefined, name);
  }
});

test("what is not published is undefined", () => {
  assert.is(zooNet("torchvision:resnet52"), undefined);
  assert.is(openPublished("torchvision:resnet5O", undefined), undefined);
  const refused = unknownPublished("torchvision:resnet5O");
  assert.is(refused?.code, "unknown-published");
  assert.match(refused?.hint ?? "", "torchvision:resnet50");
});

test("the examples are what they say", () => {
  for (const [file, name] of [
    ["resnet18", "torchvision:resnet18"],
    ["resnet34", "timm:resnet34"],
    ["resnet50", "torchvision:resnet50"],
    ["resnet152", "torchvision:resnet152"],
  ]) {
    const { net } = openNet(examplePath(`${file}.resnet`), { net: file });
    assert.is(compareWithPublished(net, published(name, net), name), undefined, file);
  }
});

const five = `use bottleneck, imagenet from std

net mine {
  input imagenet(224x224x3)
  conv1: conv(7x7, 64) /2 -> bn -> relu
  pool1: maxpool(3x3) /2
  conv2: bottleneck(64) x 3
  conv3: bottleneck(128) x 4 /2
  conv4: bottleneck(256) x 5 /2
  conv5: bottleneck(512) x 3 /2
  pool5: avgpool
  fc: dense(1000)
}
`;

test("a missing block is told at its row, with what stands there", () => {
  const net = netOf(five);
  const problem = compareWithPublished(net, published("torchvision:resnet50", net), "torchvision:resnet50");
  assert.ok(problem);
  assert.is(
    renderDiagnostic(problem),
    `error differs-from-published: mine differs from torchvision:resnet50: 24,439,848
  params instead of 25,557,032 (-1,117,184)
  --> mine.resnet:9:10
9 |   conv4: bottleneck(256) x 5 /2
  |          ^^^^^^^^^^^^^^^^^^^^^^
  = \`conv4\`: 5,981,184 params instead of 7,098,368 (-1,117,184), 1.246 G
    multiply-adds instead of 1.464 G, 17,408 running statistics instead of
    20,480
  = hint: \`conv4\` of torchvision:resnet50 is \`bottleneck(256, 1024) x 6 /2\``,
  );
});

test("a stride elsewhere shows in the multiply-adds, a stage less is missing", () => {
  const early = netOf(five.replace("x 5", "x 6").replace("bottleneck(128)", "bottleneck(128, early = true)"));
  const moved = compareWithPublished(early, published("torchvision:resnet50", early), "torchvision:resnet50");
  assert.match(moved!.message, /multiply-adds instead of/);
  assert.is(moved!.notes?.length, 1);
  const short = netOf(five.replace(/ {2}conv5.*\n/, ""));
  const notes = compareWithPublished(short, published("torchvision:resnet50", short), "torchvision:resnet50")!
    .notes!;
  assert.ok(notes.some(({ message }) => message.startsWith("`conv5` is missing")));
});

test("pictures of other sizes are compared at their size", () => {
  const net = netOf(five.replace("x 5", "x 6").replace("224x224x3", "288x288x3"));
  assert.is(compareWithPublished(net, published("timm:resnet50", net), "timm:resnet50"), undefined);
});

test.run();
