/** The wasm target's module in a real browser: pages with threads and without, workers, policies that forbid things. */
import type { Browser, Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isolating, requireChromium, type StaticServer, serve, startChromium } from "./support/chromium.ts";
import { makeToy, type Toy } from "./support/toy-image.ts";

const floats = 24_000;
const toy = makeToy({ floats, mixes: 20 });
const other = makeToy({ floats, mixes: 20, seed: 1 });
const picture = (seed: number) => Float32Array.from({ length: floats }, (_, i) => ((i * 37 + seed) % 11) - 5);

/** What a page or a worker does with the module; runs in both. */
const script = `
export async function use(options = {}, rounds = 3) {
  const { load } = await import("/net/toy.js");
  const memories = [];
  const { Memory } = WebAssembly;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor) { super(descriptor); memories.push(this); }
  };
  const steps = [];
  const net = await load({ ...options, onProgress: (p) => steps.push(p.loaded / p.total) });
  WebAssembly.Memory = Memory;
  const picture = (seed) => Float32Array.from({ length: ${floats} }, (_, i) => ((i * 37 + seed) % 11) - 5);
  const given = { all: new Float32Array(${floats}), half: new Float32Array(${floats / 2}) };
  for (let i = 0; i < rounds; i++) net.run({ input: picture(i) }, given);
  globalThis.net = net;
  // Where each thread leaves something when it does a piece.
  const { scratch, scratchBytes } = options.places ?? {};
  const worked = Array.from({ length: net.info.threads.used }, (_, t) =>
    scratch && new Int32Array(memories[0].buffer)[(scratch + t * scratchBytes) / 4 + 16] !== 0);
  return { all: Array.from(given.all), threads: net.info.threads, last: steps.at(-1), worked };
}`;

const html = (title: string) => `<!doctype html><title>${title}</title>
<script type="module">
  import { use } from "/use.js";
  window.use = use;
  window.useInWorker = (...args) => new Promise((resolve, reject) => {
    const worker = new Worker("/worker.js", { type: "module" });
    worker.onmessage = ({ data }) => data.error ? reject(new Error(data.error)) : resolve(data);
    worker.onerror = () => reject(new Error("the worker fails"));
    worker.postMessage(args);
  });
</script>`;

const policies: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "plain.html": {},
  "isolated.html": isolating,
  "no-blob.html": {
    ...isolating,
    "content-security-policy": "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'self'",
  },
  "no-wasm.html": { "content-security-policy": "script-src 'self' 'unsafe-inline'" },
  "net/plain-text.wasm": { "content-type": "text/plain" },
  "worker.js": isolating,
};

const contents = ({ artifacts }: Toy, ending: string) =>
  artifacts.find(({ path }) => path.endsWith(ending))!.contents;

/** How often each file was asked for. */
const asked = new Map<string, number>();

function served<T>(path: string, file: T): T {
  asked.set(path, (asked.get(path) ?? 0) + 1);
  return file;
}

const files = new Map<string, () => string | Uint8Array>([
  ["use.js", () => script],
  [
    "worker.js",
    () => `import { use } from "/use.js";
onmessage = ({ data }) => use(...data).then(postMessage, (error) => postMessage({ error: error.message }));`,
  ],
  ...toy.artifacts.map(({ path, contents }) => [`net/${path}`, () => served(path, contents)] as const),
  ["net/plain-text.wasm", () => contents(toy, ".wasm")],
  ["net/other.weights", () => contents(other, ".weights")],
  ["net/cut.weights", () => (contents(toy, ".weights") as Uint8Array).subarray(0, 100_000)],
  ["net/page.weights", () => "<!DOCTYPE html><title>a page</title>"],
  ...Object.keys(policies)
    .filter((path) => path.endsWith(".html"))
    .map((path) => [path, () => html(path)] as const),
]);

/** What `use` gives back as plain data. */
interface Use {
  readonly all: number[];
  readonly threads: { readonly used: number; readonly why: string };
  readonly last: number;
  readonly worked: boolean[];
}

let server: StaticServer;
let browser: Browser;

