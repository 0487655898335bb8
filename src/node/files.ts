/** The way to files that are read: sources, modules beside them, checkpoints. */
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from "node:fs";
import path from "node:path";
import { type Diagnostic, makeDiagnostic } from "../base/diagnostic.ts";
import { makeSource, type Source } from "../base/source.ts";
import { allNearest, didYouMean } from "../base/suggest.ts";
import type { ReadModule } from "../lower/modules.ts";
import { limits } from "../parser/parse.ts";
import type { CheckpointFiles } from "../weights/checkpoint.ts";
import { isHdf5, isZip } from "../weights/signature.ts";
import type { LoadHdf5 } from "./hdf5.ts";
import { stdin } from "./stdin.ts";

/** `file.resnet#net` → its parts; a file whose own name has a # is taken whole. */
export function splitTarget(target: string): { readonly file: string; readonly net: string | undefined } {
  const hash = target.lastIndexOf("#");
  if (hash < 0 || existsSync(target)) return { file: target, net: undefined };
  return { file: target.slice(0, hash), net: target.slice(hash + 1) || undefined };
}

/** The words of an error of the file system: "there is no such file". */
export function whyNot(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EISDIR":
      return "it is a folder";
    case "ENOTDIR":
      return "a part of its path is no folder";
    case "EACCES":
    case "EPERM":
      return "permission is denied";
    case "ENOSPC":
      return "the disk is full";
    case "EROFS":
      return "the disk is read-only";
    case "EEXIST":
      return "a file stands in its way";
    case "ERR_FS_FILE_TOO_LARGE":
      return "it is larger than this Node can read at once";
    default:
      return message ?? String(error);
  }
}

/** A source from a path, or from standard input. */
export function readSource(file: string): Source | Diagnostic {
  try {
    const isStdin = file === stdin;
    if (!isStdin && statSync(file).size > 8 * limits.characters) {
      const params = { what: file, size: statSync(file).size, limit: limits.characters };
      return makeDiagnostic("file-too-large", undefined, params, {
        hint: "a network's text is a few thousand characters",
      });
    }
    const bytes = readFileSync(isStdin ? 0 : file);
    if (bytes.includes(0)) {
      const params = { path: file, why: "it is no text" };
      return makeDiagnostic("unreadable-file", undefined, params, {
        hint: "weights go with --weights, pictures to `resnetc run`",
      });
    }
    return makeSource(file, new TextDecoder().decode(bytes));
  } catch (error) {
    return makeDiagnostic(
      "unreadable-file",
      undefined,
      { path: file, why: whyNot(error) },
      { hint: nearbyFile(file) },
    );
  }
}

/** "did you mean examples/resnet50.resnet?": the path with its ending, or a file beside it that is called nearly so. */
function nearbyFile(file: string): string {
  if (existsSync(`${file}.resnet`)) return `did you mean ${file}.resnet?`;
  const folder = path.dirname(file);
  const near = allNearest(path.basename(file), sourcesIn(folder)).map((name) => path.join(folder, name));
  return didYouMean(near, "") ?? "paths are relative to the current folder";
}

function sourcesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".resnet"));
  } catch {
    return [];
  }
}

export const isSource = (found: Source | Diagnostic): found is Source => "text" in found;

/** `use a from "./other"`: the file beside the one that asks, `.resnet` added where it is missing. */
export const readModule: ReadModule = (request, from) => {
  const file = path.join(
    path.dirname(from.name),
    request.endsWith(".resnet") ? request : `${request}.resnet`,
  );
  const found = readSource(file);
  if (isSource(found)) return found;
  return { why: found.hint?.startsWith("did you mean") ? `${found.message}; ${found.hint}` : found.message };
};

const loadHdf5: LoadHdf5 = async () => (await import("./hdf5.ts")).loadHdf5();

/** For a checkpoint that may need a reader of HDF5, which is loaded only then. */
export async function checkpointFilesFor(file: string, load = loadHdf5): Promise<CheckpointFiles> {
  return mayHoldHdf5(file) ? { ...checkpointFiles, hdf5: await load() } : checkpointFiles;
}

/** The directory of a .keras, which has few entries, lies within this many bytes of its end. */
const tail = 2 ** 16;

/** By the first bytes: HDF5 itself, or a zip whose end names the weights of Keras. */
function mayHoldHdf5(path: string): boolean {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const head = Buffer.alloc(8);
    readSync(file, head, 0, head.length, 0);
    if (isHdf5(head)) return true;
    if (!isZip(head)) return false;
    const { size } = fstatSync(file);
    const end = Buffer.alloc(Math.min(size, tail));
    readSync(file, end, 0, end.length, size - end.length);
    return end.includes("model.weights.h5");
  } catch {
    // Whoever opens it will say why that is not possible.
    return false;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

export const checkpointFiles: CheckpointFiles = {
  read(file) {
    try {
      return readFileSync(file);
    } catch (error) {
      return whyNot(error);
    }
  },
};

export function readBytes(file: string): Uint8Array | Diagnostic {
  try {
    return readFileSync(file === stdin ? 0 : file);
  } catch (error) {
    return makeDiagnostic("unreadable-file", undefined, { path: file, why: whyNot(error) });
  }
}

export const isBytes = (found: Uint8Array | Diagnostic): found is Uint8Array => found instanceof Uint8Array;
