/** How long the language takes to start and to check texts: what `bench:language` prints and a test bounds. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { root } from "./paths.ts";

/** What a user starts, and Node by itself, which nothing can be faster than. */
export const starts: Readonly<Record<string, readonly string[]>> = {
  "node -e 0": ["-e", "0"],
  "resnetc --version": ["build/cli/main.js", "--version"],
  "resnetc --help": ["build/cli/main.js", "--help"],
  "resnetc check examples/resnet50.resnet": ["build/cli/main.js", "check", "examples/resnet50.resnet"],
};

/** Milliseconds by the clock until a start has ended; the starts take turns, so that noise meets all of them. */
export function timeStarts(rounds: number): ReadonlyMap<string, readonly number[]> {
  const times = new Map(Object.keys(starts).map((name): [string, number[]] => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, args] of Object.entries(starts)) {
      const from = performance.now();
      execFileSync(process.execPath, args, { cwd: root, stdio: "ignore" });
      times.get(name)!.push(performance.now() - from);
    }
  }
  return times;
}

/** A net of a thousand rows, all of them used; `edit` is written into the middle one, as at a keystroke. */
export function thousandRows(edit: number): string {
  const channels = (row: number) => (row === 500 ? 8 + (edit % 8) : 16);
  const rows = Array.from({ length: 1000 }, (_, row) => `  row${row}: conv(3x3, ${channels(row)}) -> relu`);
  return `net long {\n  input 32x32x3\n${rows.join("\n")}\n}\n`;
}

const cifar = readFileSync(path.join(root, "examples/cifar.resnet"), "utf8");

/** Work by name; each takes a number that makes its text differ from the last one's. */
export const checks: Readonly<Record<string, (edit: number) => void>> = {
  "1,000 rows, one of them changed": (edit) => check(thousandRows(edit), "*"),
  "ResNet-1202 from its text": () => check(cifar, "resnet1202"),
};

function check(text: string, net: string): void {
  const { fine } = analyse(makeSource("model.resnet", text), { net });
  if (!fine) throw new Error("What is measured has to compile.");
}
