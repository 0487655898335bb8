/**
 * The part of the loader that gets the weights, from bytes, a file, a server or the browser's store, and into tfjs. Each
 * thing that can be wrong with them has a sentence of its own.
 */

import { filesText } from "../loader/files.ts";
import { checksumBlock, checksumPrimes, checksumRotations } from "../wasm/checksum.ts";

const [prime1, prime2, prime3] = checksumPrimes;
const lanes = checksumBlock.bytes / 4;
const turn = checksumBlock.rotation;

export const weightsLoaderText = `${filesText}
// ---- the weights -------------------------------------------------------------------------------

/** All of them, checked. */
async function readWeights({ weights: source, cache, signal }, onProgress) {
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) {
    const bytes = new Uint8Array(source.buffer ?? source, source.byteOffset, source.byteLength);
    checkSize("The weights", bytes.length, build.weightBytes, bytes);
    return checkSum("The weights", bytes);
  }
  const store = openStore(cache);
  const read = async (how) => {
    const file = await openFile("The weights", source ?? weightsUrl(), how, store);
    try {
      const bytes = new Uint8Array(build.weightBytes);
      await readAll(file, [bytes], onProgress);
      return checkSum(file.what, bytes);
    } catch (error) {
      if (!signal?.aborted) await store.forget();
      throw error;
    } finally {
      Promise.resolve(file.close()).catch(() => {});
    }
  };
  try {
    return await read({ signal, cache: "default" });
  } catch (error) {
    // A cache on the way may have kept a file of another build: the server itself is asked, once.
    if (error.code !== "other-build") throw error;
    return read({ signal, cache: "reload" });
  }
}

/** Where numbers can be read from them. */
function checkSum(what, bytes) {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  if (String(checksum(aligned)) !== build.checksum) {
    throw misfit(\`\${what} are damaged or belong to another build: their checksum is wrong.\`);
  }
  return aligned;
}

/** The checksum that the compiler's wasm target has too: in the manner of xxHash32, ${lanes} lanes. */
function checksum({ buffer, byteOffset, length }) {
  const words = new Int32Array(buffer, byteOffset, length / 4);
  const sums = new Int32Array(${lanes});
  for (let at = 0; at < words.length; at += ${lanes}) {
    const count = Math.min(${lanes}, words.length - at);
    for (let lane = 0; lane < count; lane++) {
      const sum = (sums[lane] + Math.imul(words[at + lane], ${prime2})) | 0;
      sums[lane] = Math.imul((sum << ${turn}) | (sum >>> ${32 - turn}), ${prime1});
    }
  }
  return [0, 1, 2, 3].map((lane) => {
    let sum = length | 0;
    ${JSON.stringify(checksumRotations).replaceAll(",", ", ")}.forEach((turn, i) => {
      const part = sums[4 * i + lane];
      sum = (sum + ((part << turn) | (part >>> (32 - turn)))) | 0;
    });
    sum = Math.imul(sum ^ (sum >>> 15), ${prime2});
    sum = Math.imul(sum ^ (sum >>> 13), ${prime3});
    return (sum ^ (sum >>> 16)) >>> 0;
  });
}

function upload(tf, backend, bytes) {
  const weights = Object.create(null);
  let offset = bytes.byteOffset;
  try {
    for (const [name, shape] of tensors) {
      const values = new Float32Array(bytes.buffer, offset, sizeOf(shape));
      weights[name] = tf.tensor(own(backend, values), shape);
      offset += values.byteLength;
    }
  } catch (error) {
    tf.dispose(weights);
    throw error;
  }
  return weights;
}

/** The wasm backend copies what it is given; the others keep it, so they get a copy. */
const own = (backend, values) => (backend === "wasm" ? values : values.slice());
`;
