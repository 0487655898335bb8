/** What the onnx target writes, in ONNX Runtime Web's WebAssembly in Chromium, as a page loads it. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { interpret } from "../src/ir/interpret.ts";
import { randomWeights } from "./support/case-graph.ts";
import { requireChromium, type StaticServer, serve, startChromium } from "./support/chromium.ts";
import { assertClose } from "./support/close-to.ts";
import { netOf } from "./support/compiled.ts";
import { root } from "./support/nets.ts";
import { toNchw, toNhwc } from "./support/networks.ts";
import { buildOnnx } from "./support/onnx-run.ts";
import { randomTensor } from "./support/random.ts";
import type { ServedFiles } from "./support/tfjs-page.ts";

const texts = {
  residual: `use basic, bottleneck from std
net residual {
  input 17x17x3
  conv1: conv(3x3, 8) -> bn -> relu
  pool1: maxpool(3x3) /2
  conv2: basic(12) /2
  conv3: bottleneck(4, groups = 2)
  fc: avgpool -> dense(10) -> softmax
}`,
  map: `use inverted, se from std
net map {
  input 12x10x3
  conv1: conv(3x3, 8) /2 -> bn -> hswish
  conv2: inverted(8, expand = 2, attend = se(4))
  near: avgpool(3x3) -> resize(12x10)
  out: gn(4) -> conv(1x1, 2, bias = true)
}`,
};

const levels = [0, 2] as const;
const subjects = Object.entries(texts).map(([name, text]) => {
  const net = netOf(text);
  const weights = randomWeights(net.graph);
  const { shape } = net.graph.nodes.find((node) => node.op.name === "input")!.type;
  const input = randomTensor(2, [2, ...shape.slice(1)], -1, 1);
  return { name, net, weights, input, expected: interpret(net.graph, { input }, weights) };
});

const files: ServedFiles = new Map([
  [
    "index.html",
    () => `<!doctype html><title>resnetc</title><link rel="icon" href="data:,"><script type="module">
  import * as ort from "/ort/ort.wasm.min.mjs";
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  globalThis.runModel = async (url, data, dims) => {
    const session = await ort.InferenceSession.create(url, { executionProviders: ["wasm"] });
    const results = await session.run({ input: new ort.Tensor("float32", Float32Array.from(data), dims) });
    await session.release();
    return Object.entries(results).map(([name, { data, dims }]) => ({ name, data: Array.from(data), dims }));
  };
</script>`,
  ],
]);
for (const file of ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"])
  files.set(`ort/${file}`, () => readFileSync(path.join(root, "node_modules/onnxruntime-web/dist", file)));
for (const { name, net, weights } of subjects)
  for (const level of levels) files.set(`${name}-${level}.onnx`, () => buildOnnx(net, weights, level));

let server: StaticServer;
let browser: Browser;
let page: Page;

if (requireChromium()) {
  test.before(async () => {
    server = await serve(files);
    browser = await startChromium();
    page = await browser.newPage();
    await page.goto(`${server.origin}/index.html`);
    await page.waitForFunction("globalThis.runModel");
  });
  test.after(async () => {
    await browser?.close();
    await server?.close();
  });

  for (const { name, input, expected } of subjects) {
    for (const level of levels) {
      test(`${name} at -O${level}`, async () => {
        const [n, h, w, c] = input.shape;
        const args = [`/${name}-${level}.onnx`, Array.from(toNchw(input)), [n, c, h, w]];
        const results = (await page.evaluate(`runModel(...${JSON.stringify(args)})`)) as {
          name: string;
          data: number[];
          dims: number[];
        }[];
        assert.equal(
          results.map((result) => result.name),
          Object.keys(expected),
        );
        for (const { name, data, dims } of results)
          assertClose(toNhwc(data, dims), expected[name], 1e-5, name);
      });
    }
  }
}

test.run();
