/** Where things are: this project, the peers' packages, what the benchmark builds and keeps. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export const root = at("../");
export const bench = at("./");
export const cache = at("./.cache/");
/** The peers that this project depends on anyway; the others have a package.json of their own. */
export const ownPackages = at("../node_modules/");
export const peerPackages = at("./node_modules/");

export function requirePeers(): void {
  if (existsSync(`${peerPackages}onnxruntime-web`) && existsSync(`${peerPackages}@litertjs/core`)) return;
  throw new Error("The peers are not installed: `npm ci --prefix bench --ignore-scripts`");
}
