/** Where a built network runs: its own wasm in a worker of its own, tfjs in another, backend by backend. */
import { linkModule } from "../../src/node/link-module.ts";
import type { Built } from "./protocol.ts";
import type { TfjsAnswer, TfjsStart } from "./tfjs-worker.ts";

export type Values = Readonly<Record<string, Float32Array>>;

export interface Running {
  /** "wasm", "tfjs webgl". */
  readonly name: string;
  readonly note: string;
  run(inputs: Values): Promise<Values>;
  dispose(): void;
}

/** Our own: it also prepares pictures and measures layers. */
export interface RunningWasm extends Running {
  readonly info: NetInfo;
  /** Undefined where the net takes no picture. */
  readonly prepare: ((picture: Blob | HTMLCanvasElement) => Promise<Float32Array>) | undefined;
  readonly labels: readonly string[];
  readonly classifies: boolean;
  profile(inputs: Values, rounds: number): Promise<readonly number[]>;
}

export interface NetInfo {
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly probabilities?: true;
  }[];
  readonly threads: { readonly used: number; readonly why: string };
}

/** What NAME.js has; its NAME.d.ts says more. */
interface WasmModule {
  load(options: {
    readonly worker: true;
    readonly wasm: Uint8Array;
    readonly relaxed: boolean;
    readonly weights: Uint8Array;
  }): Promise<{
    readonly info: NetInfo;
    run(inputs: Values): Promise<Values>;
    profile(inputs: Values, rounds: number): Promise<readonly number[]>;
    prepare?(picture: unknown): Promise<Float32Array>;
    classify?: unknown;
    labels?(): Promise<readonly string[]>;
    dispose(): void;
  }>;
}

export const tfjsBackends = ["wasm", "webgl", "webgpu"] as const;
export type TfjsBackend = (typeof tfjsBackends)[number];

const contentsOf = <T extends string | Uint8Array>({ files }: Built, ending: string): T =>
  files.find(({ path }) => path.endsWith(ending))?.contents as T;

const addressOf = (contents: string | Uint8Array<ArrayBuffer>): string =>
  URL.createObjectURL(new Blob([contents], { type: "text/javascript" }));

/**
 * NAME.js as a module of a blob: address, its files beside it likewise: no eval, so a policy that allows blob: scripts is
 * enough. The addresses stay, as labels and workers are fetched later.
 */
export async function startWasm(built: Built): Promise<RunningWasm> {
  const { files } = built;
  const blobs = new Map(files.filter(({ path }) => path.endsWith(".js")).map((file) => [file.path, file]));
  const own = (file: string) => JSON.stringify(addressOf(blobs.get(file)?.contents ?? ""));
  const text = linkModule([...files], {
    // Kernels and weights are handed over as they are.
    url: (file) => (file.endsWith(".js") ? `new URL(${own(file)})` : 'new URL("data:,")'),
    module: (file) => `import(${own(file)})`,
  });
  const { load } = (await import(/* @vite-ignore */ addressOf(text))) as WasmModule;
  const net = await load({
    ...{ worker: true, relaxed: false },
    wasm: contentsOf(built, ".wasm"),
    weights: contentsOf(built, ".weights"),
  });
  const { used, why } = net.info.threads;
  const { prepare, labels } = net;
  return {
    ...{
      name: "wasm",
      note: used === 1 ? `one thread: ${reasonOf(why)}` : `${used} threads`,
      info: net.info,
    },
    prepare: prepare && ((picture) => prepare(picture)),
    labels: labels ? await labels() : [],
    classifies: net.classify !== undefined,
    run: (inputs) => net.run(inputs),
    profile: (inputs, rounds) => net.profile(inputs, rounds),
    dispose: () => net.dispose(),
  };
}

/** The service worker isolates the page from its next load on. */
const reasonOf = (why: string): string =>
  !crossOriginIsolated && navigator.serviceWorker?.controller ? "load the page again for more" : why;

/** A backend that is not there in this time, in milliseconds, is given up. */
const startWithin = 30_000;

/** Rejects with a sentence where the backend does not start here. */
export async function startTfjs(built: Built, backend: TfjsBackend): Promise<Running> {
  const worker = new Worker(new URL("./tfjs-worker.ts", import.meta.url), { type: "module" });
  const ask = (message: TfjsStart | { readonly inputs: Values }) =>
    new Promise<TfjsAnswer>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<TfjsAnswer>) =>
        data.error === undefined ? resolve(data) : reject(new Error(data.error));
      worker.onerror = ({ message: why }) => reject(new Error(why ?? "Its worker could not be loaded."));
      worker.postMessage(message);
    });
  let note = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("It did not start in half a minute.")), startWithin);
  });
  try {
    const started = ask({
      ...{ backend, files: built.files.map(({ path }) => path), text: contentsOf<string>(built, ".js") },
      weights: new Blob([contentsOf<Uint8Array<ArrayBuffer>>(built, ".weights")]),
    });
    note = (await Promise.race([started, tooLong])).note ?? "";
  } catch (error) {
    worker.terminate();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return {
    ...{ name: `tfjs ${backend}`, note },
    run: async (inputs) => (await ask({ inputs })).outputs ?? {},
    dispose: () => worker.terminate(),
  };
}
