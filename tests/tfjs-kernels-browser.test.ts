/** Our kernels in pages: on tfjs' plain memory, and on the memory that its threads share. */
import type { Browser } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { serveIsolated } from "../bench/isolated-server.ts";
import { runPasses, standardPasses } from "../src/passes/pipeline.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { requireChromium, serve, startChromium } from "./support/chromium.ts";
import { assertClose } from "./support/close-to.ts";
import { type CompiledSources, compileSources } from "./support/compiled-sources.ts";
import { toGraphModel } from "./support/graph-model.ts";
import { claimCores, type KernelsPage, kernelsPageFiles, onPage } from "./support/kernels-page.ts";
import { examplePath, openNet } from "./support/nets.ts";
import { randomTensor } from "./support/random.ts";

const { net } = openNet(examplePath("resnet18.resnet"), { settings: { size: "64x64x3" } });
/** Convolutions and the dense layer of ResNet-18. */
const calls = 21;

let compiled: CompiledSources;
let files: Map<string, () => string | Uint8Array>;
let browser: Browser;

interface Session {
  readonly threads: number;
  call<Name extends keyof KernelsPage>(
    name: Name,
    ...args: Parameters<KernelsPage[Name]>
  ): Promise<Awaited<ReturnType<KernelsPage[Name]>>>;
}

/** Opens the page and starts tfjs on it. */
async function withPage(
  isolated: boolean,
  threads: number,
  work: (session: Session, warnings: readonly string[]) => Promise<void>,
): Promise<void> {
  const contents = () =>
    Object.fromEntries(
      [...files].map(([name, make]) => {
        const made = make();
        return [`/${name}`, typeof made === "string" ? Buffer.from(made) : made];
      }),
    );
  const server = await (isolated ? serveIsolated({ folders: {}, files: contents() }) : serve(files));
  const page = await browser.newPage();
  const warnings: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "warning") warnings.push(message.text());
  });
  try {
    await page.addInitScript(claimCores, 2 * threads);
    await page.goto(`${server.origin}/index.html`);
    await page.waitForFunction("globalThis.page");
    const got = await onPage(page, "start", threads);
    await work({ threads: got, call: (name, ...args) => onPage(page, name, ...args) }, warnings);
  } finally {
    await page.close();
    await server.close();
  }
}

if (requireChromium()) {
  test.before(async () => {
    compiled = compileSources("tfjs-kernels/register.ts");
    const model = toGraphModel(runPasses(net.graph, standardPasses), heWeights(net.graph, 1));
    files = kernelsPageFiles(model, randomTensor(1, [64, 64, 3], -2, 2).data, compiled.folder);
    browser = await startChromium();
  });
  test.after(async () => {
    await browser?.close();
    compiled?.remove();
  });

  for (const isolated of [false, true]) {
    test(isolated ? "in an isolated page, on shared memory" : "in any page", () =>
      withPage(isolated, 1, async ({ threads, call }, warnings) => {
        assert.is(threads, 1);
        const stock = await call("predict");
        await call("register");
        assertClose({ data: await call("predict") }, { data: stock }, 1e-5);
        assertClose({ data: await call("predict") }, { data: stock }, 1e-5);
        assert.equal(await call("report"), { own: 2 * calls, stock: {} });
        await call("unregister");
        assertClose({ data: await call("predict") }, { data: stock }, 0);
        assert.equal(warnings, []);
      }),
    );
  }

  test("tfjs keeps its threads, unless told otherwise", () =>
    withPage(true, 2, async ({ threads, call }, warnings) => {
      assert.is(threads, 2);
      const stock = await call("predict");
      await call("register");
      assertClose({ data: await call("predict") }, { data: stock }, 0);
      const reason = "tfjs runs on 2 threads, which its own kernels use";
      assert.equal(await call("report"), { own: 0, stock: { [reason]: calls } });
      assert.equal(warnings, [`resnetc: tfjs' own kernels stay: ${reason}.`]);
      await call("register", { threads: true });
      assertClose({ data: await call("predict") }, { data: stock }, 1e-5);
      assert.equal(await call("report"), { own: calls, stock: {} });
    }));
}

test.run();
