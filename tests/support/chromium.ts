/** A real Chromium for tests, and a server of its own for what it shall see. */
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { type Browser, chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";

/** Whether there is a Chromium; says how to get one when there is none, which is an error in CI. */
export function requireChromium(): boolean {
  if (existsSync(executablePath)) return true;
  const missing = `there is no Chromium at ${executablePath}: \`apt-get install chromium\`, or set CHROMIUM to one`;
  if (process.env.CI) throw new Error(`${missing}; CI skips no tests.`);
  console.log(`skipped: ${missing}`);
  return false;
}

export const startChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // A software adapter where there is no graphics processor.
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
      "--enable-features=Vulkan",
      "--use-vulkan=swiftshader",
      "--use-angle=swiftshader",
    ],
  });

/** Whether pages of this address get a WebGPU adapter; says why tests of webgpu are skipped where they get none. */
export async function requireWebGpu(browser: Browser, address: string): Promise<boolean> {
  const page = await browser.newPage();
  try {
    await page.goto(address);
    const missing = await page.evaluate(`(async () => {
      if (!navigator.gpu) return "pages have no navigator.gpu";
      return (await navigator.gpu.requestAdapter()) ? "" : "navigator.gpu gives no adapter";
    })()`);
    if (missing === "") return true;
    if (process.env.CI) throw new Error(`no WebGPU in Chromium: ${missing}; CI skips no tests.`);
    console.log(`skipped: no WebGPU in Chromium: ${missing}`);
    return false;
  } finally {
    await page.close();
  }
}

/** The headers that a page needs to have threads. */
export const isolating: Readonly<Record<string, string>> = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".css": "text/css",
};

export interface StaticServer {
  readonly origin: string;
  close(): Promise<void>;
}

/** Serves files from memory on 127.0.0.1: paths without the slash in front, made when asked for. */
export async function serve(
  files: ReadonlyMap<string, () => string | Uint8Array>,
  headersOf: (path: string) => Readonly<Record<string, string>> = () => ({}),
): Promise<StaticServer> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://127.0.0.1").pathname.slice(1);
    const file = files.get(path);
    const type = types[extname(path)] ?? "application/octet-stream";
    if (file) response.writeHead(200, { "content-type": type, ...headersOf(path) }).end(file());
    else response.writeHead(404).end();
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
