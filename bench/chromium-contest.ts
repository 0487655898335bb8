/**
 * Contests in Chromium: every runtime has a page of its own, all in one browser, and the pages run in turns. Wall
 * time by the page's clock, which is fine in isolated pages.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { requireChromium, startChromium } from "../tests/support/chromium.ts";
import { claimCores } from "../tests/support/kernels-page.ts";
import { requireShared, sharedPath } from "../tests/support/shared.ts";
import {
  type Contestant,
  type ContestPlan,
  type ContestResult,
  compete,
  type Entry,
  pictures,
} from "./contest.ts";
import { serveIsolated } from "./isolated-server.ts";
import type { NetName } from "./nets.ts";
import type { Folders } from "./node-contestants.ts";
import { bench, ownPackages, peerPackages } from "./paths.ts";

/** LiteRT.js runs converted files, which there are for these. */
export const hasLitertModel = (net: NetName): boolean => net === "resnet18" || net === "resnet50";

export async function contestInChromium(
  plan: ContestPlan,
  folders: Folders,
  onProgress: (text: string) => void,
): Promise<ContestResult> {
  if (!requireChromium()) throw new Error("Without Chromium there is no contest in it.");
  const server = await serveIsolated({
    folders: {
      "/ours/": folders.ours ?? bench,
      "/net/": folders.tfjs ?? bench,
      "/tfjs/": `${ownPackages}@tensorflow/`,
      "/litert/": `${peerPackages}@litertjs/`,
    },
    files: filesFor(plan),
  });
  const browser = await startChromium();
  try {
    const contestants = [];
    for (const entry of plan.entries) contestants.push(await open(entry, plan.net, browser, server.origin));
    const times = await compete(contestants, plan.rounds, onProgress);
    return { times, platform: `Chromium ${browser.version()}` };
  } finally {
    await browser.close();
    await server.close();
  }
}

function filesFor({ net, entries }: ContestPlan): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {
    "/index.html": Buffer.from(page),
    "/page.js": readFileSync(`${bench}page.js`),
    "/picture": new Uint8Array(pictures(1).buffer),
  };
  if (!entries.some(({ runtime }) => runtime === "litert")) return files;
  const model = `models/litert/${net}.tflite.gz`;
  if (!requireShared(model)) throw new Error(`LiteRT.js has no file of ${net} to run.`);
  return { ...files, "/model.tflite": gunzipSync(readFileSync(sharedPath(model))) };
}

const page = `<!doctype html>
<title>resnetc benchmark</title>
<script type="importmap">{ "imports": {
  "@litertjs/core": "/litert/core/dist/index.js",
  "@litertjs/wasm-utils": "/litert/wasm-utils/dist/index.js"
} }</script>
<script type="module">globalThis.contestant = await import("/page.js");</script>`;

const tfjsScripts = ["tfjs-core/dist/tf-core.min.js", "tfjs-backend-wasm/dist/tf-backend-wasm.min.js"];

async function open(entry: Entry, net: NetName, browser: Browser, origin: string): Promise<Contestant> {
  const { runtime, threads } = entry;
  const tab = await browser.newPage();
  if (runtime === "tfjs") await tab.addInitScript(claimCores, 2 * threads);
  await tab.goto(`${origin}/index.html`);
  if (runtime === "tfjs")
    for (const script of tfjsScripts) await tab.addScriptTag({ url: `/tfjs/${script}` });
  await tab.waitForFunction("globalThis.contestant");
  const module = `/${runtime === "tfjs" ? "net" : "ours"}/${net}.js`;
  const options = { module, model: "/model.tflite", threads };
  await call(tab, `start(${JSON.stringify(runtime)}, ${JSON.stringify(options)})`);
  return {
    entry,
    run: async () => ({ wallMs: (await call(tab, "run()")) as number }),
    logits: async () => Float32Array.from((await call(tab, "logits()")) as number[]),
  };
}

const call = (tab: Page, expression: string): Promise<unknown> =>
  tab.evaluate(`globalThis.contestant.${expression}`);
