/**
 * A server of one folder's files with the two headers that give pages threads: for trying a page, not for the world. It listens on
 * this machine alone unless told, follows no path out of the folder, and answers `Range`, by which downloads go on.
 */
import { createReadStream, realpathSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import path from "node:path";

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".gif": "image/gif",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webp": "image/webp",
};

/** Without them pages have no shared memory, and networks one thread. */
const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

export interface ServeOptions {
  readonly folder: string;
  readonly port: number;
  readonly host: string;
  /** Told of each answer. */
  readonly onAnswer?: (status: number, address: string) => void;
}

export function startServer({ folder, port, host, onAnswer }: ServeOptions): Promise<Server> {
  const root = realpathSync(folder);
  const server = createServer((request, response) => {
    const status = answer(root, request, response);
    onAnswer?.(status, request.url ?? "/");
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(server));
  });
}

/** The status of the answer. */
function answer(root: string, request: IncomingMessage, response: ServerResponse): number {
  const say = (status: number, words: string) => {
    response
      .writeHead(status, { ...isolation, "content-type": "text/plain; charset=utf-8" })
      .end(`${words}\n`);
    return status;
  };
  if (request.method !== "GET" && request.method !== "HEAD") return say(405, "only GET and HEAD");
  const file = fileOf(root, request.url ?? "/");
  if (!file) return say(404, "there is no such file");
  const { size, mtimeMs } = statSync(file);
  const tag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`;
  const headers = {
    ...isolation,
    "content-type": types[path.extname(file).toLowerCase()] ?? "application/octet-stream",
    "accept-ranges": "bytes",
    "cache-control": "no-cache",
    etag: tag,
  };
  if (request.headers["if-none-match"] === tag) {
    response.writeHead(304, headers).end();
    return 304;
  }
  const range = rangeOf(request.headers.range, size);
  if (range === "none") {
    response.writeHead(416, { ...headers, "content-range": `bytes */${size}` }).end();
    return 416;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  const status = range ? 206 : 200;
  const part = range ? { "content-range": `bytes ${start}-${end}/${size}` } : {};
  response.writeHead(status, { ...headers, ...part, "content-length": end - start + 1 });
  if (request.method === "HEAD" || size === 0) response.end();
  else
    createReadStream(file, { start, end })
      .on("error", () => response.destroy())
      .pipe(response);
  return status;
}

/** The file of an address, `index.html` of a folder; none outside the folder, links followed. */
function fileOf(root: string, address: string): string | undefined {
  try {
    const wanted = path.join(root, decodeURIComponent(new URL(address, "http://x").pathname));
    const found = realpathSync(wanted);
    const file = statSync(found).isDirectory() ? realpathSync(path.join(found, "index.html")) : found;
    const inside = file === root || file.startsWith(root.endsWith(path.sep) ? root : root + path.sep);
    return inside && statSync(file).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}

/** One part, as "bytes=5-9", "bytes=5-" or "bytes=-5"; anything else is the whole file. */
function rangeOf(
  text: string | undefined,
  size: number,
): { start: number; end: number } | "none" | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(text ?? "");
  if (!found || (found[1] === "" && found[2] === "")) return undefined;
  const [from, to] = [found[1], found[2]].map((digits) => (digits === "" ? undefined : Number(digits)));
  const start = from ?? Math.max(0, size - (to ?? 0));
  const end = from === undefined ? size - 1 : Math.min(to ?? size - 1, size - 1);
  return start <= end && start < size ? { start, end } : "none";
}
