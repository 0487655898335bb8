/** Built modules and pictures in Node: everything that can be handed in, workers, labels, packages that are missing. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decode } from "../src/run/picture.ts";
import { type BuiltNet, writeNet } from "./support/built-net.ts";
import { root } from "./support/nets.ts";
import { buildSeen, classes, eaten, jpegFile, pixelsOf, pngFiles, text } from "./support/picture-net.ts";

interface Guess {
  readonly label?: string;
  readonly index: number;
  readonly score: number;
}

/** NAME.d.ts has the whole of it. */
interface Network {
  readonly info: Record<string, unknown>;
  run(inputs: object): Record<string, Float32Array> | Promise<Record<string, Float32Array>>;
  prepare(image: unknown): Promise<Float32Array>;
  classify(image: unknown, options?: object): Promise<Guess[]>;
  labels(): Promise<readonly string[]>;
  warmUp(): Promise<void>;
  profile(inputs: object, rounds?: number): number[] | Promise<number[]>;
  dispose(): void;
}

type Load = (options?: object) => Promise<Network>;

const written: (() => void)[] = [];

async function loadOf({ artifacts }: Pick<BuiltNet, "artifacts">): Promise<Load> {
  const { folder, remove } = writeNet({ artifacts });
  written.push(remove);
  // This package, as a project has it.
  mkdirSync(path.join(folder, "node_modules"));
  symlinkSync(root, path.join(folder, "node_modules/resnetc"));
  const name = artifacts[0].path;
  return (await import(pathToFileURL(path.join(folder, name)).href)).load;
}

test.after(() => {
  for (const remove of written) remove();
});

const seen = buildSeen();
const pictures = [...pngFiles(), await jpegFile(1), await jpegFile(6)];
const [rgb] = pictures;

async function complaint(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return (error as Error).message;
  }
  return "no complaint";
}

/** Softmax of the logits, the best first. */
function expected(logits: Float32Array, top: number): readonly Guess[] {
  const powers = Array.from(logits, (value) => Math.exp(value));
  const sum = powers.reduce((a, b) => a + b);
  return powers
    .map((power, index) => ({ label: classes[index], index, score: power / sum }))
    .sort((a, b) => b.score - a.score)
    .slice(0, top);
}

function assertGuesses(found: readonly Guess[], wanted: readonly Guess[]): void {
  assert.equal(
    found.map(({ label, index }) => [label, index]),
    wanted.map(({ label, index }) => [label, index]),
  );
  for (const [i, { score }] of found.entries()) assert.ok(Math.abs(score - wanted[i].score) < 1e-6);
}

for (const target of ["wasm", "tfjs"] as const) {
  for (const worker of target === "wasm" ? [false, true] : [false]) {
    test(`${target}${worker ? " in a worker" : ""}: whatever a picture is in, it is eaten alike`, async () => {
      const built = buildSeen({ target });
      const load = await loadOf(built);
      const net = await load({ worker, threads: 1 });
      const { folder, remove } = writeNet({
        artifacts: pictures.map(({ name, bytes }) => ({ path: name, contents: bytes })),
      });
      try {
        for (const picture of pictures) {
          const file = path.join(folder, picture.name);
          const pixels = picture.name.endsWith(".png") ? pixelsOf(picture) : await decode(picture.bytes);
          if (typeof pixels === "string") throw new Error(pixels);
          const wanted = eaten(pixels, built);
          const given: Readonly<Record<string, unknown>> = {
            path: file,
            "relative path": path.relative(process.cwd(), file),
            URL: pathToFileURL(file),
            "URL's text": pathToFileURL(file).href,
            Buffer: readFileSync(file),
            ArrayBuffer: Uint8Array.from(picture.bytes).buffer,
            Blob: new Blob([Uint8Array.from(picture.bytes)]),
            pixels: { ...pixels },
            "data URL": `data:image/png;base64,${Buffer.from(picture.bytes).toString("base64")}`,
            ...(/rgb.png|jpg/.test(picture.name) ? { sharp: sharp(picture.bytes) } : {}),
          };
          for (const [kind, image] of Object.entries(given))
            assert.equal(await net.prepare(image), wanted, `${picture.name} as ${kind}`);
          const { logits } = await net.run({ input: wanted });
          assertGuesses(await net.classify(file), expected(logits, 5));
          assertGuesses(await net.classify(given.Buffer, { top: 2 }), expected(logits, 2));
        }
        assert.equal(await net.labels(), classes);
        await net.warmUp();
      } finally {
        net.dispose();
        remove();
      }
    });
  }
}

