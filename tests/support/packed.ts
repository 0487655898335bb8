/** The package as npm would publish it, in an empty project that has its declared dependencies and nothing else. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { root } from "./nets.ts";

export interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

export const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as Manifest;

export interface Packed {
  readonly tarball: string;
  /** What is in it, with the sizes. */
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** Bytes of the tarball. */
  readonly size: number;
  /** The project. */
  readonly project: string;
  /** The package in it. */
  readonly installed: string;
}

/** Packs what was compiled; without a network, and without compiling it again. */
export function packProject(): Packed {
  const folder = mkdtempSync(path.join(tmpdir(), "resnetc-packed-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const told = execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [{ filename, files, size }] = JSON.parse(told);
  const tarball = path.join(folder, filename);
  const project = path.join(folder, "project");
  const modules = path.join(project, "node_modules");
  const installed = path.join(modules, "resnetc");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
  for (const name of Object.keys(manifest.dependencies)) link(project, name);
  mkdirSync(path.join(modules, ".bin"));
  for (const [name, file] of Object.entries(manifest.bin)) {
    chmodSync(path.join(installed, file), 0o755);
    symlinkSync(path.join(installed, file), path.join(modules, ".bin", name));
  }
  writeFileSync(path.join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  return { tarball, files, size, project, installed };
}

/** Gives the project a package of ours; that finds its own where it really is. */
export function link(project: string, name: string): void {
  const place = path.join(project, "node_modules", name);
  mkdirSync(path.dirname(place), { recursive: true });
  symlinkSync(path.join(root, "node_modules", name), place);
}
