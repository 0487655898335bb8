/**
 * The plans of the wasm target, as text: which algorithm each convolution runs as, what is joined, where maps lie.
 * They change when the planner is tuned; `npm run bless` takes that over, and the difference is what is reviewed.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Plan, planGraph } from "../src/codegen/wasm/plan/plan.ts";
import { printPlan } from "../src/codegen/wasm/plan/print.ts";
import { planOptions, wasm } from "../src/codegen/wasm/target.ts";
import type { AnalysedNet } from "../src/compile.ts";
import type { WeightSource } from "../src/ir/interpret.ts";
import { runPasses } from "../src/passes/pipeline.ts";
import { around, netOf } from "./support/compiled.ts";
import { golden, goldenNames } from "./support/golden.ts";
import { examplePath, openNet } from "./support/nets.ts";

/** A plan needs shapes, not values. */
const unread: WeightSource = {
  get: (name) => assert.unreachable(`${name} is read`) as never,
};

const planOf = ({ graph }: AnalysedNet, exact = false): Plan =>
  planGraph(runPasses(graph, wasm.passes), unread, planOptions({ exact }));

const example = (file: string, net?: string) => () =>
  openNet(examplePath(file), net === undefined ? {} : { net }).net;

const cases: Readonly<Record<string, { readonly net: () => AnalysedNet; readonly exact?: boolean }>> = {
  resnet18: { net: example("resnet18.resnet") },
  "resnet18-exact": { net: example("resnet18.resnet"), exact: true },
  resnet50: { net: example("resnet50.resnet") },
  // Shortcuts that pad.
  "cifar-resnet20": { net: example("cifar.resnet", "resnet20") },
  // Two maps of other sizes into one, and several results.
  "resnet50-fpn": { net: example("fpn.resnet", "resnet50_fpn") },
  // A channel at a time, and a factor for each channel.
  "depthwise-se": {
    net: () =>
      netOf(
        `use cbr, bottleneck, se from std\n${around(
          "cbr(3x3, 32) /2\n  cbr(5x5, 32, groups = 32)\n  bottleneck(16, 32, groups = 4, attend = se(4))\n  softmax",
          "56x56x3",
        )}`,
      ),
  },
};

for (const [name, { net, exact }] of Object.entries(cases)) {
  test(name, () => golden("plan", name, printPlan(planOf(net(), exact))));
}

test("no file is stale", () => {
  assert.equal(goldenNames("plan"), Object.keys(cases).sort());
});

test("the text says what the plan holds", () => {
  for (const { net, exact } of Object.values(cases)) {
    const plan = planOf(net(), exact);
    const text = printPlan(plan);
    assert.is(text, printPlan(planOf(net(), exact)), "the same every time");
    const [steps, buffers] = text.split("\n\n").slice(1);
    assert.is(steps.trim().split("\n").length, 1 + plan.steps.length);
    assert.is(buffers.trim().split("\n").length, 1 + plan.buffers.length);
    for (const { label } of plan.steps) assert.ok(steps.includes(` ${label} `), label);
    // Strides are of no interest to readers.
    assert.not.match(steps, /@|x\d+\+/);
  }
});

test.run();
