/**
 * From a graph to a module that runs: the passes of the wasm target, its planner, its kernels, against the
 * interpreter, on memory that is NaN wherever nothing is promised. And what every plan owes: see sound-plan.ts.
 */
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { suite, test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { encodeImage } from "../src/codegen/wasm/image.ts";
import { defaultOptions } from "../src/codegen/wasm/plan/choose.ts";
import { type Plan, planGraph } from "../src/codegen/wasm/plan/plan.ts";
import { precisions } from "../src/codegen/wasm/plan/precision.ts";
import { wasm } from "../src/codegen/wasm/target.ts";
import { analyse } from "../src/compile.ts";
import type { Node } from "../src/ir/graph.ts";
import type { Op } from "../src/ir/op.ts";
import { type OpName, ops } from "../src/ir/ops/index.ts";
import { noPads } from "../src/ir/tensor.ts";
import type { Pass } from "../src/passes/pass.ts";
import { runPasses } from "../src/passes/pipeline.ts";
import { startWasm } from "../src/run/wasm.ts";
import { opCases } from "./op-cases.ts";
import { arbitraryConvnet } from "./support/arbitrary-convnet.ts";
import { arbitraryModel } from "./support/arbitrary-model.ts";
import { testCard } from "./support/cards.ts";
import { caseGraph } from "./support/case-graph.ts";
import { fastestMs } from "./support/cpu-time.ts";
import { examplePath, fileSource, readModule, root } from "./support/nets.ts";
import type { Case } from "./support/operands.ts";
import { passCases } from "./support/pass-cases.ts";
import { assertPlanRight, type HowPlanned, type PlanCase, planCase } from "./support/planned-net.ts";
import { randomTensor } from "./support/random.ts";
import { bounds, modelOf } from "./support/same-function.ts";
import { evenPads, Sketch } from "./support/sketch.ts";
import { assertSound } from "./support/sound-plan.ts";

const exact = { options: { ...defaultOptions, exact: true } };
const ways: readonly HowPlanned[] = [...([0, 1, 2] as const).map((level) => ({ level })), exact];

/** A layer on its own, on memory that others use between its runs. */
const asGuest = { options: { ...defaultOptions, guest: true } };

/** How often a kind of kernel has run in the tests of this file. */
const seen = new Map<string, number>();

function note({ steps }: Plan): void {
  for (const { kernel } of steps) {
    const [family, algorithm, part] = kernel.name.split(" ");
    const made = / in \d+s/.test(kernel.name) ? " of U made on the way" : "";
    const kind =
      family === "winograd" ? `${family} ${algorithm.replace(/^F\(\d+/, "F(m")} ${part}${made}` : family;
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
  }
}

function check(given: PlanCase, how: HowPlanned = {}, tolerance = 1e-5): void {
  const { plan } = assertPlanRight(given, how, tolerance);
  assertSound(plan);
  note(plan);
  if (how.options?.exact) assert.not(plan.steps.some(({ kernel }) => kernel.name.startsWith("winograd")));
}

// ---- operations -------------------------------------------------------------------------------------

const operations = suite("operations");

for (const name of Object.keys(ops) as OpName[]) {
  for (const one of opCases[name] as readonly Case[]) {
    operations(`${name}: ${one.title}`, () => {
      const given = caseGraph(ops[name] as Op<never>, one);
      // Sums of products of 8 may end in an activation between -1 and 1.
      for (const how of [...ways, asGuest]) check(given, how, name === "conv2d" ? 3e-5 : 1e-5);
    });
  }
}

operations.run();

// ---- random networks --------------------------------------------------------------------------------

const random = suite("random networks");

for (const how of ways) {
  const name = how.options?.exact ? "exact" : `-O${how.level}`;
  random(`odd ones, ${name}`, () => {
    fc.assert(
      fc.property(arbitraryModel, (model) => check(model, how)),
      bounds,
    );
  });
  random(`as people build them, ${name}`, () => {
    fc.assert(
      fc.property(arbitraryConvnet, (model) => check(model, how)),
      bounds,
    );
  });
}

random("the cases of passes", () => {
  for (const cases of Object.values(passCases))
    for (const build of Object.values(cases)) for (const how of ways) check(modelOf(build()), how);
});

random.run();

// ---- structure --------------------------------------------------------------------------------------

test("several inputs and outputs, in the middle, of inputs, of one value twice", () => {
  const net = new Sketch();
  const left = net.input([1, 9, 7, 3], "left");
  const right = net.input([1, 9, 7, 12], "right");
  const wide = net.input([1, 1, 1, 8], "wide");
  const a = net.relu(net.conv(left, 12));
  const sum = net.plus(a, net.conv(right, 12));
  const gated = net.times(sum, net.activation(net.conv(wide, 12, { kernel: [1, 1] }), "sigmoid"));
  const given = modelOf(
    net.graph({ end: net.softmax(net.mean(gated)), a, again: a, gated, left, right, wide, sum }),
  );
  for (const how of ways) check(given, how);
});

test("a network of no steps", () => {
  const net = new Sketch();
  for (const channels of [3, 8]) check(modelOf(net.graph(net.input([1, 4, 5, channels], `x${channels}`))));
});

test("a picture that several layers lay out in ways of their own", () => {
  const net = new Sketch();
  const x = net.input([1, 20, 21, 3]);
  const maps = [
    net.conv(x, 16, { kernel: [7, 7], stride: 2 }),
    net.conv(x, 8),
    net.conv(x, 16, { groups: 1, dilation: 2 }),
    net.conv(x, 3, { groups: 3 }),
    net.maxPool(x, { kernel: 3 }),
    net.relu(x),
  ];
  check(modelOf(net.graph(Object.fromEntries(maps.map((map, i) => [`map${i}`, map])))));
});

test("a value whose readers want different zeros around it", () => {
  const net = new Sketch();
  const x = net.relu(net.conv(net.input([1, 13, 10, 8]), 24));
  const readers: Node[] = [
    net.conv(x, 8),
    net.conv(x, 8, { kernel: [5, 1], pads: { ...noPads, top: 4 } }),
    net.conv(x, 8, { stride: 2, pads: { ...noPads, left: 3 } }),
    net.conv(x, 8, { kernel: [1, 1], pads: evenPads(0) }),
    net.conv(x, 24, { groups: 24, dilation: 2, pads: evenPads(2) }),
    net.maxPool(x),
    net.dense(x, 5),
  ];
  check(modelOf(net.graph(Object.fromEntries(readers.map((map, i) => [`map${i}`, map])))));
});

test("maps of equal frames take turns in the same memory", () => {
  const net = new Sketch();
  let x = net.input([1, 6, 6, 8]);
  for (let i = 0; i < 12; i++) x = net.relu(net.conv(x, 8));
  const given = modelOf(net.graph(net.dense(x, 3)));
  check(given, exact);
  const { plan } = planCase(given, exact);
  const framed = plan.buffers.filter(({ geometry }) => geometry !== undefined);
  assert.is(new Set(framed.map(({ address }) => address)).size, 2);
});

test("large maps and deep ones", () => {
  const sizes = [
    { size: [56, 56], channels: 3, outputs: 64, kernel: 7, stride: 2 },
    { size: [60, 52], channels: 64, outputs: 64, kernel: 3, stride: 2 },
    { size: [48, 50], channels: 32, outputs: 40, kernel: 3, stride: 1 },
    { size: [7, 7], channels: 512, outputs: 512, kernel: 3, stride: 1 },
    // In equal chunks, or in one because there are none.
    { size: [5, 9], channels: 260, outputs: 136, kernel: 3, stride: 1 },
    { size: [6, 3], channels: 331, outputs: 100, kernel: 3, stride: 1 },
    { size: [28, 26], channels: 40, outputs: 72, kernel: 3, stride: 2 },
    { size: [28, 26], channels: 128, outputs: 136, kernel: 3, stride: 2 },
    { size: [14, 14], channels: 256, outputs: 264, kernel: 3, stride: 2 },
    { size: [7, 7], channels: 600, outputs: 32, kernel: 1, stride: 1 },
    { size: [9, 9], channels: 600, outputs: 24, kernel: 3, stride: 2 },
  ] as const;
  for (const { size, channels, outputs, kernel, stride } of sizes) {
    const net = new Sketch();
    const x = net.input([1, ...size, channels]);
    const y = net.relu(net.batchNorm(net.conv(x, outputs, { kernel: [kernel, kernel], stride })));
    const given = modelOf(net.graph(y));
    check(given);
    check(given, exact);
  }
});

test("weights of more than the staging buffer come in several chunks", () => {
  const net = new Sketch();
  const x = net.input([1, 28, 28, 128]);
  const given = modelOf(net.graph(net.dense(net.mean(net.conv(x, 1024)), 1000)));
  for (const precision of precisions) {
    const { plan } = planCase(given, { options: { ...defaultOptions, precision } });
    assertSound(plan);
    const staged = plan.image.chunks.filter(({ prepare }) => prepare.length > 0);
    assert.ok(staged.length > 1);
    assert.ok(staged.every(({ bytes }) => bytes <= 4 * 1024 * 1024));
  }
});

test("every net of the examples has a sound plan, at every level", () => {
  const files = readdirSync(`${root}examples`).filter((name) => name.endsWith(".resnet"));
  let count = 0;
  for (const file of files) {
    for (const { graph } of analyse(fileSource(examplePath(file)), { net: "*", read: readModule }).nets) {
      count++;
      const levels: readonly Pass["level"][] = graph.nodes.length < 1000 ? [0, 1, 2] : [2];
      for (const level of levels) {
        const noWeights = {
          get: () => assert.unreachable("weights are read when they are written") as never,
        };
        const plan = planGraph(runPasses(graph, wasm.passes, { level }), noWeights);
        assert.ok(plan.predictedMs > 0);
        if (plan.steps.length < 1000) assertSound(plan);
      }
    }
  }
  assert.is(count, 43);
});

test("ResNet-152 is planned and written in less than a second", () => {
  const [{ graph }] = analyse(fileSource(examplePath("resnet152.resnet"))).nets;
  const ms = fastestMs(3, () => {
    const plan = planGraph(runPasses(graph, wasm.passes), { get: () => assert.unreachable() as never });
    assert.ok(encodeImage(plan.image).wasm.length > 50_000);
  });
  assert.ok(ms < 1000, `${ms} ms`);
});

// ---- the loader -------------------------------------------------------------------------------------

test("the loader: a batch is one picture after the other, on any number of threads", async () => {
  for (const model of fc.sample(arbitraryConvnet, { numRuns: 12, seed: 7 })) {
    const graph = runPasses(model.graph, wasm.passes, { check: true });
    const { report, diagnostics } = collect();
    const request = { graph, weights: model.weights, card: testCard(graph), name: "net", report };
    const artifacts = wasm.emit(request);
    assert.equal(diagnostics, []);
    const [, ...size] = model.inputs.input.shape;
    const input = randomTensor(3, [3, ...size]);
    const expected = planCase(model).run({ input });
    for (const threads of [1, 2, 3]) {
      const net = await startWasm({ artifacts, threads });
      assert.is(net.threads.used, threads);
      for (let i = 0; i < 6; i++) {
        const actual = net.run({ input });
        for (const [name, { shape, data }] of Object.entries(expected)) {
          assert.equal(actual[name].shape, [...shape]);
          assert.equal(actual[name].data, data, `${name} on ${threads} threads, run ${i}`);
        }
      }
      net.dispose();
    }
  }
});

test("every kind of kernel has run", () => {
  const kinds = ["conv", "depthwise", "copy", "pointwise", "spaceToDepth", "maxPool", "averagePool"];
  const made = ["transform", "product"].map((part) => `${part} of U made on the way`);
  const winograd = ["F(m,3)", "F(m,3)/2", "F(m,4)"].flatMap((name) =>
    ["fused", "transform", "product", ...(name === "F(m,4)" ? [] : made)].map(
      (part) => `winograd ${name} ${part}`,
    ),
  );
  assert.equal(
    [...kinds, ...winograd].filter((kind) => !seen.has(kind)),
    [],
    [...seen].join("; "),
  );
});

test.run();
