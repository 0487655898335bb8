/** `resnetc serve`: files, headers, parts, and nothing from outside the folder; threads in a page of it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { requireChromium, startChromium } from "./support/chromium.ts";
import { binary, folder, oneLine, resnetc, tinyFile, write } from "./support/cli.ts";

const site = path.join(folder, "site");
mkdirSync(path.join(site, "sub"), { recursive: true });
write("secret.txt", "secret");
write("site/a.txt", "0123456789");
write("site/empty", "");
write("site/sub/index.html", "<!doctype html><title>sub</title>");
symlinkSync(path.join(folder, "secret.txt"), path.join(site, "link.txt"));

let child: ChildProcess;
let origin: string;

test.before(async () => {
  assert.is(resnetc(["build", tinyFile, "-o", path.join(site, "net")]).code, 0);
  writeFileSync(
    path.join(site, "index.html"),
    `<!doctype html><title>t</title><script type="module">
    import { load } from "./net/tiny.js";
    const net = await load({ threads: 2 });
    document.title = crossOriginIsolated + " " + net.info.threads.used;
    </script>`,
  );
  child = spawn(process.execPath, [binary, "serve", site, "--port", "0"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  origin = await new Promise((resolve) => {
    child.stdout!.on("data", (data) => resolve(/http:\S+/.exec(String(data))![0]));
  });
});
test.after(() => {
  child.kill();
});

const get = (name: string, headers: Record<string, string> = {}, method = "GET") =>
  fetch(`${origin}/${name}`, { headers, method });

test("files with their types and the headers of isolation; folders by their index", async () => {
  const response = await get("a.txt");
  assert.is(await response.text(), "0123456789");
  assert.is(response.headers.get("cross-origin-opener-policy"), "same-origin");
  assert.is(response.headers.get("cross-origin-embedder-policy"), "require-corp");
  assert.is((await get("net/tiny.wasm")).headers.get("content-type"), "application/wasm");
  assert.match((await get("net/tiny.js")).headers.get("content-type")!, "text/javascript");
  assert.match(await (await get("sub/")).text(), "<title>sub</title>");
  assert.is((await get("empty")).status, 200);
  const tag = response.headers.get("etag")!;
  assert.is((await get("a.txt", { "if-none-match": tag })).status, 304);
  const head = await get("a.txt", {}, "HEAD");
  assert.equal([head.status, head.headers.get("content-length"), await head.text()], [200, "10", ""]);
});

test("parts of files", async () => {
  const part = async (range: string) => {
    const response = await get("a.txt", { range });
    return [response.status, await response.text(), response.headers.get("content-range")];
  };
  assert.equal(await part("bytes=3-5"), [206, "345", "bytes 3-5/10"]);
  assert.equal(await part("bytes=7-"), [206, "789", "bytes 7-9/10"]);
  assert.equal(await part("bytes=-2"), [206, "89", "bytes 8-9/10"]);
  assert.equal(await part("bytes=2-99"), [206, "23456789", "bytes 2-9/10"]);
  assert.equal(await part("bytes=10-"), [416, "", "bytes */10"]);
  assert.equal(await part("lines=1-2"), [200, "0123456789", null]);
});

/** As no fetch would ask. */
const raw = (line: string): Promise<string> =>
  new Promise((resolve) => {
    const { port } = new URL(origin);
    let text = "";
    const socket = connect(Number(port), "127.0.0.1", () =>
      socket.write(`${line}\r\nhost: x\r\nconnection: close\r\n\r\n`),
    );
    socket.on("data", (data) => {
      text += data;
    });
    socket.on("close", () => resolve(text));
  });

test("nothing from outside the folder, no other methods", async () => {
  for (const name of [
    "../secret.txt",
    "%2e%2e/secret.txt",
    "..%2fsecret.txt",
    "sub/../../secret.txt",
    "link.txt",
    "none",
    "sub",
    "%",
    "%00",
  ]) {
    const text = await raw(`GET /${name} HTTP/1.1`);
    assert.not.match(text, /^secret/m, name);
    if (name !== "sub") assert.match(text, /^HTTP\/1\.1 40[04]/, name);
  }
  assert.is((await get("a.txt", {}, "POST")).status, 405);
});

test("what cannot be served is told", () => {
  assert.match(oneLine(resnetc(["serve", path.join(folder, "nowhere")]).err), "there is no such folder");
  assert.match(
    oneLine(resnetc(["serve", site, "--port", "99999"]).err),
    "--port 99999 is not a number from 0 to 65535",
  );
  const { port } = new URL(origin);
  const taken = resnetc(["serve", site, "--port", port]);
  assert.is(taken.code, 2);
  assert.match(
    oneLine(taken.err),
    `127.0.0.1:${port} cannot be listened to: another program has it: --port 0 takes a free one`,
  );
});

if (requireChromium()) {
  test("a page of it has threads", async () => {
    const browser = await startChromium();
    try {
      const page = await browser.newPage();
      await page.goto(`${origin}/`);
      await page.waitForFunction("document.title !== 't'");
      assert.is(await page.title(), "true 2");
    } finally {
      await browser.close();
    }
  });
}

test("Ctrl-C ends it", async () => {
  const ended = new Promise((resolve) => child.on("exit", resolve));
  child.kill("SIGINT");
  assert.is(await ended, 0);
});

test.run();
