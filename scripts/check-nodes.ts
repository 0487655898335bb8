/**
 * `npm run check:nodes [20 22 24]`: the package as npm installs it, from the registry and into an empty project, on each
 * Node that is supported: builds a network, runs it, imports every entry. Wants a network; .ci/long runs it.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const asked = process.argv.slice(2);
const versions = asked.length > 0 ? asked : ["20", "22", "24"];
const folder = mkdtempSync(path.join(tmpdir(), "resnetc-nodes-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const { exports } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
  exports: Record<string, string | Record<string, string>>;
};
const entries = Object.entries(exports)
  .filter(([, target]) => typeof target === "object" && "default" in target)
  .map(([key]) => path.posix.join("resnetc", key));

/** Runs a program; its output, with an error when it fails. */
const run = (
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): string => execFileSync(command, args, { cwd, encoding: "utf8", env, stdio: ["ignore", "pipe", "pipe"] });

function emptyProject(name: string): string {
  const project = path.join(folder, name);
  mkdirSync(project);
  writeFileSync(path.join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  return project;
}

const [{ filename }] = JSON.parse(
  run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], root),
);
const tarball = path.join(folder, filename);

const network = `net small(classes = 10) {
  input 32x32x3
  conv(3x3, 8) /2 -> bn -> relu
  avgpool
  dense(classes)
}
`;
const use = `import { load } from "./dist/small/small.js";
for (const name of ${JSON.stringify(entries)}) await import(name);
const { analyse, makeSource } = await import("resnetc");
const { diagnostics } = analyse(makeSource("a.resnet", "net a { input 8x8x3; conv(3x3, 4) }"));
const net = await load({ threads: 2 });
const [values] = Object.values(net.run({ [net.info.inputs[0].name]: new Float32Array(3072).fill(0.5) }));
console.log(diagnostics.length, net.info.threads.used, [...values].map((value) => value.toFixed(4)).join());
net.dispose();
`;

const results = new Set<string>();
for (const version of versions) {
  const home = emptyProject(`node-${version}`);
  run("npm", ["install", "--no-audit", "--no-fund", `node@${version}`], home);
  const bin = path.join(home, "node_modules/node/bin");
  const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` };
  const found = run(path.join(bin, "node"), ["--version"], home).trim();
  if (!found.startsWith(`v${version}.`)) throw new Error(`asked for Node ${version}, got ${found}`);

  const project = emptyProject(`project-${version}`);
  const start = performance.now();
  // Nothing needs a script at install: people may forbid them.
  run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-dev", tarball], project, env);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  writeFileSync(path.join(project, "small.resnet"), network);
  writeFileSync(path.join(project, "use.js"), use);
  run("npx", ["--no-install", "resnetc", "build", "small.resnet"], project, env);
  run(
    "npx",
    ["--no-install", "resnetc", "build", "small.resnet", "--target", "tfjs", "-o", "dist/tfjs"],
    project,
    env,
  );
  const printed = run(path.join(bin, "node"), ["use.js"], project, env).trim();
  run("npx", ["--no-install", "resnetc", "check", "small.resnet"], project, env);
  results.add(printed);
  const modules = path.join(project, "node_modules");
  console.log(
    `Node ${found.slice(1).padEnd(8)}  installed in ${seconds} s: ${count(modules)} packages, ${megabytes(modules)} MB; ` +
      `${entries.length} entries imported, built and run: ${printed}`,
  );
}
if (results.size !== 1) throw new Error("the results differ between the versions of Node");

/** Packages in a folder of modules, scoped ones too. */
function count(modules: string): number {
  const names = readdirSync(modules).filter((name) => !name.startsWith("."));
  return names.reduce(
    (sum, name) => sum + (name.startsWith("@") ? readdirSync(path.join(modules, name)).length : 1),
    0,
  );
}

function megabytes(modules: string): string {
  const files = readdirSync(modules, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const bytes = files.reduce(
    (sum, { parentPath, name }) => sum + statSync(path.join(parentPath, name)).size,
    0,
  );
  return (bytes / 1e6).toFixed(0);
}
