/**
 * The extension for Visual Studio Code: what its manifest promises is there, its snippets are programs, and - where its
 * own packages are installed - it packs into a .vsix whose server runs alone and whose extension starts it.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { strFromU8, unzipSync } from "fflate";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  createProtocolConnection,
  ExitNotification,
  InitializeRequest,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-languageserver-protocol/node";
import { messages } from "../src/base/messages.ts";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { version } from "../src/version.generated.ts";
import { root } from "./support/nets.ts";

const home = path.join(root, "editors/vscode");
const read = (file: string) => readFileSync(path.join(home, file), "utf8");
const manifest = JSON.parse(read("package.json"));
/** Made by the build, not part of the repository. */
const isBuilt = (file: string) => /^(\.\/)?(dist\/|docs\/|LICENSE$)/.test(file);

test("the manifest is of this version, and every file that it names is there or built", () => {
  assert.is(manifest.version, version);
  const { languages, grammars, snippets } = manifest.contributes;
  const named: string[] = [
    manifest.main,
    manifest.icon,
    languages[0].configuration,
    languages[0].icon.light,
    grammars[0].path,
    snippets[0].path,
  ];
  for (const file of named) assert.ok(isBuilt(file) || existsSync(path.join(home, file)), file);
  for (const kept of read(".vscodeignore").match(/(?<=^!).+$/gm) ?? [])
    assert.ok(isBuilt(kept) || existsSync(path.join(home, kept)), kept);
});

test("it brings no packages to run, and its lock file no addresses", () => {
  assert.is(manifest.dependencies, undefined);
  const { packages } = JSON.parse(read("package-lock.json")) as {
    packages: Record<string, { resolved?: string }>;
  };
  assert.equal(
    Object.keys(packages).filter((name) => packages[name].resolved !== undefined),
    [],
  );
});

test("the language configuration's patterns are patterns", () => {
  const { wordPattern, indentationRules, onEnterRules } = JSON.parse(read("language-configuration.json"));
  const words = "conv4: conv(3x3, 60_192) /2".match(new RegExp(wordPattern, "g"));
  assert.equal(words, ["conv4", "conv", "3x3", "60_192", "2"]);
  const increase = new RegExp(indentationRules.increaseIndentPattern);
  for (const [line, opens] of [
    ["net m {", true],
    ["  [ # why", true],
    ["  a: conv(", true],
    ["net m { relu }", false],
    ["# {", false],
  ] as const)
    assert.is(increase.test(line), opens, line);
  assert.ok(new RegExp(indentationRules.decreaseIndentPattern).test("  ] + shortcut(width)"));
  const [doc, operator] = onEnterRules.map(
    (rule: { beforeText: { pattern: string } }) => new RegExp(rule.beforeText.pattern),
  );
  assert.ok(doc.test("## What") && !doc.test("# no"));
  assert.ok(operator.test("  relu ->") && operator.test("  a + ") && !operator.test("  a: relux"));
});

test("snippets are programs once their places are filled as they stand", () => {
  const snippets = JSON.parse(read("snippets.json")) as Record<string, { prefix: string; body: string[] }>;
  const expanded = (name: string) =>
    snippets[name].body
      .join("\n")
      .replace(/\$\{\d+\|([^,|]*)[^}]*\|\}/g, "$1")
      .replace(/\$\{\d+:((?:\\.|[^}\\])*)\}/g, "$1")
      .replaceAll("\\}", "}")
      .replaceAll("$0", "");
  const use = "use bottleneck, project, imagenet from std\n";
  const inNet = (row: string) => `${use}net m {\n  input 32x32x3\n  ${row}\n}\n`;
  const programs: Record<string, string> = {
    net: use + expanded("net"),
    "derived net": `net other(n = 1) {\n  input 8x8x3\n  relu\n}\n${expanded("derived net")}`,
    block: `${use}${expanded("block")}\nnet m {\n  input 8x8x3\n  name(4) /2\n}\n`,
    stage: inNet(expanded("stage")),
    names: expanded("names"),
    expect: inNet(`relu\n  ${expanded("expect")}`),
    use: expanded("use"),
  };
  assert.equal(Object.keys(programs).sort(), Object.keys(snippets).sort());
  for (const [name, program] of Object.entries(programs)) {
    const { diagnostics } = analyse(makeSource("snippet.resnet", program), { net: "*" });
    assert.equal(
      diagnostics.map(({ message }) => message),
      [],
      `${name}\n${program}`,
    );
  }
});

