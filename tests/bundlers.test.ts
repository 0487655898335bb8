/**
 * The same small program through every bundler and through none, opened in a real browser: it classifies a picture, with assets
 * that are fetched, with all inside the module, in a worker, and with labels of a file of their own.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { rspack } from "@rspack/core";
import * as esbuild from "esbuild";
import type { Browser } from "playwright-core";
import { rolldown } from "rolldown";
import { rollup } from "rollup";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as vite from "vite";
import webpack from "webpack";
import { load } from "../src/node/load.ts";
import { resnetc as esbuildPlugin } from "../src/plugin/esbuild.ts";
import { resnetc as rolldownPlugin } from "../src/plugin/rolldown.ts";
import { resnetc as rollupPlugin } from "../src/plugin/rollup.ts";
import { resnetc as rspackPlugin } from "../src/plugin/rspack.ts";
import { resnetc as vitePlugin } from "../src/plugin/vite.ts";
import { resnetc as webpackPlugin } from "../src/plugin/webpack.ts";
import { requireChromium, serve, startChromium } from "./support/chromium.ts";
import { binary } from "./support/cli.ts";
import { makeProject, type Project, trainedNet } from "./support/plugin-project.ts";

const program = `
import { load } from "../nets/cifar.resnet?net=resnet20";
import { load as loadInline } from "../nets/cifar.resnet?net=resnet20&inline";
import { load as loadLabelled } from "../nets/labelled.resnet";
import { load as loadLabelledInline } from "../nets/labelled.resnet?inline";

globalThis.classify = async (photo) => {
  const nets = { load, loadInline, loadLabelled, loadLabelledInline, loadInWorker: (o) => load({ ...o, worker: true }),
    loadInlineInWorker: (o) => loadInline({ ...o, worker: true }) };
  const results = {};
  for (const [name, start] of Object.entries(nets)) {
    const net = await start({ threads: 1 });
    const [best] = await net.classify(photo, { top: 1 });
    results[name] = { label: best.label, score: best.score.toFixed(5), from: net.info.weights };
    net.dispose();
  }
  return results;
};
`;

const labelled = `resnet 1
use imagenet from std

net labelled {
  input imagenet(32x32x3)
  conv1: conv(3x3, 4) /2 -> bn -> relu
  pool:  avgpool
  fc:    dense(1000)
}
`;

type Results = Readonly<
  Record<string, { readonly label: string; readonly score: string; readonly from: string }>
>;

let project: Project;
let browser: Browser;
let expected: Results;

/** What a bundler left in a folder, as a page that loads a script of it. */
async function open(folder: string, script: string, type = "module") {
  const files = new Map<string, () => string | Uint8Array>();
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const file = path.join(folder, name);
    files.set(`app/${name.split(path.sep).join("/")}`, () => readFileSync(file));
  }
  const tag = type === "module" ? ' type="module"' : "";
  files.set(
    "app/page.html",
    () => `<!doctype html><title>a page</title><script${tag} src="${script}"></script>`,
  );
  files.set("photo.png", () => readFileSync(project.photo));
  files.set("favicon.ico", () => "");
  const server = await serve(files);
  const page = await browser.newPage();
  const problems: string[] = [];
  const asked: string[] = [];
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("request", (request) => asked.push(request.url()));
  try {
    await page.goto(`${server.origin}/app/page.html`);
    await page.waitForFunction("globalThis.classify");
    const results = (await page.evaluate("classify('/photo.png')")) as Results;
    assert.equal(problems, []);
    return {
      results,
      asked: asked
        .filter((url) => url.startsWith(server.origin))
        .map((url) => url.slice(server.origin.length)),
      server,
    };
  } finally {
    await page.close();
    await server.close();
  }
}

/** The same answers as in Node, and files that are called after what is in them. */
async function check(folder: string, script: string, type?: string): Promise<void> {
  const { results, asked } = await open(folder, script, type);
  assert.equal(results, expected);
  for (const ending of ["wasm", "weights"]) {
    const files = asked.filter((url) => new RegExp(`\\.${ending}$`).test(url));
    assert.is(new Set(files).size, 2, `${ending}: one of each net, none of what is inline: ${files.join()}`);
    assert.ok(
      files.every((url) => /[-.\w]{8,}\.\w+$/.test(path.posix.basename(url))),
      files.join(),
    );
  }
}

const out = (name: string) => path.join(project.folder, "out", name);
const entry = () => path.join(project.folder, "src/pages/main.js");

interface Stats {
  hasErrors(): boolean;
  toString(options: object): string;
}

const finished = (error: Error | null, stats: Stats | undefined, done: (problem?: unknown) => void) => {
  const text = stats?.toString({ all: false, errors: true, warnings: true, errorDetails: false });
  done(error ?? (text === "" ? undefined : new Error(text)));
};

