/**
 * Bundles the extension and its server into dist/, with the licences of what is in the bundles, and copies what other
 * parts of the repository make: the TextMate grammar (`npm run grammar`), the pages on messages and our own licence.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const grammar = here("../../grammar/resnet.tmLanguage.json");

if (!existsSync(grammar)) throw new Error(`${grammar} is not there: \`npm run grammar\` makes it`);

const shared = {
  bundle: true,
  platform: "node",
  target: "node20",
  minify: true,
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  absWorkingDir: here("."),
};
const extension = await build({
  ...shared,
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.cjs",
  format: "cjs",
  external: ["vscode"],
});
const server = await build({
  ...shared,
  entryPoints: ["src/server.ts"],
  outfile: "dist/server.mjs",
  format: "esm",
  // What the protocol's packages still require at run time are modules of Node's.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
});

mkdirSync(here("dist"), { recursive: true });
const inputs = [extension, server].flatMap(({ metafile }) => Object.keys(metafile.inputs));
writeFileSync(here("dist/THIRD-PARTY.txt"), thirdParty(inputs));
copyFileSync(grammar, here("dist/resnet.tmLanguage.json"));
copyFileSync(here("../../LICENSE"), here("LICENSE"));
// What a diagnostic's code leads to.
cpSync(here("../../docs/diagnostics"), here("docs/diagnostics"), { recursive: true });

/** Name, version and licence of every package that a bundled file is from. */
function thirdParty(files) {
  const folders = new Set(
    files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? []),
  );
  const texts = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(here(path.join(folder, "package.json")), "utf8"),
    );
    const file = readdirSync(here(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(here(path.join(folder, file)), "utf8").trim() : "";
    return `${name} ${version} (${license})\n\n${text}`.trim();
  });
  return `${[...new Set(texts)].sort().join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}