const needed = ["@vscode/vsce", "esbuild", "vscode-languageclient"];
const lacking = needed.filter((name) => !existsSync(path.join(home, "node_modules", name)));

if (lacking.length > 0) {
  console.log(`skipped: packing needs ${lacking.join(", ")}: npm ci --prefix editors/vscode`);
} else {
  test("its sources are typed", () => {
    const tsc = path.join(root, "node_modules/typescript/bin/tsc");
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", home], { encoding: "utf8" });
    assert.is(status, 0, stdout);
  });

  test("it packs, with nothing but what it needs", async () => {
    const out = mkdtempSync(path.join(tmpdir(), "resnetc-vsix-"));
    try {
      const file = path.join(out, "resnet.vsix");
      const vsce = path.join(home, "node_modules/@vscode/vsce/vsce");
      const args = ["package", "--no-dependencies", "--allow-missing-repository", "--out", file];
      const { status, stdout, stderr } = spawnSync(process.execPath, [vsce, ...args], {
        cwd: home,
        encoding: "utf8",
      });
      assert.is(status, 0, stdout + stderr);
      const files = unzipSync(readFileSync(file));
      const names = Object.keys(files)
        .filter((name) => name.startsWith("extension/"))
        .map((name) => name.slice("extension/".length));
      const [pages, others] = [true, false].map((isPage) =>
        names.filter((name) => name.startsWith("docs/") === isPage),
      );
      assert.equal(
        pages.sort(),
        [...Object.keys(messages), "README"].map((code) => `docs/diagnostics/${code}.md`).sort(),
      );
      assert.equal(others.sort(), [
        "LICENSE.txt",
        "changelog.md",
        "dist/THIRD-PARTY.txt",
        "dist/extension.cjs",
        "dist/resnet.tmLanguage.json",
        "dist/server.mjs",
        "images/icon.png",
        "images/icon.svg",
        "language-configuration.json",
        "package.json",
        "readme.md",
        "snippets.json",
      ]);
      const grammar = JSON.parse(strFromU8(files["extension/dist/resnet.tmLanguage.json"]));
      assert.is(grammar.scopeName, manifest.contributes.grammars[0].scopeName);
      assert.match(strFromU8(files["extension/dist/THIRD-PARTY.txt"]), /^chevrotain 11\./m);
      const size = Object.values(files).reduce((sum, { length }) => sum + length, 0);
      assert.ok(size < 2e6, `${size} bytes`);

      mkdirSync(path.join(out, "dist"));
      for (const name of ["dist/server.mjs", "dist/extension.cjs"])
        writeFileSync(path.join(out, name), files[`extension/${name}`]);
      assert.is(await nameOf(path.join(out, "dist/server.mjs")), `resnetc ${version}`);
      const started = spawnSync(
        process.execPath,
        [path.join(root, "tests/support/vscode-stand-in.cjs"), out],
        {
          encoding: "utf8",
          timeout: 60_000,
        },
      );
      assert.is(started.status, 0, started.stderr);
      const notes: string[] = JSON.parse(started.stdout);
      for (const wanted of [
        "resnet.restartServer",
        "registerCompletionItemProvider",
        "registerHoverProvider",
        "registerRenameProvider",
        "registerInlayHintsProvider",
        "texts of resnet-std",
        "changes of **/*.resnet",
      ])
        assert.ok(notes.includes(wanted), `${wanted}: ${notes}`);
      assert.equal(
        notes.filter((noted) => noted.startsWith("error")),
        [],
      );
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
  });
}

/** What a bundled server calls itself, away from any packages. */
async function nameOf(server: string): Promise<string> {
  const child = spawn(process.execPath, [server, "--stdio"], {
    cwd: path.dirname(server),
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const connection = createProtocolConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  );
  connection.listen();
  const params = { processId: process.pid, rootUri: null, capabilities: {} };
  const { serverInfo } = await connection.sendRequest(InitializeRequest.type, params);
  await connection.sendRequest(ShutdownRequest.type);
  await connection.sendNotification(ExitNotification.type);
  assert.is(await ended, 0);
  return `${serverInfo?.name} ${serverInfo?.version}`;
}

test.run();
