/**
 * The half of NAME.js that is the same for every network: it starts the module and its threads, loads the weights,
 * and checks what callers hand in. Plain JavaScript for pages, workers, Node and what resembles it. It reads the
 * tables that module-text.ts writes above it: card, inputs, outputs, build, variants, weightsUrls.
 */
import { inputChecksText } from "../loader/input-checks.ts";
import { type PictureUse, pictureMethodsText } from "../loader/picture-methods.ts";
import { filesText } from "./loader-files.ts";
import { threadsText } from "./loader-threads.ts";
import { wideText } from "./loader-wide.ts";
import { control } from "./runtime.ts";

export const loaderText = (use: PictureUse | undefined): string => `
/** Starts the module and its threads and loads the weights. See the .d.ts file for the options. */
async function start(options) {
  try {
    return await begin(options);
  } catch (error) {
    // A cache on the way may have kept a file of another build: the server itself is asked, once.
    if (error.code !== "other-build") throw error;
    return begin(options, "reload");
  }
}

async function begin(options, cache = "default") {
  const { onProgress, signal } = options;
  const how = { signal, cache };
  checkEngine();
  const variant = chooseVariant(options);
  const { memory, threads } = allocate(chooseThreads(options.threads));
  const store = openStore(options.cache);
  const files = [
    openFile("The kernels", options.wasm ?? variant.url(), how),
    openParts([options.weights ?? weightsUrls()].flat(), (part) => openFile("The weights", part, how, store)),
  ];
  let pool;
  try {
    const [kernels, weights] = await Promise.all(files);
    const { module, bytes } = await compile(kernels, variant, threads.count > 1, options.wide);
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
    if (!options.wide) pool = startThreads(module, memory, threads);
    // While the weights are on their way, the engine may begin to optimise.
    if (weights.response) warm(memory, exports);
    try {
      await takeWeights(weights, memory, exports, onProgress);
    } catch (error) {
      if (!signal?.aborted) await store.forget();
      throw error;
    }
    const wide = options.wide ? await widen(bytes, memory, exports) : { used: false, why: "not asked for" };
    pool ??= startThreads(wide.module ?? module, memory, threads);
    return makeNetwork(memory, wide.exports ?? exports, pool, {
      threads: Object.freeze(await pool.info()),
      relaxed: variant.relaxed,
      wide: Object.freeze({ used: wide.used, why: wide.why }),
    });
  } catch (error) {
    pool?.stop();
    throw signal?.aborted ? signal.reason : error;
  } finally {
    for (const file of files) file.then(({ close }) => close()).catch(() => {});
  }
}

/** An eighth of a run, on zeros. */
function warm({ buffer }, { execute }) {
  const words = new Int32Array(buffer);
  words[${control.sampling / 4}] = 1;
  execute(build.first, build.last);
  words[${control.sampling / 4}] = 0;
}

function makeNetwork({ buffer }, exports, pool, how) {
  const viewOf = ({ shape, address }) => new Float32Array(buffer, address, sizeOf(shape));
  let engine = { exports, pool, ins: inputs.map(viewOf), outs: outputs.map(viewOf) };
  const info = Object.freeze({
    ...card,
    ...how,
    bytes: Object.freeze({ weights: build.weightBytes, memory: buffer.byteLength }),
  });
  // What this function was given must not outlive the network.
  buffer = exports = pool = undefined;

  function use() {
    if (!engine) throw new Error("This network was disposed of.");
    return engine;
  }

  function dispose() {
    engine?.pool.stop();
    engine = undefined;
  }

  function execute(first, last) {
    try {
      engine.exports.execute(first, last);
    } catch (cause) {
      dispose();
      throw new Error(\`The network failed and was disposed of: \${cause.message}.\`, { cause });
    }
  }

  const network = {
    info,

    run(given, results) {
      const { ins, outs } = use();
      const { arrays, batch } = checkArrays(given);
      const made = results === undefined ? makeOutputs(batch) : checkOutputs(results, batch);
      for (let i = 0; i < batch; i++) {
        ins.forEach((view, k) => view.set(arrays[k].subarray(i * view.length, (i + 1) * view.length)));
        execute(build.first, build.last);
        outs.forEach((view, k) => made[outputs[k].name].set(view, i * view.length));
      }
      return made;
    },

    async warmUp() {
      for (const view of use().ins) view.fill(0);
      execute(build.first, build.last);
    },

    profile(given, rounds = 10) {
      const { ins } = use();
      const { arrays } = checkArrays(given);
      const times = new Array(build.last - build.first).fill(Infinity);
      for (let round = 0; round < rounds; round++) {
        ins.forEach((view, k) => view.set(arrays[k].subarray(0, view.length)));
        times.forEach((least, i) => {
          const start = performance.now();
          execute(build.first + i, build.first + i + 1);
          times[i] = Math.min(least, performance.now() - start);
        });
      }
      return times;
    },

    dispose,
  };
  return ${use ? `Object.assign(network, pictureMethods(${use.classifies ? "network.run" : ""}))` : "network"};
}
${use ? pictureMethodsText(use) : ""}
// ---- what callers hand in ----------------------------------------------------------------------

const makeOutputs = (batch) =>
  Object.fromEntries(outputs.map(({ name, shape }) => [name, new Float32Array(batch * sizeOf(shape))]));

function checkOutputs(results, batch) {
  for (const { name, shape } of outputs) {
    const array = results?.[name];
    if (!(array instanceof Float32Array)) {
      throw new Error(\`The output "\${name}" must be a Float32Array, not \${kindOf(array)}.\`);
    }
    const size = batch * sizeOf(shape);
    if (array.length !== size) {
      throw new Error(
        \`The output "\${name}" has \${size} values for a batch of \${batch}, this has \${array.length}.\`,
      );
    }
  }
  return results;
}

${inputChecksText}
// ---- the module --------------------------------------------------------------------------------

/** Whether the engine takes a function of these instructions, which leave a vector. */
const takes = (...code) =>
  globalThis.WebAssembly?.validate(
    Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, code.length + 5, 1, code.length + 3, 0,
      ...code, 26, 11),
  );

/** i32.const 0, i8x16.splat. */
const vector = [65, 0, 253, 15];

function checkEngine() {
  if (!takes(...vector)) throw new Error("This engine has no WebAssembly SIMD, which the network needs.");
}

/** The first kernels that the engine takes; of those that the caller hands in, the caller knows. */
function chooseVariant({ wasm, relaxed = wasm === undefined }) {
  const fuses = relaxed && takes(...vector, ...vector, ...vector, 253, 133, 2);
  return variants.find((variant) => fuses || !variant.relaxed);
}

/** Memory for so many threads; for one, if there is none that they can share. */
function allocate({ count, why }) {
  const bytes = build.memoryBytes + count * build.scratchBytes;
  const initial = Math.ceil(bytes / 65536);
  try {
    const memory = new WebAssembly.Memory({ initial, maximum: initial, shared: count > 1 });
    return { memory, threads: { count, why } };
  } catch (cause) {
    const size = \`\${Math.ceil(bytes / 1e6)} MB of memory, which cannot be had here: \${cause.message}\`;
    if (count > 1) return allocate({ count: 1, why: \`\${count} threads would need \${size}\` });
    throw new Error(\`This network needs \${size}.\`, { cause });
  }
}

/** The kernels are compiled as they arrive, where that can be: shared memory takes another byte in them. */
async function compile(file, variant, shared, isKept) {
  const { what, response } = file;
  const streams = !shared && !isKept && response?.headers.get("content-type") === "application/wasm";
  const bytes = streams ? undefined : await readKernels(file, variant, shared);
  const compiled = streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(bytes);
  const module = await compiled.catch((cause) => {
    const verb = cause instanceof WebAssembly.CompileError ? "compiled" : "fetched";
    throw new Error(\`\${what} cannot be \${verb}: \${cause.message}.\`, { cause });
  });
  const [id] = WebAssembly.Module.customSections(module, "build");
  if (!id || new TextDecoder().decode(id) !== variant.id) {
    throw misfit(\`\${what} belong to another build.\`);
  }
  return { module, bytes };
}

async function readKernels(file, { bytes: size, memoryFlagOffset }, shared) {
  const bytes = new Uint8Array(size);
  await readAll(file, [bytes]);
  if (shared && bytes[memoryFlagOffset] === 1) bytes[memoryFlagOffset] = 3;
  return bytes;
}

${filesText}
${threadsText}
${wideText}`;