test("what is no picture is told, in a worker too", async () => {
  const load = await loadOf(seen);
  for (const worker of [false, true]) {
    const net = await load({ worker });
    const what =
      "A picture must be a path, the bytes of a file or an object of sharp, or { width, height, data }, not";
    assert.is(await complaint(() => net.classify(undefined)), `${what} undefined.`);
    assert.is(await complaint(() => net.classify(7)), `${what} 7.`);
    assert.is(await complaint(() => net.prepare({ width: 3, height: 2 })), `${what} Object.`);
    assert.is(
      await complaint(() => net.classify({ width: 3, height: 2, data: new Uint8Array(5) })),
      "The data of a picture must be bytes, 3 or 4 a pixel: 18 or 24 for 3 x 2, this is Uint8Array of 5.",
    );
    assert.match(
      await complaint(() => net.classify({ width: 3, height: 2, data: new Float32Array(18) })),
      /this is Float32Array of 18/,
    );
    assert.match(
      await complaint(() => net.classify("none.png")),
      /^The picture none.png cannot be read: ENOENT/,
    );
    assert.is(
      await complaint(() => net.classify(rgb.bytes.subarray(0, 90))),
      "The picture cannot be read: it should go on to byte 1386, the file has 90: it was cut short.",
    );
    assert.is(
      await complaint(() => net.classify(Buffer.from("%PDF-1.4"))),
      "The picture cannot be read: it is a PDF document.",
    );
    assert.is(
      await complaint(() => net.classify(rgb.bytes, { top: 0 })),
      "top must be a whole number from 1, this is 0.",
    );
    const gone = AbortSignal.abort(new Error("enough"));
    assert.is(await complaint(() => net.classify(rgb.bytes, { signal: gone })), "enough");
    assert.is((await net.classify(rgb.bytes, { top: 9 })).length, 5);
    net.dispose();
    assert.is(await complaint(() => net.classify(rgb.bytes)), "This network was disposed of.");
  }
});

test("a worker: progress, several at a time, giving up, weights handed in, and a process that ends", async () => {
  const load = await loadOf(seen);
  const weights = seen.artifacts.find(({ path: file }) => file.endsWith(".weights"))!.contents as Uint8Array;
  const told: number[] = [];
  const net = await load({
    worker: true,
    weights,
    onProgress: ({ loaded }: { loaded: number }) => told.push(loaded),
  });
  assert.is(told.at(-1), weights.length);
  assert.ok(weights.length > 0, "they were copied, not taken");
  const here = await load();
  const inputs = Array.from({ length: 6 }, (_, k) =>
    Float32Array.from({ length: 360 }, (_, i) => Math.sin(i * k)),
  );
  const found = await Promise.all(inputs.map(async (input) => (await net.run({ input })).logits));
  assert.equal(found, await Promise.all(inputs.map(async (input) => (await here.run({ input })).logits)));
  assert.is(
    (await net.profile({ input: inputs[0] }, 1)).length,
    (await here.profile({ input: inputs[0] }, 1)).length,
  );
  assert.equal({ ...net.info, threads: 0 }, { ...here.info, threads: 0 });
  assert.match(await complaint(() => net.run({ picture: inputs[0] })), /^The input "input" is missing\.$/);
  const running = net.run({ input: inputs[0] });
  net.dispose();
  assert.is(await complaint(() => running), "This network was disposed of.");
  here.dispose();
  const aborter = new AbortController();
  const loading = load({ worker: true, signal: aborter.signal });
  aborter.abort(new Error("no more"));
  assert.is(await complaint(() => loading), "no more");
  assert.match(
    await complaint(() => load({ worker: true, weights: "file:///none" })),
    /^The weights file:.*ENOENT/,
  );

  // Nothing is disposed of: the process ends all the same.
  const { folder, remove } = writeNet(seen);
  writeFileSync(
    path.join(folder, "end.js"),
    `import { load } from "./${seen.artifacts[0].path}"; const net = await load({ worker: true, threads: 2 });
    console.log((await net.classify({ width: 2, height: 2, data: new Uint8Array(12) })).length);`,
  );
  const { stdout, stderr, status } = spawnSync(process.execPath, [path.join(folder, "end.js")], {
    encoding: "utf8",
    timeout: 20_000,
  });
  remove();
  assert.equal([stdout, stderr, status], ["5\n", "", 0]);
});

test("many labels are a file of their own, which comes when it is needed", async () => {
  const many = Array.from({ length: 300 }, (_, i) => `class number ${i}`);
  const source = text.replace("dense(5)", "dense(300)");
  const built = buildSeen({ labels: many, source });
  const names = built.artifacts.map(({ path: file }) => file);
  assert.ok(names.includes("seen.labels.js"));
  const net = await (await loadOf(built))();
  assert.equal(await net.labels(), many);
  const [best] = await net.classify(rgb.bytes, { top: 1 });
  assert.is(best.label, many[best.index]);
  net.dispose();
  // A name may have anything in it.
  const odd = many.map((name, i) => (i === 7 ? 'two\nlines, "quoted"' : name));
  const oddNet = await (await loadOf(buildSeen({ labels: odd, source })))();
  assert.equal(await oddNet.labels(), odd);
  oddNet.dispose();
  const few = buildSeen().artifacts.map(({ path: file }) => file);
  assert.equal(few, ["seen.js", "seen.worker.js", "seen.d.ts", "seen.wasm", "seen.weights", "seen.json"]);
});

