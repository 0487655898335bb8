/**
 * Networks off the main thread, as text: what NAME.js does to have one in a worker, and the half of NAME.worker.js that
 * answers. The worker's file has all of the loader in itself and is told where the others are, so that it may lie anywhere.
 */
import type { PictureUse } from "../loader/picture-methods.ts";

/** In NAME.js: \`workerUrl\`, \`variants\`, \`weightsUrls\` are tables of the module. */
export const workerClientText = (use: PictureUse | undefined): string => `
// ---- off the main thread -----------------------------------------------------------------------

async function startInWorker({ worker: _, onProgress, signal, ...options }) {
  signal?.throwIfAborted();
  const waiting = new Map();
  let over, next = 0;
  const stop = (reason) => {
    over ??= reason;
    port.stop();
    for (const { reject } of waiting.values()) reject(over);
    waiting.clear();
  };
  const take = ({ id, progress, value, error, code }) => {
    if (progress) return onProgress?.(progress);
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (waiting.size === 0) port.hold(false);
    if (error === undefined) resolve?.(value);
    else reject?.(Object.assign(new Error(error), { code }));
  };
  const fail = (why) => stop(new Error(\`The worker \${workerUrl()} failed: \${why}.\`));
  const port = (node ? openNodeWorker : openPageWorker)(take, fail);
  const ask = (method, args, transfer = []) =>
    new Promise((resolve, reject) => {
      if (over) return reject(over);
      waiting.set(next, { resolve, reject });
      port.hold(true);
      port.send({ id: next++, method, args }, transfer);
    });
  const abort = () => stop(signal.reason);
  signal?.addEventListener("abort", abort);
  try {
    const { weights = weightsUrls(), wasm, ...others } = options;
    const plain = (file) => (typeof file === "string" || file instanceof URL ? urlOf("A file", file).href : file);
    const files = { weights: [weights].flat().map(plain), ...(wasm === undefined ? {} : { wasm: plain(wasm) }) };
    const kernels = variants.map(({ url }) => url().href);
    const info = await ask("load", [{ ...others, ...files }, kernels]);
    return {
      info: Object.freeze(info),
      run: (given) => ask("run", [given]),
      warmUp: () => ask("warmUp", []),
      profile: (given, rounds) => ask("profile", [given, rounds]),
      dispose: () => stop(new Error("This network was disposed of.")),${use ? pictureClient(use) : ""}
    };
  } catch (error) {
    stop(error);
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

function openPageWorker(take, fail) {
  const worker = new Worker(workerUrl(), { type: "module" });
  worker.onmessage = ({ data }) => take(data);
  worker.onerror = (event) => {
    event.preventDefault();
    fail(event.message ?? "it is not there, or forbidden here");
  };
  return {
    send: (message, transfer) => worker.postMessage(message, transfer),
    hold() {},
    stop: () => worker.terminate(),
  };
}

/** The process may end while nothing is asked. */
function openNodeWorker(take, fail) {
  const worker = new (node("node:worker_threads").Worker)(workerUrl());
  worker.on("message", take).on("error", ({ message }) => fail(message.replace(/\\.$/, ""))).unref();
  return {
    send: (message, transfer) => worker.postMessage(message, transfer),
    hold: (busy) => (busy ? worker.ref() : worker.unref()),
    stop: () => worker.terminate(),
  };
}
`;

const pictureClient = ({ classifies }: PictureUse): string => `

      async prepare(given) {
        const { image, transfer } = await pictures.portablePicture(given);
        return ask("prepare", [image], transfer);
      },${classifies ? classifyClient : ""}`;

const classifyClient = `

      async classify(given, options = {}) {
        const { top, signal } = options;
        pictures.checkTop(options);
        const { image, transfer } = await pictures.portablePicture(given);
        const found = await ask("classify", [image, { top }], transfer);
        signal?.throwIfAborted();
        const names = await labels();
        return names.length > 0 ? found.map((guess) => ({ ...guess, label: names[guess.index] })) : found;
      },

      labels,`;

/** The end of NAME.worker.js; \`places\`, where the kernels are, is read by the tables. */
export const workerServerText = `
const port = node ? node("node:worker_threads").parentPort : globalThis;
let network;

async function take({ id, method, args }) {
  try {
    if (method === "load") {
      const [options, kernels] = args;
      places = kernels;
      network = await start({ ...options, onProgress: (progress) => port.postMessage({ progress }) });
      port.postMessage({ id, value: network.info });
    } else {
      port.postMessage({ id, value: await network[method](...args) });
    }
  } catch (error) {
    port.postMessage({ id, error: error.message, code: error.code });
  }
}

if (node) port.on("message", take);
else port.onmessage = ({ data }) => take(data);
`;
