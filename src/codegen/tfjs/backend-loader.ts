/** The part of the loader that starts backends of tfjs, and knows when one has lost what it runs on. */
import type { Kernels } from "../target.ts";

export const backendText = (kernels: Kernels): string => `
// ---- the backends ------------------------------------------------------------------------------

const packages = {
  wasm: () => import("@tensorflow/tfjs-backend-wasm"),
  cpu: () => import("@tensorflow/tfjs-backend-cpu"),
  webgl: () => import("@tensorflow/tfjs-backend-webgl"),
  webgpu: () => import("@tensorflow/tfjs-backend-webgpu"),
};

/** Those that can be lost, and what of them it is that is lost. */
const graphics = { webgl: "WebGL context", webgpu: "WebGPU device" };

async function importCore() {
  try {
    return await import("@tensorflow/tfjs-core");
  } catch (cause) {
    const message = "The package @tensorflow/tfjs-core cannot be loaded; install it or pass load({ tf }).";
    throw new Error(message, { cause });
  }
}

/** Everything that a network needs beside its weights. */
const start = (tf, backend, options) =>
  ${
    kernels === "own"
      ? `Promise.all([
    inTurn(() => startBackend(tf, backend, options.wasmPaths)),
    backend === "wasm" ? replaceKernels(tf, options.kernels) : undefined,
  ])`
      : "inTurn(() => startBackend(tf, backend, options.wasmPaths))"
  };

/** Networks loaded at the same time, from this module or another, share the backend that the first starts. */
function inTurn(start) {
  const queue = Symbol.for("resnetc.tfjs.start");
  const started = Promise.resolve(globalThis[queue]).then(start);
  globalThis[queue] = started.catch(() => {});
  return started;
}

async function startBackend(tf, backend, wasmPaths) {
  const engine = tf.engine();
  // A backend that the page itself has just asked for.
  await engine.pendingBackendInit;
  if (!(backend in engine.registry) || isLost(engine.registry[backend])) {
    const loaded = tf.findBackendFactory(backend) ? undefined : await importBackend(backend);
    if (!tf.findBackendFactory(backend)) {
      throw new Error(\`The backend "\${backend}" is not available here.\`);
    }
    if (backend === "wasm" && wasmPaths !== undefined) {
      const { setWasmPaths } = tf.wasm ?? loaded ?? (await importBackend(backend));
      setWasmPaths(wasmPaths);
    }
    if (backend === "wasm" && globalThis.crossOriginIsolated && !(await canStartWorkers())) {
      tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    }
    await register(tf, backend);
  }
  await tf.setBackend(backend);
  if (backend in graphics) whenLost(engine.registry[backend]);
}

/** tfjs starts its threads as workers from blobs, and waits for ever where the page's policy forbids those. */
async function canStartWorkers() {
  const url = URL.createObjectURL(new Blob(["postMessage(0)"], { type: "text/javascript" }));
  let worker;
  try {
    worker = new Worker(url);
    return await new Promise((resolve) => {
      worker.onmessage = () => resolve(true);
      worker.onerror = (event) => {
        event.preventDefault();
        resolve(false);
      };
    });
  } catch {
    return false;
  } finally {
    worker?.terminate();
    URL.revokeObjectURL(url);
  }
}

/**
 * Starts a backend by its factory and registers it once it runs: while tfjs itself waits for a backend, every
 * call throws, also of networks that run on another.
 */
async function register(tf, backend) {
  const before = nodeListeners();
  const { factory, priority } = tf.engine().registryFactory[backend];
  // What is registered below gives a running backend, which may be lost by now.
  const make = factory.anew ?? factory;
  try {
    if (backend === "webgpu" && globalThis.navigator?.gpu && !(await navigator.gpu.requestAdapter())) {
      throw new Error("there is no adapter");
    }
    const running = await make();
    tf.removeBackend(backend);
    tf.registerBackend(backend, Object.assign(() => running, { anew: make }), priority);
  } catch (cause) {
    // The first sentence of what tfjs says.
    const [why] = /^.*?(?=\\.\\s|\\.?$)/s.exec(cause?.message ?? String(cause));
    throw new Error(\`The backend "\${backend}" does not start here: \${why}.\`, { cause });
  } finally {
    removeNewListeners(before);
  }
}

async function importBackend(backend) {
  try {
    return await packages[backend]();
  } catch (cause) {
    const needed = \`the package @tensorflow/tfjs-backend-\${backend}, which cannot be loaded\`;
    throw new Error(\`The backend "\${backend}" needs \${needed}.\`, { cause });
  }
}

/** Of running backends: a promise that is kept when the context is lost, and those where that has happened. */
const losses = new WeakMap();
const lostBackends = new WeakSet();

function whenLost(running) {
  if (!losses.has(running)) {
    const canvas = running.gpgpu?.gl?.canvas;
    const loss = canvas
      ? new Promise((resolve) => canvas.addEventListener("webglcontextlost", resolve, { once: true }))
      : (running.device?.lost ?? new Promise(() => {}));
    losses.set(running, loss.then(() => void lostBackends.add(running)));
  }
  return losses.get(running);
}

const isLost = (running) => lostBackends.has(running) || running.gpgpu?.gl?.isContextLost() === true;

/**
 * In Node, the wasm backend installs listeners that rethrow: one unhandled rejection anywhere would end the
 * process, whatever the application has decided. They go as soon as the backend runs.
 */
const nodeEvents = globalThis.process?.versions?.node ? ["uncaughtException", "unhandledRejection"] : [];
const nodeListeners = () => nodeEvents.map((event) => process.listeners(event));

function removeNewListeners(before) {
  nodeEvents.forEach((event, i) => {
    for (const listener of process.listeners(event)) {
      const isNew = !before[i].includes(listener);
      if (isNew && /throw (ex|reason|e)\\b/.test(String(listener))) process.off(event, listener);
    }
  });
}

/** Does the work on this network's backend and leaves the page's choice as it was. */
function onBackend(tf, backend, work) {
  const before = tf.getBackend();
  if (before === backend) return work();
  // For a backend that runs, this takes effect at once.
  tf.setBackend(backend);
  try {
    return work();
  } finally {
    // One that the page has asked for and that is still starting would be started twice.
    if (before in tf.engine().registry) tf.setBackend(before);
  }
}
`;
