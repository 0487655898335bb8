/**
 * A runtime in a page, one a page: plain JavaScript that Chromium loads as it is. bench/chromium-contest.ts calls
 * `start` once and then `run` and `logits`.
 */

/** The runtimes by name: from their options to a function that runs the picture once and gives its logits. */
const runtimes = {
  async ours({ module, threads }) {
    const { load } = await import(module);
    return runner(await load({ threads, relaxed: false }));
  },

  async relaxed({ module, threads }) {
    const { load } = await import(module);
    const net = await load({ threads });
    if (!net.info.relaxed) throw new Error("There are no kernels for relaxed SIMD.");
    return runner(net);
  },

  async tfjs({ module, threads }) {
    const { tf } = globalThis;
    tf.wasm.setThreadsCount(threads);
    // One thread is what the build without atomics is for.
    if (threads === 1) tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    const { load } = await import(module);
    const net = await load({ tf, backend: "wasm", wasmPaths: "/tfjs/tfjs-backend-wasm/dist/" });
    return runner(net, () => {
      const found = threads === 1 ? 1 : tf.wasm.getThreadsCount();
      if (found !== threads) throw new Error(`tfjs runs with ${found} threads instead of ${threads}.`);
    });
  },

  async litert({ model, threads }) {
    const { loadLiteRt, loadAndCompile, Tensor } = await import("@litertjs/core");
    await loadLiteRt("/litert/core/wasm/", { threads: true });
    const net = await loadAndCompile(model, { accelerator: "wasm", cpuOptions: { numThreads: threads } });
    return async (picture) => {
      const x = new Tensor(picture, [1, 224, 224, 3]);
      const [y] = await net.run(x);
      const logits = await y.data();
      x.delete();
      y.delete();
      return logits;
    };
  },
};

/** A network of a generated module, with a check of its own after each run. */
function runner(net, check = () => {}) {
  const [{ name }] = net.info.inputs;
  return async (picture) => {
    const [logits] = Object.values(await net.run({ [name]: picture }));
    check();
    return logits;
  };
}

let work;
let picture;
let last;

export async function start(runtime, options) {
  if (!globalThis.crossOriginIsolated) throw new Error("The page is not isolated.");
  picture = new Float32Array(await (await fetch("/picture")).arrayBuffer());
  work = await runtimes[runtime](options);
}

/** Milliseconds of one run. */
export async function run() {
  const begin = performance.now();
  last = await work(picture);
  return performance.now() - begin;
}

export const logits = () => Array.from(last);
