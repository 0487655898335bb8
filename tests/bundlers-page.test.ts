/** docs/bundlers.md: what it shows compiles and runs, and every option and query in its table is one. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
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
import { checkpointEndings } from "../src/node/build-file.ts";
import { readRequest } from "../src/plugin/request.ts";
import { root } from "./support/nets.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const page = readFileSync(path.join(root, "docs/bundlers.md"), "utf8");
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(([, block]) => block);

const [options, accepting, program] = blocks("js");
const [importing, declaring] = blocks("ts");

test("entries and files that it names are there", () => {
  const { exports } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  for (const [, entry] of page.matchAll(/"resnetc\/([a-z]+)"/g)) {
    const { default: file, types } = exports[`./${entry}`];
    for (const one of [file, types]) assert.ok(one === undefined || existsSync(path.join(root, one)), entry);
  }
  for (const [, file] of page.matchAll(/\]\((\w+\.md)\)/g))
    assert.ok(existsSync(path.join(root, "docs", file)), file);
  const known = new Set<string>(checkpointEndings);
  const [, endings] = /under the same name \(`resnet18\.(safetensors`[^;]*);/.exec(page)!;
  for (const [, ending] of endings.matchAll(/\.?(\w+)`/g)) assert.ok(known.has(ending), ending);
});

test("every query of the table is read, and does what the option beside it does", () => {
  const rows = [...page.matchAll(/^\| `(\w+)` +\| `\?([\w=./]+)` +\|/gm)];
  assert.ok(rows.length >= 8);
  for (const [, name, query] of rows) {
    const { options } = readRequest(`/a/x.resnet?${query}`, {}, "/")!;
    assert.equal(Object.keys(options), [name]);
  }
});

test("what it shows of TypeScript compiles", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "resnetc-page-"));
  try {
    const modules = path.join(folder, "node_modules");
    symlinkSync(path.join(root, "node_modules"), modules);
    writeFileSync(path.join(folder, "env.d.ts"), `/// <reference types="vite/client" />\n${declaring}`);
    writeFileSync(path.join(folder, "page.ts"), `declare const photo: File;\n${importing}\nexport { best };`);
    writeFileSync(
      path.join(folder, "other.ts"),
      `import { load } from "./x.resnet?net=resnet20";\nlet net = await load();\n${accepting.replace("({ load })", "({ load }: any)")}\nexport {};`,
    );
    const config = `import { resnetc } from "${path.join(root, "build/plugin/vite.js")}";\nexport default {\n  plugins: [\n`;
    writeFileSync(path.join(folder, "config.ts"), `${config}${options.trim().replace(/;$/, ",")}\n  ],\n};`);
    const tsc = path.join(root, "node_modules/typescript/bin/tsc");
    const { stdout } = spawnSync(
      process.execPath,
      [
        ...[tsc, "--noEmit", "--strict", "--target", "es2022", "--lib", "es2023,dom", "--skipLibCheck"],
        ...["--module", "esnext", "--moduleResolution", "bundler", "--types", path.join(root, "client.d.ts")],
        ...["env.d.ts", path.join(root, "client.d.ts"), "page.ts", "other.ts", "config.ts"],
      ],
      { cwd: folder, encoding: "utf8" },
    );
    assert.is(stdout, "");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

if (requireShared("models/cifar/resnet20-12fca82f.th")) {
  test("its program prints what it says", () => {
    const home = mkdtempSync(path.join(tmpdir(), "resnetc-page-"));
    try {
      for (const name of ["examples", "build", "node_modules", "package.json"])
        symlinkSync(path.join(root, name), path.join(home, name));
      copyFileSync(sharedPath("models/cifar/resnet20-12fca82f.th"), path.join(home, "resnet20.th"));
      copyFileSync(sharedPath("models/photos/chelsea_32.png"), path.join(home, "cat.png"));
      writeFileSync(path.join(home, "program.mjs"), program);
      const { stdout, stderr } = spawnSync(process.execPath, ["program.mjs"], {
        cwd: home,
        encoding: "utf8",
      });
      assert.is(stdout.trim(), /console\.log\(.*\); \/\/ (.*)$/m.exec(program)![1], stderr);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
}

test.run();
