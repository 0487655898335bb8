/** docs/tour.md, done from top to bottom in an empty folder: its files, commands, outputs, picture, and its page in a browser. */
import { spawn } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { requireChromium, startChromium } from "./support/chromium.ts";
import { binary, resnetc } from "./support/cli.ts";
import { commandsOf, DocPage, expectPicture, printed, shownOf } from "./support/doc-page.ts";
import { root } from "./support/nets.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const page = new DocPage("docs/tour.md");

if (requireShared("models/cifar/resnet20-12fca82f.th")) {
  const home = mkdtempSync(path.join(tmpdir(), "resnetc-tour-"));
  const at = (file: string) => path.join(home, file);
  test.after(() => rmSync(home, { recursive: true, force: true }));

  test("every step, in turn", () => {
    mkdirSync(at("node_modules"));
    symlinkSync(root, at("node_modules/resnetc"));
    writeFileSync(at("package.json"), '{ "type": "module" }\n');
    copyFileSync(sharedPath("models/cifar/resnet20-12fca82f.th"), at("resnet20.th"));
    copyFileSync(sharedPath("models/photos/chelsea_32.png"), at("cat.png"));
    let commands: readonly (readonly string[])[] = [];
    let output = "";
    const runAll = (code: number) => {
      // A dry run mends nothing, and says so by its code.
      const codeOf = (args: readonly string[]) => (args.includes("--dry-run") ? 1 : code);
      output = commands.map((args) => printed(args, home, codeOf(args))).join("\n\n");
      commands = [];
    };
    let shown = 0;
    for (const block of page.blocks) {
      const { language, title, text } = block;
      if (language === "resnet" || language === "html") {
        writeFileSync(at(title), text);
      } else if (language === "sh") {
        runAll(0);
        // The first has been done, the last goes on for as long as the page is open.
        if (text.startsWith("npm install") || text.startsWith("npx resnetc serve")) continue;
        commands = commandsOf(text);
      } else {
        assert.is(language, "text");
        // A frame comes with the exit code 1.
        runAll(text.startsWith("error") ? 1 : 0);
        page.expect(block, shownOf(text, output));
        shown++;
      }
    }
    runAll(0);
    assert.is(shown, 6);
    assert.is(resnetc(["fmt", "--check", "tour.resnet"], { cwd: home }).code, 0);
    expectPicture(path.join(root, "docs/pictures/tour.svg"), readFileSync(at("tour.svg"), "utf8"));
  });

  if (requireChromium()) {
    test("the page says what the command said", async () => {
      const server = spawn(process.execPath, [binary, "serve", "--port", "0"], {
        cwd: home,
        stdio: ["ignore", "pipe", "inherit"],
      });
      const origin = await new Promise<string>((resolve) => {
        server.stdout.on("data", (data) => resolve(/http:\S+/.exec(String(data))![0]));
      });
      const browser = await startChromium();
      try {
        const tab = await browser.newPage();
        await tab.goto(origin);
        await tab.setInputFiles("input", at("cat.png"));
        await tab.waitForSelector("output:not(:empty)");
        const said = printed(["run", "dist/tour", "cat.png", "--top", "1", "--json"], home);
        const [{ label, score }] = JSON.parse(said).top as { label: string; score: number }[];
        assert.is(label, "cat");
        assert.is(await tab.textContent("output"), `cat, ${(100 * score).toFixed(1)} %`);
      } finally {
        await browser.close();
        server.kill();
      }
    });
  }
}

test.run();
