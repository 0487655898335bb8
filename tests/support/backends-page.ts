/**
 * A page that runs built networks: those of the wasm target, and those of the tfjs target on any backend, with tfjs as
 * scripts. `globalThis.page` is what tests call; everything goes as plain data.
 */
import type { Browser, Page } from "playwright-core";
import type { Artifact } from "../../src/codegen/target.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import type { StaticServer } from "./chromium.ts";
import { type ServedFiles, type TfjsScript, tfjsFiles, tfjsTags } from "./tfjs-page.ts";

export const backendScripts: readonly TfjsScript[] = [
  "core",
  "backend-cpu",
  "backend-wasm",
  "backend-webgl",
  "backend-webgpu",
];

export interface PageRun {
  readonly outputs: Readonly<Record<string, number[]>>;
  readonly info: {
    readonly backend?: string;
    readonly why?: string;
    readonly threads?: { readonly used: number; readonly why: string };
  };
  /** Tensors that runs left. */
  readonly leak: number;
  /** Of each step, in milliseconds. */
  readonly times?: readonly number[];
}

export interface RunRequest {
  readonly url: string;
  /** Options of `load`; a `tfjs` module gets `tf` besides. */
  readonly options: { readonly backend?: string; readonly threads?: number };
  readonly inputs: Readonly<Record<string, number[]>>;
  readonly runs?: number;
  /** By `execute`, of the shapes of these inputs: without what `run` does to be sure of its results. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
}

/** The page and the scripts, without any network; `index.html` names `page.js`, so that policies may forbid inline scripts. */
export function backendsPageFiles(): ServedFiles {
  return tfjsFiles(backendScripts)
    .set("index.html", () => html)
    .set("page.js", () => script);
}

export function addArtifacts(files: ServedFiles, folder: string, artifacts: readonly Artifact[]): void {
  for (const { path, contents } of artifacts) files.set(`${folder}/${path}`, () => contents);
}

const html = `<!doctype html><title>resnetc</title><link rel="icon" href="data:,">
${tfjsTags(backendScripts)}
<script type="module" src="/page.js"></script>`;

const script = `
const floats = (inputs) =>
  Object.fromEntries(Object.entries(inputs).map(([name, data]) => [name, Float32Array.from(data)]));
const plain = (outputs) =>
  Object.fromEntries(Object.entries(outputs).map(([name, data]) => [name, Array.from(data)]));

async function execute(net, arrays, shapes) {
  const maps = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, tf.tensor(arrays[name], shape)]));
  const results = Object.entries(net.execute(maps));
  const outputs = Object.fromEntries(
    await Promise.all(results.map(async ([name, result]) => [name, Array.from(await result.data())])),
  );
  tf.dispose([maps, results.map(([, result]) => result)]);
  net.dispose();
  return { outputs, info: net.info };
}

globalThis.page = {
  async run({ url, options, inputs, runs = 1, shapes }) {
    const { load } = await import(url);
    const net = await load(options.backend ? { tf, wasmPaths: "/tfjs/", ...options } : options);
    const arrays = floats(inputs);
    const tensors = () => (options.backend ? tf.memory().numTensors : 0);
    if (shapes) {
      const { outputs, info } = await execute(net, arrays, shapes);
      return { outputs, info, leak: tensors() };
    }
    const before = tensors();
    let outputs;
    for (let i = 0; i < runs; i++) outputs = net.run(arrays);
    // The two ways to run must agree to the bit.
    const again = net.runAsync ? plain(await net.runAsync(arrays)) : plain(outputs);
    if (JSON.stringify(again) !== JSON.stringify(plain(outputs))) throw new Error("runAsync gives other results");
    const times = net.profile(arrays, 1);
    const leak = tensors() - before;
    const { backend, why, threads } = net.info;
    net.dispose();
    return { outputs: plain(outputs), info: { backend, why, threads }, leak, times };
  },
};
`;

/** Opens a page of the server that has these files. */
export async function openBackendsPage(
  browser: Browser,
  { origin }: StaticServer,
  name = "index.html",
): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`${origin}/${name}`);
  await page.waitForFunction("globalThis.page");
  return page;
}

export const runOnPage = (page: Page, request: RunRequest): Promise<PageRun> =>
  page.evaluate(`page.run(${JSON.stringify(request)})`) as Promise<PageRun>;

export const plainInputs = (inputs: Readonly<Record<string, Tensor>>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, Array.from(data)]));