/** Opens a page, works, and closes it. */
async function inPage<T>(name: string, work: (page: Page) => Promise<T>): Promise<T> {
  const page = await browser.newPage();
  try {
    await page.goto(`${server.origin}/${name}`);
    await page.waitForFunction("window.use");
    return await work(page);
  } finally {
    await page.close();
  }
}

const places = (() => {
  const build = /const build = (\{[\s\S]*?\n\});/.exec(String(contents(toy, ".js")))![1];
  const { memoryBytes, scratchBytes } = JSON.parse(build) as { memoryBytes: number; scratchBytes: number };
  return { scratch: memoryBytes, scratchBytes };
})();

const use = (page: Page, options: object, rounds = 3, where = "use") =>
  page.evaluate(`${where}(${JSON.stringify({ places, ...options })}, ${rounds})`) as Promise<Use>;

const complaint = (page: Page, options: object) =>
  page.evaluate(`use(${JSON.stringify(options)}).then(() => "loaded", (error) => error.message)`);

function assertRight({ all, last }: Use, rounds: number): void {
  assert.equal(Float32Array.from(all), toy.expected(picture(rounds - 1)));
  assert.is(last, 1);
}

if (requireChromium()) {
  test.before(async () => {
    server = await serve(files, (path) => ({
      "cross-origin-resource-policy": "same-origin",
      ...policies[path],
    }));
    browser = await startChromium();
  });
  test.after(async () => {
    await browser?.close();
    await server?.close();
  });

  test("weights stay in the browser's cache, until they are damaged or of another build", async () => {
    const weights = toy.artifacts.find(({ path }) => path.endsWith(".weights"))!.path;
    const context = await browser.newContext();
    const inNewPage = async (work: (page: Page) => Promise<unknown>) => {
      const page = await context.newPage();
      await page.goto(`${server.origin}/plain.html`);
      await page.waitForFunction("window.use");
      await work(page);
      await page.close();
    };
    const isKept = (cache: string) =>
      `caches.open("${cache}").then((c) => c.keys()).then((all) => all.some(({ url }) => /${weights}.resnetc=\\w{6}/.test(url)))`;
    const fetches = async (options: object) => {
      const before = asked.get(weights) ?? 0;
      await inNewPage(async (page) => {
        assertRight(await use(page, options), 3);
        // What arrived is stored meanwhile.
        if ("cache" in options)
          await page.waitForFunction(isKept(options.cache === true ? "resnetc" : "mine"));
      });
      return (asked.get(weights) ?? 0) - before;
    };
    const keys = `caches.open("resnetc").then((c) => c.keys()).then((all) => all.map(({ url }) => url))`;
    try {
      assert.is(await fetches({ cache: true }), 1, "the first load fetches");
      assert.is(await fetches({ cache: true }), 0, "the second takes what is there");
      assert.is(await fetches({}), 1, "unasked, nothing is kept or taken");
      assert.is(await fetches({ cache: "mine" }), 1, "another cache is another one");
      await inNewPage(async (page) => {
        // An older build at the same address, and what somebody else keeps.
        await page.evaluate(`caches.open("resnetc").then(async (c) => {
          for (const key of await c.keys()) await c.delete(key);
          await c.put("/net/${weights}?resnetc=1-2-3-4", new Response("old"));
          await c.put("/other", new Response("other"));
        })`);
      });
      assert.is(await fetches({ cache: true }), 1, "another build is fetched");
      await inNewPage(async (page) => {
        const kept = (await page.evaluate(keys)) as string[];
        assert.is(kept.length, 2, kept.join());
        assert.not(kept.some((key) => key.endsWith("1-2-3-4")));
        const mine = kept.find((key) => key.includes(weights))!;
        await page.evaluate(
          `caches.open("resnetc").then((c) => c.put(${JSON.stringify(mine)}, new Response("<!DOCTYPE html>")))`,
        );
        assert.match(String(await complaint(page, { cache: true })), /The weights/);
      });
      assert.is(await fetches({ cache: true }), 1, "what was damaged is fetched again");
      assert.is(await fetches({ cache: true }), 0);
      await inNewPage(async (page) => {
        const mine = ((await page.evaluate(keys)) as string[]).find((key) => key.includes(weights))!;
        await page.evaluate(
          `caches.open("resnetc").then((c) => c.put(${JSON.stringify(mine)}, new Response(new Uint8Array(${toy.weights.length}))))`,
        );
      });
      assert.is(await fetches({ cache: true }), 1, "what does not belong to it is fetched at once");
    } finally {
      await context.close();
    }
  });

  test("a page without isolation: one thread, and the reason", () =>
    inPage("plain.html", async (page) => {
      for (const threads of ["auto", 1, 4]) {
        const result = await use(page, { threads });
        assertRight(result, 3);
        assert.is(result.threads.used, 1);
        const alone = (await page.evaluate("navigator.hardwareConcurrency")) === 1;
        if (threads === 4 || (threads === "auto" && !alone))
          assert.is(result.threads.why, "the page is not cross-origin isolated");
      }
      assert.is(page.workers().length, 0);
    }));

  test("an isolated page: as many threads as wanted, and each does its part", () =>
    inPage("isolated.html", async (page) => {
      for (const threads of [1, 2, 4]) {
        const result = await use(page, { threads }, 300);
        assertRight(result, 300);
        assert.equal(result.threads, { used: threads, why: "as asked for" });
        assert.equal(result.worked, Array(threads).fill(true));
        assert.is(page.workers().length, threads - 1);
        await page.evaluate("net.dispose()");
        for (let i = 0; i < 100 && page.workers().length > 0; i++) await page.waitForTimeout(20);
        assert.is(page.workers().length, 0);
      }
      const processors = await page.evaluate("navigator.hardwareConcurrency");
      assert.match((await use(page, {})).threads.why, new RegExp(`^processors: ${processors}`));
    }));

  test("a worker of an isolated page has threads of its own", () =>
    inPage("isolated.html", async (page) => {
      const result = await use(page, { threads: 3 }, 100, "useInWorker");
      assertRight(result, 100);
      assert.equal(result.threads, { used: 3, why: "as asked for" });
      assert.equal(result.worked, [true, true, true]);
    }));

  test("a policy without blob: leaves one thread, and the reason", () =>
    inPage("no-blob.html", async (page) => {
      const result = await use(page, { threads: 3 });
      assertRight(result, 3);
      assert.is(result.threads.used, 1);
      assert.match(result.threads.why, /^2 of 3 did not start: /);
    }));

  test("a policy without wasm is told", () =>
    inPage("no-wasm.html", async (page) => {
      const told = await complaint(page, {});
      assert.match(told as string, /^The kernels http:\S+ cannot be compiled: .*\.$/s);
    }));

  test("kernels with another MIME type are taken all the same", async () => {
    for (const name of ["plain.html", "isolated.html"])
      await inPage(name, async (page) =>
        assertRight(await use(page, { wasm: "/net/plain-text.wasm", threads: 2 }), 3),
      );
  });

  test("what goes wrong in a page is told", async () => {
    const at = (path: string) => `${server.origin}/net/${path}`;
    const cases: readonly (readonly [object, string])[] = [
      [
        { weights: "net/page.weights" },
        `The weights ${at("page.weights")} are an HTML page: the server answers with a page instead of the file.`,
      ],
      [{ weights: "net/none" }, `The weights ${at("none")} cannot be fetched: HTTP 404.`],
      [{ wasm: "net/none" }, `The kernels ${at("none")} cannot be fetched: HTTP 404.`],
      [
        { weights: "net/cut.weights" },
        `The weights ${at("cut.weights")} have 100000 bytes instead of 192000: ` +
          "the file is cut off or belongs to another build.",
      ],
      [
        { weights: "net/other.weights" },
        `The weights ${at("other.weights")} are damaged or belong to another build: their checksum is wrong.`,
      ],
      [
        { weights: "http://127.0.0.1:1/" },
        "The weights http://127.0.0.1:1/ cannot be fetched: Failed to fetch.",
      ],
    ];
    for (const name of ["plain.html", "isolated.html"]) {
      await inPage(name, async (page) => {
        for (const [options, message] of cases)
          assert.is(await complaint(page, { threads: 2, ...options }), message);
        for (let i = 0; i < 100 && page.workers().length > 0; i++) await page.waitForTimeout(20);
        assert.is(page.workers().length, 0, "threads of networks that were never there");
      });
    }
  });
}

test.run();
