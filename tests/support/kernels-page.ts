/**
 * A page with tfjs' script builds, a GraphModel and our kernels as compiled modules: what the tests and the benchmark
 * of the kernels open in Chromium. `globalThis.page` is what they call.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import type { GraphModelFiles } from "./graph-model.ts";
import { tfjsFiles, tfjsTags } from "./tfjs-page.ts";

const scripts = ["core", "backend-wasm", "converter"] as const;

/** The page's side; everything goes as plain data. */
export interface KernelsPage {
  /** Starts tfjs with this many threads at most; the number that it got. */
  start(threads: number): Promise<number>;
  /** Puts our kernels into tfjs, or takes them out. */
  register(options?: { readonly threads?: boolean }): void;
  unregister(): void;
  report(): { readonly own: number; readonly stock: Readonly<Record<string, number>> };
  predict(): Promise<number[]>;
  /** Milliseconds of runs in turns with tfjs' kernels and with ours, on one thread. */
  compare(rounds: number): Promise<{ readonly stock: number[]; readonly own: number[] }>;
}

/** Files for a server, without the slash in front; `compiled` is the folder with tfjs-kernels/register.js. */
export function kernelsPageFiles(
  model: GraphModelFiles,
  picture: Float32Array,
  compiled: string,
): Map<string, () => string | Uint8Array> {
  const files = tfjsFiles(scripts)
    .set("index.html", () => html)
    .set("model.json", () => JSON.stringify(model.json))
    .set("model.weights", () => new Uint8Array(model.weights))
    .set("picture", () => new Uint8Array(picture.buffer));
  const add = (name: string, file: string) => files.set(name, () => readFileSync(file));
  for (const file of readdirSync(compiled, { recursive: true, encoding: "utf8" }).filter((f) =>
    f.endsWith(".js"),
  ))
    add(`resnetc/${file.replaceAll(path.sep, "/")}`, path.join(compiled, file));
  return files;
}

/** Calls a function of the page. */
export const onPage = <Name extends keyof KernelsPage>(
  page: Page,
  name: Name,
  ...args: Parameters<KernelsPage[Name]>
): Promise<Awaited<ReturnType<KernelsPage[Name]>>> =>
  page.evaluate(`page.${name}(...${JSON.stringify(args)})`) as Promise<
    Awaited<ReturnType<KernelsPage[Name]>>
  >;

/** tfjs takes at most half of the cores that it is told of. */
export const claimCores = (cores: number) =>
  Object.defineProperty(navigator, "hardwareConcurrency", { value: cores });

const html = `<!doctype html><title>resnetc</title>
${tfjsTags(scripts)}
<script type="module">
import { registerKernels } from "/resnetc/tfjs-kernels/register.js";

let model, picture, registration;
const bytes = async (url) => (await fetch(url)).arrayBuffer();
const names = ["Conv2D", "FusedConv2D", "DepthwiseConv2dNative", "FusedDepthwiseConv2D", "_FusedMatMul"];
const kernels = () => names.map((name) => tf.getKernel(name, "wasm"));

function use(configs) {
  for (const config of configs) {
    tf.unregisterKernel(config.kernelName, "wasm");
    tf.registerKernel(config);
  }
}

function run() {
  const y = model.predict(picture);
  const values = y.dataSync();
  y.dispose();
  return values;
}

globalThis.page = {
  async start(threads) {
    tf.wasm.setWasmPaths("/tfjs/");
    tf.wasm.setThreadsCount(threads);
    await tf.setBackend("wasm");
    const json = await (await fetch("/model.json")).json();
    const weightSpecs = json.weightsManifest[0].weights;
    model = await tf.loadGraphModel({ load: async () => ({ ...json, weightSpecs, weightData: await bytes("/model.weights") }) });
    picture = tf.tensor(new Float32Array(await bytes("/picture")), [1, ...model.inputs[0].shape.slice(1)]);
    return tf.wasm.getThreadsCount();
  },
  register(options) {
    registration = registerKernels(tf, options);
  },
  unregister() {
    registration.unregister();
  },
  report: () => registration.report(),
  predict: async () => Array.from(run()),
  async compare(rounds) {
    registration?.unregister();
    const stock = kernels();
    registration = registerKernels(tf, { threads: true });
    const own = kernels();
    const times = { stock: [], own: [] };
    for (let round = -4; round < rounds; round++) {
      for (const [name, configs] of [["stock", stock], ["own", own]]) {
        use(configs);
        await new Promise((resolve) => setTimeout(resolve, 30));
        const start = performance.now();
        run();
        if (round >= 0) times[name].push(performance.now() - start);
      }
    }
    return times;
  },
};
</script>`;
