/**
 * Golden files: what a stage makes of a case, as text that is reviewed like code. They change on purpose only:
 *
 *     BLESS=1 npx tsx tests/passes.test.ts      (all of them: npm run bless)
 *
 * A case without a file makes one at a desk, where `git status` shows it; in CI nothing is ever written.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { lineDiff } from "../../src/base/line-diff.ts";

export interface GoldenOptions {
  /** Where suites live. */
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export const goldenFolder = fileURLToPath(new URL("../golden", import.meta.url));

/** Compares `actual` with tests/golden/SUITE/NAME.txt. A suite may be a path: `passes/fold-bias`. */
export function golden(
  suite: string,
  name: string,
  actual: string,
  { folder = goldenFolder, env = process.env }: GoldenOptions = {},
): void {
  const path = join(folder, suite, `${name}.txt`);
  const shown = `tests/golden/${relative(folder, path)}`;
  const expected = existsSync(path) ? readFileSync(path, "utf8").replaceAll("\r\n", "\n") : undefined;
  if (expected === actual) return;
  const blessed = Boolean(env.BLESS);
  if (env.CI && blessed) throw new Error(`${shown}: CI does not bless`);
  if (expected === undefined) {
    if (env.CI) throw new Error(`${shown} does not exist, and CI writes no golden files`);
    write(path, actual);
    console.log(`new golden file: ${shown}`);
  } else if (blessed) {
    write(path, actual);
    console.log(`blessed: ${shown}`);
  } else {
    const diff = lineDiff(expected, actual, shown, "what the code makes now");
    throw new Error(`${shown} is not what the code makes now:\n\n${diff}\nIf it should be: npm run bless\n`);
  }
}

/** The cases of a suite that have a file, sorted: a file whose case is gone is stale. */
export function goldenNames(suite: string, folder = goldenFolder): readonly string[] {
  const path = join(folder, suite);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((file) => file.endsWith(".txt"))
    .map((file) => file.slice(0, -".txt".length))
    .sort();
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
