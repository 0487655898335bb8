/** Vite's dev server in a real browser: networks reload when what they are made of changes, and mistakes are shown over the page. */
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createServer, type ViteDevServer } from "vite";
import { resnetc } from "../src/plugin/vite.ts";
import { requireChromium, startChromium } from "./support/chromium.ts";
import { makeProject, type Project, trainedNet } from "./support/plugin-project.ts";

const small = (classes: number) => `resnet 1
use widths from "./widths"

net small {
  input 8x8x3
  conv1: conv(3x3, widths) -> bn -> relu
  pool:  avgpool
  fc:    dense(${classes})
}
`;

const program = `
import { load } from "./nets/small.resnet";
import { load as loadTrained } from "./nets/cifar.resnet?net=resnet20";

globalThis.loads = (globalThis.loads ?? 0) + 1;
globalThis.describe = async (options) => {
  const { info, dispose } = await load(options);
  dispose();
  return info.params + " " + info.weights;
};
globalThis.classify = async (photo, options) => (await (await loadTrained(options)).classify(photo, { top: 1 }))[0].label;
`;

const accepting = `
import { load } from "./nets/accepted.resnet";
const use = async (start) => { document.title = String((await start()).info.params); };
use(load);
import.meta.hot?.accept("./nets/accepted.resnet", (module) => use(module.load));
`;

const html = (script: string) => `<!doctype html><html><head><link rel="icon" href="data:," /></head>
<body><script type="module" src="/src/${script}"></script></body></html>`;

let project: Project;
let vite: ViteDevServer;
let browser: Browser;
let page: Page;
let origin: string;

const file = (name: string) => path.join(project.folder, name);

/** A change that tells of itself, whatever the clock's grain. */
function write(name: string, text: string): void {
  const before = existsSync(file(name)) ? statSync(file(name)).mtimeMs : 0;
  writeFileSync(file(name), text);
  if (statSync(file(name)).mtimeMs === before) utimesSync(file(name), new Date(), new Date(before + 1000));
}

