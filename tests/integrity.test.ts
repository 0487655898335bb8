/** The hashes in the card of a build: those of the files, and such that a browser takes them. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { withIntegrity } from "../src/cli/integrity.ts";
import { requireChromium, serve, startChromium } from "./support/chromium.ts";
import { folder, resnetc, tinyFile } from "./support/cli.ts";
import { root } from "./support/nets.ts";

interface Listed {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly integrity: string;
}

const out = path.join(folder, "hashed");
const built = resnetc(["build", tinyFile, "--shard", "0.01", "-o", out, "--set", "n=3"]);
const card = JSON.parse(readFileSync(path.join(out, "tiny.json"), "utf8")) as { files: readonly Listed[] };
const file = (name: string) => readFileSync(path.join(out, name));

test("every file of a build is listed with its size and its hash", () => {
  assert.is(built.code, 0, built.err);
  assert.equal(
    card.files.map((listed) => listed.path).sort(),
    readdirSync(out)
      .filter((name) => name !== "tiny.json")
      .sort(),
  );
  assert.ok(card.files.filter((listed) => /-of-\d{5}\.weights$/.test(listed.path)).length > 1);
  for (const { path: name, bytes, sha256, integrity } of card.files) {
    assert.is(bytes, file(name).length, name);
    assert.is(sha256, createHash("sha256").update(file(name)).digest("hex"), name);
    assert.is(integrity, `sha256-${createHash("sha256").update(file(name)).digest("base64")}`, name);
  }
});

test("the module's address, the weights' checksum and the rest of the card stay", () => {
  const again = path.join(folder, "hashed-again");
  resnetc(["build", tinyFile, "--shard", "0.01", "-o", again, "--set", "n=3"]);
  for (const name of readdirSync(out)) assert.equal(readFileSync(path.join(again, name)), file(name), name);
  assert.equal(withIntegrity([{ path: "model.json", contents: "{}\n" }]), [
    { path: "model.json", contents: "{}\n" },
  ]);
});

if (requireChromium()) {
  /** The program of docs/delivery.md. */
  const [, program] = /^```js\n([\s\S]*?)^```/m.exec(
    readFileSync(path.join(root, "docs/delivery.md"), "utf8"),
  )!;

  test("a page takes every file by its hash, as docs/delivery.md says, and none that was changed", async () => {
    const changed = Uint8Array.from(file("tiny.wasm"), (byte, i) => (i === 20 ? byte ^ 1 : byte));
    const listed = readdirSync(out).map((name) => [`net/${name}`, () => file(name)] as const);
    const pageOf = (setUp: string) =>
      `<!doctype html><script type="module">${setUp}\n${program}\nwindow.loaded = net.info.name;</script>`;
    const files = new Map<string, () => string | Uint8Array>([
      ...listed,
      ["right.html", () => pageOf("")],
      // The address of the kernels leads to others.
      [
        "wrong.html",
        () =>
          pageOf(
            'const real = fetch; window.fetch = (url, how) => real(url.replace("tiny.wasm", "changed.wasm"), how);',
          ),
      ],
      ["net/changed.wasm", () => changed],
    ]);
    const server = await serve(files);
    const browser = await startChromium();
    try {
      const tab = await browser.newPage();
      await tab.goto(`${server.origin}/right.html`);
      await tab.waitForFunction("window.loaded");
      assert.is(await tab.evaluate("loaded"), "tiny");
      const complaint = tab.waitForEvent("pageerror");
      await tab.goto(`${server.origin}/wrong.html`);
      assert.match((await complaint).message, /fetch/i);
      assert.is(await tab.evaluate("window.loaded"), undefined);
    } finally {
      await browser.close();
      await server.close();
    }
  });

  test("a page loads the module by its hash, and no other one", async () => {
    const { integrity } = card.files.find((listed) => listed.path === "tiny.js")!;
    const page = (hash: string) => `<!doctype html><script type="importmap">
      { "integrity": { "/tiny.js": ${JSON.stringify(hash)} } }
    </script><script type="module">
      window.done = import("/tiny.js").then(({ load }) => load({ threads: 1 })).then(({ info }) => info.name, String);
    </script>`;
    const files = new Map<string, () => string | Uint8Array>(
      readdirSync(out).map((name) => [name, () => file(name)]),
    );
    files.set("right.html", () => page(integrity));
    files.set("wrong.html", () => page(card.files.find((listed) => listed.path === "tiny.wasm")!.integrity));
    const server = await serve(files);
    const browser = await startChromium();
    try {
      const results: unknown[] = [];
      for (const name of ["right", "wrong"]) {
        const tab = await browser.newPage();
        await tab.goto(`${server.origin}/${name}.html`);
        await tab.waitForFunction("window.done");
        results.push(await tab.evaluate("done"));
      }
      assert.is(results[0], "tiny");
      assert.match(String(results[1]), /TypeError/);
    } finally {
      await browser.close();
      await server.close();
    }
  });
}

test.run();
