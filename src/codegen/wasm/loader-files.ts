/**
 * The part of the loader that gets the kernels and the weights, from bytes, files or a server. Weights go straight
 * to their places in the memory, a chunk at a time, and are prepared there before the next chunk comes. What is cut
 * off on the way goes on where it was cut.
 */
import { fileChecksText } from "../loader/file-checks.ts";
import { control } from "./runtime.ts";

/** How often a download goes on before it fails, unless a megabyte came in between; after 0.3, 0.6, … 4.8 seconds. */
const tries = 5;

export const filesText = `
// ---- files -------------------------------------------------------------------------------------

/** Modules of Node, in Node and what resembles it; bundlers need not know of them. */
const node = globalThis.process?.getBuiltinModule;

/**
 * read(target) puts as much of the rest as it has at the start of target and says how much, 0 at the end. \`how\` is
 * what fetch is told; \`kept\` is where weights may stay, which are large enough to go on when they are cut off.
 */
async function openFile(what, source, how, kept) {
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) {
    const pieces = [new Uint8Array(source.buffer ?? source, source.byteOffset, source.byteLength)];
    return { what, read: readerOf(() => pieces.pop()), close() {} };
  }
  const url = urlOf(what, source);
  const told = \`\${what} \${url}\`;
  const isFile = node && url.protocol === "file:";
  const attempt = async (work) => {
    try {
      how.signal?.throwIfAborted();
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
    const response = await fetch(url, how);
    if (!response.ok) throw new Error(\`HTTP \${response.status}\`);
    const whole = kept ? goingOn(response, url, how) : response;
    kept?.keep(url, whole);
    return whole;
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

/** Files that are one, cut apart: those behind the one that is read are on their way too. */
async function openParts(sources, open) {
  const files = [];
  const opened = (i) => {
    // Who awaits it hears of its failure.
    if (i < sources.length && !files[i]) (files[i] = open(sources[i])).catch(() => {});
    return files[i];
  };
  const { what, response } = await opened(0);
  const sizes = build.parts?.length === sources.length ? build.parts : [];
  let at = 0, read;
  return {
    what: sources.length > 1 ? \`\${what} and \${sources.length - 1} more\` : what,
    response,
    async read(target) {
      for (; at < sources.length; at++, read = undefined) {
        opened(at + 1);
        opened(at + 2);
        const file = await opened(at);
        read ??= sizes[at] ? sized(file, sizes[at]) : file.read;
        const got = await read(target);
        if (got > 0) return got;
      }
      return 0;
    },
    close: () => files.forEach((file) => file.then(({ close }) => close()).catch(() => {})),
  };
}

/**
 * The response, whose body goes on where it was cut off. Nothing tells whether the server has the same file still, as
 * the checksum does: so this works with any server, one of another origin too.
 */
function goingOn(response, url, how) {
  let body = response.body.getReader();
  let at = 0, known = 0, tries = 0, gain = 0, wake;
  const pull = async (controller) => {
    while (tries < Infinity) {
      try {
        if (!body) {
          const rest = await fetch(url, { ...how, headers: { range: \`bytes=\${at}-\` } });
          if (!rest.ok) throw new Error(\`HTTP \${rest.status}\`);
          // A server that knows no ranges begins anew.
          known = rest.status === 206 ? 0 : at;
          body = rest.body.getReader();
        }
        const { done, value } = await body.read();
        if (done) return controller.close();
        const news = value.subarray(known);
        known -= value.length - news.length;
        at += news.length;
        gain += news.length;
        if (gain > 1e6) gain = tries = 0;
        if (news.length > 0) return controller.enqueue(news);
      } catch (cause) {
        if (how.signal?.aborted) throw cause;
        if (tries >= ${tries}) {
          throw new Error(\`\${cause.message}; ${tries} more tries, from byte \${at} on, failed too\`, { cause });
        }
        body = undefined;
        const ms = 300 * 2 ** tries++;
        let timer;
        await new Promise((resolve) => {
          wake = resolve;
          timer = setTimeout(resolve, ms);
          how.signal?.addEventListener("abort", resolve, { once: true });
        });
        clearTimeout(timer);
      }
    }
  };
  // Nobody wants the rest.
  const cancel = () => {
    tries = Infinity;
    wake?.();
    return body?.cancel();
  };
  return new Response(new ReadableStream({ pull, cancel }), response);
}

/**
 * The browser's own store, where weights stay under their checksum: those of another build of the same address make
 * room. Without a store (not asked for, no https, no room, storage forbidden) files are fetched each time.
 */
function openStore(name) {
  const quietly = async (work) => {
    try {
      if (name) return await work(await caches.open(name === true ? "resnetc" : name));
    } catch {}
  };
  const sum = build.checksum.replaceAll(",", "-");
  const keyOf = (url) => {
    const key = new URL(url);
    key.searchParams.set("resnetc", sum);
    return key.href;
  };
  const keys = new Set(), stored = [];
  return {
    find(url) {
      const key = keyOf(url);
      keys.add(key);
      return quietly((store) => store.match(key));
    },
    keep(url, response) {
      if (!name) return;
      const copy = response.clone();
      stored.push(quietly(async (store) => {
        const stem = (path) => path.replace(/-\\d+-of-\\d+/, "");
        const isOld = ({ searchParams, pathname }) =>
          ![null, sum].includes(searchParams.get("resnetc")) && stem(pathname) === stem(url.pathname);
        for (const request of await store.keys()) if (isOld(new URL(request.url))) await store.delete(request);
        await store.put(keyOf(url), copy);
      }));
    },
    /** What is kept may be damaged. */
    async forget() {
      await Promise.all(stored);
      for (const key of keys) await quietly((store) => store.delete(key));
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

/** The read function of a file that must have a size. */
function sized({ what, read }, size) {
  const head = new Uint8Array(100);
  let found = 0;
  return async (target) => {
    const got = await read(target);
    if (found < 100) head.set(target.subarray(0, Math.min(got, 100 - found)), found);
    found += got;
    if (got === 0 || found > size) checkSize(what, found, size, head);
    return got;
  };
}

/** Fills the targets in turn, which must be all of the file. */
async function readAll(file, targets, onRead, onFull) {
  const size = targets.reduce((sum, { length }) => sum + length, 0);
  const read = sized(file, size);
  let found = 0;
  for (const [i, target] of targets.entries()) {
    for (let at = 0; at < target.length; ) {
      // Not more at a time, so that progress shows.
      const got = await read(target.subarray(at, at + 2 ** 22));
      at += got;
      found += got;
      onRead?.({ loaded: found, total: size });
    }
    onFull?.(i);
  }
  await read(new Uint8Array(1));
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
    throw misfit(\`\${file.what} are damaged or belong to another build: their checksum is wrong.\`);
  }
}

${fileChecksText}`;
