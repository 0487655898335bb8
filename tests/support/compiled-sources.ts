/** Sources as `npm run compile` makes them: for what must run without tsx, in pages and in plain Node. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "./nets.ts";

export interface CompiledSources {
  /** Stands for `build`. */
  readonly folder: string;
  remove(): void;
}

/** Compiles files of `src` and what they import, into a folder from where Node finds the packages of this project. */
export function compileSources(...files: readonly string[]): CompiledSources {
  const cache = path.join(root, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(path.join(cache, "resnetc-build-"));
  const config = {
    extends: path.join(root, "tsconfig.build.json"),
    compilerOptions: {
      rootDir: path.join(root, "src"),
      outDir: folder,
      sourceMap: false,
      declaration: false,
    },
    include: [],
    files: files.map((file) => path.join(root, "src", file)),
  };
  const project = path.join(folder, "tsconfig.json");
  writeFileSync(project, JSON.stringify(config));
  writeFileSync(path.join(folder, "package.json"), '{ "type": "module" }\n');
  execFileSync(process.execPath, [path.join(root, "node_modules/typescript/bin/tsc"), "-p", project], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
