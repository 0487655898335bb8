/**
 * A web server on 127.0.0.1 that isolates its pages, which threads need: the headers Cross-Origin-Opener-Policy and
 * Cross-Origin-Embedder-Policy. Serves folders under prefixes, and files from memory.
 */
import { createReadStream, statSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cache-control": "no-store",
};

export interface Served {
  /** "/tfjs/" → a folder on disk. */
  readonly folders: Readonly<Record<string, string>>;
  /** "/picture" → its bytes. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

export interface IsolatedServer {
  readonly origin: string;
  close(): Promise<void>;
}

export async function serveIsolated(served: Served): Promise<IsolatedServer> {
  const server = createServer((request, response) => {
    answer(decodeURIComponent(new URL(request.url ?? "/", "http://127.0.0.1").pathname), served, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function answer(url: string, { folders, files }: Served, response: ServerResponse): void {
  const type = types[path.extname(url)] ?? "application/octet-stream";
  const file = files[url];
  if (file) {
    response.writeHead(200, { ...isolation, "content-type": type, "content-length": file.length }).end(file);
    return;
  }
  const prefix = Object.keys(folders).find((one) => url.startsWith(one));
  const found = prefix === undefined ? undefined : path.join(folders[prefix], url.slice(prefix.length));
  const stats = found === undefined ? undefined : statSync(found, { throwIfNoEntry: false });
  if (!found || !stats?.isFile()) {
    response.writeHead(404, isolation).end();
    return;
  }
  response.writeHead(200, { ...isolation, "content-type": type, "content-length": stats.size });
  createReadStream(found).pipe(response);
}
