/** What tfjs modules run on in a page: the choice by measuring, and what becomes of a lost WebGL context or WebGPU device. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { tfjs } from "../src/codegen/tfjs/target.ts";
import { emit } from "../src/compile.ts";
import { interpret } from "../src/ir/interpret.ts";
import { addArtifacts, backendScripts } from "./support/backends-page.ts";
import { randomWeights } from "./support/case-graph.ts";
import {
  requireChromium,
  requireWebGpu,
  type StaticServer,
  serve,
  startChromium,
} from "./support/chromium.ts";
import { assertClose } from "./support/close-to.ts";
import { netOf } from "./support/compiled.ts";
import { root } from "./support/nets.ts";
import { randomTensor } from "./support/random.ts";
import { type TfjsScript, tfjsFiles, tfjsImportMap, tfjsTags, tolerances } from "./support/tfjs-page.ts";

const net = netOf("net tiny { input 8x8x3; conv(3x3, 4) -> relu; avgpool; out: dense(3) }");
const weights = randomWeights(net.graph);
const input = randomTensor(1, [2, 8, 8, 3], -1, 1);
const [expected] = Object.values(interpret(net.graph, { input }, weights));
const { artifacts } = emit(net, { target: tfjs, weights, weightsFrom: "test" });

/** The page's side; `seen` is what the module has of tfjs and says. */
const script = `
import { load } from "/net/tiny.js";
const input = Float32Array.from(${JSON.stringify(Array.from(input.data))});
const lose = {
  webgl: () => tf.findBackend("webgl").gpgpu.gl.getExtension("WEBGL_lose_context").loseContext(),
  webgpu: () => tf.findBackend("webgpu").device.destroy(),
};
const told = async (work) => {
  try {
    return { out: Array.from(Object.values(await work())[0]) };
  } catch (error) {
    return { message: error.message };
  }
};
Object.assign(globalThis, {
  lose,
  load: async (options) => (globalThis.net = await load({ tf: globalThis.tf, wasmPaths: "/tfjs/", ...options })),
  info: ({ backend, why } = net.info) => ({ backend, why }),
  run: () => told(() => net.run({ input })),
  runAsync: () => told(() => net.runAsync({ input })),
  /** Wasm is told to take its time, so that another wins. */
  slowDown(name) {
    const config = tf.getKernel(name, "wasm");
    tf.unregisterKernel(name, "wasm");
    tf.registerKernel({ ...config, kernelFunc: (given) => {
      for (const end = performance.now() + 200; performance.now() < end; );
      return config.kernelFunc(given);
    } });
  },
  /** What a driver with a fault would do. */
  falsify(name, backend) {
    const config = tf.getKernel(name, backend);
    tf.unregisterKernel(name, backend);
    tf.registerKernel({ ...config, kernelFunc: (given) => {
      const { x } = given.inputs;
      return config.kernelFunc({ ...given, inputs: { ...given.inputs, x: tf.mul(x, 1.01) } });
    } });
  },
});
globalThis.isReady = true;
`;

const html =
  (scripts: readonly TfjsScript[], packages: readonly TfjsScript[] = []) =>
  () =>
    `<!doctype html><title>resnetc</title><link rel="icon" href="data:,">
${tfjsImportMap(packages)}${tfjsTags(scripts)}<script type="module" src="/page.js"></script>`;

const files = tfjsFiles(backendScripts)
  .set("page.js", () => script)
  .set("index.html", html(backendScripts))
  .set("packages.html", html([], ["core", "backend-wasm", "backend-webgl"]));
