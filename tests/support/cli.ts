/** The real binary, as users start it, and a folder for its files that goes away with the process. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as assert from "uvu/assert";
import { root } from "./nets.ts";

export const binary = path.join(root, "build/cli/main.js");
export const folder = mkdtempSync(path.join(tmpdir(), "resnetc-cli-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string;
  /** Options of Node itself. */
  readonly node?: readonly string[];
}

export function resnetc(args: readonly string[], { cwd = root, input, node = [] }: RunOptions = {}): Ran {
  const { RESNETC_CHECK: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...node, binary, ...args], {
    cwd,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...env, NO_COLOR: "1", FORCE_COLOR: "0" },
    ...(input === undefined ? {} : { input }),
  });
  assert.not.match(stderr, /at .*\.[jt]s:\d+/, "a stack trace");
  return { code: status, out: stdout, err: stderr };
}

/** A sentence that was broken to fit a terminal. */
export const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ");

/** A file in the folder. */
export function write(name: string, contents: string | Uint8Array): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, contents);
  return file;
}

export const tiny = `resnet 1
use basic from std

## A net small enough for a test.
net tiny(classes = 10, n = 1) {
  input 8x8x3
  conv1: conv(3x3, 4) -> bn -> relu
  conv2: basic(4) x n
  conv3: basic(8) x n /2
  pool:  avgpool
  fc:    dense(classes)
  expect fc -> 10
  expect conv3 -> 4x4x8
}
`;
export const tinyFile = write("tiny.resnet", tiny);
