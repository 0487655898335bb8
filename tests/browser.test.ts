/** Generated modules in a real browser, beside the script builds of tfjs that pages use. */
import type { Browser, Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { interpret } from "../src/ir/interpret.ts";
import type { Op } from "../src/ir/op.ts";
import { type OpName, ops } from "../src/ir/ops/index.ts";
import { opCases } from "./op-cases.ts";
import {
  addArtifacts,
  backendsPageFiles,
  openBackendsPage,
  plainInputs,
  runOnPage,
} from "./support/backends-page.ts";
import { buildNet } from "./support/built-net.ts";
import { caseGraph } from "./support/case-graph.ts";
import {
  requireChromium,
  requireWebGpu,
  type StaticServer,
  serve,
  startChromium,
} from "./support/chromium.ts";
import { assertClose } from "./support/close-to.ts";
import type { Case } from "./support/operands.ts";
import { randomTensor } from "./support/random.ts";
import { smallNet } from "./support/small-net.ts";
import { tfjsTags, tolerances } from "./support/tfjs-page.ts";

const built = buildNet(smallNet());
const input = randomTensor(5, [2, 32, 32, 3]);
const expected = interpret(built.graph, { input }, built.weights);
/**
 * Operations on webgl and webgpu, whose kernels have nothing in common with those that tests/ops.test.ts runs in Node.
 * Epilogues with an activation that no kernel fuses are left out: the activation by itself says as much.
 */
const opNets = (Object.keys(opCases) as OpName[]).flatMap((name) => {
  const cases: readonly Case[] = opCases[name];
  const chosen = cases.filter(
    ({ title }) => name === "activation" || !/tanh|sigmoid|swish|gelu|mish/.test(title),
  );
  return chosen.map((one) => ({ title: `${name}: ${one.title}`, ...caseGraph(ops[name] as Op<never>, one) }));
});

const files = backendsPageFiles();
files.set("core.html", () => `<!doctype html><title>resnetc</title>${tfjsTags(["core"])}`);
files.set("page.weights", () => "<!DOCTYPE html><title>a page</title>");
addArtifacts(files, "net", built.artifacts);
opNets.forEach(({ graph, weights }, i) => {
  addArtifacts(files, `op${i}`, buildNet(graph, weights).artifacts);
});

let server: StaticServer;
let browser: Browser;
let page: Page;

if (requireChromium()) {
  test.before(async () => {
    server = await serve(files);
    browser = await startChromium();
    page = await openBackendsPage(browser, server);
  });
  test.after(async () => {
    await browser?.close();
    await server?.close();
  });

  for (const backend of ["wasm", "webgl", "cpu", "webgpu"] as const) {
    const isGpu = backend === "webgpu";
    const runs = isGpu ? 20 : 100;
    test(`${backend}: the net gives what the reference gives, and ${runs} runs leave no tensor`, async () => {
      if (isGpu && !(await requireWebGpu(browser, `${server.origin}/index.html`))) return;
      const request = { url: "/net/smallnet.js", options: { backend }, inputs: plainInputs({ input }), runs };
      const { outputs, leak, info } = await runOnPage(page, request);
      assert.is(info.backend, backend);
      assert.is(leak, 0);
      assert.equal(Object.keys(outputs), ["features", "logits"]);
      for (const name of Object.keys(outputs)) {
        assertClose({ data: outputs[name] }, expected[name], tolerances[backend], `${backend}, ${name}`);
      }
    });
  }

  for (const backend of ["webgl", "webgpu"] as const) {
    test(`${backend}: ${opNets.length} cases of operations`, async () => {
      if (backend === "webgpu" && !(await requireWebGpu(browser, `${server.origin}/index.html`))) return;
      for (const [i, { title, graph, inputs, weights }] of opNets.entries()) {
        const shapes = Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, shape]));
        const request = { url: `/op${i}/case.js`, options: { backend }, inputs: plainInputs(inputs), shapes };
        const { outputs, leak } = await runOnPage(page, request);
        assert.is(leak, 0, title);
        assertClose({ data: outputs.y }, interpret(graph, inputs, weights).y, tolerances[backend], title);
      }
    });
  }

  test("what goes wrong in a page is told", async () => {
    const complaint = (options: string) =>
      page.evaluate(`import("/net/smallnet.js").then(async ({ load }) => load(${options})).then(
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
    const damaged = `fetch("/net/smallnet.weights").then((r) => r.arrayBuffer()).then((b) => (new Uint8Array(b)[100] ^= 1, b))`;
    assert.is(
      await complaint(`{ tf, weights: await ${damaged} }`),
      "The weights are damaged or belong to another build: their checksum is wrong.",
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

  test("a page without the package of a backend is told", async () => {
    const other = await browser.newPage();
    await other.goto(`${server.origin}/core.html`);
    const message = await other.evaluate(`import("/net/smallnet.js")
      .then(({ load }) => load({ tf, backend: "webgpu" })).then(() => "loaded", (error) => error.message)`);
    assert.is(
      message,
      'The backend "webgpu" needs the package @tensorflow/tfjs-backend-webgpu, which cannot be loaded.',
    );
    await other.close();
  });
}

test.run();
