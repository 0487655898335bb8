/** What a module costs at its start: its first run, its memory at the peak, its size over the wire. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { pictureShape } from "./contest.ts";
import type { NetName } from "./nets.ts";
import { bench } from "./paths.ts";
import { median } from "./statistics.ts";

export interface Fresh {
  /** The first run after load, and the median of those behind it once they are steady. */
  readonly firstMs: number;
  readonly steadyMs: number;
  /** What the process takes at its peak beyond Node itself. */
  readonly peakBytes: number;
}

const samples = 3;
const runs = 30;

/** Medians of fresh processes that load NET.js of a folder. */
export async function measureFresh(
  net: NetName,
  folder: string,
  options: Readonly<Record<string, unknown>>,
): Promise<Fresh> {
  const module = pathToFileURL(path.join(folder, `${net}.js`)).href;
  const picture = pictureShape.reduce((product, side) => product * side, 1);
  const found: Fresh[] = [];
  for (let i = 0; i < samples; i++) {
    const bare = await probe({});
    const { times, peakBytes } = await probe({ module, options, picture, runs });
    const steady = times.slice(times.length / 2);
    found.push({ firstMs: times[0], steadyMs: median(steady), peakBytes: peakBytes - bare.peakBytes });
  }
  const of = (key: keyof Fresh) => median(found.map((one) => one[key]));
  return { firstMs: of("firstMs"), steadyMs: of("steadyMs"), peakBytes: of("peakBytes") };
}

async function probe(request: unknown): Promise<{ times: number[]; peakBytes: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    path.join(bench, "probe.mjs"),
    JSON.stringify(request),
  ]);
  return JSON.parse(stdout);
}

/** Bytes of a build's code, each file by gzip at its best: everything but weights, types and the card. */
export function codeBytes(folder: string): number {
  return readdirSync(folder)
    .filter((file) => /\.(m?js|wasm)$/.test(file) && !file.endsWith(".relaxed.wasm"))
    .map((file) => gzipSync(readFileSync(path.join(folder, file)), { level: 9 }).length)
    .reduce((sum, size) => sum + size, 0);
}
