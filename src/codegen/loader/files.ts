/**
 * The part of a generated module that gets files, from bytes, a disk, a server or the browser's own store, as text. It
 * reads the table `build`, of which the checksum names what is stored. What is cut off on the way goes on where it was cut.
 */
import { fileChecksText } from "./file-checks.ts";

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

${fileChecksText}`;
