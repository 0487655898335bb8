/**
 * Builds that are made once: kept in memory and on disk, with what each file that was looked at was like. A build is
 * taken again while all of them are as they were: sources by their contents, weights by size and time.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Artifact } from "../codegen/target.ts";
import { version } from "../version.generated.ts";
import { type Build, BuildError, type BuildOptions, buildFile, type OnRead } from "./build-file.ts";
import { type Told, tell } from "./told.ts";

export interface CachedBuild extends Omit<Build, "diagnostics"> {
  /** Another one for other files. */
  readonly key: string;
  /** Where its files are on disk. */
  readonly folder: string;
  readonly warnings: readonly Told[];
  /** All that was looked at, absolute; some may not be there. */
  readonly looked: readonly Looked[];
}

export interface Looked {
  readonly file: string;
  readonly kind: "source" | "weights";
  readonly state: string;
}

/** A build that failed, with what it looked at. */
export class FailedBuild extends Error {
  readonly looked: readonly Looked[];
  readonly errors: readonly Told[];

  constructor(error: BuildError, looked: readonly Looked[]) {
    super(error.message);
    this.looked = looked;
    this.errors = error.diagnostics.filter(({ severity }) => severity === "error").map(tell);
  }
}

/** What makes the same of the same: the version, and for those who change the compiler when that was. */
const compiler = `${version} ${statSync(fileURLToPath(import.meta.url)).mtimeMs}`;

/** What was not asked for in so many days goes. */
const days = 30;

export class BuildCache {
  /** On disk. */
  readonly folder: string;
  readonly #builds = new Map<string, Promise<CachedBuild>>();

  /** `root`: of the project; `place`: another folder, or false for one that goes away with the process. */
  constructor(root: string, place: string | boolean = true) {
    this.folder = cacheFolder(root, place);
  }

  /** Throws a FailedBuild, with frames. */
  async build(file: string, options: BuildOptions): Promise<CachedBuild> {
    const request = digest(JSON.stringify([path.resolve(file), sorted(options), compiler]));
    const known = this.#builds.get(request);
    const found = await known?.catch(() => undefined);
    if (found && isFresh(found.looked)) return found;
    // Whoever asks at the same time waits for the same.
    const running = this.#builds.get(request);
    if (running && running !== known) return running;
    const made = this.#load(request) ?? this.#make(request, file, options);
    const promise = Promise.resolve(made);
    this.#builds.set(request, promise);
    promise.catch(() => this.#builds.delete(request));
    return promise;
  }

  async #make(request: string, file: string, options: BuildOptions): Promise<CachedBuild> {
    const looked = new Map<string, Looked>();
    const onRead: OnRead = (name, kind) => {
      const absolute = path.resolve(name);
      if (!looked.has(absolute))
        looked.set(absolute, { file: absolute, kind, state: stateOf(absolute, kind) });
    };
    try {
      const { diagnostics, ...build } = await buildFile({ ...options, file, onRead });
      const states = [...looked.values()];
      const key = digest(JSON.stringify([request, states.map(({ state }) => state)]));
      const made = { ...build, key, looked: states, warnings: diagnostics.map(tell) };
      return { ...made, folder: this.#save(request, made) };
    } catch (error) {
      throw error instanceof BuildError ? new FailedBuild(error, [...looked.values()]) : error;
    }
  }

  /** In its place on disk, in one step: others may do the same at the same time. */
  #save(request: string, { artifacts, ...facts }: Omit<CachedBuild, "folder">): string {
    const folder = path.join(this.folder, request, facts.key);
    const staging = mkdtempSync(path.join(this.folder, "new-"));
    for (const { path: name, contents } of artifacts) writeFileSync(path.join(staging, name), contents);
    const files = artifacts.map(({ path }) => path);
    writeFileSync(path.join(staging, factsFile), JSON.stringify({ ...facts, files }));
    mkdirSync(path.dirname(folder), { recursive: true });
    for (const old of readdirSync(path.dirname(folder)))
      if (old !== facts.key) rmSync(path.join(this.folder, request, old), { recursive: true, force: true });
    try {
      rmSync(folder, { recursive: true, force: true });
      renameSync(staging, folder);
    } catch {
      // Another process was faster, with the same.
      rmSync(staging, { recursive: true, force: true });
    }
    return folder;
  }

  #load(request: string): CachedBuild | undefined {
    try {
      for (const key of readdirSync(path.join(this.folder, request))) {
        const folder = path.join(this.folder, request, key);
        const { files, ...facts } = JSON.parse(readFileSync(path.join(folder, factsFile), "utf8")) as Facts;
        if (!isFresh(facts.looked)) continue;
        const artifacts = files.map((name) => readArtifact(folder, name));
        const now = new Date();
        utimesSync(path.join(this.folder, request), now, now);
        return { ...facts, artifacts, folder };
      }
    } catch {
      // There is none, or none that can be read: it is made.
    }
    return undefined;
  }
}

type Facts = Omit<CachedBuild, "artifacts" | "folder"> & { readonly files: readonly string[] };

const factsFile = "build.json";

function readArtifact(folder: string, name: string): Artifact {
  const bytes = readFileSync(path.join(folder, name));
  return { path: name, contents: /\.(js|ts|json)$/.test(name) ? bytes.toString() : bytes };
}

function cacheFolder(root: string, place: string | boolean): string {
  const wanted = typeof place === "string" ? path.resolve(root, place) : place ? ownFolder(root) : undefined;
  if (wanted !== undefined) {
    try {
      mkdirSync(wanted, { recursive: true });
      // Its modules are ES modules, whatever the project around it says.
      writeFileSync(path.join(wanted, "package.json"), '{ "type": "module" }\n');
      removeOld(wanted);
      return wanted;
    } catch {
      // A project that cannot be written to has its builds elsewhere.
    }
  }
  return temporaryFolder();
}

const temporary: string[] = [];

function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "resnetc-"));
  const removeAll = () => {
    for (const one of temporary) rmSync(one, { recursive: true, force: true });
  };
  if (temporary.push(folder) === 1) process.once("exit", removeAll);
  return folder;
}

/** Where tools keep what can be made again: beside the installed packages of the project. */
function ownFolder(root: string): string | undefined {
  for (let folder = path.resolve(root); ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, "package.json")))
      return path.join(folder, "node_modules/.cache/resnetc");
    if (folder === path.dirname(folder)) return undefined;
  }
}

function removeOld(folder: string): void {
  const end = Date.now() - days * 24 * 3600 * 1000;
  for (const { name } of readdirSync(folder, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )) {
    const file = path.join(folder, name);
    if (statSync(file).mtimeMs < end) rmSync(file, { recursive: true, force: true });
  }
}

const isFresh = (looked: readonly Looked[]): boolean =>
  looked.every(({ file, kind, state }) => stateOf(file, kind) === state);

function stateOf(file: string, kind: Looked["kind"]): string {
  try {
    if (kind === "source") return digest(readFileSync(file));
    const { size, mtimeMs } = statSync(file);
    return `${size} bytes at ${mtimeMs}`;
  } catch {
    return "not there";
  }
}

const digest = (text: string | Uint8Array): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 20);

/** The same text for the same options, in whatever order. */
const sorted = (value: unknown): unknown =>
  typeof value !== "object" || value === null
    ? value
    : Object.entries(value)
        .filter(([, inner]) => inner !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, inner]) => [name, sorted(inner)]);
