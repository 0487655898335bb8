/** The script builds of tfjs in pages: the files that a server has for them, and how a page names them. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "./nets.ts";

export type TfjsScript =
  | "core"
  | "backend-cpu"
  | "backend-wasm"
  | "backend-webgl"
  | "backend-webgpu"
  | "converter";

export type ServedFiles = Map<string, () => string | Uint8Array>;

const packages = path.join(root, "node_modules/@tensorflow");
const binaries = ["", "-simd", "-threaded-simd"].map((kind) => `tfjs-backend-wasm${kind}.wasm`);

/** Under `tfjs/`: the scripts, the same as modules, and the .wasm files where one of them needs those. */
export function tfjsFiles(scripts: readonly TfjsScript[]): ServedFiles {
  const files: ServedFiles = new Map();
  const add = (name: string, file: string) =>
    files.set(`tfjs/${name}`, () => readFileSync(path.join(packages, file)));
  for (const name of scripts) {
    add(`tf-${name}.min.js`, `tfjs-${name}/dist/tf-${name}.min.js`);
    add(`tf-${name}.fesm.min.js`, `tfjs-${name}/dist/tf-${name}.fesm.min.js`);
  }
  if (scripts.includes("backend-wasm"))
    for (const name of binaries) add(name, `tfjs-backend-wasm/dist/${name}`);
  return files;
}

/** What the head of a page says to get `tf`. */
export const tfjsTags = (scripts: readonly TfjsScript[]): string =>
  scripts.map((name) => `<script src="/tfjs/tf-${name}.min.js"></script>`).join("\n");

/** Modules of Node that the wasm package names and does not use in a page: bundlers leave them out. */
const left = ["fs", "os", "path", "perf_hooks"];

/** Lets modules of a page import the packages by name. */
export function tfjsImportMap(scripts: readonly TfjsScript[]): string {
  const imports = Object.fromEntries([
    ...scripts.map((name) => [`@tensorflow/tfjs-${name}`, `/tfjs/tf-${name}.fesm.min.js`]),
    ...left.map((name) => [name, "data:text/javascript,export default {}"]),
  ]);
  return `<script type="importmap">${JSON.stringify({ imports })}</script>`;
}

/** How far results may be from the reference: the limits of 32-bit floats, and of what shaders make of them. */
export const tolerances = { wasm: 1e-5, cpu: 1e-5, webgl: 1e-3, webgpu: 1e-3 } as const;
