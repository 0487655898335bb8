/** The plugin without a page: what imports ask for, builds that are kept, errors of each bundler, the server's side; and resnetc/run. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { rspack } from "@rspack/core";
import * as esbuild from "esbuild";
import { rolldown } from "rolldown";
import { rollup, watch } from "rollup";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as vite from "vite";
import webpack from "webpack";
import { BuildCache, FailedBuild } from "../src/node/build-cache.ts";
import { buildFile } from "../src/node/build-file.ts";
import { load, type RunOptions } from "../src/node/load.ts";
import { resnetc as esbuildPlugin } from "../src/plugin/esbuild.ts";
import { type PluginOptions, readRequest, splitId } from "../src/plugin/request.ts";
import { resnetc as rolldownPlugin } from "../src/plugin/rolldown.ts";
import { resnetc as rollupPlugin } from "../src/plugin/rollup.ts";
import { resnetc as rspackPlugin } from "../src/plugin/rspack.ts";
import { withoutMissingPackages } from "../src/plugin/tfjs-packages.ts";
import { resnetc as vitePlugin } from "../src/plugin/vite.ts";
import { resnetc as webpackPlugin } from "../src/plugin/webpack.ts";
import { oneLine } from "./support/cli.ts";
import { makeProject, trainedNet } from "./support/plugin-project.ts";

const small = `resnet 1
use widths from "./widths"

net small(size = 8x8x3) {
  input size
  conv1: conv(3x3, widths) -> bn -> relu
  pool:  avgpool
  fc:    dense(10)
}
`;
const broken = small.replace("avgpool", "avgpol").replace("dense(10)", "dense(0.5)");

const project = makeProject({
  "src/small.resnet": small,
  "src/widths.resnet": "resnet 1\nlet widths = 4\n",
  "src/broken.resnet": broken,
  "src/wide.resnet": small
    .replace("net small", "net wide")
    .replace("widths) ->", "128) ->")
    .replace(/^use.*\n/m, ""),
  "src/main.js": 'import { load } from "./small.resnet"; console.log(load);',
  "src/broken.js": 'import { load } from "./broken.resnet"; console.log(load);',
});
const at = (name: string) => path.join(project.folder, name);
const root = project.folder;
test.after(() => project.remove());

// ---- requests ------------------------------------------------------------------------------------

test("what is ours, and what a bundler asks for itself", () => {
  assert.equal(splitId("/a/x.resnet"), { file: "/a/x.resnet", query: "" });
  assert.equal(splitId("/a/x.resnet?net=b&v=1"), { file: "/a/x.resnet", query: "net=b&v=1" });
  for (const id of ["/a/x.resnet?raw", "/a/x.resnet?url", "/a/x.resnets", "\0virtual:x.resnet", "/a/x.ts"])
    assert.is(splitId(id), undefined, id);
});

test("queries come before the plugin's options, and these by the end of the path", () => {
  const models = {
    "x.resnet": { precision: "f16", weights: "w/x.pth" },
    "nets/x.resnet": { net: "b", weights: { left: "w/l.pth", right: "/abs/r.pth" }, inline: true },
  } as const;
  const read = (id: string) => readRequest(id, { models }, "/root")!;
  assert.equal(read("/root/other/x.resnet").options, { precision: "f16", weights: "/root/w/x.pth" });
  assert.equal(read("/root/nets/x.resnet").options, {
    net: "b",
    inline: true,
    weights: { left: "/root/w/l.pth", right: "/abs/r.pth" },
  });
  assert.equal(read("/root/nets/xx.resnet").options, {});
  const asked = read("/root/nets/x.resnet?weights=./a.pth&net=c&inline=false&precision=u8&t=123&import");
  assert.equal(asked.options, { net: "c", inline: false, weights: "/root/nets/a.pth", precision: "u8" });
  assert.is(asked.plain, false);
  assert.is(read("/root/nets/x.resnet?inline&precision=u8").plain, true, "its types are the same");
  for (const [query, words] of [
    ["target=onnx", /target=onnx is none of wasm, tfjs/],
    ["precision=f8", /precision=f8 is none of f32, f16, u8/],
    ["inline=maybe", /inline=maybe is on or off/],
    ["weight=x", /there is no query weight; did you mean weights\?/],
  ] as const)
    assert.throws(() => read(`/root/x.resnet?${query}`), words);
});

test("backends of tfjs that are not installed are errors when they are asked for, not when they are bundled", () => {
  const text = 'import("@tensorflow/tfjs-core"); import("@tensorflow/tfjs-backend-none"); import("./x.js");';
  const importer = path.join(process.cwd(), "x.resnet");
  assert.is(
    withoutMissingPackages(text, importer),
    text.replace(
      'import("@tensorflow/tfjs-backend-none")',
      'Promise.reject(new Error("@tensorflow/tfjs-backend-none is not installed"))',
    ),
  );
});

// ---- builds that are kept ------------------------------------------------------------------------

const untouched = (file: string, work: () => void) => {
  const before = statSync(file).mtimeMs;
  work();
  utimesSync(file, new Date(), new Date(before + 2000));
};

test("a build is taken again while all that it looked at is as it was", async () => {
  const place = at("cache");
  const cache = new BuildCache(root, place);
  const first = await cache.build(at("src/small.resnet"), {});
  assert.is(await cache.build(at("src/small.resnet"), {}), first, "in memory");
  const again = await new BuildCache(root, place).build(at("src/small.resnet"), {});
  assert.is(again.key, first.key);
  assert.equal(
    again.artifacts.map(({ path, contents }) => [path, Buffer.from(contents)]),
    first.artifacts.map(({ path, contents }) => [path, Buffer.from(contents)]),
    "from the disk",
  );
  assert.equal(
    first.looked.filter(({ kind }) => kind === "source").map(({ file }) => path.relative(root, file)),
    ["src/small.resnet", "src/widths.resnet"],
  );
  const made = statSync(path.join(first.folder, "small.js")).mtimeMs;
  assert.is(statSync(path.join(again.folder, "small.js")).mtimeMs, made);

  const keys = new Set([first.key]);
  const isNew = async (what: string, options = {}) => {
    const { key, folder } = await cache.build(at("src/small.resnet"), options);
    assert.not(keys.has(key), what);
    assert.ok(existsSync(path.join(folder, "small.weights")));
    keys.add(key);
  };
  untouched(at("src/widths.resnet"), () => project.write("src/widths.resnet", "resnet 1\nlet widths = 5\n"));
  await isNew("a file that it uses");
  assert.not(existsSync(first.folder), "the one before is gone");
  await isNew("an option", { precision: "f16" });
  await isNew("a setting", { size: 16 });
  const { artifacts } = await buildFile({ file: at("src/small.resnet"), target: "pytorch" as "wasm" }).catch(
    () => ({
      artifacts: undefined,
    }),
  );
  assert.is(artifacts, undefined, "targets that do not run");
  assert.is((await cache.build(at("src/small.resnet"), { size: 16, net: undefined })).key, [...keys].at(-1));
  project.write("src/widths.resnet", "resnet 1\nlet widths = 4\n");
});

test("a checkpoint that comes beside a source, or changes, makes another build", async () => {
  const cache = new BuildCache(root, false);
  const beside = at("src/small.npz");
  const { untrained, looked } = await cache.build(at("src/small.resnet"), {});
  assert.is(untrained, true);
  assert.ok(looked.some(({ file }) => file === beside));
  writeFileSync(beside, "no archive");
  const failure = await cache.build(at("src/small.resnet"), {}).catch((error) => error);
  assert.instance(failure, FailedBuild);
  assert.match(failure.message, /^error bad-checkpoint: .*small\.npz/);
  assert.is(
    (await cache.build(at("src/small.resnet"), { weights: "random" })).untrained,
    false,
    "as asked for",
  );
  rmSync(beside);
  assert.is((await cache.build(at("src/small.resnet"), {})).untrained, true);
});

test("it is kept in node_modules, which git and people leave alone", async () => {
  const { folder } = new BuildCache(root);
  assert.is(path.relative(root, folder).split(path.sep).join("/"), "node_modules/.cache/resnetc");
  assert.is(readFileSync(path.join(folder, "package.json"), "utf8"), '{ "type": "module" }\n');
  const one = new BuildCache(root, at("shared"));
  const other = new BuildCache(root, at("shared"));
  const builds = await Promise.all([one, one, other].map((cache) => cache.build(at("src/small.resnet"), {})));
  assert.is(new Set(builds.map(({ key }) => key)).size, 1, "at the same time");
  assert.is(builds[0], builds[1]);
  assert.equal(
    readdirSync(at("shared")).filter((name) => name.startsWith("new-")),
    [],
  );
});

// ---- errors --------------------------------------------------------------------------------------

const options = { types: false, cache: false } as const;
const frame = /7 \| {3}pool: {2}avgpol\n +\| {10}\^{6}\n/;

interface Failure {
  readonly message: string;
  readonly loc?: { readonly file: string; readonly line: number; readonly column: number };
  readonly frame?: string;
  readonly errors?: readonly esbuild.Message[];
}

const failing = (build: Promise<unknown>): Promise<Failure> =>
  build.then(
    () => assert.unreachable("it is broken"),
    (error) => error,
  );

test("rollup, rolldown and vite get place and frame", async () => {
  const input = at("src/broken.js");
  const { message, loc, frame: shown } = await failing(rollup({ input, plugins: [rollupPlugin(options)] }));
  assert.match(message, /unknown-name: nothing here is called `avgpol`/);
  assert.equal(loc, { file: at("src/broken.resnet"), line: 7, column: 10 });
  assert.match(shown!, frame);
  assert.match(shown!, /8 \| {3}fc: {4}dense\(0\.5\)/, "all that is wrong");
  const building = async () =>
    (await rolldown({ input, plugins: [rolldownPlugin(options)] })).generate({ format: "esm" });
  assert.match((await failing(building())).message, /unknown-name: nothing here is called `avgpol`/);
  const config = {
    root,
    logLevel: "silent",
    configFile: false,
    build: { write: false, rollupOptions: { input } },
  } as const;
  const built = await failing(vite.build({ ...config, plugins: [vitePlugin(options)] }));
  assert.match(built.message, /unknown-name: nothing here is called `avgpol`/);
});

test("esbuild gets the place and the line", async () => {
  const { errors } = await failing(
    esbuild.build({
      absWorkingDir: root,
      entryPoints: ["src/broken.js"],
      bundle: true,
      write: false,
      outdir: "out",
      logLevel: "silent",
      plugins: [esbuildPlugin(options)],
    }),
  );
  assert.equal(
    errors!.map(({ location }) => location!.line),
    [7, 8],
  );
  const [{ text, location, notes }] = errors!;
  assert.match(text, /unknown-name: nothing here is called `avgpol`/);
  assert.equal(
    [location!.line, location!.column, location!.length, location!.lineText],
    [7, 9, 6, "  pool:  avgpol"],
  );
  assert.match(notes[0].text, frame);
});

test("webpack and rspack show place and frame, and no stack", async () => {
  const shown = (run: (done: (stats: { toString(options: object): string }) => void) => void) =>
    new Promise<string>((resolve) =>
      run((stats) => resolve(stats.toString({ all: false, errors: true, colors: false }))),
    );
  const output = { path: at("out") };
  const base = {
    context: root,
    mode: "development",
    entry: "./src/broken.js",
    output,
    devtool: false,
  } as const;
  const texts = [
    await shown((done) =>
      webpack({ ...base, plugins: [webpackPlugin(options)] }, (_, stats) => done(stats!)),
    ),
    await shown((done) => rspack({ ...base, plugins: [rspackPlugin(options)] }, (_, stats) => done(stats!))),
  ];
  for (const text of texts) {
    assert.match(text, `${at("src/broken.resnet")}:7:10`);
    assert.match(text, /unknown-name: nothing here is called `avgpol`/);
    assert.match(text.replaceAll(/^ *│ ?/gm, ""), frame);
    assert.not.match(text, /\bat .*\.[jt]s:\d+/);
  }
});

test("random weights that nobody asked for are warned of, once for each import", async () => {
  const warnings: string[] = [];
  const build = (models: PluginOptions["models"]) =>
    rollup({
      input: at("src/main.js"),
      plugins: [rollupPlugin({ ...options, root, models })],
      onwarn: ({ message }) => warnings.push(message),
    });
  await build({});
  assert.is(warnings.length, 1);
  assert.match(warnings[0], /src\/small\.resnet has random weights, .* such as small\.safetensors/);
  await build({ "small.resnet": { weights: "random" } });
  assert.is(warnings.length, 1);
});

test("webpack, rspack, esbuild and rollup build again when a file that a net uses changes", async () => {
  project.write(
    "src/watched.resnet",
    small.replace('"./widths"', '"./watched-widths"').replaceAll("small", "watched"),
  );
  project.write("src/watched.js", 'import { load } from "./watched.resnet"; console.log(load);');
  const width = (count: number) => {
    const file = at("src/watched-widths.resnet");
    const before = existsSync(file) ? statSync(file).mtimeMs : 0;
    writeFileSync(file, `resnet 1\nlet widths = ${count}\n`);
    if (statSync(file).mtimeMs - before < 2) utimesSync(file, new Date(), new Date(before + 1000));
  };
  const plugin = { ...options, root, models: { "watched.resnet": { weights: "random" } } };
  const compiler = { context: root, mode: "development", entry: "./src/watched.js", devtool: false } as const;
  const ignored = { aggregateTimeout: 20 };
  const input = at("src/watched.js");
  const watchers: Readonly<Record<string, (built: () => void) => () => unknown>> = {
    webpack(built) {
      const output = { path: at("out/webpack") };
      const watching = webpack({ ...compiler, output, plugins: [webpackPlugin(plugin)] })!.watch(
        ignored,
        built,
      );
      return () => new Promise((resolve) => watching!.close(() => resolve(undefined)));
    },
    rspack(built) {
      const output = { path: at("out/rspack") };
      const watching = rspack({ ...compiler, output, plugins: [rspackPlugin(plugin)] }).watch(ignored, built);
      return () => new Promise((resolve) => watching!.close(() => resolve(undefined)));
    },
    rollup(built) {
      const watching = watch({ input, output: { dir: at("out/rollup") }, plugins: [rollupPlugin(plugin)] });
      watching.on("event", (event) => {
        if (event.code === "BUNDLE_END") event.result.close();
        if (event.code === "END") built();
      });
      return () => watching.close();
    },
    esbuild(built) {
      const end: esbuild.Plugin = { name: "end", setup: (build) => build.onEnd(built) };
      const context = esbuild.context({
        ...{
          absWorkingDir: root,
          entryPoints: [input],
          bundle: true,
          format: "esm",
          outdir: at("out/esbuild"),
        },
        ...{ plugins: [esbuildPlugin(plugin), end], logLevel: "silent" },
      });
      context.then((running) => running.watch());
      return async () => (await context).dispose();
    },
  };
  for (const [name, start] of Object.entries(watchers)) {
    width(4);
    let close: (() => unknown) | undefined;
    const weights = () =>
      readdirSync(at(`out/${name}`), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".weights"))
        .map((file) => statSync(path.join(at(`out/${name}`), file)).size);
    rmSync(at(`out/${name}`), { recursive: true, force: true });
    try {
      await new Promise<void>((resolve) => {
        close = start(resolve);
      });
      const [first] = weights();
      width(8);
      for (let i = 0; i < 300 && !weights().some((size) => size > first); i++)
        await new Promise((resolve) => setTimeout(resolve, 50));
      assert.ok(
        weights().some((size) => size > first),
        `${name}: ${weights().join()}`,
      );
    } finally {
      await close?.();
    }
  }
});

test("modules of tfjs are bundled without the backends that are not installed", async () => {
  project.write("src/tfjs.js", 'export { load } from "./small.resnet?target=tfjs";');
  mkdirSync(at("node_modules/@tensorflow"), { recursive: true });
  for (const name of ["tfjs-core", "tfjs-backend-cpu"])
    symlinkSync(path.resolve("node_modules/@tensorflow", name), at(`node_modules/@tensorflow/${name}`));
  await esbuild.build({
    ...{ absWorkingDir: root, entryPoints: ["src/tfjs.js"], bundle: true, platform: "node", format: "esm" },
    ...{ outdir: at("out/tfjs"), external: ["@tensorflow/*"], logLevel: "silent" },
    plugins: [esbuildPlugin({ ...options, models: { "small.resnet": { weights: "random" } } })],
  });
  const built = await import(pathToFileURL(at("out/tfjs/tfjs.js")).href);
  const net = await built.load({ backend: "cpu" });
  assert.is(net.run({ input: new Float32Array(192) }).logits.length, 10);
  net.dispose();
  const problem = await built.load({ backend: "webgl" }).catch((error: Error) => error.message);
  assert.match(problem, /"webgl" needs the package @tensorflow\/tfjs-backend-webgl, which cannot be loaded/);
});

// ---- the server's side ---------------------------------------------------------------------------

test("a network in a server's build runs from the files beside it", async () => {
  project.write(
    "src/server.js",
    'export { load } from "./small.resnet"; export { load as inline } from "./small.resnet?inline";',
  );
  await vite.build({
    root,
    logLevel: "error",
    configFile: false,
    build: { ssr: "src/server.js", outDir: "out/server", ssrEmitAssets: true },
    plugins: [vitePlugin({ ...options, models: { "small.resnet": { weights: "random" } } })],
  });
  const built = await import(pathToFileURL(at("out/server/server.js")).href);
  for (const start of [built.load, built.inline]) {
    const net = await start({ threads: 1 });
    assert.is(net.run({ input: new Float32Array(192) }).logits.length, 10);
    net.dispose();
  }
});

test("esbuild for Node, as CommonJS", async () => {
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ["src/server.js"],
    bundle: true,
    platform: "node",
    outfile: at("out/cjs/server.cjs"),
    logLevel: "error",
    plugins: [esbuildPlugin({ ...options, models: { "small.resnet": { weights: "random" } } })],
  });
  const built = await import(pathToFileURL(at("out/cjs/server.cjs")).href);
  const net = await built.load({ threads: 1 });
  assert.is(net.run({ input: new Float32Array(192) }).logits.length, 10);
  net.dispose();
});

// ---- resnetc/run ---------------------------------------------------------------------------------

test("resnetc/run: a file as a network that runs here, on both targets", async () => {
  const input = Float32Array.from({ length: 192 }, (_, i) => Math.sin(i));
  const results: Float32Array[] = [];
  for (const more of [{ threads: 1 }, { worker: true }, { target: "tfjs", backend: "cpu" }] as const) {
    const net = await load(pathToFileURL(at("src/small.resnet")), {
      weights: "random",
      seed: 3,
      ...more,
    } as object);
    assert.is(net.info.weights, "He initialisation, seed 3");
    results.push((await net.run({ input })).logits);
    net.dispose();
  }
  assert.equal(results[0], results[1]);
  const [once, , other] = results;
  assert.ok(once.every((value, i) => Math.abs(value - other[i]) < 1e-4 * (1 + Math.abs(value))));
});

/** What is wrong with a file or an option. */
async function told(file: string, options?: RunOptions): Promise<string> {
  const error = await load(at(file), { ...options, worker: false }).catch((error: Error) => error);
  assert.instance(error, Error);
  return (error as Error).message;
}

