/**
 * The half of a generated module that is the same for every network: starting a backend, fetching weights,
 * checking what callers hand in. Plain JavaScript for browsers and Node: no eval, tfjs only by dynamic
 * import. It reads the tables that module.ts writes above it: card, inputs, outputs, tensors, weightsUrl, network.
 */
import { inputChecksText } from "../loader/input-checks.ts";
import { type PictureUse, pictureMethodsText } from "../loader/picture-methods.ts";
import type { Kernels } from "../target.ts";
import { kernelsLoaderText } from "./kernels-loader.ts";
import { weightsLoaderText } from "./weights-loader.ts";

export const loaderText = (kernels: Kernels, use: PictureUse | undefined): string => `
const packages = {
  wasm: () => import("@tensorflow/tfjs-backend-wasm"),
  cpu: () => import("@tensorflow/tfjs-backend-cpu"),
  webgl: () => import("@tensorflow/tfjs-backend-webgl"),
  webgpu: () => import("@tensorflow/tfjs-backend-webgpu"),
};

/** Starts the backend and loads the weights. See the .d.ts file for the options. */
export async function load(options = {}) {
  const { backend = "wasm", wasmPaths, onProgress } = options;
  if (!Object.hasOwn(packages, backend)) {
    throw new Error(\`There is no backend "\${backend}"; there are \${Object.keys(packages).join(", ")}.\`);
  }
  const tf = options.tf ?? (await importCore());
  const [bytes] = await Promise.all([
    readWeights(options.weights, onProgress),
    inTurn(() => startBackend(tf, backend, wasmPaths)),${kernels === "own" ? ownKernels : ""}
  ]);
  return makeNetwork(tf, backend, onBackend(tf, backend, () => upload(tf, backend, bytes)));
}

function makeNetwork(tf, backend, weights) {
  let disposed = false;
  const use = (work) => {
    if (disposed) throw new Error("This network was disposed of.");
    return onBackend(tf, backend, work);
  };
  const execute = (given) => use(() => network(tf, weights, ...checkTensors(given)));
  const made = {
    info: Object.freeze({ ...card, backend }),

    run: (given) =>
      use(() => {
        const { arrays, batch } = checkArrays(given);
        // Values do not leave the tidy as its result: it would search arrays for tensors, number by number.
        let values = [];
        tf.tidy(() => {
          const maps = arrays.map((array, i) => tf.tensor(own(backend, array), [batch, ...inputs[i].shape]));
          const results = network(tf, weights, ...maps);
          values = outputs.map(({ name }) => [name, results[name].dataSync()]);
        });
        return Object.fromEntries(values);
      }),

    execute,

    async warmUp() {
      const maps = use(() => inputs.map(({ shape }) => tf.zeros([1, ...shape])));
      let results = [];
      try {
        results = Object.values(use(() => network(tf, weights, ...maps)));
        await Promise.all(results.map((result) => result.data()));
      } finally {
        tf.dispose([maps, results]);
      }
    },

    dispose() {
      disposed = true;
      tf.dispose(weights);
    },
  };
  return ${use ? `Object.assign(made, pictureMethods(${use.classifies ? "made.run" : ""}))` : "made"};
}
${use ? pictureMethodsText(use) : ""}
// ---- what callers hand in ----------------------------------------------------------------------

function checkTensors(given) {
  checkNames(given);
  const tensors = inputs.map(({ name, shape }) => {
    const tensor = given[name];
    if (!Array.isArray(tensor?.shape) || tensor.dtype === undefined) {
      throw new Error(\`The input "\${name}" must be a tensor, not \${kindOf(tensor)}.\`);
    }
    if (tensor.isDisposed) throw new Error(\`The input "\${name}" was disposed of.\`);
    const [batch, ...map] = tensor.shape;
    if (!(batch > 0) || map.join() !== shape.join() || tensor.dtype !== "float32") {
      throw new Error(
        \`The input "\${name}" must be float32 [batch, \${shape.join(", ")}], \` +
          \`this is \${tensor.dtype} [\${tensor.shape.join(", ")}].\`,
      );
    }
    return tensor;
  });
  checkBatch(tensors.map(({ shape }) => shape[0]));
  return tensors;
}

${inputChecksText}
// ---- the backend -------------------------------------------------------------------------------

async function importCore() {
  try {
    return await import("@tensorflow/tfjs-core");
  } catch (cause) {
    const message = "The package @tensorflow/tfjs-core cannot be loaded; install it or pass load({ tf }).";
    throw new Error(message, { cause });
  }
}

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
  if (!(backend in engine.registry)) {
    const loaded = tf.findBackendFactory(backend) ? undefined : await importBackend(backend);
    if (!tf.findBackendFactory(backend)) {
      throw new Error(\`The backend "\${backend}" is not available here.\`);
    }
    if (backend === "wasm" && wasmPaths !== undefined) {
      const { setWasmPaths } = tf.wasm ?? loaded ?? (await importBackend(backend));
      setWasmPaths(wasmPaths);
    }
    await register(tf, backend);
  }
  await tf.setBackend(backend);
}

/**
 * Starts a backend by its factory and registers it once it runs: while tfjs itself waits for a backend, every
 * call throws, also of networks that run on another.
 */
async function register(tf, backend) {
  const before = nodeListeners();
  const { factory, priority } = tf.engine().registryFactory[backend];
  try {
    const running = await factory();
    tf.removeBackend(backend);
    tf.registerBackend(backend, () => running, priority);
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

${weightsLoaderText}${kernels === "own" ? kernelsLoaderText : ""}`;

const ownKernels = `
    backend === "wasm" ? replaceKernels(tf, options.kernels) : undefined,`;
