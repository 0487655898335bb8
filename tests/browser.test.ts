/** Generated modules in a real browser, beside the script builds of tfjs that pages use. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { tfjs } from "../src/codegen/tfjs/target.ts";
import { emit } from "../src/compile.ts";
import { interpret } from "../src/ir/interpret.ts";
import type { Op } from "../src/ir/op.ts";
import { type OpName, ops } from "../src/ir/ops/index.ts";
import { opCases } from "./op-cases.ts";
import { buildNet } from "./support/built-net.ts";
import { caseGraph } from "./support/case-graph.ts";
import { requireChromium, type StaticServer, serve, startChromium } from "./support/chromium.ts";
import { assertClose } from "./support/close-to.ts";
import { examplePath, openNet } from "./support/nets.ts";
import { bind, toNhwc } from "./support/networks.ts";
import type { Case } from "./support/operands.ts";
import { randomTensor } from "./support/random.ts";
import { requireShared, sharedPath } from "./support/shared.ts";
import { smallNet } from "./support/small-net.ts";

const packages = fileURLToPath(new URL("../node_modules/@tensorflow/", import.meta.url));
const scripts = ["core", "backend-cpu", "backend-wasm", "backend-webgl"];
const binaries = ["", "-simd", "-threaded-simd"].map((kind) => `tfjs-backend-wasm${kind}.wasm`);

const built = buildNet(smallNet());
const input = randomTensor(5, [2, 32, 32, 3]);
const expected = interpret(built.graph, { input }, built.weights);
/**
 * Operations on webgl, whose kernels have nothing in common with those that tests/ops.test.ts runs in Node.
 * Epilogues with an activation that no kernel fuses are left out: the activation by itself says as much.
 */
const opNets = (Object.keys(opCases) as OpName[]).flatMap((name) => {
  const cases: readonly Case[] = opCases[name];
  const chosen = cases.filter(
    ({ title }) => name === "activation" || !/tanh|sigmoid|swish|gelu|mish/.test(title),
  );
  return chosen.map((one) => ({ title: `${name}: ${one.title}`, ...caseGraph(ops[name] as Op<never>, one) }));
});

/** The page's side of a run: what it must give back as plain data. */
interface PageRun {
  readonly outputs: Record<string, number[]>;
  readonly leak: number;
  readonly backend: string;
}

const files = new Map<string, () => string | Uint8Array>([
  [
    "index.html",
    () => `<!doctype html><title>resnetc</title>
${scripts.map((name) => `<script src="/tfjs/tf-${name}.min.js"></script>`).join("\n")}
<script type="module">
  // The backends as a page asks for them; the case's module is loaded by its address.
  window.runNet = async (url, backend, inputs, runs) => {
    const { load } = await import(url);
    const net = await load({ tf, backend, wasmPaths: "/tfjs/" });
    await net.warmUp();
    const arrays = Object.fromEntries(Object.entries(inputs).map(([name, data]) => [name, Float32Array.from(data)]));
    const before = tf.memory().numTensors;
    let results = net.run(arrays);
    for (let i = 1; i < runs; i++) results = net.run(arrays);
    const leak = tf.memory().numTensors - before;
    net.dispose();
    const outputs = Object.fromEntries(Object.entries(results).map(([name, data]) => [name, Array.from(data)]));
    return { outputs, leak, backend: net.info.backend };
  };
</script>`,
  ],
  ["page.weights", () => "<!DOCTYPE html><title>a page</title>"],
  ...scripts.map((name) => {
    const path = `tfjs-${name}/dist/tf-${name}.min.js`;
    return [`tfjs/tf-${name}.min.js`, () => readFileSync(packages + path)] as const;
  }),
  ...binaries.map(
    (name) => [`tfjs/${name}`, () => readFileSync(`${packages}tfjs-backend-wasm/dist/${name}`)] as const,
  ),
  ...built.artifacts.map(({ path, contents }) => [`net/${path}`, () => contents] as const),
]);
opNets.forEach(({ graph, weights }, i) => {
  for (const { path, contents } of buildNet(graph, weights).artifacts)
    files.set(`op${i}/${path}`, () => contents);
});

/** The trained CIFAR ResNet-20 with the logits that PyTorch makes of it; absent where ../shared is. */
const trained = requireShared("models/cifar/expected-logits.json") ? buildTrained() : undefined;
for (const { path, contents } of trained?.artifacts ?? []) files.set(`trained/${path}`, () => contents);

