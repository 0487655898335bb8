/**
 * Files as the Language Server Protocol speaks of them. A file on disk is called by its path, as everywhere in the
 * compiler; anything else by its address; the standard library by its own name.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Files } from "../language/workspace.ts";
import { stdName } from "../lower/modules.ts";
import { limits } from "../parser/parse.ts";

/** Where clients that ask servers for texts find the standard library. */
export const virtualScheme = "resnet-std";
const virtualStd = `${virtualScheme}:/${stdName}`;
/** Where all others find it. */
const installedStd = new URL(`../std/${stdName}`, import.meta.url);

/** Pages on what messages mean, in the package and in the extension. */
const pages = ["../../docs/diagnostics/", "../docs/diagnostics/"]
  .map((folder) => new URL(folder, import.meta.url))
  .find((folder) => existsSync(folder));

/** The page of a code, where there is one. */
export function pageOf(code: string): string | undefined {
  const page = pages && new URL(`${code}.md`, pages);
  return page && existsSync(page) ? page.href : undefined;
}

/** Folders that hold no sources of the user's, and how many folders and files are looked at at most. */
const skipped = /^(\.|node_modules$)/;
const mostFolders = 5000;
const mostFiles = 2000;

export class DiskFiles implements Files {
  readonly #folders: readonly string[];
  readonly #isStdVirtual: boolean;
  #found: readonly string[] | undefined;
  /** Addresses as the client writes them: there are several ways to write one. */
  readonly #written = new Map<string, string>();

  constructor(folders: readonly string[], isStdVirtual: boolean) {
    this.#folders = folders;
    this.#isStdVirtual = isStdVirtual;
  }

  nameOf(uri: string): string {
    const isStd = uri.startsWith(`${virtualScheme}:`) || uri === installedStd.href;
    const name = isStd ? stdName : (pathOf(uri) ?? uri);
    this.#written.set(name, uri);
    return name;
  }

  uriOf(name: string): string {
    const written = this.#written.get(name);
    if (written !== undefined) return written;
    if (name === stdName) return this.#isStdVirtual ? virtualStd : installedStd.href;
    return path.isAbsolute(name) ? pathToFileURL(name).href : name;
  }

  resolve(request: string, from: string): string {
    const file = request.endsWith(".resnet") ? request : `${request}.resnet`;
    if (path.isAbsolute(from)) return path.join(path.dirname(from), file);
    return URL.canParse(file, from) ? new URL(file, from).href : file;
  }

  read(name: string): string | { readonly why: string } {
    try {
      if (!path.isAbsolute(name)) return { why: "it is not open, and no file on this machine" };
      if (statSync(name).size > 8 * limits.characters) return { why: "it is too large" };
      return readFileSync(name, "utf8");
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return { why: code === "ENOENT" ? "there is no such file" : message };
    }
  }

  list(): readonly string[] {
    this.#found ??= this.#folders.flatMap((folder) => sourcesUnder(folder)).slice(0, mostFiles);
    return this.#found;
  }

  /** Files came or went. */
  forget(): void {
    this.#found = undefined;
  }

  /** What `use … from` in a file may name: those beside it and below it. */
  requestsFrom(from: string): readonly string[] {
    if (!path.isAbsolute(from)) return [];
    const beside = sourcesIn(path.dirname(from));
    return [...new Set([...beside, ...this.list()])].flatMap((file) => {
      const request = path.relative(path.dirname(from), file).replaceAll(path.sep, "/");
      if (file === from) return [];
      return `${request.startsWith(".") ? "" : "./"}${request.replace(/\.resnet$/, "")}`;
    });
  }
}

function pathOf(uri: string): string | undefined {
  try {
    return uri.startsWith("file:") ? fileURLToPath(uri) : undefined;
  } catch {
    return undefined;
  }
}

function sourcesUnder(root: string): readonly string[] {
  const found: string[] = [];
  const folders = [root];
  // Folders that are found on the way are looked at after those that were there.
  for (const folder of folders) {
    for (const entry of entriesOf(folder)) {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory() && !skipped.test(entry.name) && folders.length < mostFolders)
        folders.push(file);
      else if (entry.isFile() && entry.name.endsWith(".resnet")) found.push(file);
    }
    if (found.length >= mostFiles) break;
  }
  return found;
}

const sourcesIn = (folder: string): readonly string[] =>
  entriesOf(folder).flatMap(({ name }) => (name.endsWith(".resnet") ? [path.join(folder, name)] : []));

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
