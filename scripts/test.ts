/**
 * `npm test`: every tests/*.test.ts in a process of its own (a tfjs backend set by one file would stay set in the
 * next), two at a time, longest first. Arguments pick files by part of their name. Ends with `N passed, N failed`.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const wanted = process.argv.slice(2);
/** What takes longest starts first, so that nothing long is left alone at the end. */
const longest = [
  "zoo-upstream",
  "playground",
  "graph-model-networks",
  "zoo-logits",
  "onnx",
  "browser",
  "wasm-networks",
  "wasm-plan",
  "upstream",
  "cli",
  "wasm-winograd",
  "cli-run",
  "architecture",
  "readme",
  "backends-browser",
  "site",
  "new",
  "ten-files",
  "hostile-checkpoints",
  "keras-files",
  "passes",
  "cifar",
  "dlib-face",
  "ops",
  "editor-broken",
  "vscode",
];

const files = readdirSync(`${root}tests`)
  .filter((name) => name.endsWith(".test.ts"))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));

function rank(name: string): number {
  const place = longest.indexOf(name.replace(".test.ts", ""));
  return place < 0 ? longest.length : place;
}

let passed = 0;
let failed = 0;

/** One file: its output is shown when it ends, so that two at a time stay readable. */
function run(name: string): Promise<void> {
  return new Promise((resolve) => {
    const start = performance.now();
    const child = spawn(process.execPath, ["--import", "tsx", `tests/${name}`], {
      cwd: root,
      env: { ...process.env, RESNETC_CHECK: "1", NO_COLOR: "1", FORCE_COLOR: "0" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const gather = (chunk: Buffer) => {
      output += chunk;
    };
    child.stdout.on("data", gather);
    child.stderr.on("data", gather);
    child.on("close", (code) => {
      const totals = [...output.matchAll(/^\s*Total:\s+(\d+)\s+Passed:\s+(\d+)/gm)];
      const total = totals.reduce((sum, match) => sum + Number(match[1]), 0);
      const good = totals.reduce((sum, match) => sum + Number(match[2]), 0);
      passed += good;
      // A file that dies before its totals, or that runs nothing at all, has failed whatever it printed.
      const ranNothing = total === 0 && !output.includes("skipped:");
      const bad = Math.max(total - good, code !== 0 || ranNothing ? 1 : 0);
      failed += bad;
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      process.stdout.write(`${bad === 0 ? "ok  " : "FAIL"} ${name}  ${good} of ${total}, ${seconds} s\n`);
      if (bad > 0) process.stdout.write(`${output.trimEnd()}\n(exit code ${code})\n`);
      else
        for (const line of output.split("\n"))
          if (line.startsWith("skipped:")) process.stdout.write(`     ${line}\n`);
      resolve();
    });
  });
}

if (!existsSync(`${root}build/cli/main.js`)) {
  process.stdout.write("build/ is missing: `npm install` or `npm run compile` makes it\n");
  process.exitCode = 1;
} else {
  const queue = [...files];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await run(next);
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}
