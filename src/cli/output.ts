/** Output folders: all artifacts of a build get into theirs, or none. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Diagnostic, makeDiagnostic } from "../base/diagnostic.ts";
import type { Artifact } from "../codegen/target.ts";
import { whyNot } from "../node/files.ts";

/**
 * Writes artifacts into `folder`: all of them to a folder of their own inside it first, then each is renamed
 * into its place. A build that fails or is interrupted leaves what was there as it was.
 */
export function writeArtifacts(folder: string, artifacts: readonly Artifact[]): Diagnostic | undefined {
  const existed = existsSync(folder);
  const staging = path.join(folder, `.resnetc-${process.pid}`);
  const cleanUp = () => {
    try {
      rmSync(staging, { recursive: true, force: true });
      if (!existed && existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
    } catch {
      // The folder was never made, or went away: there is nothing of ours in it.
    }
  };
  const interrupted = () => {
    cleanUp();
    process.exit(130);
  };
  process.once("SIGINT", interrupted);
  process.once("SIGTERM", interrupted);
  try {
    mkdirSync(folder, { recursive: true });
    removeStale(folder);
    for (const { path: name, contents } of artifacts) {
      const file = path.join(staging, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, contents);
    }
    for (const { path: name } of artifacts) {
      const file = path.join(folder, name);
      mkdirSync(path.dirname(file), { recursive: true });
      renameSync(path.join(staging, name), file);
    }
    removeOldParts(folder, artifacts);
    return undefined;
  } catch (error) {
    return makeDiagnostic(
      "unwritable-output",
      undefined,
      { path: folder, why: whyNot(error) },
      { hint: "choose another folder with -o" },
    );
  } finally {
    cleanUp();
    process.off("SIGINT", interrupted);
    process.off("SIGTERM", interrupted);
  }
}

/** Weights in other parts, of the build that these artifacts replace: nothing names them any more. */
function removeOldParts(folder: string, artifacts: readonly Artifact[]): void {
  const made = new Set(artifacts.map(({ path: name }) => name));
  for (const name of readdirSync(folder)) {
    const stem = /^(.+)-\d{5}-of-\d{5}\.weights$/.exec(name)?.[1];
    if (stem !== undefined && made.has(`${stem}.wasm`) && !made.has(name)) rmSync(path.join(folder, name));
  }
}

/** Staging folders of builds that were killed. */
function removeStale(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = /^\.resnetc-(\d+)$/.exec(name)?.[1];
    if (pid === undefined || Number(pid) === process.pid) continue;
    try {
      process.kill(Number(pid), 0);
    } catch {
      rmSync(path.join(folder, name), { recursive: true, force: true });
    }
  }
}
