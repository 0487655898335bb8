/** The package as people get it: what is in it, whether its exports, types and commands work in an empty project. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import path from "node:path";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root } from "./support/nets.ts";
import { link, manifest, packProject } from "./support/packed.ts";

const { tarball, files, size, project, installed } = packProject();

/** The entries, as they are imported; those of types alone are told apart. */
const entries = Object.entries(manifest.exports).map(([key, target]) => ({
  name: path.posix.join("resnetc", key),
  runs: typeof target === "object" && "default" in target,
  types: typeof target === "object" && "types" in target,
}));

function inProject(command: string, args: readonly string[]): { status: number | null; output: string } {
  const { RESNETC_CHECK: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: project, encoding: "utf8", env });
  return { status, output: `${stdout}${stderr}` };
}

test("publint has nothing to say", async () => {
  const { buffer, byteOffset, byteLength } = readFileSync(tarball);
  const { messages, pkg } = await publint({
    pack: { tarball: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer },
    level: "suggestion",
    strict: true,
  });
  assert.equal(
    messages.map((message) => formatMessage(message, pkg)),
    [],
  );
});

test("arethetypeswrong finds every entry's types, for modules and for bundlers", () => {
  const attw = path.join(root, "node_modules/@arethetypeswrong/cli/dist/index.js");
  // There is no build for require(), which profile esm-only knows.
  const { status, output } = inProject(process.execPath, [
    attw,
    tarball,
    "--profile",
    "esm-only",
    "--format",
    "ascii",
  ]);
  assert.is(status, 0, output);
  for (const { name } of entries) assert.ok(output.includes(`"${name}"`), name);
});

test("what is packed is what people need", () => {
  const paths = files.map(({ path }) => path);
  for (const wanted of ["LICENSE", "README.md", "CHANGELOG.md", "build/cli/main.js", "build/std/std.resnet"])
    assert.ok(paths.includes(wanted), wanted);
  assert.equal(
    paths.filter((file) =>
      /\.map$|\.png$|\.test\.|^(src|tests|scripts|bench|editors|playground|node_modules)\/|\.tsbuildinfo$/.test(
        file,
      ),
    ),
    [],
  );
  assert.ok(size < 1.6e6, `${size} bytes`);
});

test("only declared packages are imported", async () => {
  const { metafile } = await build({
    absWorkingDir: installed,
    entryPoints: files.map(({ path }) => path).filter((file) => /^build\/.*\.js$/.test(file)),
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    outdir: "out",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const imported = new Set(
    Object.values(metafile.inputs)
      .flatMap(({ imports }) => imports)
      .filter(({ external }) => external)
      .map(({ path: name }) => name.match(/^(node:|@[^/]+\/)?[^/]+/)![0])
      .filter((name) => !name.startsWith("node:") && !builtinModules.includes(name)),
  );
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  assert.equal(
    [...imported].filter((name) => !declared.includes(name)),
    [],
  );
  // The command line has its own copies of what every start needs, and HDF5 and pictures are read by what is there.
  const unused = declared.filter((name) => !imported.has(name));
  const mayBe = ["yargs", "h5wasm", "sharp"];
  assert.equal(
    unused.filter((name) => !mayBe.includes(name)),
    [],
  );
});

test("nothing that comes with it runs anything at install", () => {
  const lock = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8"));
  const all = Object.entries(
    lock.packages as Record<string, { dev?: true; devOptional?: true; hasInstallScript?: true }>,
  );
  const shipped = all.filter(([name, { dev, devOptional }]) => name !== "" && !dev && !devOptional);
  assert.ok(shipped.length > Object.keys(manifest.dependencies).length);
  assert.equal(
    shipped.filter(([, { hasInstallScript }]) => hasInstallScript).map(([name]) => name),
    [],
  );
  const { scripts } = JSON.parse(readFileSync(path.join(installed, "package.json"), "utf8"));
  assert.equal(
    Object.keys(scripts).filter((name) => /^(pre|post)?install$/.test(name)),
    [],
  );
});

test("every entry is imported by its name", () => {
  const names = entries.filter(({ runs }) => runs).map(({ name }) => name);
  assert.ok(names.length >= 5, names.join());
  const script = `for (const name of ${JSON.stringify(names)})
  if (Object.keys(await import(name)).length === 0 && !name.endsWith("/register")) throw new Error(name);
console.log("all");`;
  assert.equal(inProject(process.execPath, ["--input-type=module", "-e", script]), {
    status: 0,
    output: "all\n",
  });
});

test("the command builds a network that runs, and classifies with it", () => {
  writeFileSync(
    path.join(project, "small.resnet"),
    "net small(classes = 10) {\n  input 32x32x3\n  conv(3x3, 8) /2 -> bn -> relu\n  avgpool\n  dense(classes)\n}\n",
  );
  const built = inProject("node_modules/.bin/resnetc", ["build", "small.resnet"]);
  assert.is(built.status, 0, built.output);
  writeFileSync(
    path.join(project, "use.js"),
    `import { load } from "./dist/small/small.js";
const net = await load({ threads: 1 });
const [values] = Object.values(net.run({ [net.info.inputs[0].name]: new Float32Array(3072).fill(0.5) }));
console.log(values.length, values.every(Number.isFinite));
net.dispose();
`,
  );
  assert.equal(inProject(process.execPath, ["use.js"]), { status: 0, output: "10 true\n" });
  const explained = inProject("node_modules/.bin/resnetc", ["explain", "shape-mismatch"]);
  assert.is(explained.status, 0, explained.output);
});

test("TypeScript finds the types, however it resolves", () => {
  // Who imports a plugin has its bundler.
  const bundlers = ["vite", "rollup", "rolldown", "webpack", "@rspack/core", "esbuild"];
  for (const name of bundlers.filter((name) => name in manifest.devDependencies)) link(project, name);
  const typed = entries.filter(({ types, runs }) => types && runs);
  const ambient = entries.filter(({ types, runs }) => types && !runs);
  const references = ambient.map(({ name }) => `/// <reference types=${JSON.stringify(name)} />`);
  const lines = typed.map(({ name }, i) => `import * as entry${i} from ${JSON.stringify(name)};`);
  const use = typed.map((_, i) => `typeof entry${i}`).join(", ");
  writeFileSync(
    path.join(project, "consumer.ts"),
    `${[...references, ...lines].join("\n")}
import { type AnalysedNet, analyse, type Diagnostic, makeSource } from "resnetc";
export type All = [${use}];
const { nets, diagnostics } = analyse(makeSource("a.resnet", "net a { input 8x8x3 }"));
export const [net]: readonly AnalysedNet[] = nets;
export const first: Diagnostic | undefined = diagnostics[0];
// @ts-expect-error a source is made of a name and a text
makeSource(1);
`,
  );
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  for (const [module, resolution] of [
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ]) {
    const { output } = inProject(process.execPath, [
      ...[tsc, "--ignoreConfig", "--noEmit", "--strict", "--target", "es2022", "--lib", "es2023,dom"],
      ...["--module", module, "--moduleResolution", resolution, "--types", "", "consumer.ts"],
    ]);
    // The types of TensorFlow.js contradict those of newer TypeScripts: that is between the two.
    const ours = output
      .split("\n")
      .filter((line) => /^(consumer\.ts|node_modules\/resnetc\/|error)/.test(line));
    assert.equal(ours, []);
  }
});

test.run();
