/**
 * The part of the loader that chooses a backend by measuring: which is fastest depends on the network as much as on the
 * machine. What was measured is remembered for this build and this browser.
 */
import type { Kernels } from "../target.ts";

export const autoText = (kernels: Kernels): string => `
// ---- the choice of a backend -------------------------------------------------------------------

/** Wasm first: it is always the same, and the others are judged by it. */
const candidates = ["wasm", "webgpu", "webgl"];

/** How far results may be from wasm's, of the largest; rounds; milliseconds for the rounds of one, and for all. */
const measuring = { tolerance: 1e-3, rounds: 5, each: 400, all: 5000 };

const choices = new Map();

/** Where a choice is kept: a page's localStorage, if it has one. */
const shelf = () => {
  try {
    return globalThis.document && localStorage;
  } catch {
    return undefined;
  }
};

const choiceKey = () =>
  [
    "resnetc",
    card.name,
    build.checksum.replaceAll(",", "-"),
    card.compiler,
    ${JSON.stringify(kernels)},
    globalThis.crossOriginIsolated ? "isolated" : "",
    globalThis.navigator?.userAgent ?? "",
  ].join(" ");

function recall(key) {
  try {
    const { backend, why } = JSON.parse(shelf()?.getItem(key) ?? choices.get(key));
    if (Object.hasOwn(packages, backend)) return { backend, why: \`remembered: \${why}\` };
  } catch {}
  return undefined;
}

function remember(key, { backend, why }) {
  const text = JSON.stringify({ backend, why: why.replace("measured: ", "") });
  choices.set(key, text);
  try {
    shelf()?.setItem(key, text);
  } catch {}
}

async function choose(tf, bytes, options) {
  const key = choiceKey();
  const known = recall(key);
  if (known) {
    try {
      await start(tf, known.backend, options);
      return placeOn(tf, known.backend, bytes, known.why);
    } catch {}
  }
  const place = await measure(tf, bytes, options);
  remember(key, place);
  await tf.setBackend(place.backend);
  return place;
}

async function measure(tf, bytes, options) {
  const begin = performance.now();
  const [times, reasons] = [[], []];
  let best, truth;
  for (const backend of candidates) {
    options.signal?.throwIfAborted();
    if (best && performance.now() - begin > measuring.all) {
      reasons.push(\`\${backend} is not tried, for lack of time\`);
      continue;
    }
    let place;
    try {
      await start(tf, backend, options);
      place = placeOn(tf, backend, bytes, "");
      const { ms, results } = await timeOf(tf, place, options.signal);
      truth ??= results;
      const off = distance(results, truth);
      if (!(off <= measuring.tolerance)) throw new Error(\`gives other results, off by \${off.toPrecision(2)}\`);
      times.push(\`\${backend} \${ms.toPrecision(3)} ms\`);
      if (!best || ms < best.ms) {
        if (best) tf.dispose(best.place.weights);
        best = { ms, place };
        place = undefined;
      }
    } catch (error) {
      reasons.push(\`\${backend} \${error.message.replace(/^The backend "\\w+" /, "").replace(/\\.$/, "")}\`);
    }
    if (place) tf.dispose(place.weights);
    // The page may do something meanwhile.
    await new Promise((resolve) => setTimeout(resolve));
  }
  options.signal?.throwIfAborted();
  const told = [times.join(", "), ...reasons].filter(Boolean).join("; ");
  const why = \`measured: \${told}\`;
  if (best) return { ...best.place, why };
  try {
    await start(tf, "cpu", options);
  } catch (cause) {
    throw new Error(\`No backend runs here: \${told}; cpu: \${cause.message}\`, { cause });
  }
  return placeOn(tf, "cpu", bytes, why);
}

/** The least milliseconds of a picture behind the first, for which kernels are compiled and weights packed. */
async function timeOf(tf, { backend, running, weights }, signal) {
  const arrays = inputs.map(({ shape }) =>
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => ((Math.imul(i, 2654435761) >>> 0) / 2 ** 32) * 4 - 2),
  );
  const once = async () => {
    const made = onBackend(tf, backend, () =>
      tf.tidy(() => {
        const maps = arrays.map((array, i) => tf.tensor(own(backend, array), [1, ...inputs[i].shape]));
        const results = network(tf, weights, ...maps);
        return [...outputs.map(({ name }) => results[name]), ...stamps(tf, backend)];
      }),
    );
    try {
      const reading = Promise.all(made.map((result) => result.data()));
      if (!(backend in graphics)) return await reading;
      const lost = () => Promise.reject(new Error("is lost when it runs"));
      const values = await Promise.race([reading, whenLost(running).then(lost)]);
      return isStamped(values, backend) ? values.slice(0, -1) : await lost();
    } finally {
      tf.dispose(made);
    }
  };
  const results = await once();
  let ms = Infinity;
  const end = performance.now() + measuring.each;
  for (let round = 0; round < measuring.rounds && (round === 0 || performance.now() < end); round++) {
    signal?.throwIfAborted();
    const begin = performance.now();
    await once();
    ms = Math.min(ms, performance.now() - begin);
  }
  return { ms, results };
}

/** The largest difference, of the largest number of each output; not a number where one is none. */
function distance(results, truth) {
  const far = results.map((array, k) => {
    let [most, largest] = [0, 1e-30];
    for (let i = 0; i < array.length; i++) {
      const off = Math.abs(array[i] - truth[k][i]);
      if (!(off <= most)) most = off;
      largest = Math.max(largest, Math.abs(truth[k][i]));
    }
    return most / largest;
  });
  return far.reduce((a, b) => (b <= a ? a : b), 0);
}
`;