addArtifacts(files, "net", artifacts);
/** A worker has no localStorage, and a canvas only off the screen. */
files.set(
  "worker.js",
  () => `importScripts(${backendScripts.map((name) => `"/tfjs/tf-${name}.min.js"`).join()});
onmessage = async ({ data: backends }) => {
  const { load } = await import("/net/tiny.js");
  const told = [];
  for (const backend of backends) {
    const net = await load({ tf, backend, wasmPaths: "/tfjs/" });
    const outputs = await net.runAsync({ input: Float32Array.from(${JSON.stringify(Array.from(input.data))}) });
    told.push({ backend: net.info.backend, why: net.info.why, out: Array.from(Object.values(outputs)[0]) });
    net.dispose();
  }
  postMessage(told);
};`,
);
let fetched = 0;
const weightsFile = files.get("net/tiny.weights")!;
files.set("net/tiny.weights", () => {
  fetched++;
  return weightsFile();
});

interface Told {
  readonly out?: number[];
  readonly message?: string;
}

interface On {
  readonly backend: string;
  readonly why: string;
}

let server: StaticServer;
let browser: Browser;

interface Session {
  readonly page: Page;
  readonly warnings: string[];
  do<T = unknown>(expression: string): Promise<T>;
}

/** A page of its own, in a context of its own unless one is given. */
async function withPage(
  work: (session: Session) => Promise<void>,
  { name = "index.html", context }: { name?: string; context?: BrowserContext } = {},
): Promise<void> {
  const page = await (context ?? browser).newPage();
  const warnings: string[] = [];
  page.on("console", (message) => {
    if (message.text().startsWith("tiny: ")) warnings.push(message.text());
  });
  try {
    await page.goto(`${server.origin}/${name}`);
    await page.waitForFunction("globalThis.isReady");
    await work({
      page,
      warnings,
      do: <T>(expression: string) => page.evaluate(`(async () => ${expression})()`) as Promise<T>,
    });
  } finally {
    await page.close();
  }
}

const assertRight = ({ out, message }: Told, tolerance: number) => {
  assert.is(message, undefined);
  assertClose({ data: out! }, expected, tolerance);
};

const what = { webgl: "WebGL context", webgpu: "WebGPU device" } as const;

