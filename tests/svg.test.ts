/** The picture: what it shows of a network, that nothing in it collides, and that it is one file of good XML. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { type Box, type Layout, layOut } from "../src/codegen/svg/layout.ts";
import { type Step, stepsOf } from "../src/codegen/svg/steps.ts";
import { svg } from "../src/codegen/svg/target.ts";
import type { Graph, Node } from "../src/ir/graph.ts";
import { arbitraryModel } from "./support/arbitrary-model.ts";
import { testCard } from "./support/cards.ts";
import { golden } from "./support/golden.ts";
import { Sketch } from "./support/sketch.ts";

// ---- networks -----------------------------------------------------------------------------------

const point = { kernel: [1, 1] } as const;

const convBn = (net: Sketch, x: Node, name: string, channels: number, stride = 1, kernel: 1 | 3 = 3): Node =>
  net.batchNorm(net.conv(x, channels, { kernel: [kernel, kernel], stride }, name), {}, `${name}_bn`);

function basic(net: Sketch, x: Node, name: string, channels: number, stride = 1): Node {
  const inner = net.relu(convBn(net, x, `${name}.conv1`, channels, stride), `${name}.relu1`);
  const main = convBn(net, inner, `${name}.conv2`, channels);
  const projected = stride > 1 || x.type.shape[3] !== channels;
  const shortcut = projected ? convBn(net, x, `${name}.shortcut`, channels, stride, 1) : x;
  return net.relu(net.plus(main, shortcut, `${name}.add`), `${name}.relu2`);
}

function residual(blocks = 2): Graph {
  const net = new Sketch();
  let x = net.relu(convBn(net, net.input([1, 32, 32, 3]), "conv1", 16), "conv1_relu");
  [16, 32, 64].forEach((channels, stage) => {
    for (let block = 0; block < blocks; block++) {
      x = basic(net, x, `conv${stage + 2}.${block}`, channels, block === 0 && stage > 0 ? 2 : 1);
    }
  });
  const logits = net.dense(net.mean(x, "pool"), 10, "fc");
  return net.graph({ logits: net.bias(logits, "fc_bias") }, "residual");
}

function plain(): Graph {
  const net = new Sketch();
  let x = net.input([1, 16, 16, 3]);
  for (const channels of [8, 16]) x = net.maxPool(net.relu(net.bias(net.conv(x, channels))));
  return net.graph(net.softmax(net.dense(x, 10)), "plain");
}

function inception(): Graph {
  const net = new Sketch();
  const pool = net.maxPool(net.conv(net.input([1, 16, 16, 3]), 32, {}, "stem"), {}, "pool1");
  const branches = [
    net.relu(net.conv(pool, 16, point, "i.one")),
    net.relu(net.conv(net.conv(pool, 8, point, "i.reduce3"), 24, {}, "i.three")),
    net.relu(net.conv(net.conv(pool, 4, point, "i.reduce5"), 8, {}, "i.five")),
    net.conv(
      net.maxPool(pool, { kernel: 1, stride: 2 }, "i.pool"),
      8,
      { kernel: [1, 1], pads: pads(2) },
      "i.pooled",
    ),
  ];
  return net.graph(net.mean(net.concat(branches, "i.concat"), "pool2"), "inception");
}

const pads = (size: number) => ({ top: size, bottom: size, left: size, right: size });

/** Three maps of a body, and three outputs made from the last one upwards. */
function pyramid(): Graph {
  const net = new Sketch();
  const c2 = basic(net, net.conv(net.input([1, 32, 32, 3]), 8, {}, "stem"), "conv2.0", 8);
  const c3 = basic(net, c2, "conv3.0", 16, 2);
  const c4 = basic(net, c3, "conv4.0", 32, 2);
  const p4 = net.conv(c4, 8, point, "neck.inner4");
  const p3 = net.plus(net.upsample(p4), net.conv(c3, 8, point, "neck.inner3"));
  const p2 = net.plus(net.upsample(p3), net.conv(c2, 8, point, "neck.inner2"));
  const outputs = { p2: net.conv(p2, 8, {}, "neck.p2"), p3: net.conv(p3, 8, {}, "neck.p3") };
  return net.graph({ ...outputs, p4: net.conv(p4, 8, {}, "neck.p4") }, "pyramid");
}

