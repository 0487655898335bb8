/**
 * The way to ../shared, the folder of facts beside the repository, which a fresh clone does not have. Without
 * it tests that need it are skipped, and say so; in CI its absence is an error.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const sharedPath = (path: string): string =>
  fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url));

/** Whether ../shared has this file; says what is skipped when it does not. */
export function requireShared(path: string): boolean {
  if (existsSync(sharedPath(path))) return true;
  const missing = `${sharedPath(path)} is not there`;
  if (process.env.CI) throw new Error(`${missing}, and CI skips no tests.`);
  console.log(`skipped: ${missing}`);
  return false;
}