if (requireChromium()) {
  test.before(async () => {
    project = makeProject({
      "src/pages/main.js": program,
      "src/nets/labelled.resnet": labelled,
      "index.html": '<script type="module" src="/src/pages/main.js"></script>',
    });
    browser = await startChromium();
    const nets = path.join(project.folder, "src/nets");
    expected = {};
    for (const [name, file, weights] of [
      ["load", "cifar.resnet#resnet20", undefined],
      ["loadLabelled", "labelled.resnet", "random"],
    ] as const) {
      const net = await load(path.join(nets, file), { threads: 1, ...(weights ? { weights } : {}) });
      const [best] = await net.classify(project.photo, { top: 1 });
      const result = { label: best.label!, score: best.score.toFixed(5), from: net.info.weights };
      net.dispose();
      const others =
        name === "load" ? ["loadInline", "loadInWorker", "loadInlineInWorker"] : ["loadLabelledInline"];
      expected = { ...expected, ...Object.fromEntries([name, ...others].map((one) => [one, result])) };
    }
  });
  test.after(async () => {
    await browser?.close();
    project?.remove();
  });

  test("what pages are held to is what `resnetc run` says", () => {
    const net = `${path.join(project.folder, "src/nets/cifar.resnet")}#resnet20`;
    const args = ["run", net, ...project.weights, project.photo, "--json", "--top", "1"];
    const { stdout, stderr, status } = spawnSync(process.execPath, [binary, ...args], { encoding: "utf8" });
    assert.is(status, 0, stderr);
    const { label } = JSON.parse(stdout).top[0];
    assert.is(expected.load.label, label);
    if (trainedNet) assert.is(label, "cat");
  });

  test("vite build", async () => {
    await vite.build({
      root: project.folder,
      logLevel: "error",
      configFile: false,
      base: "/app/",
      build: { outDir: out("vite"), rollupOptions: { input: entry() } },
      plugins: [vitePlugin(project.options)],
    });
    const [script] = readdirSync(path.join(out("vite"), "assets")).filter((name) =>
      /^main.*\.js$/.test(name),
    );
    await check(out("vite"), `assets/${script}`);
  });

  test("rollup", async () => {
    const bundle = await rollup({
      input: { "deep/main": entry() },
      plugins: [rollupPlugin(project.options)],
      onwarn: fail,
    });
    await bundle.write({ dir: out("rollup") });
    await check(out("rollup"), "deep/main.js");
  });

  test("rolldown", async () => {
    const bundle = await rolldown({
      input: { "deep/main": entry() },
      plugins: [rolldownPlugin(project.options)],
    });
    await bundle.write({ dir: out("rolldown") });
    await check(out("rolldown"), "deep/main.js");
  });

  const esbuildFor = (format: "esm" | "iife", name: string, more: esbuild.BuildOptions = {}) =>
    esbuild.build({
      absWorkingDir: project.folder,
      entryPoints: { "deep/main": entry() },
      bundle: true,
      format,
      outdir: out(name),
      plugins: [esbuildPlugin(project.options)],
      logLevel: "silent",
      ...more,
    });

  test("esbuild, modules", async () => {
    const { warnings } = await esbuildFor("esm", "esbuild", {
      splitting: true,
      assetNames: "files/[name]-[hash]",
    });
    assert.equal(warnings, []);
    await check(out("esbuild"), "deep/main.js");
  });

  test("esbuild, a script, under a public path", async () => {
    const { warnings } = await esbuildFor("iife", "esbuild-iife", { publicPath: "/app/" });
    assert.equal(warnings, []);
    await check(out("esbuild-iife"), "deep/main.js", "classic");
  });

  test("webpack", async () => {
    await new Promise<void>((resolve, reject) => {
      webpack(
        {
          context: project.folder,
          mode: "production",
          performance: { hints: false },
          optimization: { minimize: false },
          entry: { main: entry() },
          output: { path: out("webpack"), filename: "deep/[name].js" },
          plugins: [webpackPlugin(project.options)],
        },
        (error, stats) => finished(error, stats, (problem) => (problem ? reject(problem) : resolve())),
      );
    });
    await check(out("webpack"), "deep/main.js", "classic");
  });

  test("rspack", async () => {
    await new Promise<void>((resolve, reject) => {
      rspack(
        {
          context: project.folder,
          mode: "production",
          performance: { hints: false },
          optimization: { minimize: false },
          entry: { main: entry() },
          output: { path: out("rspack"), filename: "deep/[name].js" },
          plugins: [rspackPlugin(project.options)],
        },
        (error, stats) => finished(error, stats, (problem) => (problem ? reject(problem) : resolve())),
      );
    });
    await check(out("rspack"), "deep/main.js", "classic");
  });

  test("no bundler: a script tag, and what `resnetc build` wrote", async () => {
    const folder = out("plain");
    const nets = path.join(project.folder, "src/nets");
    for (const [net, weights] of [
      ["cifar.resnet#resnet20", project.weights],
      ["labelled.resnet", []],
    ] as const) {
      const args = ["build", path.join(nets, net), "-o", folder, ...weights];
      const { stderr, status } = spawnSync(process.execPath, [binary, ...args], { encoding: "utf8" });
      assert.is(status, 0, stderr);
    }
    mkdirSync(path.join(folder, "deep"));
    const plain = program
      .replaceAll(/"\.\.\/nets\/cifar\.resnet\?[^"]*"/g, '"../resnet20.js"')
      .replaceAll(/"\.\.\/nets\/labelled\.resnet[^"]*"/g, '"../labelled.js"');
    writeFileSync(path.join(folder, "deep/main.js"), plain);
    const { results } = await open(folder, "deep/main.js");
    assert.equal(results, expected);
  });
}

function fail(warning: { readonly message: string }): never {
  throw new Error(warning.message);
}

test.run();
