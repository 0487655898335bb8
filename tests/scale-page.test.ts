/** docs/scale.md: its commands run as they stand, and make what it says. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
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
import { binary } from "./support/cli.ts";
import { root } from "./support/nets.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const page = readFileSync(path.join(root, "docs/scale.md"), "utf8");
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(([, text]) =>
    text.trim(),
  );

const keysOf = (value: object): string => Object.keys(value).join();

if (requireShared("models/cifar/resnet20-12fca82f.th")) {
  test("the commands of the page", () => {
    const home = mkdtempSync(path.join(tmpdir(), "resnetc-scale-"));
    try {
      symlinkSync(path.join(root, "examples"), path.join(home, "examples"));
      copyFileSync(sharedPath("models/cifar/resnet20-12fca82f.th"), path.join(home, "resnet20.th"));
      mkdirSync(path.join(home, "photos"));
      copyFileSync(sharedPath("models/photos/chelsea_32.png"), path.join(home, "photos/cat.png"));
      writeFileSync(path.join(home, "photos/notes.txt.png"), "no picture");
      const commands = blocks("sh").flatMap((text) => text.split("\n"));
      assert.is(commands.length, 3);
      const codes = commands.map((command) => {
        const [npx, name, ...args] = command.split(/\s+/);
        assert.equal([npx, name], ["npx", "resnetc"]);
        const { status, stderr } = spawnSync(process.execPath, [binary, ...args], {
          cwd: home,
          encoding: "utf8",
        });
        assert.not.match(stderr, /usage|bug/, command);
        return status;
      });
      // One picture is none.
      assert.equal(codes, [1, 0, 0]);

      const lines = readFileSync(path.join(home, "results.jsonl"), "utf8").trim().split("\n");
      const shown = blocks("json").flatMap((text) => text.split("\n"));
      assert.equal(
        lines.map((line) => keysOf(JSON.parse(line))),
        shown.map((line) => keysOf(JSON.parse(line))),
      );
      assert.equal(
        lines.map((line) => JSON.parse(line).image),
        shown.map((line) => JSON.parse(line).image),
      );
      for (const file of [
        "models/resnet20/config.pbtxt",
        "models/resnet20/1/resnet20.onnx",
        "dist/resnet20-pytorch/resnet20.py",
      ])
        assert.ok(existsSync(path.join(home, file)), file);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
}

test.run();
