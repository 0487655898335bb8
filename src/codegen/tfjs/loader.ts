/**
 * The half of a generated module that is the same for every network: it starts a backend, fetches the weights, moves
 * to another backend when that is lost, and checks what callers hand in. Plain JavaScript for browsers and Node: no
 * eval, tfjs only by dynamic import. It reads the tables that module.ts writes above it: card, inputs, outputs, build,
 * tensors, weightsUrl, network.
 */
import { inputChecksText } from "../loader/input-checks.ts";
import { type PictureUse, pictureMethodsText } from "../loader/picture-methods.ts";
import type { Kernels } from "../target.ts";
import { autoText } from "./auto-loader.ts";
import { backendText } from "./backend-loader.ts";
import { engineText } from "./engine-loader.ts";
import { kernelsLoaderText } from "./kernels-loader.ts";
import { weightsLoaderText } from "./weights-loader.ts";

export const loaderText = (kernels: Kernels, use: PictureUse | undefined): string => `
/** Starts the backend and loads the weights. See the .d.ts file for the options. */
export async function load(options = {}) {
  const { backend = "wasm", onProgress, signal } = options;
  const names = [...Object.keys(packages), "auto"];
  if (!names.includes(backend)) {
    throw new Error(\`There is no backend "\${backend}"; there are \${names.join(", ")}.\`);
  }
  try {
    signal?.throwIfAborted();
    const tf = options.tf ?? (await importCore());
    const reading = readWeights(options, onProgress);
    const starting = backend === "auto" ? undefined : start(tf, backend, options);
    const [bytes] = await Promise.all([reading, starting]);
    signal?.throwIfAborted();
    const why = options.backend === undefined ? "the default" : "as asked for";
    const place = starting ? placeOn(tf, backend, bytes, why) : await choose(tf, bytes, options);
    return makeNetwork(tf, keepRunning(tf, place, options));
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}

function makeNetwork(tf, engine) {
  /** Computes on what the network is on; of the tensors, the outputs and the stamp behind them, the caller disposes. */
  const compute = (given) =>
    engine.use((on) => {
      const { arrays, batch } = checkArrays(given);
      const work = () => {
        const maps = arrays.map((array, i) => tf.tensor(own(on.backend, array), [batch, ...inputs[i].shape]));
        const results = network(tf, on.weights, ...maps);
        return [...outputs.map(({ name }) => results[name]), ...stamps(tf, on.backend)];
      };
      return { on, tensors: engine.attempt(on, () => tf.tidy(work)) };
    });
  const named = (values) => Object.fromEntries(outputs.map(({ name }, i) => [name, values[i]]));

  async function runAsync(given) {
    for (;;) {
      await engine.ready;
      try {
        const { on, tensors } = compute(given);
        try {
          return named(engine.check(on, await engine.read(on, tensors)));
        } finally {
          tf.dispose(tensors);
        }
      } catch (error) {
        if (error.code !== "context-lost") throw error;
      }
    }
  }

  const made = {
    get info() {
      return engine.info;
    },

    get ready() {
      return engine.ready;
    },

    run(given) {
      const { on, tensors } = compute(given);
      try {
        const read = () => tensors.map((tensor) => tensor.dataSync());
        return named(engine.check(on, engine.use(() => engine.attempt(on, read))));
      } finally {
        tf.dispose(tensors);
      }
    },

    runAsync,

    execute: (given) =>
      engine.use((on) => {
        const tensors = checkTensors(given);
        return engine.attempt(on, () => network(tf, on.weights, ...tensors));
      }),

    async warmUp() {
      await runAsync(Object.fromEntries(inputs.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))])));
    },

    profile(given, rounds = 10) {
      let least;
      for (let round = 0; round < rounds; round++) {
        const times = engine.use((on) => timesOf(tf, on, engine, given));
        least = times.map((time, i) => Math.min(time, least?.[i] ?? Infinity));
      }
      return least;
    },

    dispose: () => engine.dispose(),
  };
  return ${use ? `Object.assign(made, pictureMethods(${use.classifies ? "runAsync" : ""}))` : "made"};
}

/** The milliseconds of each call of the network; on a graphics processor with the wait for its result. */
function timesOf(tf, on, engine, given) {
  const { arrays, batch } = checkArrays(given);
  const times = [];
  engine.attempt(on, () =>
    tf.tidy(() => {
      const maps = arrays.map((array, i) => tf.tensor(own(on.backend, array), [batch, ...inputs[i].shape]));
      network(timed(tf, on.backend, times), on.weights, ...maps);
    }),
  );
  return times;
}

function timed(tf, backend, times) {
  const waits = backend === "webgl" || backend === "webgpu";
  const wrap = (holder) =>
    new Proxy(holder, {
      get(target, key) {
        const value = target[key];
        // tf.fused and tf.image have functions of the network too; the others take no time.
        if (typeof value === "object" && value !== null) return wrap(value);
        if (typeof value !== "function" || key === "tidy" || key === "clone") return value;
        return (...args) => {
          const start = performance.now();
          const result = value.apply(target, args);
          if (waits) for (const part of [result].flat()) part.dataSync();
          times.push(performance.now() - start);
          return result;
        };
      },
    });
  return wrap(tf);
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

${inputChecksText}${engineText}${autoText(kernels)}${backendText(kernels)}${weightsLoaderText}${kernels === "own" ? kernelsLoaderText : ""}`;
