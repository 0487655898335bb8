/**
 * The part of the loader that gets the kernels and the weights, from bytes, a file or a server. Weights go straight
 * to their places in the memory, a chunk at a time, and are prepared there before the next chunk comes.
 */
import { fileChecksText } from "../loader/file-checks.ts";
import { control } from "./runtime.ts";

export const filesText = `
// ---- files -------------------------------------------------------------------------------------

/** Modules of Node, in Node and what resembles it; bundlers need not know of them. */
const node = globalThis.process?.getBuiltinModule;

/** read(target) puts as much of the rest as it has at the start of target and says how much, 0 at the end. */
async function openFile(what, source, signal, kept) {
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) {
    const pieces = [new Uint8Array(source.buffer ?? source, source.byteOffset, source.byteLength)];
    return { what, read: readerOf(() => pieces.pop()), close() {} };
  }
  const url = urlOf(what, source);
  const told = \`\${what} \${url}\`;
  const isFile = node && url.protocol === "file:";
  const attempt = async (work) => {
    try {
      signal?.throwIfAborted();
      return await work();
    } catch (cause) {
      const verb = isFile ? "read" : "fetched";
      throw new Error(\`\${told} cannot be \${verb}: \${cause.message}.\`, { cause });
    }
  };
  if (isFile) {
    const file = await attempt(() => node("node:fs/promises").open(url));
    const read = (target) => attempt(async () => (await file.read(target, 0, target.length)).bytesRead);
    return { what: told, read, close: () => file.close() };
  }
  const response = await attempt(async () => {
    const known = await kept?.find(url);
    if (known) return known;
    const response = await fetch(url, { signal });
    if (!response.ok) throw new Error(\`HTTP \${response.status}\`);
    kept?.keep(url, response.clone());
    return response;
  });
  let body;
  const next = async () => {
    body ??= response.body.getReader();
    const { done, value } = await body.read();
    return done ? undefined : value;
  };
  const close = () => (body ?? response.body).cancel();
  return { what: told, response, read: readerOf(() => attempt(next)), close };
}

/**
 * The browser's own store, where weights stay under their checksum: those of another build of the same address make
 * room. Without a store (no https, no room, storage forbidden) files are fetched each time.
 */
function openStore(name) {
  if (!name || !globalThis.caches) return undefined;
  const keyOf = (url) => {
    const key = new URL(url);
    key.searchParams.set("resnetc", build.checksum.replaceAll(",", "-"));
    return key.href;
  };
  const quietly = async (work) => {
    try {
      return await work(await caches.open(name === true ? "resnetc" : name));
    } catch {
      return undefined;
    }
  };
  let stored, key;
  return {
    find: (url) => quietly((store) => store.match((key = keyOf(url)))),
    keep(url, response) {
      stored = quietly(async (store) => {
        const isOld = ({ searchParams, pathname }) => searchParams.has("resnetc") && pathname === url.pathname;
        for (const request of await store.keys()) if (isOld(new URL(request.url))) await store.delete(request);
        await store.put(key, response);
      });
    },
    /** What is kept may be damaged: the next load fetches it. */
    async forget() {
      await stored;
      if (key) await quietly((store) => store.delete(key));
    },
  };
}

/** Makes a read function of one that gives the next piece, or nothing at the end. */
function readerOf(next) {
  let rest = new Uint8Array();
  return async (target) => {
    while (rest?.length === 0) rest = await next();
    if (!rest) return 0;
    const part = rest.subarray(0, target.length);
    target.set(part);
    rest = rest.subarray(part.length);
    return part.length;
  };
}

/** Fills the targets in turn, which must be all of the file. */
async function readAll({ what, read }, targets, onRead, onFull) {
  const size = targets.reduce((sum, { length }) => sum + length, 0);
  const head = new Uint8Array(100);
  let found = 0;
  for (const [i, target] of targets.entries()) {
    for (let at = 0; at < target.length; ) {
      // Not more at a time, so that progress shows.
      const part = target.subarray(at, at + 2 ** 22);
      const got = await read(part);
      if (got === 0) checkSize(what, found, size, head);
      if (found < 100) head.set(part.subarray(0, Math.min(got, 100 - found)), found);
      at += got;
      found += got;
      onRead?.({ loaded: found, total: size });
    }
    onFull?.(i);
  }
  if ((await read(new Uint8Array(1))) > 0) checkSize(what, found + 1, size, head);
}

async function takeWeights(file, memory, exports, onProgress) {
  const chunks = Array.from({ length: build.chunkCount }, (_, i) =>
    new Uint32Array(memory.buffer, build.chunkTable + 16 * i, 4));
  const targets = chunks.map(([bytes, address]) => new Uint8Array(memory.buffer, address, bytes));
  await readAll(file, targets, onProgress, (i) => {
    const [bytes, address, first, last] = chunks[i];
    exports.checksum(address, bytes);
    exports.execute(first, last);
  });
  exports.digest(build.weightBytes);
  if (String(new Uint32Array(memory.buffer, ${control.checksum}, 4)) !== build.checksum) {
    throw new Error(\`\${file.what} are damaged or belong to another build: their checksum is wrong.\`);
  }
}

${fileChecksText}`;
