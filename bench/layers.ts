/**
 * `npm run bench:layers`: where the time of our build goes, step by step, against what the planner predicted. On one
 * thread, the least of several runs; a Markdown table for each net on stdout.
 */
import { parseArgs } from "node:util";
import { planGraph } from "../src/codegen/wasm/plan/plan.ts";
import { planOptions, wasm } from "../src/codegen/wasm/target.ts";
import { emit } from "../src/compile.ts";
import type { Node } from "../src/ir/graph.ts";
import { elements } from "../src/ir/tensor.ts";
import { runPasses } from "../src/passes/pipeline.ts";
import { startWasm } from "../src/run/wasm.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { fixed, markdownTable } from "./markdown.ts";
import { type NetName, netNames, openNamed } from "./nets.ts";
import { median } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    nets: { type: "string", default: "resnet18,resnet50" },
    rounds: { type: "string", default: "20" },
    relaxed: { type: "boolean", default: false },
    exact: { type: "boolean", default: false },
  },
});

/** Multiply-adds of the definition, whatever the algorithm does. */
const macsOf = (node: Node): number => node.op.macs(node);

for (const name of values.nets.split(",")) {
  if (!netNames.includes(name as NetName))
    throw new Error(`There is no net ${name}: ${netNames.join(", ")}.`);
  await report(name as NetName);
}

async function report(name: NetName): Promise<void> {
  const net = openNamed(name);
  const weights = heWeights(net.graph, 1);
  const arithmetic = { relaxed: values.relaxed, exact: values.exact };
  const { artifacts } = emit(net, { target: wasm, weights, weightsFrom: "He initialisation", arithmetic });
  const { steps, image } = planGraph(runPasses(net.graph, wasm.passes), weights, planOptions(arithmetic));
  const started = await startWasm({ artifacts, threads: 1 });
  const pictures = image.inputs.map(({ name: input, shape }) => {
    const data = Float32Array.from({ length: elements(shape) }, (_, i) => Math.sin(i * 0.37));
    return [input, { shape: [1, ...shape], data }] as const;
  });
  const measured = started.profile(Object.fromEntries(pictures), Number(values.rounds)).map(({ ms }) => ms);
  started.dispose();

  const rows = steps.map(({ label, kernel, node, predictedMs }, i) => [
    label,
    kernel.name,
    macsOf(node) > 0 ? fixed(macsOf(node) / measured[i] / 1e6) : "",
    measured[i].toFixed(3),
    predictedMs.toFixed(3),
  ]);
  const total = (list: readonly number[]) => list.reduce((sum, ms) => sum + ms, 0);
  const predicted = steps.map(({ predictedMs }) => predictedMs);
  const off = steps.map((_, i) => Math.abs(Math.log2(measured[i] / predicted[i])));
  console.log(`## ${name}\n`);
  console.log(markdownTable(["step", "kernel", "GMAC/s of the definition", "ms", "predicted"], rows));
  console.log(
    `\nMeasured ${fixed(total(measured))} ms, predicted ${fixed(total(predicted))} ms; ` +
      `the median step is off by a factor of ${fixed(2 ** median(off))}.\n`,
  );
}
