/** Built modules and pictures in a real browser: everything that shows or holds one gives what Node gives, to the bit for PNG. */
import type { Browser, Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decode } from "../src/run/picture.ts";
import { requireChromium, type StaticServer, serve, startChromium } from "./support/chromium.ts";
import { buildSeen, classes, eaten, jpegFile, pixelsOf, pngFiles } from "./support/picture-net.ts";

const seen = buildSeen();
const many = Array.from({ length: 300 }, (_, i) => `class number ${i}`);
const manyClasses = buildSeen({
  labels: many,
  source: `net many { input image(12x10x3, resize=16); conv(3x3, 8) -> relu; avgpool; fc: dense(300) }`,
});
const pngs = pngFiles();
const jpegs = [await jpegFile(1), await jpegFile(6)];

/** What the tests call in the page. */
const script = `
import { load } from "/seen.js";
const nets = { page: await load(), worker: await load({ worker: true }) };
const opaque = async (name) => {
  const image = new Image();
  image.src = "/" + name;
  await image.decode();
  return image;
};
const drawn = async (name, canvas) => {
  const image = await opaque(name);
  Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas;
};
const untouched = { premultiplyAlpha: "none", colorSpaceConversion: "none" };
const blob = async (name) => (await fetch("/" + name)).blob();
const kinds = {
  address: (name) => name,
  URL: (name) => new URL(name, location.href),
  Blob: blob,
  File: async (name) => new File([await blob(name)], name),
  ArrayBuffer: async (name) => (await blob(name)).arrayBuffer(),
  bytes: async (name) => new Uint8Array(await (await blob(name)).arrayBuffer()),
  img: opaque,
  "img that is not loaded yet": (name) => Object.assign(new Image(), { src: "/" + name }),
  ImageBitmap: async (name) => createImageBitmap(await blob(name), untouched),
  canvas: (name) => drawn(name, document.createElement("canvas")),
  OffscreenCanvas: (name) => drawn(name, new OffscreenCanvas(1, 1)),
  ImageData: async (name) => {
    const canvas = await drawn(name, new OffscreenCanvas(1, 1));
    return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  },
  VideoFrame: async (name) => new VideoFrame(await drawn(name, new OffscreenCanvas(1, 1)), { timestamp: 0 }),
};
window.prepared = async (where, kind, name) => Array.from(await nets[where].prepare(await kinds[kind](name)));
window.classified = async (where, name, options) => nets[where].classify(name, options);
window.told = (where, make) => nets[where].classify(eval(make)()).then(() => "no complaint", ({ message }) => message);
window.nets = nets;
window.kinds = Object.keys(kinds);
`;

const policy = { "content-security-policy": "script-src 'self' 'wasm-unsafe-eval'" };
const headersOf: Readonly<Record<string, Readonly<Record<string, string>>>> = { "strict.html": policy };

const strict = `
import { load } from "/seen.js";
const show = (text) => { document.querySelector("output").textContent = text; };
try {
  const net = await load();
  const far = await load({ worker: true });
  const [here, there] = await Promise.all([net, far].map((one) => one.classify("/rgb.png", { top: 1 })));
  show(JSON.stringify({ here, there, threads: net.info.threads, far: far.info.threads }));
} catch (error) { show(error.message); }
`;

const files = new Map<string, () => string | Uint8Array>([
  ["index.html", () => `<!doctype html><title>t</title><script type="module" src="page.js"></script>`],
  ["page.js", () => script],
  [
    "strict.html",
    () => `<!doctype html><title>t</title><output></output><script type="module" src="strict.js"></script>`,
  ],
  ["strict.js", () => strict],
  ...[...seen.artifacts].map(({ path, contents }) => [path, () => contents] as const),
  ...[...manyClasses.artifacts].map(({ path, contents }) => [path, () => contents] as const),
  ...[...pngs, ...jpegs].map(({ name, bytes }) => [name, () => bytes] as const),
  ["damaged.png", () => pngs[0].bytes.subarray(0, 60)],
  [
    "drawing.svg",
    () =>
      `<svg xmlns="http://www.w3.org/2000/svg" width="20" height="16"><rect width="20" height="16" fill="#3264c8"/></svg>`,
  ],
]);
const asked: string[] = [];

let server: StaticServer;
let other: StaticServer;
let browser: Browser;
let page: Page;

const places = ["page", "worker"] as const;
const prepared = async (where: string, kind: string, name: string) =>
  Float32Array.from(
    (await page.evaluate(
      `prepared(${JSON.stringify(where)}, ${JSON.stringify(kind)}, "${name}")`,
    )) as number[],
  );

const told = (where: string, make: string) =>
  page.evaluate(`told("${where}", ${JSON.stringify(make)})`) as Promise<string>;

/** In steps of a pixel's 255. */
function worstStep(found: Float32Array, wanted: Float32Array): number {
  assert.is(found.length, wanted.length);
  const { std } = seen.preprocess;
  return Math.max(...Array.from(found, (value, i) => Math.abs(value - wanted[i]) * std[i % 3] * 255));
}

