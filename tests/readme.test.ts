/** Every command and code block of the README, run as a reader would. */
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { renderDiagnostic } from "../src/base/render-diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { writeNpy } from "../src/run/npy.ts";
import { binary } from "./support/cli.ts";
import { root } from "./support/nets.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const readme = readFileSync(path.join(root, "README.md"), "utf8");
const blocks = [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
  language,
  text,
}));
const commands = blocks
  .filter(({ language }) => language === "sh")
  .flatMap(({ text }) => text.split("\n"))
  .map((line) => line.replace(/\s+#.*$/, "").trim())
  .filter(Boolean);

test("every block is of a kind that this file runs", () => {
  assert.equal([...new Set(blocks.map(({ language }) => language))].sort(), ["js", "resnet", "sh", "text"]);
  assert.ok(commands.length >= 12);
});

test("the network of the first screen is the example", () => {
  const [spec] = blocks.filter(({ language }) => language === "resnet");
  assert.is(spec.text, readFileSync(path.join(root, "examples/resnet152.resnet"), "utf8"));
});

test("the picture is what `draw` makes", () => {
  const file = path.join(root, "docs/pictures/resnet152.svg");
  const { status, stdout } = spawnSync(
    process.execPath,
    [binary, "draw", "examples/resnet152.resnet", "-o", "-"],
    {
      cwd: root,
      encoding: "utf8",
    },
  );
  assert.is(status, 0);
  if (process.env.BLESS && !process.env.CI) writeFileSync(file, stdout);
  assert.is(stdout, readFileSync(file, "utf8"));
});

test("the error frame is what the compiler says", () => {
  const text = `use bottleneck, identity, imagenet from std

net model {
  input imagenet(224x224x3)
  conv1: conv(7x7, 64) /2 -> bn -> relu
  pool1: maxpool(3x3) /2
  conv2: bottleneck(64, shortcut = identity) x 3
}
`;
  const { diagnostics } = analyse(makeSource("model.resnet", text));
  const frame = blocks.find((block) => block.language === "text" && block.text.startsWith("error "))!;
  assert.is(diagnostics.map((d) => renderDiagnostic(d)).join("\n"), frame.text.trimEnd());
});

if (requireShared("models/cifar/resnet20-12fca82f.th")) {
  test("every command and program runs", () => {
    // A folder as a reader has it after the clone: the repository's files, the package under its own name.
    const home = mkdtempSync(path.join(tmpdir(), "resnetc-readme-"));
    try {
      cpSync(path.join(root, "examples"), path.join(home, "examples"), { recursive: true });
      symlinkSync(path.join(root, "node_modules"), path.join(home, "node_modules"));
      copyFileSync(path.join(root, "package.json"), path.join(home, "package.json"));
      symlinkSync(path.join(root, "build"), path.join(home, "build"));
      copyFileSync(sharedPath("models/cifar/resnet20-12fca82f.th"), path.join(home, "resnet20.th"));
      copyFileSync(sharedPath("models/cifar/resnet56-4bfd9763.th"), path.join(home, "resnet56.th"));
      copyFileSync(sharedPath("models/photos/chelsea_32.png"), path.join(home, "cat.png"));
      const data = Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => Math.sin(i));
      writeFileSync(path.join(home, "in.npy"), writeNpy({ shape: [1, 32, 32, 3], data }));

      const outputs: string[] = [];
      const run = (args: readonly string[], what: string) => {
        const env = { ...process.env, NO_COLOR: "1" };
        const { status, stdout, stderr } = spawnSync(process.execPath, args, {
          cwd: home,
          encoding: "utf8",
          env,
        });
        assert.is(status, 0, `${what}\n${stdout}${stderr}`);
        outputs.push(stdout);
        return stdout;
      };
      for (const line of commands) {
        for (const command of line.split("&&").map((part) => part.trim())) {
          // The test is run by `npm test`, after `npm install`.
          if (command === "npm install" || command === "npm test") continue;
          const [npx, name, ...args] = command.split(/\s+/);
          assert.equal([npx, name], ["npx", "resnetc"], command);
          run([path.join(root, "build/cli/main.js"), ...args], command);
        }
      }
      const shown = blocks.filter(({ language, text }) => language === "text" && !text.startsWith("error "));
      for (const { text } of shown) {
        // What a command prints now, found by its first line.
        const now = outputs.find((output) => output.split("\n")[0] === text.split("\n")[0]);
        if (process.env.BLESS && !process.env.CI && now) {
          const file = path.join(root, "README.md");
          writeFileSync(
            file,
            readFileSync(file, "utf8").replace(text, () => `${now.trim()}\n`),
          );
          continue;
        }
        assert.ok(
          outputs.some((output) => output.trim() === text.trim()),
          `no command prints\n${text}`,
        );
      }
      const programs = blocks.filter(({ language }) => language === "js");
      programs.forEach(({ text }, i) => {
        writeFileSync(path.join(home, `program${i}.mjs`), text);
        const printed = run([`program${i}.mjs`], text);
        const promised = /console\.log\(.*\); \/\/ (.*)$/m.exec(text)?.[1];
        if (promised !== undefined) assert.is(printed.trim(), promised);
      });
      assert.is(programs.length, 5);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
}

test.run();
