/** What all bundlers share: from the id of a module to its build, its text and its types. */
import { existsSync } from "node:fs";
import path from "node:path";
import { BuildCache, type CachedBuild, FailedBuild, type Looked } from "../node/build-cache.ts";
import { untrainedText } from "../node/build-file.ts";
import { contentsOf, inlineUrl, type Links, linkModule } from "../node/link-module.ts";
import type { Told } from "../node/told.ts";
import { writeTypes } from "../node/types-file.ts";
import { type PluginOptions, partKey, type Request, RequestError, readRequest } from "./request.ts";
import { withoutMissingPackages } from "./tfjs-packages.ts";

/** A module that was asked for and built. */
export interface LoadedNet {
  readonly request: Request;
  readonly build: CachedBuild;
  readonly warnings: readonly string[];
}

/** What went wrong, for the bundler to show. */
export class NetError extends Error {
  /** Of the text or the weights; none where an option or a query is wrong. */
  readonly errors: readonly Told[];
  readonly looked: readonly Looked[];

  constructor(message: string, errors: readonly Told[] = [], looked: readonly Looked[] = []) {
    super(message);
    this.errors = errors;
    this.looked = looked;
  }
}

/** How a bundler refers to a file of the build. */
export interface Bundling {
  /** The expression of a URL object. */
  readonly url: (file: string, build: CachedBuild) => string;
}

export class Nets {
  readonly #options: PluginOptions;
  #root: string;
  #cache: BuildCache | undefined;

  constructor(options: PluginOptions = {}) {
    this.#options = options;
    this.#root = path.resolve(options.root ?? "");
  }

  /** The bundler's root, known once it starts. */
  set root(folder: string) {
    this.#root = path.resolve(folder, this.#options.root ?? "");
  }

  /** Undefined for what is not ours; throws a NetError. */
  async load(id: string): Promise<LoadedNet | undefined> {
    const request = this.#read(id);
    if (!request) return undefined;
    this.#cache ??= new BuildCache(this.#root, this.#options.cache);
    // Frames show paths as people write them, and these are what the process resolves.
    const file = shorter(request.file);
    try {
      const { inline: _, ...options } = request.options;
      const build = await this.#cache.build(file, options);
      if (request.plain && this.#wantsTypes()) writeTypes(request.file, textOf(build, `${build.name}.d.ts`));
      const warnings = build.warnings.map(({ text }) => text);
      return { request, build, warnings: build.untrained ? [...warnings, untrainedText(file)] : warnings };
    } catch (error) {
      if (!(error instanceof FailedBuild)) throw error;
      const { message, errors, looked } = error;
      throw new NetError(errors.length > 0 ? message : `${file}: ${message}`, errors, looked);
    }
  }

  #read(id: string): Request | undefined {
    try {
      return readRequest(id, this.#options, this.#root);
    } catch (error) {
      throw error instanceof RequestError ? new NetError(`${id}: ${error.message}`) : error;
    }
  }

  #wantsTypes(): boolean {
    return this.#options.types ?? existsSync(path.join(this.#root, "tsconfig.json"));
  }
}

/** The text of the module: NAME.js, or one of the modules that it imports. */
export function moduleText({ request, build }: LoadedNet, id: string, { url }: Bundling): string {
  const { artifacts } = build;
  if (request.part !== undefined) return textOf(build, request.part);
  const partOf = (file: string) => {
    const query = [id.split("?")[1], `${partKey}=${encodeURIComponent(file)}`].filter(Boolean).join("&");
    return JSON.stringify(`./${path.basename(request.file)}?${query}`);
  };
  const imports: string[] = [];
  const inlined: Links = {
    url: (file) => inlineUrl(artifacts, file),
    // An import of a bundler's own would be a file to fetch.
    module(file) {
      imports.push(`import * as part${imports.length} from ${partOf(file)};\n`);
      return `Promise.resolve(part${imports.length - 1})`;
    },
  };
  const linked: Links = { url: (file) => url(file, build), module: (file) => `import(${partOf(file)})` };
  const text = linkModule(artifacts, request.options.inline ? inlined : linked);
  const whole = imports.join("") + text;
  return request.options.target === "tfjs" ? withoutMissingPackages(whole, request.file) : whole;
}

const textOf = ({ artifacts }: CachedBuild, file: string): string => {
  if (!artifacts.some(({ path }) => path === file)) throw new NetError(`there is no ${file} in this build`);
  return String(contentsOf(artifacts, file));
};

function shorter(file: string): string {
  const short = path.relative("", file);
  return short.startsWith("..") || path.isAbsolute(short) ? file : short;
}