if (requireChromium()) {
  test.before(async () => {
    server = await serve(files);
    browser = await startChromium();
  });
  test.after(async () => {
    await browser?.close();
    await server?.close();
  });

  for (const backend of ["webgl", "webgpu"] as const) {
    test(`${backend}: a lost ${what[backend]} is left for wasm, which is told`, () =>
      withPage(async (session) => {
        if (backend === "webgpu" && !(await requireWebGpu(browser, `${server.origin}/index.html`))) return;
        await session.do(`{ await load({ backend: "${backend}" }) }`);
        assertRight(await session.do("run()"), tolerances[backend]);
        assertRight(await session.do("runAsync()"), tolerances[backend]);
        assert.equal(await session.do("info()"), { backend, why: "as asked for" });
        const before = fetched;
        // In the same turn: nothing has told the page yet.
        const { message } = await session.do<Told>(`{ lose.${backend}(); return run(); }`);
        const lost = `The ${what[backend]} was lost, and the network moves to another backend: `;
        assert.is(message, `${lost}\`await net.ready\`, then run again.`);
        await session.do("net.ready");
        assertRight(await session.do("run()"), tolerances.wasm);
        const on: On = { backend: "wasm", why: `the ${what[backend]} was lost` };
        assert.equal(await session.do("info()"), on);
        assert.equal(session.warnings, [`tiny: ${on.why}; the network runs on wasm now.`]);
        assert.is(fetched, before + 1, "the weights are read again");
        await session.do("net.dispose()");

        // A network that is loaded now starts the backend anew; one that waits for results has them all the same.
        await session.do(`{ await load({ backend: "${backend}" }) }`);
        assert.equal(await session.do("info()"), { backend, why: "as asked for" });
        assertRight(
          await session.do(`{ const run = runAsync(); lose.${backend}(); return run; }`),
          tolerances.wasm,
        );
        assert.equal(await session.do("info()"), on);
        assert.equal(session.warnings.length, 2);
        const picture = `net.classify(new ImageData(8, 8), { top: 1 })`;
        assert.is((await session.do<unknown[]>(picture)).length, 1);
        await session.do("net.dispose()");
        assert.is(await session.do("tf.memory().numTensors"), 0, "tensors are left");
      }));
  }

  test("a graphics process that crashes takes all contexts along, and no result with it", async () => {
    const own = await startChromium();
    try {
      for (const backend of ["webgl", "webgpu"] as const) {
        const page = await own.newPage();
        await page.goto(`${server.origin}/index.html`);
        await page.waitForFunction("globalThis.isReady");
        await page.evaluate(`load({ backend: "${backend}" }).then(() => {})`);
        assertRight((await page.evaluate("runAsync()")) as Told, tolerances[backend]);
        await (await own.newBrowserCDPSession()).send("Browser.crashGpuProcess");
        for (let i = 0; i < 20; i++) {
          const told = (await page.evaluate(i % 2 ? "run()" : "runAsync()")) as Told;
          if (told.out) assertRight(told, tolerances[backend]);
          else assert.match(told.message!, /was lost, and the network moves/);
        }
        await page.evaluate("net.ready");
        assertRight((await page.evaluate("run()")) as Told, tolerances.wasm);
        assert.is(((await page.evaluate("info()")) as On).why, `the ${what[backend]} was lost`);
        await page.close();
      }
    } finally {
      await own.close();
    }
  });

  test("cpu where wasm does not start, and a sentence where the weights are gone", () =>
    withPage(async (session) => {
      await session.do(`{ await load({ backend: "webgl", wasmPaths: "/nowhere/" }) }`);
      await session.do("{ lose.webgl(); await net.ready; }");
      // The event of the loss may come behind the promise that was asked for.
      await session.page.waitForFunction(`info().backend === "cpu"`);
      assertRight(await session.do("run()"), tolerances.cpu);
      assert.equal(session.warnings, ["tiny: the WebGL context was lost; the network runs on cpu now."]);
      await session.do("net.dispose()");

      await session.do(`{ await load({ backend: "webgl", weights: await (await fetch("/net/tiny.weights")).arrayBuffer()
        .then((buffer) => (globalThis.given = buffer)) }) }`);
      await session.do("{ new Uint8Array(given).fill(1); lose.webgl(); }");
      await session.do("run()");
      const message =
        "The WebGL context was lost, and no other backend starts: " +
        "The weights are damaged or belong to another build: their checksum is wrong.";
      assert.is(await session.do("net.ready.catch((error) => error.message)"), message);
      assert.equal(await session.do("run()"), { message });
      assert.equal(await session.do("runAsync()"), { message });
    }));

  test("auto: measured on the first load, remembered on the second; packages that are not there are a reason", async () => {
    const context = await browser.newContext();
    const page = { name: "packages.html", context };
    let first: On | undefined;
    await withPage(async (session) => {
      first = await session.do<On>(`{ await load({ backend: "auto" }); return info(); }`);
      assert.match(
        first.why,
        /^measured: wasm [\d.e+-]+ ms, webgl [\d.e+-]+ ms; webgpu needs the package @tensorflow\/tfjs-backend-webgpu, which cannot be loaded$/,
      );
      assertRight(await session.do("run()"), tolerances.webgl);
    }, page);
    await withPage(async (session) => {
      const second = await session.do<On>(`{ await load({ backend: "auto" }); return info(); }`);
      assert.equal(second, { ...first, why: first!.why.replace("measured", "remembered") });
      assertRight(await session.do("run()"), tolerances.webgl);
      const engine = "Object.keys((await import('@tensorflow/tfjs-core')).engine().registry)";
      assert.equal(await session.do(engine), [first!.backend], "other backends were started");
    }, page);
    await context.close();
  });

  test("a worker: every backend, and a choice that is remembered as long as the worker lives", () =>
    withPage(async (session) => {
      const backends = ["cpu", "wasm", "webgl", "auto", "auto"];
      if (await requireWebGpu(browser, `${server.origin}/index.html`)) backends.push("webgpu");
      const told = await session.do<(On & Told)[]>(`new Promise((resolve, reject) => {
        const worker = new Worker("/worker.js");
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.postMessage(${JSON.stringify(backends)});
      })`);
      for (const [i, { backend, why, ...values }] of told.entries()) {
        assertRight(values, tolerances[backend as "wasm"]);
        if (backends[i] !== "auto") assert.equal([backend, why], [backends[i], "as asked for"]);
      }
      assert.match(told[3].why, /^measured: wasm .* ms/);
      assert.equal(told[4], {
        ...told[4],
        backend: told[3].backend,
        why: told[3].why.replace("measured", "remembered"),
      });
      assert.is(await session.do("localStorage.length"), 0);
    }));

  test("the program of docs/backends.md", async () => {
    const [, program] = /```js\n([\s\S]*?)```/.exec(
      readFileSync(path.join(root, "docs/backends.md"), "utf8"),
    )!;
    const code = program
      .replace("./dist/resnet20-tfjs/resnet20.js", "/net/tiny.js")
      .replace("32 * 32 * 3", "8 * 8 * 3")
      .replace("{ logits }", "logits");
    files.set("program.js", () => `${code}\nglobalThis.result = { info: net.info, logits };`);
    const context = await browser.newContext();
    for (const [times, why] of [/^measured: /, /^remembered: /].entries()) {
      const before = fetched;
      await withPage(
        async ({ page }) => {
          await page.evaluate(`import("/program.js").then(() => {})`);
          const { info, logits } = (await page.evaluate("result")) as { info: On; logits: object };
          assert.match(info.why, why);
          assert.is(Object.values(logits).length, 1);
          // What was fetched is stored meanwhile.
          await page.waitForFunction(
            `caches.open("resnetc").then((c) => c.keys()).then((all) => all.some(({ url }) => url.includes("tiny.weights")))`,
          );
        },
        { name: "packages.html", context },
      );
      assert.is(fetched - before, 1 - times, "the browser keeps the weights");
    }
    await context.close();
  });

  test("auto: the fastest, unless its results are wrong", () =>
    withPage(async (session) => {
      await session.do(`{ tf.removeBackend("webgpu"); slowDown("FusedConv2D"); }`);
      const fast = await session.do<On>(`{ await load({ backend: "auto" }); return info(); }`);
      assert.is(fast.backend, "webgl", fast.why);
      assertRight(await session.do("run()"), tolerances.webgl);
      await session.do("{ net.dispose(); localStorage.clear(); }");
      assert.is(await session.do("tf.memory().numTensors"), 0, "measuring leaves tensors");

      await session.do(`falsify("FusedConv2D", "webgl")`);
      const right = await session.do<On>(
        `{ await (await import("/net/tiny.js?anew")).load({ tf, backend: "auto" }).then((other) => { globalThis.net = other; }); return info(); }`,
      );
      assert.is(right.backend, "wasm", right.why);
      assert.match(right.why, /; webgl gives other results, off by 0\.0\d+$/);
      assertRight(await session.do("run()"), tolerances.wasm);
    }));

  test("auto: what is remembered but does not start is measured anew", () =>
    withPage(async (session) => {
      await session.do(`{ tf.removeBackend("webgpu"); await load({ backend: "auto" }); net.dispose(); }`);
      await session.do(`{
        const key = localStorage.key(0);
        localStorage.setItem(key, JSON.stringify({ backend: "webgl", why: "webgl 1 ms" }));
        tf.removeBackend("webgl");
        tf.registerBackend("webgl", () => { throw new Error("the driver is broken"); }, 0);
      }`);
      const { backend, why } = await session.do<On>(`{ await load({ backend: "auto" }); return info(); }`);
      assert.is(backend, "wasm");
      assert.match(why, /^measured: wasm .* ms; .*webgl does not start here: the driver is broken$/);
      assert.match(await session.do<string>("localStorage.getItem(localStorage.key(0))"), /"backend":"wasm"/);
    }));
}

test.run();