test("nets that give no classes prepare, those that take no pictures do neither", async () => {
  const maps = await (await loadOf(buildSeen({ source: text.replace(/ {2}avgpool\n {2}fc.*\n/, "") })))();
  assert.equal(await maps.prepare(rgb.bytes), eaten(pixelsOf(rgb), seen));
  assert.is(maps.classify, undefined);
  maps.dispose();
  const other = await (await loadOf(buildSeen({ source: text.replace(/image\(.*\)/, "4x4x7") })))();
  assert.equal([other.prepare, other.classify], [undefined, undefined]);
  other.dispose();
  // Without labels a guess has none.
  const bare = await (await loadOf(buildSeen({ labels: [] })))();
  assert.equal(Object.keys((await bare.classify(rgb.bytes))[0]).sort(), ["index", "score"]);
  assert.equal(await bare.labels(), []);
  bare.dispose();
});

test("with sharp alone it works, with nothing the packages are named", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "resnetc-classify-"));
  for (const { path: file, contents } of seen.artifacts) writeFileSync(path.join(folder, file), contents);
  writeFileSync(path.join(folder, "rgb.png"), rgb.bytes);
  const run = () => {
    writeFileSync(
      path.join(folder, "try.mjs"),
      `import { load } from "./seen.js"; const net = await load();
      console.log(await net.prepare("rgb.png").then((array) => array.join(), (error) => error.message));`,
    );
    return spawnSync(process.execPath, ["try.mjs"], { cwd: folder, encoding: "utf8" }).stdout.trim();
  };
  writeFileSync(path.join(folder, "package.json"), '{ "type": "module" }');
  try {
    assert.is(
      run(),
      "The picture rgb.png cannot be read: Node reads picture files with the package sharp, or with resnetc: install one of them.",
    );
    mkdirSync(path.join(folder, "node_modules"));
    symlinkSync(path.join(root, "node_modules/sharp"), path.join(folder, "node_modules/sharp"));
    assert.is(run(), eaten(pixelsOf(rgb), seen).join());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("types: labels and inputs are known, in programs with the types of pages and without", () => {
  const { folder, remove } = writeNet(seen);
  const right = `import { load, type Label } from "./seen.js";
const net = await load();
const label: Label = (await net.classify("cat.png", { top: 1 }))[0].label;
if (label === "axolotl") console.log(label);
const { logits } = net.run({ input: await net.prepare(new Uint8Array(9)) });
const far = await load({ worker: true });
const again: Float32Array = (await far.run({ input: logits })).logits;
console.log(again, (await far.classify({ width: 1, height: 1, data: new Uint8Array(3) }))[0].score);
`;
  const page = `import { load } from "./seen.js";
const net = await load({ cache: true });
const image = document.querySelector("img")!;
const canvas = document.createElement("canvas");
await Promise.all([image, canvas, new Blob([]), await createImageBitmap(image)].map((one) => net.classify(one)));
`;
  const wrong: readonly (readonly [string, RegExp])[] = [
    [right.replace("axolotl", "axolotol"), /no overlap/],
    [right.replace("{ logits } =", "{ logit } ="), /Property 'logit' does not exist/],
    [right.replace("input: logits", "picture: logits"), /'picture' does not exist/],
    [
      right.replace("far.run({ input: logits })).logits", "net.run({ input: logits })).then"),
      /Property 'then' does not exist/,
    ],
    [right.replace('"cat.png"', "7"), /'number' is not assignable to parameter of type 'Picture'/],
    [page.replace("[image,", "[document.body,"), /is not assignable to parameter of type 'Picture'/],
  ];
  const check = (name: string, contents: string): string => {
    writeFileSync(path.join(folder, `${name}.ts`), contents);
    const lib = contents.includes("document") ? "es2023,dom" : "es2023";
    const how = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2022",
      "--lib",
      lib,
      "--types",
      "node",
    ];
    const tsc = path.join(root, "node_modules/typescript/bin/tsc");
    return spawnSync(process.execPath, [tsc, ...how, `${name}.ts`], { cwd: folder, encoding: "utf8" }).stdout;
  };
  try {
    assert.is(check("right", right), "");
    assert.is(check("page", page), "");
    for (const [i, [contents, told]] of wrong.entries()) assert.match(check(`wrong${i}`, contents), told);
  } finally {
    remove();
  }
});

test.run();