if (requireChromium()) {
  test.before(async () => {
    const record = (path: string) => {
      asked.push(path);
      return headersOf[path] ?? {};
    };
    server = await serve(files, record);
    other = await serve(files);
    browser = await startChromium();
    page = await browser.newPage();
    await page.goto(`${server.origin}/index.html`);
    await page.waitForFunction("window.kinds");
  });
  test.after(async () => {
    await browser?.close();
    await server?.close();
    await other?.close();
  });

  test("PNG: what Node prepares, to the bit, from every kind of thing", async () => {
    const kinds = (await page.evaluate("kinds")) as string[];
    // What a canvas has drawn is blended, and in the colours of the page: such pictures are for the others.
    const blends = new Set(["canvas", "OffscreenCanvas", "ImageData", "VideoFrame"]);
    for (const picture of pngs) {
      const wanted = eaten(pixelsOf(picture), seen);
      const isChanged = /rgba|clear|gamma/.test(picture.name);
      for (const kind of kinds) {
        if (isChanged && blends.has(kind)) continue;
        for (const where of places)
          assert.is(
            worstStep(await prepared(where, kind, picture.name), wanted),
            0,
            `${picture.name} as ${kind}, ${where}`,
          );
      }
    }
  });

  test("JPEG: within a step of 255 of Node's libjpeg-turbo, upright in both", async () => {
    for (const picture of jpegs) {
      const pixels = await decode(picture.bytes);
      if (typeof pixels === "string") throw new Error(pixels);
      const wanted = eaten(pixels, seen);
      for (const kind of ["Blob", "img", "canvas"]) {
        const worst = worstStep(await prepared("page", kind, picture.name), wanted);
        assert.ok(worst < 1.001, `${picture.name} as ${kind}: ${worst}`);
      }
      assert.equal(
        await prepared("worker", "Blob", picture.name),
        await prepared("page", "Blob", picture.name),
      );
    }
  });

  test("classes and scores are those of Node's numbers; labels of many classes come once, when asked for", async () => {
    const found = (await page.evaluate(`classified("page", "rgb.png", { top: 3 })`)) as {
      label: string;
      score: number;
    }[];
    assert.equal(found.length, 3);
    assert.ok(found.every(({ label }) => classes.includes(label)));
    assert.ok(found.every(({ score }, i) => score > 0 && (i === 0 || score <= found[i - 1].score)));
    assert.equal(await page.evaluate(`classified("worker", "rgb.png", { top: 3 })`), found);
    asked.length = 0;
    const labels = `import("/many.js").then(({ load }) => load()).then(async (net) => {
      const first = await net.classify("rgb.png", { top: 1 });
      return [first[0].label === (await net.labels())[first[0].index], (await net.classify("rgb.png")).length];
    })`;
    assert.equal(await page.evaluate(labels), [true, 5]);
    assert.is(asked.filter((path) => path === "many.labels.js").length, 1);
    assert.not(asked.includes("many.worker.js"));
  });

  test("an SVG, a video without a frame, other sites and damaged files", async () => {
    const svg = await prepared("page", "img", "drawing.svg");
    const solid = {
      width: 20,
      height: 16,
      channels: 3 as const,
      data: Uint8Array.from({ length: 960 }, (_, i) => [50, 100, 200][i % 3]),
    };
    assert.equal(svg, eaten(solid, seen));
    for (const where of places) {
      const what =
        "A picture must be an img, canvas, video, ImageBitmap, ImageData, VideoFrame, Blob or address, or { width, height, data }, not";
      assert.is(await told(where, "() => document.body"), `${what} HTMLBodyElement.`);
      assert.is(await told(where, "() => undefined"), `${what} undefined.`);
      const damaged = "it is damaged, or of a kind that this browser does not know";
      assert.is(
        await told(where, "() => new Blob(['nothing'])"),
        `The picture cannot be decoded: ${damaged}.`,
      );
      assert.is(
        await told(where, "() => 'damaged.png'"),
        where === "page"
          ? `The picture damaged.png cannot be read: ${damaged}.`
          : `The picture ${server.origin}/damaged.png cannot be read: ${damaged}.`,
      );
      assert.match(
        await told(where, "() => 'none.png'"),
        /^The picture \S*none.png cannot be read: HTTP 404\.$/,
      );
      assert.match(
        await told(where, `() => '${other.origin}/rgb.png'`),
        /cannot be read: Failed to fetch\.$/,
      );
    }
    assert.is(
      await told("page", "() => document.createElement('video')"),
      "The picture has no size: it is not loaded, or has no frame yet.",
    );
    // Drawn without leave of the other site.
    const foreign = `() => { const c = document.createElement('canvas'); c.width = c.height = 16;
      c.getContext('2d').drawImage(window.foreign, 0, 0); return c; }`;
    await page.evaluate(
      `(async () => { window.foreign = new Image(); foreign.src = "${other.origin}/rgb.png"; await foreign.decode(); })()`,
    );
    for (const make of [foreign, "() => window.foreign"])
      assert.is(
        await told("page", make),
        "The picture cannot be read: it is of another site that does not let pages read it (CORS).",
      );
  });

  test("script-src 'self' 'wasm-unsafe-eval' is enough, for workers too", async () => {
    const closed = await browser.newPage();
    const problems: string[] = [];
    closed.on("console", (message) => problems.push(message.text()));
    await closed.goto(`${server.origin}/strict.html`);
    await closed.waitForSelector("output:not(:empty)");
    const shown = (await closed.textContent("output")) as string;
    const { here, there, threads } = JSON.parse(shown.startsWith("{") ? shown : `"${shown}"`);
    assert.equal([here.length, threads.used], [1, 1], shown);
    assert.equal(there, here);
    assert.equal(problems, []);
    await closed.close();
  });
}

test.run();
