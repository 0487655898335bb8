/** The picture: what it shows of a network, that nothing in it collides, and that it is one file of good XML. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { headingOf, svg } from "../src/codegen/svg/target.ts";
import { analyse } from "../src/compile.ts";
import { painter } from "../src/draw/colours.ts";
import { foldSteps } from "../src/draw/fold.ts";
import { type Layout, layOut } from "../src/draw/layout.ts";
import { drawPicture, type View } from "../src/draw/picture.ts";
import { sideBySide } from "../src/draw/side-by-side.ts";
import { stageOf } from "../src/draw/stages.ts";
import { stepsOf } from "../src/draw/steps.ts";
import type { Graph } from "../src/ir/graph.ts";
import { countGraph } from "../src/ir/stats.ts";
import { allPasses, runPasses } from "../src/passes/pipeline.ts";
import { arbitraryModel } from "./support/arbitrary-model.ts";
import { testCard } from "./support/cards.ts";
import { cpuMs } from "./support/cpu-time.ts";
import { golden } from "./support/golden.ts";
import { collision, drawnLinks, wantedLinks, xmlProblem } from "./support/picture-checks.ts";
import {
  dense,
  inception,
  networks,
  pads,
  plain,
  pyramid,
  residual,
  tangled,
} from "./support/picture-networks.ts";
import { Sketch } from "./support/sketch.ts";

function draw(graph: Graph): string {
  const { report } = collect();
  const weights = { get: (name: string): never => assert.unreachable(`${name} is read`) as never };
  const artifacts = svg.emit({ graph, weights, card: testCard(graph), name: "picture", report });
  assert.equal(
    artifacts.map(({ path }) => path),
    ["picture.svg"],
  );
  return String(artifacts[0].contents);
}

/** Every block, unless told. */
const drawAll = (graph: Graph, view: View = {}): string =>
  drawPicture(stepsOf(graph), headingOf(testCard(graph)), { unfold: "all", ...view });

const layoutOf = (graph: Graph): Layout => layOut(stepsOf(graph));
const occurrences = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;

// ---- what holds of every picture ----------------------------------------------------------------

for (const [name, build] of Object.entries(networks)) {
  test(`${name}: good XML, nothing collides, every link is drawn once`, () => {
    const graph = build();
    const text = draw(graph);
    assert.is(xmlProblem(text), undefined);
    const layout = layoutOf(graph);
    assert.is(collision(layout), undefined);
    assert.equal(drawnLinks(layout), wantedLinks(stepsOf(graph)));
    assert.is(draw(build()), text, "drawn twice, two pictures");
    assert.is(xmlProblem(drawAll(graph)), undefined);
    const folded = foldSteps(stepsOf(graph), () => false).steps;
    assert.is(collision(layOut(folded)), undefined);
    assert.equal(drawnLinks(layOut(folded)), wantedLinks(folded));
  });
}

test("random networks: good XML, nothing collides, every link is drawn once", () => {
  const runs = Number(process.env.FUZZ_RUNS ?? 0);
  fc.assert(
    fc.property(arbitraryModel, ({ graph }) => {
      const layout = layoutOf(graph);
      assert.is(xmlProblem(draw(graph)), undefined);
      assert.is(collision(layout), undefined);
      assert.equal(drawnLinks(layout), wantedLinks(stepsOf(graph)));
    }),
    runs ? { numRuns: runs } : { numRuns: 300, seed: 1 },
  );
});

