/** The views of a picture that a test averages: crops, mirror images, whole pictures at several sizes, several networks. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isOp } from "../src/ir/graph.ts";
import { interpret } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import { prepareView } from "../src/pictures/prepare.ts";
import { type Crops, viewsOf } from "../src/pictures/views.ts";
import { decodePicture } from "../src/run/picture.ts";
import { resnetc, write } from "./support/cli.ts";
import { examplePath, openNet } from "./support/nets.ts";
import { bind } from "./support/networks.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const views = suite("views");

const places = (width: number, height: number, shorter: number, crops: Crops) =>
  viewsOf({ width, height }, [1, 224, 224, 3], shorter, crops).map(
    ({ left, top, width, height, mirrored }) =>
      `${left},${top} ${width}x${height}${mirrored ? " mirrored" : ""}`,
  );

views(
  "five are torchvision's FiveCrop, ten its TenCrop: corners by rows, the middle, then all mirrored",
  () => {
    const five = ["0,0", "117,0", "0,32", "117,32", "58,16"].map((place) => `${place} 224x224`);
    assert.equal(places(600, 450, 256, "1"), [five[4]]);
    assert.equal(places(600, 450, 256, "5"), five);
    assert.equal(places(600, 450, 256, "10"), [...five, ...five.map((place) => `${place} mirrored`)]);
  },
);

views("the whole picture keeps its proportions", () => {
  assert.equal(places(600, 450, 480, "whole"), ["0,0 640x480"]);
  assert.equal(places(450, 600, 224, "whole"), ["0,0 224x298"]);
  assert.equal(places(600, 450, 0, "whole"), ["0,0 298x224"]);
});

views("where nothing can be cut off, corners are the middle", () => {
  assert.equal(new Set(places(100, 100, 224, "10")).size, 2);
  assert.equal(new Set(places(64, 64, 64, "5")), new Set(["-80,-80 224x224"]));
});

views("a mirrored view has the same pixels, right to left", () => {
  const rgb = Uint8Array.from({ length: 5 * 4 * 3 }, (_, i) => (i * 37) % 256);
  const picture = { width: 5, height: 4, data: rgb, channels: 3 as const };
  const preprocess = {
    mean: [0],
    std: [1],
    range: 255 as const,
    order: "rgb" as const,
    resize: 0,
    labels: "",
  };
  for (const [channels, order] of [
    [3, "rgb"],
    [3, "bgr"],
    [1, "rgb"],
  ] as const) {
    const how = { ...preprocess, order, mean: [0, 0, 0], std: [1, 1, 1] };
    const [view] = viewsOf(picture, [1, 4, 5, channels], 0, "1");
    const plain = prepareView(picture, view, channels, how);
    const turned = prepareView(picture, { ...view, mirrored: true }, channels, how);
    for (const [i, value] of turned.entries()) {
      const [row, column, c] = [Math.floor(i / channels / 5), Math.floor(i / channels) % 5, i % channels];
      assert.is(value, plain[(row * 5 + 4 - column) * channels + c]);
    }
  }
});

views.run();

const weightsOf = {
  resnet20: "models/cifar/resnet20-12fca82f.th",
  resnet56: "models/cifar/resnet56-4bfd9763.th",
};

if (requireShared(weightsOf.resnet20)) {
  const scores = suite("averaged scores");
  const photo = sharedPath("models/photos/chelsea_150.png");
  const picture = (await decodePicture(readFileSync(photo), photo, () => assert.unreachable()))!;

  /** The mean of the probabilities that the slow reference gives the views. */
  const expectedScores = (net: keyof typeof weightsOf, crops: Crops, scales: readonly number[]) => {
    const seen = scales.flatMap((shorter) => viewsOf(picture, [1, 32, 32, 3], shorter, crops));
    const each = seen.map((view) => {
      const size = `${view.height}x${view.width}x3`;
      const opened = openNet(examplePath("cifar.resnet"), { net, settings: { size } });
      const preprocess = opened.net.graph.nodes.flatMap((node) =>
        isOp(node, ops.input) ? [node.attrs.preprocess!] : [],
      );
      const data = prepareView(picture, view, 3, preprocess[0]);
      const weights = bind(opened.net, opened.module, sharedPath(weightsOf[net]));
      const { logits } = interpret(
        opened.net.graph,
        { input: { shape: [1, view.height, view.width, 3], data } },
        weights,
      );
      const powers = Array.from(logits.data, Math.exp);
      const sum = powers.reduce((a, b) => a + b, 0);
      return powers.map((power) => power / sum);
    });
    return each[0].map((_, k) => each.reduce((sum, one) => sum + one[k], 0) / each.length);
  };

  /** What the command line gives, by class. */
  const given = (file: string, ...args: readonly string[]) => {
    const { code, out, err } = resnetc(["run", file, "--json", "--top", "10", ...args, photo]);
    assert.is(code, 0, err);
    assert.not.match(err, /expectation/);
    const { top, views: count } = JSON.parse(out) as {
      top: { score: number; index: number }[];
      views: number;
    };
    return { count, scores: top.sort((a, b) => a.index - b.index).map(({ score }) => score) };
  };

  const assertScores = (found: readonly number[], expected: readonly number[]) => {
    assert.is(found.length, expected.length);
    for (const [i, score] of found.entries()) assert.ok(Math.abs(score - expected[i]) < 1e-5, `class ${i}`);
  };

  const th20 = ["--weights", sharedPath(weightsOf.resnet20)];
  const resnet20 = "examples/cifar.resnet#resnet20";

  scores("ten crops at two scales", () => {
    const { count, scores: found } = given(resnet20, ...th20, "--crops", "10", "--scales", "36,40");
    assert.is(count, 20);
    assertScores(found, expectedScores("resnet20", "10", [36, 40]));
  });

  scores("the whole picture at two scales, the net made for each size", () => {
    const { count, scores: found } = given(resnet20, ...th20, "--crops", "whole", "--scales", "32,48");
    assert.is(count, 2);
    assertScores(found, expectedScores("resnet20", "whole", [32, 48]));
  });

  scores("an ensemble in the language, a checkpoint for each member", () => {
    const weights = [
      "--weights",
      `a=${sharedPath(weightsOf.resnet20)}`,
      "--weights",
      `b=${sharedPath(weightsOf.resnet56)}`,
    ];
    const { scores: found } = given("examples/ensemble.resnet", ...weights);
    const members = (["resnet20", "resnet56"] as const).map((net) => expectedScores(net, "1", [0]));
    assertScores(
      found,
      members[0].map((score, k) => (score + members[1][k]) / 2),
    );
  });

  scores("what does not go together is told", () => {
    const fails = (pattern: RegExp, ...args: readonly string[]) => {
      const { code, err } = resnetc(["run", ...args, photo]);
      assert.is(code, 2, err);
      assert.match(err, pattern);
    };
    const [a, b] = [`a=${sharedPath(weightsOf.resnet20)}`, `b=${sharedPath(weightsOf.resnet56)}`];
    const ensemble = "examples/ensemble.resnet";
    fails(/b has weights too: --weights b=FILE/, ensemble, "--weights", a);
    fails(
      /nothing called c has weights; what has is a, b/,
      ensemble,
      "--weights",
      a,
      "--weights",
      b.replace("b=", "c="),
    );
    fails(
      /several --weights are of a part each: --weights a=\S+ --weights b=/,
      ensemble,
      "--weights",
      a,
      "--weights",
      b.slice(2),
    );
    fails(/no parameter `size`/, "examples/vgg.resnet#vgg11_bn", "--crops", "whole", "--scales", "256");
    fails(/--scales 32,x is not a list of sides/, resnet20, "--scales", "32,x");
    fails(/Choices: "1", "5", "10", "whole"/, resnet20, "--crops", "3");
  });

  scores("a folder runs at the size it was built for", () => {
    const out = path.join(path.dirname(write("x", "")), "built");
    assert.is(resnetc(["build", resnet20, ...th20, "-o", out]).code, 0);
    assertScores(given(out, "--crops", "5", "--scales", "36").scores, expectedScores("resnet20", "5", [36]));
    const { code, err } = resnetc(["run", out, "--crops", "whole", "--scales", "48", photo]);
    assert.is(code, 2);
    assert.match(err, /built for 32x32, not for 48x\d+: --crops whole runs a \.resnet file/);
  });

  scores("what a member's checkpoint has too much is told", () => {
    const [a, b] = ["a", "b"].map((label) => `${label}=${sharedPath(weightsOf.resnet56)}`);
    const { code, err } = resnetc(["run", "examples/ensemble.resnet", "--weights", a, "--weights", b, photo]);
    assert.is(code, 0);
    assert.match(err, /extra-weight: the checkpoint has 180 tensors/);
    assert.match(err, /^b: names: cifar/m);
    const strict = resnetc([
      "run",
      "examples/ensemble.resnet",
      "--strict",
      "--weights",
      a,
      "--weights",
      b,
      photo,
    ]);
    assert.is(strict.code, 1);
  });

  scores.run();
}
