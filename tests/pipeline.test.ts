/** The pipelines and the function that runs them, on random networks and on what the random ones may miss. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { InternalError } from "../src/base/invariant.ts";
import { isOp } from "../src/ir/graph.ts";
import { interpret, paramValue } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import { printGraph } from "../src/ir/print.ts";
import type { Pass, PassEvent } from "../src/passes/pass.ts";
import { allPasses, runPasses, standardPasses } from "../src/passes/pipeline.ts";
import { arbitraryModel } from "./support/arbitrary-model.ts";
import { cpuMs } from "./support/cpu-time.ts";
import { passCases } from "./support/pass-cases.ts";
import { randomTensor } from "./support/random.ts";
import {
  assertSameFunction,
  assertWeightsUntouched,
  bounds,
  modelOf,
  text,
} from "./support/same-function.ts";
import { namedWeights, Sketch } from "./support/sketch.ts";

const named: readonly (readonly [string, readonly Pass[]])[] = [
  ["standard", standardPasses],
  ["standard and fuse-residual", allPasses],
];

for (const [name, passes] of named) {
  for (const level of [1, 2] as const) {
    test(`${name} at -O${level} on random networks`, () => {
      const numerics = level === 1 ? "exact" : "reassociates";
      fc.assert(
        fc.property(arbitraryModel, (model) => {
          const after = runPasses(model.graph, passes, { level, check: true });
          assertWeightsUntouched(model.graph, after);
          assertSameFunction(model.graph, after, numerics, model);
          assert.is(text(runPasses(after, passes, { level })), text(after), "another run changes it again");
          for (const pass of passes) {
            if (pass.level <= level) assert.is(pass.ensures?.(after), undefined, `${pass.name}, at the end`);
          }
        }),
        bounds,
      );
    });
  }
}

test("-O1 runs what is exact and -O2 everything", () => {
  for (const { name, level, numerics } of allPasses) {
    assert.is(level, numerics === "exact" ? 1 : 2, name);
  }
  const graph = passCases["fold-batch-norm"]["into-a-convolution"]();
  assert.is(text(runPasses(graph, allPasses, { level: 0 })), text(graph));
});

test("a residual block becomes two convolutions", () => {
  const net = new Sketch();
  const x = net.input([1, 4, 4, 2]);
  const inner = net.relu(net.batchNorm(net.bias(net.conv(x, 2))));
  const sum = net.plus(net.affine(net.batchNorm(net.conv(inner, 2))), x);
  const after = runPasses(net.graph(net.relu(sum)), allPasses, { check: true });
  assert.is(
    printGraph(after),
    "graph net (%input: f32[1,4,4,2]) -> (output %conv2: f32[1,4,4,2])\n" +
      "  %conv1 = conv2d 3x3/1 pad 1 channels 2 bias relu %input : f32[1,4,4,2]\n" +
      "  %conv2 = conv2d 3x3/1 pad 1 channels 2 bias residual relu %conv1, %input : f32[1,4,4,2]\n",
  );
});

test("a bias between two norms is folded with them", () => {
  const net = new Sketch();
  const map = net.conv(net.input([1, 3, 3, 2]), 2);
  const model = modelOf(net.graph(net.affine(net.bias(net.batchNorm(net.bias(map))))));
  const after = runPasses(model.graph, standardPasses, { check: true });
  const left = after.nodes.filter((node) => !isOp(node, ops.param)).map(({ name }) => name);
  assert.equal(left, ["input", "conv1"]);
  assertSameFunction(model.graph, after, "reassociates", model);
});

test("folding computes in float64 what the formula says", () => {
  const net = new Sketch();
  const graph = net.graph(net.batchNorm(net.conv(net.input([1, 1, 1, 1]), 2, { kernel: [1, 1] })));
  const values: Readonly<Record<string, readonly number[]>> = {
    "conv1.weight": [3, 5],
    "bn1.mean": [1, 2],
    "bn1.var": [0.1, 0.3],
    "bn1.scale": [2, 7],
    "bn1.shift": [11, 13],
  };
  const weights = { get: (name: string) => Float64Array.from(values[name]) };
  const after = runPasses(graph, standardPasses);
  const value = (name: string) => {
    const node = after.nodes.find((found) => found.name === name);
    if (!isOp(node, ops.param)) throw new Error(`${name} is no param`);
    return [...paramValue(node, weights).data];
  };
  const scale = [2 / Math.sqrt(0.1 + 1e-5), 7 / Math.sqrt(0.3 + 1e-5)];
  assert.equal(value("conv1.weight.folded"), [3 * scale[0], 5 * scale[1]]);
  assert.equal(value("conv1.bias.folded"), [11 - scale[0] * 1, 13 - scale[1] * 2]);
});

test("passes touch no weights until a value is asked for", () => {
  const graph = passCases["fold-batch-norm"]["chains-of-all-kinds"]();
  const asked: string[] = [];
  const weights = namedWeights(graph);
  const after = runPasses(graph, allPasses);
  const spying = {
    get(name: string) {
      asked.push(name);
      return weights.get(name);
    },
  };
  assert.equal(asked, []);
  interpret(after, { input: randomTensor(1, [1, 4, 4, 2]) }, spying);
  assert.ok(asked.includes("conv1.weight"));
});

test("another batch than the graph was built with", () => {
  const net = new Sketch();
  const x = net.input([1, 3, 3, 2]);
  const graph = net.graph(net.relu(net.plus(net.batchNorm(net.conv(x, 2)), x)));
  const model = { ...modelOf(graph), inputs: { input: randomTensor(1, [3, 3, 3, 2]) } };
  assertSameFunction(graph, runPasses(graph, allPasses), "reassociates", model);
});

test("onPass sees every pass that runs, in order, and what it did", () => {
  const graph = passCases["fold-batch-norm"]["into-a-convolution"]();
  const events: PassEvent[] = [];
  const after = runPasses(graph, allPasses, { level: 1, onPass: (event) => events.push(event) });
  assert.equal(
    events.map(({ pass }) => pass.name),
    allPasses.filter(({ level }) => level <= 1).map(({ name }) => name),
  );
  assert.is(events[0].before, graph);
  for (let i = 1; i < events.length; i++) assert.is(events[i].before, events[i - 1].after);
  assert.is(events[events.length - 1].after, after);
  assert.ok(events.every(({ ms }) => ms >= 0));
});

test("check names the pass and what broke", () => {
  const graph = passCases["fuse-activation"]["into-conv-and-dense"]();
  const broken: Pass = {
    name: "break-things",
    summary: "",
    level: 0,
    numerics: "exact",
    run: ({ nodes, ...rest }) => ({ ...rest, nodes: nodes.slice(1) }),
  };
  const lazy: Pass = {
    ...broken,
    name: "do-nothing",
    run: (same) => same,
    ensures: () => "all is still to do",
  };
  const saying = (words: RegExp) => (error: Error) =>
    error instanceof InternalError && words.test(error.message);
  const run = (pass: Pass, check: boolean) => () => runPasses(graph, [pass], { check });
  assert.throws(
    run(broken, true),
    saying(/^after pass break-things: conv2d|^after pass break-things: conv1 reads/),
  );
  assert.throws(run(lazy, true), saying(/^after pass do-nothing: all is still to do$/));
  assert.not.throws(run(broken, false));
  assert.throws(() => runPasses(broken.run(graph), [], { check: true }), saying(/^before the first pass: /));
});

test("RESNETC_CHECK=1 checks unless told, and a page without process does not", () => {
  const graph = passCases["fuse-activation"]["into-conv-and-dense"]();
  const wrong: Pass = {
    name: "x",
    summary: "",
    level: 0,
    numerics: "exact",
    run: (g) => g,
    ensures: () => "no",
  };
  const before = process.env.RESNETC_CHECK;
  const all = globalThis.process;
  try {
    process.env.RESNETC_CHECK = "1";
    assert.throws(() => runPasses(graph, [wrong]), /after pass x: no/);
    assert.not.throws(() => runPasses(graph, [wrong], { check: false }));
    delete process.env.RESNETC_CHECK;
    assert.not.throws(() => runPasses(graph, [wrong]));
    Reflect.deleteProperty(globalThis, "process");
    assert.not.throws(() => runPasses(graph, [wrong]));
  } finally {
    globalThis.process = all;
    if (before !== undefined) process.env.RESNETC_CHECK = before;
  }
});

test("a network of 12,000 operations takes no time and no stack", () => {
  const net = new Sketch();
  let x = net.input([1, 2, 2, 1]);
  for (let i = 0; i < 1500; i++) {
    const inner = net.relu(net.batchNorm(net.conv(x, 1, { kernel: [1, 1] })));
    const sum = net.plus(net.batchNorm(net.bias(net.conv(inner, 1, { kernel: [1, 1] }))), x);
    x = net.relu(sum);
  }
  const graph = net.graph(x);
  const start = cpuMs();
  const after = runPasses(graph, allPasses);
  const ms = cpuMs() - start;
  assert.is(after.nodes.filter((node) => isOp(node, ops.conv2d)).length, 3000);
  assert.is(after.nodes.filter((node) => !isOp(node, ops.param)).length, 3001);
  assert.ok(ms < 5000, `${ms.toFixed(0)} ms`);
});

test.run();