test("loads nothing from elsewhere", () => {
  const text = draw(residual()).replace('xmlns="http://www.w3.org/2000/svg"', "");
  assert.not.match(text, /https?:|@import|<image|<script|<foreignObject|url\((?!#tip)/);
});

test("escapes names", () => {
  const net = new Sketch();
  const graph = net.graph(
    { 'a<b>&"': net.conv(net.input([1, 4, 4, 1], "<in>"), 2, {}, 'x&y<"z".0.conv') },
    "<&>",
  );
  const text = draw(graph);
  assert.is(xmlProblem(text), undefined);
  assert.match(text, "a&lt;b&gt;&amp;&quot; 4x4x2");
  assert.match(text, "<title>&lt;&amp;&gt;</title>");
  assert.match(text, "x&amp;y&lt;&quot;z&quot;<tspan");
});

test("the check of XML finds what is wrong", () => {
  for (const bad of ["<a>", "<a></b>", "<a>&</a>", '<a b="1" b="2"/>', "<a b=1/>", "x", "<a/>x"]) {
    assert.ok(xmlProblem(bad), bad);
  }
});

// ---- what it shows ------------------------------------------------------------------------------

test("one arc a residual sum: solid for an identity, dashed for a projection", () => {
  const text = drawAll(residual(3));
  // One of each kind is in the legend.
  assert.is(occurrences(text, /class="arc"/g), 7 + 1);
  assert.is(occurrences(text, /class="arc b"/g), 2 + 1);
  assert.is(occurrences(text, />\+<\/text>/g), 9);
  assert.is(occurrences(draw(plain()), /class="arc/g), 0);
});

test("a shortcut of option A is dotted only where it does something", () => {
  const net = new Sketch();
  const x = net.conv(net.input([1, 8, 8, 3]), 4, {}, "conv1");
  const same = net.pad(net.maxPool(x, { kernel: 1, stride: 1 }), {});
  const first = net.plus(net.conv(net.conv(x, 4), 4), same);
  const padded = net.pad(net.maxPool(first, { kernel: 1, stride: 2 }), { after: 4 });
  const graph = net.graph(net.plus(net.conv(net.conv(first, 8, { stride: 2 }), 8), padded));
  const text = draw(graph);
  assert.is(occurrences(text, /class="arc"/g), 1 + 1);
  assert.is(occurrences(text, /class="arc a"/g), 1 + 1);
  assert.is(occurrences(text, />maxpool 1x1/g), 1);
  assert.match(text, ">maxpool 1x1 /2</text>");
  assert.match(text, ">pad +4 channels behind</text>");
});

test("a convolution with bias, norm and activation is one box", () => {
  const labels = stepsOf(residual(1)).map(({ label, extras }) => [label, ...extras].join(" "));
  assert.equal(labels.slice(0, 5), [
    "input 32x32x3",
    "conv 3x3, 16 bn relu",
    "conv 3x3, 16 bn relu",
    "conv 3x3, 16 bn",
    "+ relu",
  ]);
  assert.equal(labels.slice(-3), ["avgpool", "dense 10", "logits 1x1x10"]);
});

test("a norm behind a concat or sum stands by itself: it is the next block's", () => {
  const labels = stepsOf(dense()).map(({ label, extras }) => [label, ...extras].join(" "));
  assert.is(labels.filter((label) => label === "bn relu").length, 5);
  assert.ok(labels.includes("concat, 24"));
});

test("says what an operation is in the words of the language", () => {
  const net = new Sketch();
  const grouped = net.conv(net.input([1, 16, 16, 8]), 16, { groups: 4, dilation: 2 });
  const each = net.conv(grouped, 16, { groups: 16, stride: 2, kernel: [1, 3] });
  const pooled = net.upsample(net.averagePool(net.pad(each, { pads: pads(1) })), 3);
  const graph = net.graph(net.softmax(net.activation(net.dense(net.prelu(pooled), 5), "leaky", 0.1)));
  assert.equal(
    stepsOf(graph).map(({ label, extras }) => [label, ...extras].join(" ")),
    [
      "input 16x16x8",
      "conv 3x3, 16, 4 groups, dilation 2",
      "conv 1x3, 16, depthwise /2",
      "pad 1",
      "avgpool 2x2 /2",
      "upsample x3",
      "prelu",
      "dense 5 leaky(0.1)",
      "softmax",
      "output 1x1x5",
    ],
  );
});

test("norms of places, sums of maps and where to look have the language's words too", () => {
  const text = `net n {
  input 8x8x4
  look: conv(1x1, 1) -> softmax(places = true)
  in * look -> sumpool -> conv(1x1, 6) -> ln -> relu -> conv(1x1, 4) -> rms
}
`;
  const { nets } = analyse(makeSource("n.resnet", text));
  assert.equal(
    stepsOf(nets[0].graph).map(({ label, extras }) => [label, ...extras].join(" ")),
    [
      "input 8x8x4",
      "conv 1x1, 1",
      "softmax of places",
      "×",
      "sumpool",
      "conv 1x1, 6 ln relu",
      "conv 1x1, 4 rms",
      "output 1x1x4",
    ],
  );
});

test("bands have the name and the shape of their stage, what it costs, and its blocks", () => {
  const shown = layoutOf(residual()).bands.map(({ names, last, blocks }) => [
    names.join(),
    last.shape.slice(1).join("x"),
    blocks.map((block) => block.name).join(" "),
  ]);
  assert.equal(shown, [
    ["conv1", "32x32x16", ""],
    ["conv2", "32x32x16", "0 1"],
    ["conv3", "16x16x32", "0 1"],
    ["conv4", "8x8x64", "0 1"],
    ["pool,fc", "1x1x10", ""],
  ]);
  const text = draw(residual());
  for (const label of [
    "conv3<tspan",
    ">16x16x32<",
    ">logits 1x1x10<",
    ">conv 3x3, 32 /2<",
    ">2 blocks · 33.1 k params · 8.39 M MACs<",
  ])
    assert.match(text, label);
});

test("equal blocks are shown once, with their number; what is unfolded is whole", () => {
  const steps = stepsOf(residual(5));
  const { steps: shown, repeats } = foldSteps(steps, (stage) => stage === "conv3");
  assert.equal(repeats, [
    { stage: "conv2", block: "0", last: "4", count: 5 },
    { stage: "conv4", block: "1", last: "4", count: 4 },
  ]);
  // Three steps a block: two convolutions and the sum.
  assert.is(shown.length, steps.length - 3 * 4 - 3 * 3);
  const text = draw(residual(5));
  for (const label of [">×5<", ">0–4<", ">×4<", ">1–4<", ">5 blocks ·"]) assert.match(text, label);
  assert.is(occurrences(drawAll(residual(5)), /×/g), 0);
  // What a block costs counts as often as it is there.
  assert.equal(text.match(/\d[\d.]* k params/g), drawAll(residual(5)).match(/\d[\d.]* k params/g));
});

test("blocks that somebody else reads, or that differ, are not folded", () => {
  const net = new Sketch();
  let x = net.conv(net.input([1, 8, 8, 3]), 4, {}, "stem");
  const taps: (typeof x)[] = [];
  for (let i = 0; i < 4; i++) {
    x = net.plus(net.conv(x, 4, { kernel: i === 3 ? [1, 1] : [3, 3] }, `body.${i}.conv`), x, `body.${i}.add`);
    if (i === 1) taps.push(x);
  }
  const graph = net.graph({ last: net.conv(x, 4, {}, "head"), tap: taps[0] });
  // The tap ends a run, the other kernel too.
  assert.equal(
    foldSteps(stepsOf(graph), () => false).repeats.map(({ block, last }) => [block, last]),
    [["0", "1"]],
  );
});

test("shortcuts by what they do: options A, B, C and D, and lateral ways that are none", () => {
  const arcs = (shortcut: string) => {
    const text = `use basic, ${shortcut} from std
net n { input 16x16x3
  conv1: conv(3x3, 8) -> bn -> relu
  conv2: basic(8, shortcut = ${shortcut}) x 2
  conv3: basic(16, shortcut = ${shortcut}) x 2 /2
  pool: avgpool }`;
    const { nets, diagnostics } = analyse(makeSource("n.resnet", text));
    assert.equal(
      diagnostics.map(({ message }) => message),
      [],
    );
    const drawn = drawAll(nets[0].graph);
    return ["", " a", " b", " c", " d"].map((kind) =>
      Math.max(0, occurrences(drawn, new RegExp(`class="arc${kind}"`, "g")) - 1),
    );
  };
  assert.equal(arcs("pad"), [3, 1, 0, 0, 0]);
  assert.equal(arcs("project"), [3, 0, 1, 0, 0]);
  assert.equal(arcs("always"), [0, 0, 1, 3, 0]);
  assert.equal(arcs("avg_project"), [3, 0, 0, 0, 1]);
  const lateral = layoutOf(pyramid()).tracks.filter(({ isLateral }) => isLateral);
  assert.equal(
    lateral.map(({ from, to }) => `${from.step.name} > ${to.step.name}`),
    ["conv2.0.add > add2", "conv3.0.add > add1"],
  );
  assert.is(occurrences(drawAll(pyramid()), /class="arc b"/g), 2 + 1);
  assert.is(occurrences(drawAll(pyramid()), /class="arc c"/g), 0);
});

test("zeros in front of the channels, behind, or both", () => {
  const net = new Sketch();
  const x = net.input([1, 8, 8, 4]);
  const graph = net.graph(net.pad(net.pad(net.pad(x, { before: 4 }), { after: 8 }), { before: 2, after: 3 }));
  assert.equal(
    stepsOf(graph)
      .filter(({ kind }) => kind === "small")
      .map(({ label }) => label),
    ["pad +4 channels in front", "pad +8 channels behind", "pad +2 channels in front, +3 behind"],
  );
});

test("a narrow net is as wide as the words at the tops of its bands", () => {
  const net = new Sketch();
  let x = net.input([1, 224, 224, 3]);
  for (let i = 0; i < 12; i++) x = net.conv(x, 16, {}, `conv3.${i}.conv1`);
  const text = drawPicture(stepsOf(net.graph(x)), { title: "n", facts: "" });
  const head =
    /<text class="stage" x="([-\d.]+)".*?>(\w+)<tspan.*?>([\dx]+)<.*\n<text class="facts right" x="([-\d.]+)".*?>(.*?)</.exec(
      text,
    );
  const [, left, name, shape, right, facts] = head!;
  assert.match(facts, /^12 blocks · .* params · .* MACs$/);
  // Helvetica's digits are 0.556 of the size wide, bold letters little more.
  const words = 12 * 0.6 * name.length + 8 + 12 * 0.556 * shape.length + 11 * 0.52 * facts.length;
  assert.ok(Number(right) - Number(left) > words + 8, `${Number(right) - Number(left)} for ${words}`);
});

test("finds stage and block in a name", () => {
  const stage = (name: string) => stageOf({ ...stepsOf(plain())[1], name });
  assert.equal(stage("conv3.1.conv2"), { name: "conv3", block: "1" });
  assert.equal(stage("body.conv3.12.shortcut.conv"), { name: "body.conv3", block: "12" });
  assert.equal(stage("i3a.cbr1.conv"), { name: "i3a", block: undefined });
  assert.equal(stage("0.conv"), { name: "0", block: undefined });
  assert.is(stageOf(stepsOf(plain())[0]), undefined);
});

test("every link runs downwards", () => {
  for (const build of Object.values(networks)) {
    const { flows, tracks } = layoutOf(build());
    const ways = tracks.map(({ from, to, boxes }) => [...new Set([from, ...boxes, to])]);
    for (const way of [...flows.map(({ from, to }) => [from, to]), ...ways]) {
      for (let i = 1; i < way.length; i++)
        assert.ok(way[i].row > way[i - 1].row, `${way[i].step.name} is not lower`);
    }
  }
});

test("colours follow the resolution, or the cost: the largest has the strongest shade", () => {
  const shades = (graph: Graph, view: View) =>
    [...drawAll(graph, view).matchAll(/<rect class="(\w+)"[^>]* rx="4"/g)].map(([, shade]) => shade);
  const [stem, ...blocks] = shades(residual(1), {});
  assert.equal(blocks.slice(0, 2), [stem, stem]);
  assert.is(new Set(blocks).size, 4, "three resolutions and the vector");
  const steps = stepsOf(residual(1));
  for (const colour of ["params", "macs", "bytes"] as const) {
    const { colourOf, swatches } = painter(steps, colour);
    const largest = steps.reduce((a, b) => (b[colour] > a[colour] ? b : a));
    assert.is(colourOf(largest), "h6");
    assert.is(swatches.length, 4);
    const shadesFound = new Set(steps.map(colourOf));
    assert.ok(shadesFound.size > 2, `${colour}: ${[...shadesFound].join()}`);
  }
  const times = new Map([
    ["conv2.0.conv1", 2],
    ["conv2.0.conv1.relu", 1],
    ["conv3.0.conv1", 0.5],
  ]);
  const text = drawAll(residual(1), { colour: "ms", times });
  assert.match(text, /conv2\.0\.conv1[^"]*\n[\d.]+ ms<\/title><rect class="h6"/);
});

test("light, dark, or as the screen is; on paper light", () => {
  assert.match(drawAll(plain()), "@media screen and (prefers-color-scheme: dark)");
  const [light, dark] = (["light", "dark"] as const).map((theme) => drawAll(plain(), { theme }));
  assert.not.match(light + dark, "@media");
  assert.match(light, ".paper, .sum { fill: #fff; }");
  assert.match(dark, ".paper, .sum { fill: #16181b; }");
});

test("what a step costs: parameters once, weights and maps in bytes", () => {
  const steps = stepsOf(residual(1));
  const total = (key: "params" | "macs") => steps.reduce((sum, step) => sum + step[key], 0);
  const { params, macs } = countGraph(residual(1));
  assert.equal([total("params"), total("macs")], [params, macs]);
  const stem = steps[1];
  // 27 x 16 weights, scale, shift, mean and variance; a map of 32 x 32 x 16.
  assert.is(stem.bytes, 4 * (27 * 16 + 4 * 16 + 32 * 32 * 16));
});

test("behind passes sums are in layers, and their shortcuts end there", () => {
  const steps = stepsOf(runPasses(residual(2), allPasses));
  const fused = steps.filter(({ adds }) => adds);
  assert.is(fused.length, 6);
  assert.ok(fused.every(({ kind, extras }) => kind === "layer" && extras.join(" ") === "bias + relu"));
  const text = drawPicture(steps, { title: "t", facts: "f" });
  assert.is(xmlProblem(text), undefined);
  assert.match(text, 'class="arc"');
  const both = sideBySide([draw(residual(2)), text]);
  assert.is(xmlProblem(both), undefined);
  assert.equal(
    [...both.matchAll(/ id="(\w+)"/g)].map(([, id]) => id),
    ["tip0", "tip1"],
  );
  assert.equal(new Set([...both.matchAll(/url\(#(\w+)\)/g)].map(([, id]) => id)), new Set(["tip0", "tip1"]));
});

test("branches that meet in a concat stand side by side, in their order, under a concat as wide", () => {
  const { boxes } = layoutOf(inception());
  const at = (name: string) => boxes.find(({ step }) => step.name === name)!;
  const columns = [["i.one"], ["i.reduce3", "i.three"], ["i.reduce5", "i.five"], ["i.pool", "i.pooled"]];
  const xs = columns.map((column) => at(column[0]).x);
  assert.equal(
    xs,
    [...xs].sort((a, b) => a - b),
  );
  assert.is(new Set(xs).size, 4);
  columns.forEach((column, i) => {
    for (const name of column) assert.is(at(name).x, xs[i], name);
  });
  const concat = at("i.concat");
  assert.is(concat.x, 0);
  for (const name of columns.flat()) {
    const { x, width } = at(name);
    assert.ok(Math.abs(x) + width / 2 <= concat.width / 2 + 1e-6, `${name} is beside the concat`);
  }
});

test("a branch with a sum of its own gets a track instead", () => {
  const { boxes } = layoutOf(tangled());
  const concat = boxes.find(({ step }) => step.name === "c.concat")!;
  assert.ok(concat.width < 150, `the concat reaches across ${concat.width}`);
});

test("lateral ways run at the right, near their end, and other outputs at the left", () => {
  const { boxes, tracks } = layoutOf(pyramid());
  const at = (name: string) => boxes.find(({ step }) => step.name === name)!;
  assert.ok(at("neck.inner2").x > 0 && at("neck.inner3").x > 0);
  assert.ok(at("neck.inner2").row > at("neck.inner4").row);
  assert.ok(at("neck.p3").x < 0 && at("neck.p4").x < 0);
  assert.is(at("neck.p2").x, 0);
  // The shorter way runs nearer.
  const way = (name: string) => tracks.find((track) => track.boxes[0]?.step.name === name)!;
  assert.ok(way("neck.inner3").x < way("neck.inner2").x);
});

test("boxes are wider for more channels, and wide enough for their words", () => {
  const widths = new Map(layoutOf(residual(1)).boxes.map(({ step, width }) => [step.name, width]));
  assert.ok(widths.get("conv4.0.conv2")! > widths.get("conv3.0.conv2")!);
  assert.ok(widths.get("conv3.0.conv2")! > widths.get("conv2.0.conv2")!);
  const net = new Sketch();
  const graph = net.graph(net.conv(net.input([1, 4, 4, 2]), 2, { groups: 2, dilation: 2 }));
  const box = layoutOf(graph).boxes.find(({ step }) => step.kind === "layer")!;
  assert.ok(box.width > 6 * box.step.label.length, `${box.width} for ${box.step.label}`);
});

test("a small network", () => golden("svg", "residual", draw(residual(1))));
test("branches", () => golden("svg", "inception", draw(inception())));

test("six thousand operations are drawn at once", () => {
  const graph = residual(350);
  assert.ok(graph.nodes.length > 6000);
  const start = cpuMs();
  const text = draw(graph);
  const ms = cpuMs() - start;
  assert.is(occurrences(text, /×350|×349/g), 3);
  assert.is(occurrences(drawAll(graph), /class="arc( b)?" d="[^"]*" marker/g), 1050);
  assert.ok(ms < 2000, `${ms.toFixed(0)} ms`);
});

test.run();