/** Until the page says so; while it reloads it says nothing. */
async function wait<T>(expression: string, isRight: (found: T) => boolean, on = page): Promise<T> {
  let found: T | undefined;
  for (let i = 0; i < 200; i++) {
    found = (await on.evaluate(expression).catch(() => undefined)) as T | undefined;
    if (found !== undefined && isRight(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${expression} stays ${JSON.stringify(found)}`);
}

const describes = (wanted: string) => wait<string>("describe()", (found) => found === wanted);

interface Overlay {
  readonly message: string;
  readonly file: string;
  readonly frame: string;
}

const overlay = (about: RegExp) =>
  wait<Overlay>(
    `(() => {
      const root = document.querySelector("vite-error-overlay")?.shadowRoot;
      const text = (name) => root.querySelector("." + name)?.textContent.trim() ?? "";
      return root ? { message: text("message"), file: text("file"), frame: text("frame") } : undefined;
    })()`,
    ({ message }) => about.test(message),
  );

const random = "He initialisation, seed 0";
const params = (width: number, classes: number) => 27 * width + 2 * width + (width + 1) * classes;

if (requireChromium()) {
  test.before(async () => {
    project = makeProject({
      "index.html": html("main.js"),
      "accepting.html": html("accepting.js"),
      "src/main.js": program,
      "src/accepting.js": accepting,
      "src/nets/small.resnet": small(10),
      "src/nets/accepted.resnet": small(5),
      "src/nets/widths.resnet": "resnet 1\nlet widths = 4\n",
    });
    vite = await createServer({
      root: project.folder,
      base: "/deep/",
      configFile: false,
      logLevel: "silent",
      server: {
        host: "127.0.0.1",
        port: 0,
        headers: {
          "Cross-Origin-Opener-Policy": "same-origin",
          "Cross-Origin-Embedder-Policy": "require-corp",
        },
      },
      plugins: [resnetc({ ...project.options, types: true })],
    });
    await vite.listen();
    origin = `http://127.0.0.1:${(vite.httpServer!.address() as AddressInfo).port}/deep`;
    browser = await startChromium();
    page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(`${origin}/`);
  });
  test.after(async () => {
    await browser?.close();
    await vite?.close();
    project?.remove();
  });

  test("a network runs, on threads and in a worker of an isolated page", async () => {
    await describes(`${params(4, 10)} ${random}`);
    const photo = `data:image/png;base64,${readFileSync(project.photo).toString("base64")}`;
    for (const options of [{ threads: 2 }, { worker: true }]) {
      const label = await page.evaluate(`classify(${JSON.stringify(photo)}, ${JSON.stringify(options)})`);
      if (trainedNet) assert.is(label, "cat");
      assert.type(label, "string");
    }
  });

  test("the page reloads when the source changes, and its types with it", async () => {
    write("src/nets/small.resnet", small(7));
    await describes(`${params(4, 7)} ${random}`);
    const types = readFileSync(file("src/nets/small.d.resnet.ts"), "utf8");
    assert.match(types, /^\/\/ Written by resnetc from small\.resnet/);
    assert.match(types, /\[batch, 1, 1, 7\]/);
  });

  test("… when a file that it uses changes", async () => {
    write("src/nets/widths.resnet", "resnet 1\nlet widths = 6\n");
    await describes(`${params(6, 7)} ${random}`);
  });

  test("… when a checkpoint comes beside it, and goes", async () => {
    // A checkpoint that does not fit: the overlay says so, with what it is.
    const beside = file("src/nets/small.npz");
    copyFileSync(file("photo.png"), beside);
    await overlay(/bad-checkpoint: .*small\.npz/);
    rmSync(beside);
    await describes(`${params(6, 7)} ${random}`);
    assert.is(await page.locator("vite-error-overlay").count(), 0);
  });

  test("a mistake is shown over the page with place and frame; mending it takes that away", async () => {
    write("src/nets/small.resnet", small(7).replace("avgpool", "avgpol"));
    const { file: place, frame } = await overlay(/unknown-name: nothing here is called `avgpol`/);
    assert.ok(place.endsWith("src/nets/small.resnet:7:10"), place);
    assert.match(frame, /7 \| {3}pool: {2}avgpol\n +\| {10}\^{6}\n +\S hint: did you mean `avgpool`\?/);
    write("src/nets/small.resnet", small(5));
    await describes(`${params(6, 5)} ${random}`);
    assert.is(await page.locator("vite-error-overlay").count(), 0);
  });

  test("a mistake in a file that it uses is shown there", async () => {
    write("src/nets/widths.resnet", "resnet 1\nlet widths = = 6\n");
    const { file: place } = await overlay(/stray-assignment/);
    assert.match(place, /src\/nets\/widths\.resnet:2:14$/);
    write("src/nets/widths.resnet", "resnet 1\nlet widths = 8\n");
    await describes(`${params(8, 5)} ${random}`);
  });

  test("a module that accepts the network goes on without a reload", async () => {
    const other = await browser.newPage();
    try {
      await other.goto(`${origin}/accepting.html`);
      await wait<string>("document.title", (title) => title === String(params(8, 5)), other);
      await other.evaluate("globalThis.stays = true");
      write("src/nets/accepted.resnet", small(3));
      await wait<string>("document.title", (title) => title === String(params(8, 3)), other);
      assert.is(await other.evaluate("globalThis.stays"), true);
    } finally {
      await other.close();
    }
  });

  test("on the server, an import touches nothing of a page, and the network runs", async () => {
    const { load } = await vite.ssrLoadModule("/src/nets/accepted.resnet");
    const net = await load({ threads: 1 });
    assert.is(net.run({ input: new Float32Array(8 * 8 * 3) }).logits.length, 3);
    net.dispose();
  });

  test("a query that is misspelt is told", async () => {
    const told = await vite
      .transformRequest("/src/nets/small.resnet?weight=x.pth")
      .catch((error) => error.message);
    assert.match(told, /there is no query weight; did you mean weights\?/);
  });
}

test.run();
