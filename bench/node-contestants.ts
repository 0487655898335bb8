/** Runtimes in this Node process: ours, tfjs and onnxruntime-web behind one interface. */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type Contestant, type Entry, pictureShape, pictures, type Run } from "./contest.ts";
import type { NetName } from "./nets.ts";
import { nhwcToNchw } from "./onnx.ts";

/** The folder of each runtime's build. */
export type Folders = Readonly<Partial<Record<Entry["runtime"], string>>>;

/** A generated module, as much of it as is used here. */
interface NetModule {
  load(options: Readonly<Record<string, unknown>>): Promise<{
    readonly info: { readonly inputs: readonly { readonly name: string }[] };
    run(inputs: Readonly<Record<string, Float32Array>>): Readonly<Record<string, Float32Array>>;
  }>;
}

export async function openInNode(entry: Entry, net: NetName, folders: Folders): Promise<Contestant> {
  const folder = folders[entry.runtime]!;
  if (entry.runtime === "ort") return openOrt(entry, `${folder}/${net}.onnx`);
  return openModule(entry, `${folder}/${net}.js`);
}

/** One run by the clock and by the processor. */
async function timed(work: () => unknown): Promise<Run> {
  const before = process.cpuUsage();
  const start = performance.now();
  await work();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

async function openModule(entry: Entry, file: string): Promise<Contestant> {
  const { load } = (await import(pathToFileURL(file).href)) as NetModule;
  const relaxed = entry.runtime === "relaxed";
  const net = await load(
    entry.runtime === "tfjs" ? { backend: "wasm" } : { threads: entry.threads, relaxed },
  );
  const inputs = { [net.info.inputs[0].name]: pictures(entry.batch) };
  let last: Float32Array;
  return {
    entry,
    run: () =>
      timed(async () => {
        [last] = Object.values(await net.run(inputs));
      }),
    logits: async () => last.slice(0, last.length / entry.batch),
  };
}

// ---- onnxruntime-web ------------------------------------------------------------------------------

/** The package's own types may not be installed. */
interface Ort {
  readonly env: { readonly wasm: { numThreads: number; proxy: boolean }; logLevel: string };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: Readonly<Record<string, unknown>>,
    ): Promise<{
      readonly inputNames: readonly string[];
      run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
    }>;
  };
}

interface OrtTensor {
  readonly data: Float32Array;
}

const ortPackage = "onnxruntime-web";

/** The number of threads is the process's: a contest holds one number for this runtime. */
async function openOrt(entry: Entry, file: string): Promise<Contestant> {
  const ort = (await import(ortPackage)) as Ort;
  ort.env.wasm.numThreads = entry.threads;
  ort.env.wasm.proxy = false;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(readFileSync(file), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
  if (ort.env.wasm.numThreads !== entry.threads) throw new Error("onnxruntime-web starts no threads here.");
  const [height, width, channels] = pictureShape;
  const data = nhwcToNchw(pictures(1), pictureShape);
  const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", data, [1, channels, height, width]) };
  let last: Float32Array;
  return {
    entry,
    run: () =>
      timed(async () => {
        [last] = Object.values(await session.run(feeds)).map((tensor) => tensor.data);
      }),
    logits: async () => last,
  };
}
