/** docs/embedding.md: its page works in a browser, its program in Node, its command on the command line. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { requireChromium, serve, startChromium } from "./support/chromium.ts";
import { binary } from "./support/cli.ts";
import { root } from "./support/nets.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const text = readFileSync(path.join(root, "docs/embedding.md"), "utf8");
const blocks = (language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(([, block]) =>
    block.trim(),
  );

const run = (home: string, ...args: string[]) =>
  spawnSync(process.execPath, args, { cwd: home, encoding: "utf8" });

if (requireShared("models/cifar/resnet20-12fca82f.th") && requireChromium()) {
  const home = mkdtempSync(path.join(tmpdir(), "resnetc-embedding-"));
  const classes = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

  test.before(() => {
    for (const name of ["examples", "build", "node_modules", "package.json"])
      symlinkSync(path.join(root, name), path.join(home, name));
    copyFileSync(sharedPath("models/cifar/resnet20-12fca82f.th"), path.join(home, "resnet20.th"));
    copyFileSync(sharedPath("models/photos/chelsea_32.png"), path.join(home, "cat.png"));
    writeFileSync(path.join(home, "names.txt"), `${classes.join("\n")}\n`);
    const [command, ...others] = blocks("sh");
    assert.equal(others, []);
    const [npx, name, ...args] = command.split(/\s+/);
    assert.equal([npx, name], ["npx", "resnetc"]);
    const { status, stderr } = run(home, binary, ...args);
    assert.is(status, 0, stderr);
  });
  test.after(() => rmSync(home, { recursive: true, force: true }));

  test("the program prints what it says", () => {
    const [program, ...others] = blocks("js");
    assert.equal(others, []);
    writeFileSync(path.join(home, "program.mjs"), program);
    const { stdout, stderr } = run(home, "program.mjs");
    assert.is(stdout.trim(), /console\.log\(.*\); \/\/ (.*)$/m.exec(program)![1], stderr);
  });

  test("the page says what is on a file that one chooses", async () => {
    const [page] = blocks("html");
    const read = (file: string) => readFileSync(path.join(home, file));
    const built = ["js", "worker.js", "wasm", "weights"].map((ending) => `dist/resnet20/resnet20.${ending}`);
    const server = await serve(
      new Map<string, () => string | Uint8Array>([
        ["index.html", () => page],
        ...built.map((file) => [file, () => read(file)] as const),
      ]),
    );
    const browser = await startChromium();
    try {
      const tab = await browser.newPage();
      await tab.goto(`${server.origin}/index.html`);
      await tab.setInputFiles("input", path.join(home, "cat.png"));
      await tab.waitForSelector("output:not(:empty)");
      const shown = await tab.textContent("output");
      const { stdout } = run(home, binary, "run", "dist/resnet20", "cat.png", "--top", "1", "--json");
      const [{ label, score }] = JSON.parse(stdout).top as { label: string; score: number }[];
      assert.is(label, "cat");
      assert.is(shown, `${label}, ${(100 * score).toFixed(1)} %`);
    } finally {
      await browser.close();
      await server.close();
    }
  });
}

test.run();
