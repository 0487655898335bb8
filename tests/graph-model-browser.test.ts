/** model.json in a real page: the script builds of tfjs load it by its address. */
import type { Browser, Page } from "playwright-core";
import { test } from "uvu";
import { interpret } from "../src/ir/interpret.ts";
import type { Op } from "../src/ir/op.ts";
import { type OpName, ops } from "../src/ir/ops/index.ts";
import { runPasses, standardPasses } from "../src/passes/pipeline.ts";
import { opCases } from "./op-cases.ts";
import { caseGraph, randomWeights } from "./support/case-graph.ts";
import {
  requireChromium,
  requireWebGpu,
  type StaticServer,
  serve,
  startChromium,
} from "./support/chromium.ts";
import { assertClose } from "./support/close-to.ts";
import { toArtifacts } from "./support/graph-model.ts";
import type { Case } from "./support/operands.ts";
import { randomTensor } from "./support/random.ts";
import { smallNet } from "./support/small-net.ts";
import { tfjsFiles, tfjsTags } from "./support/tfjs-page.ts";

const scripts = ["core", "backend-cpu", "backend-webgl", "backend-webgpu", "converter"] as const;

/** What webgl does in its own way, and a whole net. */
const chosen: readonly OpName[] = ["maxPool", "averagePool", "prelu", "resize", "reflectPad", "groupNorm"];
const models = chosen.flatMap((name) => {
  const cases: readonly Case[] = opCases[name];
  return cases.map((one) => ({ title: `${name}: ${one.title}`, ...caseGraph(ops[name] as Op<never>, one) }));
});
const graph = runPasses(smallNet(), standardPasses);
const weights = randomWeights(smallNet());
models.push({ title: "a net", graph, inputs: { input: randomTensor(5, [3, 32, 32, 3]) }, weights });

const files = tfjsFiles(scripts).set(
  "index.html",
  () => `<!doctype html><title>resnetc</title>
${tfjsTags(scripts)}
<script>
  window.runModel = async (url, backend, inputs) => {
    await tf.setBackend(backend);
    const model = await tf.loadGraphModel(url);
    const tensors = {};
    for (const [name, { shape, data }] of Object.entries(inputs)) tensors[name] = tf.tensor(data, shape, "float32");
    const outputs = [model.predict(tensors)].flat();
    return Promise.all(outputs.map(async (y) => ({ shape: y.shape, data: Array.from(await y.data()) })));
  };
</script>`,
);
models.forEach(({ graph, weights }, i) => {
  for (const { path, contents } of toArtifacts(graph, weights, { shardBytes: 20_000 }))
    files.set(`${i}/${path}`, () => contents);
});

let server: StaticServer;
let browser: Browser;
let page: Page;

if (requireChromium()) {
  test.before(async () => {
    server = await serve(files);
    browser = await startChromium();
    page = await browser.newPage();
    await page.goto(`${server.origin}/index.html`);
    await page.waitForFunction("window.runModel");
  });
  test.after(async () => {
    await browser?.close();
    await server?.close();
  });

  for (const [backend, tolerance] of [
    ["cpu", 1e-5],
    ["webgl", 1e-3],
    ["webgpu", 1e-3],
  ] as const) {
    test(`${backend}: ${models.length} models give what the reference gives`, async () => {
      if (backend === "webgpu" && !(await requireWebGpu(browser, `${server.origin}/index.html`))) return;
      for (const [i, { title, graph, inputs, weights }] of models.entries()) {
        const plain = Object.fromEntries(
          Object.entries(inputs).map(([name, { shape, data }]) => [name, { shape, data: [...data] }]),
        );
        const call = `runModel("/${i}/model.json", "${backend}", ${JSON.stringify(plain)})`;
        const found = (await page.evaluate(call)) as { shape: number[]; data: number[] }[];
        const expected = interpret(graph, inputs, weights);
        Object.values(expected).forEach((value, k) => {
          assertClose(found[k], value, tolerance, `${title}, ${backend}`);
        });
      }
    });
  }
}

test.run();
