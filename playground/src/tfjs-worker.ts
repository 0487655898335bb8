/** A network of the tfjs target on one backend, off the main thread. tfjs comes when a worker asks for it, from the page's own files. */

import plain from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url";
import simd from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url";
import threadedSimd from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url";
import type * as tfjs from "@tensorflow/tfjs-core";
import { linkModule } from "../../src/node/link-module.ts";
import type { TfjsBackend, Values } from "./backends.ts";

export interface TfjsStart {
  readonly backend: TfjsBackend;
  /** NAME.js. */
  readonly text: string;
  /** The names of all files of the build. */
  readonly files: readonly string[];
  readonly weights: Blob;
}

export interface TfjsAnswer {
  /** What the backend runs on. */
  readonly note?: string;
  readonly outputs?: Values;
  readonly error?: string;
}

/** What NAME.js has; its NAME.d.ts says more. */
interface TfjsModule {
  load(options: {
    readonly tf: typeof tfjs;
    readonly backend: TfjsBackend;
    readonly weights: ArrayBuffer;
  }): Promise<{
    readonly info: { readonly inputs: readonly { readonly name: string; readonly shape: number[] }[] };
    execute(inputs: Readonly<Record<string, tfjs.Tensor>>): Readonly<Record<string, tfjs.Tensor>>;
  }>;
}

/** What makes a backend known to tfjs-core; what is promised says what it runs on, once it does. */
const packages: Readonly<Record<TfjsBackend, () => Promise<() => string>>> = {
  wasm: async () => {
    const { getThreadsCount, setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
    const paths = {
      "tfjs-backend-wasm.wasm": plain,
      "tfjs-backend-wasm-simd.wasm": simd,
      "tfjs-backend-wasm-threaded-simd.wasm": threadedSimd,
    };
    setWasmPaths(paths);
    return () => {
      const threads = getThreadsCount();
      return threads === 1 ? "one thread" : `${threads} threads`;
    };
  },
  webgl: async () => {
    await import("@tensorflow/tfjs-backend-webgl");
    return rendererOf;
  },
  webgpu: async () => {
    // Without one, tfjs fails later and says less.
    const { gpu } = navigator as { readonly gpu?: { requestAdapter(): Promise<unknown> } };
    if (!gpu) throw new Error("This browser has no WebGPU, or not in workers.");
    if (!(await gpu.requestAdapter())) throw new Error("WebGPU finds no graphics processor here.");
    await import("@tensorflow/tfjs-backend-webgpu");
    return () => "";
  },
};

/** The graphics processor by its name, or what stands in for one. */
function rendererOf(): string {
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  const names = gl?.getExtension("WEBGL_debug_renderer_info");
  return gl && names ? String(gl.getParameter(names.UNMASKED_RENDERER_WEBGL)) : "";
}

let tf: typeof tfjs | undefined;
let net: Awaited<ReturnType<TfjsModule["load"]>> | undefined;

async function start({ backend, text, files, weights }: TfjsStart): Promise<string> {
  const core = await import("@tensorflow/tfjs-core");
  const runsOn = await packages[backend]();
  // Labels are known to the page; weights are handed over.
  const module = linkModule(
    files.map((path, i) => ({ path, contents: i === 0 ? text : "" })),
    { url: () => 'new URL("data:,")', module: () => "Promise.resolve({ labels: [] })" },
  );
  const address = URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
  const { load } = (await import(/* @vite-ignore */ address)) as TfjsModule;
  net = await load({ tf: core, backend, weights: await weights.arrayBuffer() });
  tf = core;
  return [`TensorFlow.js ${core.version_core}`, runsOn()].filter(Boolean).join(", ");
}

async function run(inputs: Values): Promise<Values> {
  if (!tf || !net) throw new Error("No network was started.");
  const tensors = net.info.inputs.map(
    ({ name, shape }) => [name, tf!.tensor(inputs[name], [1, ...shape.slice(1)])] as const,
  );
  const results = net.execute(Object.fromEntries(tensors));
  try {
    const values = Object.entries(results).map(async ([name, tensor]) => {
      return [name, (await tensor.data()) as Float32Array] as const;
    });
    return Object.fromEntries(await Promise.all(values));
  } finally {
    tf.dispose([tensors.map(([, tensor]) => tensor), Object.values(results)]);
  }
}

self.onmessage = async ({ data }: MessageEvent<TfjsStart | { readonly inputs: Values }>) => {
  try {
    const answer: TfjsAnswer =
      "backend" in data ? { note: await start(data) } : { outputs: await run(data.inputs) };
    self.postMessage(answer);
  } catch (error) {
    self.postMessage({ error: (error as Error).message } satisfies TfjsAnswer);
  }
};