function buildTrained() {
  const expectedLogits = JSON.parse(readFileSync(sharedPath("models/cifar/expected-logits.json"), "utf8"));
  const { file, logits_f64 } = expectedLogits.resnet20 as { file: string; logits_f64: number[][] };
  const { net, module } = openNet(examplePath("cifar.resnet"), { net: "resnet20" });
  const weights = bind(net, module, sharedPath(`models/cifar/${file}`));
  const { artifacts } = emit(net, { target: tfjs, weights, weightsFrom: file });
  return { artifacts, logits: logits_f64.flat() };
}

let server: StaticServer;
let browser: Browser;
let page: Page;

const runNet = (url: string, backend: string, inputs: Record<string, ArrayLike<number>>, runs: number) => {
  const plain = Object.fromEntries(Object.entries(inputs).map(([name, data]) => [name, Array.from(data)]));
  const call = `runNet(${JSON.stringify(url)}, "${backend}", ${JSON.stringify(plain)}, ${runs})`;
  return page.evaluate(call) as Promise<PageRun>;
};

/** The limits of 32-bit floats, and of what shaders make of them. */
const tolerances = { wasm: 1e-5, cpu: 1e-5, webgl: 1e-3 };

if (requireChromium()) {
  test.before(async () => {
    server = await serve(files);
    browser = await startChromium();
    page = await browser.newPage();
    await page.goto(`${server.origin}/index.html`);
    await page.waitForFunction("window.runNet");
  });
  test.after(async () => {
    await browser?.close();
    await server?.close();
  });

  if (trained) {
    for (const backend of ["wasm", "webgl"] as const) {
      test(`${backend}: the trained ResNet-20 gives PyTorch's logits`, async () => {
        // x[i] = ((i * 2654435761) mod 2^32) / 2^32 * 4 - 2, by the flat NCHW index.
        const shape = [2, 3, 32, 32];
        const pixels = Float32Array.from(
          { length: 2 * 3 * 32 * 32 },
          (_, i) => ((Math.imul(i, 2654435761) >>> 0) / 2 ** 32) * 4 - 2,
        );
        const picture = toNhwc(pixels, shape).data;
        const { outputs, leak } = await runNet("/trained/resnet20.js", backend, { input: picture }, 2);
        assert.is(leak, 0);
        assertClose({ data: outputs.logits }, { data: trained.logits }, tolerances[backend], backend);
      });
    }
  }

  for (const backend of ["wasm", "webgl", "cpu"] as const) {
    test(`${backend}: the net gives what the reference gives, and 100 runs leave no tensor`, async () => {
      const {
        outputs,
        leak,
        backend: used,
      } = await runNet("/net/smallnet.js", backend, { input: input.data }, 100);
      assert.is(used, backend);
      assert.is(leak, 0);
      assert.equal(Object.keys(outputs), ["features", "logits"]);
      for (const name of Object.keys(outputs)) {
        assertClose({ data: outputs[name] }, expected[name], tolerances[backend], `${backend}, ${name}`);
      }
    });
  }

  test(`webgl: ${opNets.length} cases of operations`, async () => {
    for (const [i, { title, graph, inputs, weights }] of opNets.entries()) {
      const arrays = Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data]));
      const { outputs, leak } = await runNet(`/op${i}/case.js`, "webgl", arrays, 1);
      assert.is(leak, 0, title);
      assertClose({ data: outputs.y }, interpret(graph, inputs, weights).y, tolerances.webgl, title);
    }
  });

  test("what goes wrong in a page is told", async () => {
    const complaint = (options: string) =>
      page.evaluate(`import("/net/smallnet.js").then(({ load }) => load(${options})).then(
        () => "loaded", (error) => error.message)`);
    const { origin } = server;
    assert.is(
      await complaint(`{ tf, weights: "page.weights" }`),
      `The weights ${origin}/page.weights are an HTML page: the server answers with a page instead of the file.`,
    );
    assert.is(
      await complaint(`{ tf, weights: "nothing.weights" }`),
      `The weights ${origin}/nothing.weights cannot be fetched: HTTP 404.`,
    );
    assert.is(
      await complaint(`{ tf, backend: "webgpu" }`),
      'The backend "webgpu" needs the package @tensorflow/tfjs-backend-webgpu, which cannot be loaded.',
    );
    assert.is(
      await complaint("{}"),
      "The package @tensorflow/tfjs-core cannot be loaded; install it or pass load({ tf }).",
    );
  });

  test("a page without the wasm files is told", async () => {
    const other = await browser.newPage();
    await other.goto(`${server.origin}/index.html`);
    const message: string = await other.evaluate(`import("/net/smallnet.js")
      .then(({ load }) => load({ tf, wasmPaths: "/nowhere/" })).then(() => "loaded", (error) => error.message)`);
    assert.match(
      message,
      /^The backend "wasm" does not start here: Make sure the server can serve .* file\.$/,
    );
    await other.close();
  });
}

test.run();