function dense(): Graph {
  const net = new Sketch();
  let x = net.conv(net.input([1, 8, 8, 3]), 8, {}, "conv0");
  for (let i = 0; i < 4; i++) {
    const inner = net.relu(net.batchNorm(x, {}, `dense.${i}.bn`), `dense.${i}.relu`);
    x = net.concat([x, net.conv(inner, 4, {}, `dense.${i}.conv`)], `dense.${i}.concat`);
  }
  return net.graph(net.relu(net.batchNorm(x, {}, "norm")), "dense");
}

function gated(): Graph {
  const net = new Sketch();
  const x = net.conv(net.input([1, 8, 8, 3]), 8, {}, "conv");
  const squeezed = net.relu(net.conv(net.mean(x, "se.mean"), 2, point, "se.reduce"));
  const gate = net.activation(net.conv(squeezed, 8, point, "se.expand"), "sigmoid");
  return net.graph(net.times(x, gate, "se.mul"), "gated");
}

const networks: Readonly<Record<string, () => Graph>> = { residual, plain, inception, pyramid, dense, gated };

// ---- reading pictures ---------------------------------------------------------------------------

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

const layoutOf = (graph: Graph): Layout => layOut(stepsOf(graph));
const occurrences = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;

/** The first thing that is no XML; enough of a parser for a file without comments and CDATA. */
function xmlProblem(text: string): string | undefined {
  const open: string[] = [];
  const token = /<(\/?)([a-zA-Z]+)((?:\s+[a-zA-Z:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  let end = 0;
  for (let found = token.exec(text); found; found = token.exec(text)) {
    end = token.lastIndex;
    const [all, closing, tag, attributes = "", empty, words] = found;
    const names = [...attributes.matchAll(/([a-zA-Z:-]+)=/g)].map(([, name]) => name);
    if (new Set(names).size < names.length) return `${all} has an attribute twice`;
    if (/&(?!(amp|lt|gt|quot);)/.test(all)) return `a bare & in ${all}`;
    if (words !== undefined) {
      if (words.trim() && open.length === 0) return `text outside: ${words}`;
    } else if (closing) {
      if (open.pop() !== tag) return `${all} closes nothing`;
    } else if (!empty) open.push(tag);
  }
  if (end < text.length) return `no XML: ${text.slice(end, end + 60)}`;
  return open.length > 0 ? `${open.join(", ")} is not closed` : undefined;
}

/** Two boxes that share ground, a box outside the picture, or a line through a box that is not its own. */
function collision({ boxes, tracks, left, right, bottom }: Layout): string | undefined {
  const name = ({ step }: Box) => `${step.kind} ${step.name}`;
  const byRow = new Map<number, Box[]>();
  for (const box of boxes) {
    if (box.x - box.width / 2 < left - 1e-6 || box.x + box.width / 2 > right + 1e-6)
      return `${name(box)} is outside`;
    if (box.y - box.height / 2 < 0 || box.y + box.height / 2 > bottom) return `${name(box)} is outside`;
    byRow.set(box.row, [...(byRow.get(box.row) ?? []), box]);
  }
  const sorted = [...boxes].sort((a, b) => a.y - b.y);
  for (let i = 0; i < sorted.length; i++) {
    for (let j = i + 1; j < sorted.length && sorted[j].y - sorted[i].y < 40; j++) {
      const [a, b] = [sorted[i], sorted[j]];
      const apart = Math.abs(a.x - b.x) >= (a.width + b.width) / 2 || b.y - a.y >= (a.height + b.height) / 2;
      if (!apart) return `${name(a)} and ${name(b)} overlap`;
    }
  }
  for (const track of tracks) {
    for (let row = track.from.row + 1; row <= track.to.row; row++) {
      const hit = byRow.get(row)?.find((box) => {
        const own = track.boxes.includes(box) || box === track.to;
        return !own && Math.abs(box.x - track.x) < box.width / 2;
      });
      if (hit) return `the track from ${name(track.from)} to ${name(track.to)} runs through ${name(hit)}`;
    }
  }
  return undefined;
}

/** Every way that is drawn, as "from > to", sorted. */
function drawnLinks({ flows, tracks }: Layout): readonly string[] {
  const link = (from: Step, to: Step) => `${from.kind} ${from.name} > ${to.kind} ${to.name} ${to.label}`;
  const ways = tracks.flatMap(({ from, to, boxes, returns }) => {
    const stops = [...(from === boxes[0] ? [] : [from]), ...boxes, ...(returns ? [to] : [])];
    return stops.slice(1).map((stop, i) => link(stops[i].step, stop.step));
  });
  return [...flows.map(({ from, to }) => link(from.step, to.step)), ...ways].sort();
}

function wantedLinks(steps: readonly Step[]): readonly string[] {
  const link = (from: Step, to: Step) => `${from.kind} ${from.name} > ${to.kind} ${to.name} ${to.label}`;
  return steps.flatMap((to) => to.sources.map((from) => link(from, to))).sort();
}

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
  assert.match(text, "x&amp;y&lt;&quot;z&quot;</text>");
});

test("the check of XML finds what is wrong", () => {
  for (const bad of ["<a>", "<a></b>", "<a>&</a>", '<a b="1" b="2"/>', "<a b=1/>", "x", "<a/>x"]) {
    assert.ok(xmlProblem(bad), bad);
  }
});

// ---- what it shows ------------------------------------------------------------------------------

test("one arc a residual sum: solid for an identity, dashed for a projection", () => {
  const text = draw(residual(3));
  assert.is(occurrences(text, /class="arc"/g), 7);
  assert.is(occurrences(text, /class="arc dashed"/g), 2);
  assert.is(occurrences(text, />\+<\/text>/g), 9);
  assert.is(occurrences(draw(plain()), /class="arc/g), 0);
});

test("a shortcut of option A is dashed only where it does something", () => {
  const net = new Sketch();
  const x = net.conv(net.input([1, 8, 8, 3]), 4, {}, "conv1");
  const same = net.pad(net.maxPool(x, { kernel: 1, stride: 1 }), {});
  const first = net.plus(net.conv(net.conv(x, 4), 4), same);
  const padded = net.pad(net.maxPool(first, { kernel: 1, stride: 2 }), { after: 4 });
  const graph = net.graph(net.plus(net.conv(net.conv(first, 8, { stride: 2 }), 8), padded));
  const text = draw(graph);
  assert.is(occurrences(text, /class="arc"/g), 1);
  assert.is(occurrences(text, /class="arc dashed"/g), 1);
  assert.is(occurrences(text, />maxpool 1x1/g), 1);
  assert.match(text, ">maxpool 1x1 /2</text>");
  assert.match(text, ">pad +4 channels</text>");
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

test("labels stages with the shape they make, and their blocks", () => {
  const { stages } = layoutOf(residual());
  const shown = stages.map(({ name, last, blocks }) => [
    name,
    last.shape.slice(1).join("x"),
    blocks.map((block) => block.name).join(" "),
  ]);
  assert.equal(shown, [
    ["conv1", "32x32x16", ""],
    ["conv2", "32x32x16", "0 1"],
    ["conv3", "16x16x32", "0 1"],
    ["conv4", "8x8x64", "0 1"],
    ["pool", "1x1x64", ""],
    ["fc", "1x1x10", ""],
  ]);
  const text = draw(residual());
  for (const label of ["conv3", "16x16x32", "logits 1x1x10", "conv 3x3, 32 /2"])
    assert.match(text, `>${label}<`);
});

test("colours follow the resolution", () => {
  const fills = (graph: Graph) =>
    [...draw(graph).matchAll(/<rect x[^>]* rx="4" fill="(#\w+)"/g)].map(([, fill]) => fill);
  const [stem, ...blocks] = fills(residual(1));
  assert.equal(blocks.slice(0, 2), [stem, stem]);
  assert.is(new Set(blocks).size, 4, "three resolutions and the vector");
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
  const start = performance.now();
  const text = draw(graph);
  const ms = performance.now() - start;
  assert.is(occurrences(text, /class="arc/g), 1050);
  assert.ok(ms < 2000, `${ms.toFixed(0)} ms`);
});

test.run();
