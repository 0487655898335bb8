/**
 * Pages with the strictest usual Content-Security-Policy: no inline scripts, no eval, no workers from blobs. Built
 * networks need nothing more than 'wasm-unsafe-eval', which is WebAssembly.
 */
import type { Browser, Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { tfjs } from "../src/codegen/tfjs/target.ts";
import { wasm } from "../src/codegen/wasm/target.ts";
import { emit } from "../src/compile.ts";
import { interpret } from "../src/ir/interpret.ts";
import {
  addArtifacts,
  backendsPageFiles,
  openBackendsPage,
  plainInputs,
  type RunRequest,
  runOnPage,
} from "./support/backends-page.ts";
import { randomWeights } from "./support/case-graph.ts";
import { isolating, requireChromium, type StaticServer, serve, startChromium } from "./support/chromium.ts";
import { assertClose } from "./support/close-to.ts";
import { netOf } from "./support/compiled.ts";
import { randomTensor } from "./support/random.ts";
import { tolerances } from "./support/tfjs-page.ts";

const net = netOf("net small { input 16x16x3; conv(3x3, 8) -> bn -> relu; avgpool; dense(5) }");
const weights = randomWeights(net.graph);
const input = randomTensor(1, [2, 16, 16, 3], -1, 1);
const [[output, expected]] = Object.entries(interpret(net.graph, { input }, weights));

const policy = { "content-security-policy": "script-src 'self' 'wasm-unsafe-eval'" };
const files = backendsPageFiles();
files.set("isolated.html", files.get("index.html")!);
files.set("inline.html", () => `<!doctype html><title>x</title><script>globalThis.inline = true</script>`);
for (const target of [wasm, tfjs]) {
  const { artifacts } = emit(net, { target, weights, weightsFrom: "test" });
  addArtifacts(files, target.name, artifacts);
}

let server: StaticServer;
let browser: Browser;

/** Opens a page, runs the network, and hears what the policy forbade. */
async function runUnderPolicy(name: string, target: "wasm" | "tfjs", options: RunRequest["options"]) {
  const page: Page = await openBackendsPage(browser, server, name);
  const violations = (await page.evaluateHandle(`{
    const list = [];
    document.addEventListener("securitypolicyviolation", (event) => list.push(event.blockedURI));
    list;
  }`)) as { jsonValue(): Promise<string[]> };
  try {
    const run = await runOnPage(page, {
      url: `/${target}/small.js`,
      options,
      inputs: plainInputs({ input }),
    });
    const tolerance = options.backend ? tolerances[options.backend as "wasm"] : tolerances.wasm;
    assertClose({ data: run.outputs[output] }, expected, tolerance);
    return { ...run.info, violations: await violations.jsonValue() };
  } finally {
    await page.close();
  }
}

if (requireChromium()) {
  test.before(async () => {
    server = await serve(files, (path) =>
      path.endsWith(".html") ? { ...policy, ...(path === "isolated.html" ? isolating : {}) } : {},
    );
    browser = await startChromium();
  });
  test.after(async () => {
    await browser?.close();
    await server?.close();
  });

  test("the policy is in force", async () => {
    const page = await browser.newPage();
    await page.goto(`${server.origin}/inline.html`);
    assert.is(await page.evaluate("globalThis.inline"), undefined);
    await page.close();
  });

  test("wasm: one thread without isolation; nothing is forbidden", async () => {
    const { threads, violations } = await runUnderPolicy("index.html", "wasm", { threads: 3 });
    assert.equal(threads, { used: 1, why: "the page is not cross-origin isolated" });
    assert.equal(violations, []);
  });

  test("wasm: with isolation one thread too, and why", async () => {
    const { threads } = await runUnderPolicy("isolated.html", "wasm", { threads: 3 });
    const why = "the page forbids workers from blobs, see worker-src of its Content-Security-Policy";
    assert.equal(threads, { used: 1, why: `2 of 3 did not start: ${why}` });
  });

  for (const backend of ["wasm", "cpu", "webgl", "webgpu"]) {
    test(`tfjs on ${backend}`, async () => {
      const info = await runUnderPolicy("index.html", "tfjs", { backend });
      assert.is(info.backend, backend);
      assert.equal(info.violations, []);
    });
  }

  test("tfjs on wasm with isolation does not wait for the threads that it cannot have", async () => {
    const { backend } = await runUnderPolicy("isolated.html", "tfjs", { backend: "wasm" });
    assert.is(backend, "wasm");
  });
}

test.run();
