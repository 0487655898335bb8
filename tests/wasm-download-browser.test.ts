/** What tests/wasm-download.test.ts tests, in a real browser with its caches: parts, lines that are cut, files of an older build. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { requireChromium, startChromium } from "./support/chromium.ts";
import { makeToy } from "./support/toy-image.ts";

const floats = 24_000;
const shardBytes = 80_000;
const build = (seed: number) => makeToy({ floats, mixes: 4, seed, shardBytes });
/** What the server has, and what it had when the page was there before. */
const [toy, older] = [build(0), build(1)];
const picture = Float32Array.from({ length: floats }, (_, i) => (i % 11) - 5);
const parts = toy.artifacts.map(({ path }) => path).filter((path) => path.endsWith(".weights"));

/** What was asked for, with the range. */
let asked: string[] = [];
let isOld = false;
/** How often a file is cut off yet, behind so many bytes. */
let cuts = 0;
const cutAt = 50_000;

const server: Server = createServer((request, response) => {
  const path = new URL(request.url ?? "/", "http://127.0.0.1").pathname.slice(1);
  if (path === "index.html") {
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
    return;
  }
  const found = (isOld ? older : toy).artifacts.find((file) => file.path === path);
  if (!found) {
    response.writeHead(404).end();
    return;
  }
  const bytes = Buffer.from(found.contents);
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const from = Number(range?.[1] ?? 0);
  asked.push(range ? `${path} ${from}` : path);
  const types: Record<string, string> = { js: "text/javascript", wasm: "application/wasm" };
  response.writeHead(range ? 206 : 200, {
    "content-type": types[path.split(".").at(-1)!] ?? "application/octet-stream",
    "content-length": bytes.length - from,
    "accept-ranges": "bytes",
    ...(range ? { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
    // The weights may be kept for an hour, whatever happens to them here.
    "cache-control": path.endsWith(".weights") ? "max-age=3600" : "no-cache",
  });
  if (path.endsWith(".weights") && cuts > 0 && bytes.length - from > cutAt) {
    cuts--;
    response.write(bytes.subarray(from, from + cutAt));
    setTimeout(() => response.destroy(), 50);
  } else response.end(bytes.subarray(from));
});

if (requireChromium()) {
  let browser: Browser;
  let origin: string;
  test.before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await startChromium();
  });
  test.after(async () => {
    await browser?.close();
    server.closeAllConnections();
    server.close();
  });
  test.before.each(() => {
    asked = [];
    [isOld, cuts] = [false, 0];
  });

  /** Loads and runs in a new page; the weights that were asked for meanwhile. */
  async function loads(page: Page, options: object = {}): Promise<string[]> {
    const before = asked.length;
    await page.goto(`${origin}/index.html`);
    const script = `import("/toy.js").then(async ({ load }) => {
      const steps = [];
      const onProgress = ({ loaded, total }) => steps.push(loaded / total);
      const net = await load({ ...${JSON.stringify(options)}, threads: 1, onProgress });
      const input = Float32Array.from({ length: ${floats} }, (_, i) => (i % 11) - 5);
      return { all: Array.from(net.run({ input }).all), last: steps.at(-1) };
    })`;
    const { all, last } = (await page.evaluate(script)) as { all: number[]; last: number };
    assert.equal(Float32Array.from(all), (isOld ? older : toy).expected(picture));
    assert.is(last, 1);
    return asked.slice(before).filter((entry) => /weights/.test(entry));
  }

  async function inContext(work: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext();
    try {
      await work(await context.newPage());
    } finally {
      await context.close();
    }
  }

  test("parts come in turn, and those that are cut off go on", () =>
    inContext(async (page) => {
      assert.is(parts.length, 3);
      cuts = 2;
      const found = await loads(page);
      const ranges = found.filter((entry) => / \d+$/.test(entry));
      assert.is(ranges.length, 2, found.join());
      for (const entry of ranges) assert.ok(Number(entry.split(" ")[1]) > 0, entry);
      for (const part of parts) assert.ok(found.includes(part), part);
    }));

  test("what was cut off is in the browser's store all the same", () =>
    inContext(async (page) => {
      cuts = 1;
      assert.ok((await loads(page, { cache: true })).length > 3);
      const isKept = `caches.open("resnetc").then((c) => c.keys()).then((keys) => keys.length === 3)`;
      await page.waitForFunction(isKept);
      assert.equal(await loads(page, { cache: true }), []);
    }));

  test("weights of an older build, which the browser may keep for an hour, are fetched again", () =>
    inContext(async (page) => {
      isOld = true;
      assert.is((await loads(page)).length, 3);
      // Nothing is asked for again within the hour.
      assert.equal(await loads(page), []);
      isOld = false;
      assert.equal((await loads(page)).sort(), parts);
    }));
}

test.run();
