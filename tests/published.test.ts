/** The catalogue of published networks: it is what its facts say, and tells counts that were not expected. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { catalogueModule } from "../scripts/generate-published.ts";
import { renderDiagnostic } from "../src/base/render-diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { compareWithCounts, unknownPublished } from "../src/cli/against.ts";
import { type AnalysedNet, analyse } from "../src/compile.ts";
import { publishedNetworks } from "../src/published/catalogue.ts";
import { nearestByStage, sameCounts } from "../src/published/compare.ts";
import { explainExpectations } from "../src/published/explain-expectation.ts";
import { pairStages } from "../src/published/stages.ts";
import { resnetc, write } from "./support/cli.ts";
import { examplePath, openNet, root } from "./support/nets.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const generated = path.join(root, "src/published/catalogue.generated.ts");

if (requireShared("facts/timm_models.csv")) {
  test("the catalogue is what the facts and the compiler make of them", () => {
    const lines = (text: string) => text.split("\n").map((line) => line.split("|"));
    const made = lines(catalogueModule(sharedPath("facts")));
    const written = lines(readFileSync(generated, "utf8"));
    assert.equal(
      written.map(([counts]) => counts),
      made.map(([counts]) => counts),
      "npm run published ../shared/facts",
    );
    // Where recognition has learned since, stages may be missing; none may differ.
    written.forEach(([counts, stages], i) => {
      if (stages !== undefined) assert.is(stages, made[i][1], counts);
    });
  });
}

test("it is small, and every line reads as it was written", () => {
  const text = readFileSync(generated, "utf8");
  assert.ok(text.length < 150_000, `${text.length} bytes`);
  const networks = publishedNetworks();
  assert.is(networks.size, text.trim().split("\n").length - 1);
  assert.ok(networks.size > 700, `${networks.size}`);
  let withStages = 0;
  for (const { name, params, macs, stages } of networks.values()) {
    assert.match(name, /^(timm|torchvision|keras|caffe|paper):\S+$/);
    assert.ok(Number.isInteger(params) && params > 0, name);
    for (const [size, count] of macs)
      assert.ok(/^\d+x\d+x\d+$/.test(size) && Number.isInteger(count) && count > 0, name);
    if (!stages) continue;
    withStages++;
    assert.is(
      stages.stages.reduce((sum, stage) => sum + stage.params, 0),
      params,
      name,
    );
    const known = macs.get(stages.size);
    if (known !== undefined)
      assert.is(
        stages.stages.reduce((sum, stage) => sum + stage.macs, 0),
        known,
        name,
      );
  }
  assert.ok(withStages >= 80, `${withStages}`);
});

test("what everybody knows of some", () => {
  const of = (name: string) => publishedNetworks().get(name)!;
  assert.is(of("torchvision:resnet50").params, 25_557_032);
  assert.is(of("torchvision:resnet50").macs.get("224x224x3"), 4_089_184_256);
  assert.is(of("keras:ResNet50").params, 25_583_592);
  assert.is(of("caffe:resnet50").params, 25_557_096);
  assert.is(of("timm:efficientnet_b0").params, 5_288_548);
  assert.is(of("timm:resnet50").stages?.stages[3].params, 7_098_368);
});

const five = (blocks: number, more: string, attend = "") => `use bottleneck, se, imagenet from std

net mine {
  input imagenet(224x224x3)
  conv1: conv(7x7, 64) /2 -> bn -> relu
  pool1: maxpool(3x3) /2
  conv2: bottleneck(64${attend}) x 3
  conv3: bottleneck(128${attend}) x 4 /2
  conv4: bottleneck(256${attend}) x ${blocks} /2
  conv5: bottleneck(512${attend}) x 3 /2
  pool5: avgpool
  fc: dense(1000)
  ${more}
}
`;

function told(text: string): string {
  const { diagnostics, nets } = analyse(makeSource("mine.resnet", text));
  return explainExpectations(diagnostics, nets)
    .map((one) => renderDiagnostic(one))
    .join("\n");
}

test("a count that was not expected is told by stage against the nearest network", () => {
  assert.is(
    told(five(5, "expect params 25_557_033")),
    `error expectation-failed: expected params 25_557_033, the net has 24_439_848
   --> mine.resnet:13:3
13 |   expect params 25_557_033
   |   ^^^^^^^^^^^^^^^^^^^^^^^^
   = torchvision:resnet50 has 25_557_032; \`conv1\`, \`conv2\`, \`conv3\`, \`conv5\` and
     \`fc\` are the same
   = \`conv4\` has 5_981_184, there 7_098_368 (-1_117_184), mine.resnet:9:10
 9 |   conv4: bottleneck(256) x 5 /2
   |          ----------------------
   = hint: that is 1_117_185 too few; \`resnetc info\` shows the counts row by row`,
  );
});

test("a count that is published is called by its networks", () => {
  assert.match(
    told(five(6, "expect params 25_557_033")),
    /= 25_557_032 is the count of torchvision:resnet50, timm:resnet50/,
  );
  const attended = told(five(6, "expect params 25_557_032", ", attend = se"));
  assert.match(attended, "28_088_024 is the count of timm:seresnet50");
  assert.match(attended, "torchvision:resnet50 has 25_557_032; `conv1` and `fc` are the same");
  assert.match(attended, "`conv5` has 16_544_128, there 14_964_736 (+1_579_392)");
});

test("where no stage is like one of the meant network, none is told", () => {
  const text = `net mine {\n input 224x224x3\n conv1: conv(3x3, 10)\n fc: dense(3)\n expect params 5_288_548\n}\n`;
  assert.match(
    told(text).replaceAll(/\s+/g, " "),
    "5_288_548 is the count of torchvision:efficientnet_b0, timm:efficientnet_b0, timm:tf_efficientnet_b0 and 3 more, none of whose stages is like one of the net",
  );
});

test("a count with statistics, flops, and timm's multiply-adds are recognised", () => {
  assert.match(
    told(five(6, "expect params 25_610_152")),
    "with the 53_120 running means and variances it would be that",
  );
  assert.match(told(five(6, "expect macs 8.2G")), "twice as many: flops count a multiply-add as two");
  assert.match(told(five(6, "expect macs 4_111_512_576")), "timm's count, with norms and global pools");
  assert.match(told(five(6, "expect macs 3G")), "4_089_184_256 is what torchvision:resnet50");
});

test("a net of its own kind is compared with nothing, and shapes never are", () => {
  const small = "net mine {\n  input 8x8x3\n  a: conv(3x3, 7)\n  expect params 12\n  expect a -> 8x8x8\n}\n";
  const { diagnostics, nets } = analyse(makeSource("mine.resnet", small));
  assert.equal(explainExpectations(diagnostics, nets), diagnostics);
  assert.is(nearestByStage(nets[0].graph, 12), undefined);
});

test("networks with a net's counts: params and multiply-adds, or params alone", () => {
  const { net } = openNet(examplePath("resnet50.resnet"), { net: "resnet50" });
  const { both, paramsOnly } = sameCounts(net.graph);
  assert.equal(both.slice(0, 2), ["torchvision:resnet50", "timm:resnet50"]);
  assert.ok(paramsOnly.includes("paper:resnet50-stride1x1-optionB"), "the stride elsewhere");
  const { net: larger } = openNet(examplePath("resnet50.resnet"), {
    net: "resnet50",
    settings: { size: "288x288x3" },
  });
  assert.ok(sameCounts(larger.graph).both.includes("timm:resnet50"), "its size is known");
  assert.ok(
    sameCounts(larger.graph).paramsOnly.includes("torchvision:resnet50"),
    "and of torchvision it is not",
  );
});

const netOf = (text: string): AnalysedNet => analyse(makeSource("mine.resnet", text)).nets[0];
const network = (name: string) => publishedNetworks().get(name)!;

test("against the catalogue: by stage where they are known, and it is said what was compared", () => {
  const { net } = openNet(examplePath("vgg.resnet"), { net: "vgg16" });
  assert.equal(compareWithCounts(net, network("torchvision:vgg16")), {
    diagnostics: [],
    measures: "the params and multiply-adds of every stage",
  });
  const [problem] = compareWithCounts(net, network("torchvision:vgg19")).diagnostics;
  assert.match(problem.message, "138,357,544 params instead of 143,667,240 (-5,309,696)");
  assert.match(problem.notes[0].message, /^`conv3`: /);
  assert.is(problem.hint, "compared by the params and multiply-adds of its stages");
  const mine = netOf(five(6, ""));
  const whole = compareWithCounts(mine, network("keras:ConvNeXtTiny")).diagnostics[0];
  assert.is(whole.hint, "only the counts of the whole are known of keras:ConvNeXtTiny");
  const small = netOf(five(6, "").replace("224x224x3", "96x96x3"));
  assert.is(
    compareWithCounts(small, network("paper:resnet50-stride3x3-optionB")).measures,
    "the params of every stage (its multiply-adds are known at 224x224x3)",
  );
});

test("names are suggested from the whole catalogue", () => {
  const hint = (name: string) => unknownPublished(name)?.hint ?? "";
  assert.match(hint("timm:efficientnet_bo"), "did you mean timm:efficientnet_b");
  assert.match(hint("resnet50"), "did you mean torchvision:resnet50, timm:resnet50 or keras:ResNet50?");
  assert.match(hint("keras:resnet50"), "keras:ResNet50");
  assert.match(hint("nothing:like-it"), /there are \d+, as SOURCE:MODEL of /);
  assert.is(unknownPublished("keras:VGG16"), undefined);
});

test("stages of other names are paired by their place", () => {
  const stage = (name: string, params: number) => ({ name, params });
  const pairs = pairStages([stage("a", 1), stage("b", 0), stage("c", 3)], [stage("x", 1), stage("y", 2)]);
  assert.equal(
    pairs.map(([a, b]) => `${a?.name}-${b?.name}`),
    ["a-x", "c-y"],
  );
});

test("the commands: check, check --against, info", () => {
  const file = write("five.resnet", five(5, "expect params 25_557_032"));
  const { code, err } = resnetc(["check", file]);
  assert.is(code, 1);
  assert.match(err, "`conv4` has 5_981_184, there 7_098_368 (-1_117_184)");
  const { out } = resnetc(["check", "examples/vgg.resnet#vgg16", "--against", "torchvision:vgg16"]);
  assert.match(out, "the params, multiply-adds and shapes of every stage of torchvision:vgg16");
  assert.match(
    resnetc(["info", "examples/resnet18.resnet"]).out,
    "the params and MACs of torchvision:resnet18, timm:resnet18",
  );
  const json = JSON.parse(resnetc(["info", "examples/resnet18.resnet", "--json"]).out);
  assert.ok(json.published.both.includes("timm:resnet18"));
});

test.run();
