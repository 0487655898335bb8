/**
 * After tsc, which makes the library: the command line as few files, since a start that loads some two hundred
 * modules spends most of its time on them. Commands stay apart and load when they are called; the packages that
 * every start needs are bundled, and their licences with them.
 */
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}build/cli`;
const bundled = ["chevrotain", "yargs"];

const { dependencies, peerDependencies } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
const external = Object.keys({ ...dependencies, ...peerDependencies }).filter(
  (name) => !bundled.includes(name),
);

rmSync(folder, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ["src/cli/main.ts", "src/cli/classify-worker.ts"],
  outdir: folder,
  // Chunks lie beside the entry points: what is found by import.meta.url is found from both.
  chunkNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm",
  target: "node20",
  external: external.flatMap((name) => [name, `${name}/*`]),
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});
writeFileSync(`${folder}/LICENSES.txt`, licences(Object.keys(metafile.inputs)));
chmodSync(`${folder}/main.js`, 0o755);

/** The licences of the packages that these files are of, each text once. */
function licences(files) {
  const packages = new Set(
    files.flatMap((file) => file.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []),
  );
  const owners = new Map();
  for (const folder of [...packages].sort()) {
    const { name, version } = JSON.parse(readFileSync(`${root}${folder}/package.json`, "utf8"));
    const file = readdirSync(`${root}${folder}`).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${folder} is bundled and has no licence`);
    const text = readFileSync(`${root}${folder}/${file}`, "utf8").trim();
    owners.set(text, [...(owners.get(text) ?? []), `${name} ${version}`]);
  }
  return [...owners]
    .map(([text, names]) => `${names.join(", ")}\n\n${text}\n`)
    .join(`\n${"-".repeat(80)}\n\n`);
}
