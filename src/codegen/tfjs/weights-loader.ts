/**
 * The part of the loader that gets the weights, from bytes, a file or a server, and into tfjs. Each thing that
 * can be wrong with them has a sentence of its own.
 */
import { fileChecksText } from "../loader/file-checks.ts";

export const weightsLoaderText = `
// ---- the weights -------------------------------------------------------------------------------

const weightBytes = tensors.reduce((sum, [, shape]) => sum + 4 * sizeOf(shape), 0);

async function readWeights(source, onProgress) {
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) {
    const bytes = ArrayBuffer.isView(source)
      ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
      : new Uint8Array(source);
    checkSize("The weights", bytes.length, weightBytes, bytes);
    return bytes;
  }
  const url = source === undefined ? weightsUrl() : urlOf("The weights", source);
  return url.protocol === "file:" ? readFile(url, onProgress) : download(url, onProgress);
}

async function readFile(url, onProgress) {
  let bytes;
  try {
    const fs = await import(/* webpackIgnore: true */ /* @vite-ignore */ "node:fs/promises");
    bytes = await fs.readFile(url);
  } catch (cause) {
    throw new Error(\`The weights \${url} cannot be read: \${cause.message}.\`, { cause });
  }
  checkSize(\`The weights \${url}\`, bytes.length, weightBytes, bytes);
  onProgress?.({ loaded: bytes.length, total: weightBytes });
  return bytes;
}

async function download(url, onProgress) {
  const what = \`The weights \${url}\`;
  const bytes = new Uint8Array(weightBytes);
  let loaded = 0;
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(\`HTTP \${response.status}\`);
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes.set(value.subarray(0, weightBytes - loaded), loaded);
      loaded += value.length;
      if (loaded > weightBytes) {
        await reader.cancel();
        break;
      }
      onProgress?.({ loaded, total: weightBytes });
    }
  } catch (cause) {
    throw new Error(\`\${what} cannot be fetched: \${cause.message}.\`, { cause });
  }
  checkSize(what, loaded, weightBytes, bytes);
  return bytes;
}

${fileChecksText}
function upload(tf, backend, bytes) {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const weights = Object.create(null);
  let offset = aligned.byteOffset;
  try {
    for (const [name, shape] of tensors) {
      const values = new Float32Array(aligned.buffer, offset, sizeOf(shape));
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
