/**
 * The part of the loader that finds out how many threads there can be and starts them. Whatever forbids them
 * leaves a network on one thread, or on those that did come up, and info.threads.why says so.
 */
import { control } from "./runtime.ts";

const phase = control.phase / 4;

export const threadsText = `
// ---- threads -----------------------------------------------------------------------------------

/** What "auto" takes at most. */
const most = 8;

function chooseThreads(wish = "auto") {
  if (wish !== "auto" && !(Number.isInteger(wish) && wish >= 1 && wish <= 64)) {
    throw new Error(\`threads must be "auto" or a number from 1 to 64, this is \${JSON.stringify(wish)}.\`);
  }
  const processors = node ? node("node:os").availableParallelism() : (navigator.hardwareConcurrency ?? 1);
  const count = wish === "auto" ? Math.min(processors, most) : wish;
  if (count > 1 && globalThis.crossOriginIsolated === false) {
    return { count: 1, why: "the page is not cross-origin isolated" };
  }
  if (count > 1 && !globalThis.SharedArrayBuffer) return { count: 1, why: "there is no shared memory here" };
  const more = processors > most ? \`, of which auto takes \${most}\` : "";
  return { count, why: wish === "auto" ? \`processors: \${processors}\${more}\` : "as asked for" };
}

/** A thread is an instance on the same memory: it joins, says so, and works until it is stopped or fails. */
const threadText = \`({ module, memory }, ready) => {
  const { join, work } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  const thread = join();
  ready();
  try {
    work(thread);
  } catch (error) {
    const words = new Int32Array(memory.buffer);
    Atomics.store(words, ${phase}, -1);
    Atomics.notify(words, ${phase});
    throw error;
  }
}\`;

function startInNode(data, joined, failed) {
  const text = \`const { parentPort, workerData } = require("node:worker_threads");
    (\${threadText})(workerData, () => parentPort.postMessage(0));\`;
  const options = { eval: true, workerData: data, execArgv: [] };
  const worker = new (node("node:worker_threads").Worker)(text, options);
  worker.on("message", joined).on("error", failed).unref();
  return worker;
}

function startInPage(data, joined, failed) {
  const text = \`onmessage = ({ data }) => (\${threadText})(data, () => postMessage(0));\`;
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(url);
  worker.onmessage = () => {
    URL.revokeObjectURL(url);
    joined();
  };
  worker.onerror = (event) => {
    event.preventDefault();
    failed(event);
  };
  worker.postMessage(data);
  return worker;
}

function startThreads(module, memory, { count, why }) {
  let words = new Int32Array(memory.buffer);
  if (count > 1) words[${control.mayWait / 4}] = mayWait(words);
  let used = 1;
  let trouble = "no answer";
  const workers = [];
  const start = (resolve) => {
    const failed = (error) => {
      trouble = error.message ?? "the page forbids workers from blobs, see worker-src of its Content-Security-Policy";
      resolve();
    };
    const joined = () => {
      used++;
      resolve();
    };
    try {
      workers.push((node ? startInNode : startInPage)({ module, memory }, joined, failed));
    } catch (error) {
      failed(error);
    }
  };
  const starts = Array.from({ length: count - 1 }, () => new Promise(start));
  return {
    /** Waits, but not for ever, until all threads are there; what is missing, the others do. */
    async info() {
      let timer;
      const patience = new Promise((resolve) => {
        timer = setTimeout(resolve, 3000);
      });
      await Promise.race([Promise.all(starts), patience]);
      clearTimeout(timer);
      const missing = count - used;
      return { used, why: missing > 0 ? \`\${missing} of \${count} did not start: \${trouble}\` : why };
    },

    stop() {
      if (!words) return;
      Atomics.store(words, ${phase}, -1);
      Atomics.notify(words, ${phase});
      for (const worker of workers.splice(0)) worker.terminate();
      words = memory = module = undefined;
    },
  };
}

/** The main thread of a page may not. */
function mayWait(words) {
  try {
    Atomics.wait(words, 0, 1, 0);
    return 1;
  } catch {
    return 0;
  }
}
`;