test("resnetc/run: the checkpoint beside it, pictures, and what is wrong with a frame", async () => {
  if (trainedNet) {
    const net = await load(`${at("src/nets/cifar.resnet")}#resnet20`, { precision: "f16" });
    assert.is(net.info.weights, "resnet20.th");
    for (const image of [project.photo, readFileSync(project.photo)]) {
      const [{ label, score }] = await net.classify(image, { top: 1 });
      assert.is(label, "cat");
      assert.ok(score > 0.99);
    }
    net.dispose();
  }
  assert.match(await told("src/broken.resnet"), frame);
  assert.match(
    oneLine(await told("src/none.resnet")),
    /unreadable-file: cannot read .*none\.resnet: there is no such file/,
  );
  assert.match(await told("src/small.resnet", { size: "wide" }), /size: "wide" is no side such as 288/);
  assert.match(await told("src/small.resnet", { weights: "none.pth" }), /cannot read none\.pth/);
  assert.match(await told("src/small.resnet", { target: "tfjs", exact: true }), /go with the target wasm/);
});

test("resnetc/run: labels of one's own, weights in parts", async () => {
  const names = Array.from({ length: 10 }, (_, i) => `class ${i}`);
  project.write("src/names.txt", `${names.join("\n")}\n`);
  const labels = at("src/names.txt");
  const net = await load(at("src/wide.resnet"), { weights: "random", threads: 1, labels, shard: 0.01 });
  assert.equal(await net.labels(), names);
  const [best] = await net.classify({ width: 8, height: 8, data: new Uint8Array(192).fill(90) });
  assert.is(best.label, names[best.index]);
  net.dispose();
  const plugin = {
    ...options,
    root,
    models: { "wide.resnet": { weights: "random", labels: "src/names.txt", shard: 0.01 } },
  };
  project.write("src/wide.js", 'export { load } from "./wide.resnet";');
  const bundle = await rollup({ input: at("src/wide.js"), plugins: [rollupPlugin(plugin)] });
  const { output } = await bundle.generate({ format: "esm" });
  const parts = output.filter(({ fileName }) => fileName.endsWith(".weights"));
  assert.ok(parts.length > 1, String(parts.length));
  assert.match(output[0].code, '"class 9"');
  const misfit = oneLine(await told("src/wide.resnet", { labels: at("src/main.js") }));
  assert.match(misfit, /it has 1 labels, wide gives 10/);
});

test("resnetc/run warns of random weights that nobody asked for", async () => {
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  const net = await load(at("src/small.resnet"), { threads: 1 });
  net.dispose();
  const { name, message } = await warned;
  assert.is(name, "ResnetcWarning");
  assert.match(message, /small\.resnet has random weights/);
});

test.run();
