/**
 * Vite's dev server: it serves the files of builds from memory, and knows which modules a file is of. Sources that a net uses and
 * its weights are no modules, so Vite's own graph does not have them; some are not there yet.
 */
import { existsSync } from "node:fs";
import type { ServerResponse } from "node:http";
import path from "node:path";
import type { ViteDevServer } from "vite";
import type { CachedBuild, Looked } from "../node/build-cache.ts";
import { contentsOf, typeOf } from "../node/link-module.ts";
import { type LoadedNet, NetError, type Nets } from "./nets.ts";

const mount = "@resnetc";

export class DevServer {
  readonly #vite: ViteDevServer;
  readonly #builds = new Map<string, CachedBuild>();
  /** The last one of each module: the others go. */
  readonly #current = new Map<string, CachedBuild>();
  readonly #users = new Map<string, Set<string>>();

  constructor(vite: ViteDevServer) {
    this.#vite = vite;
    vite.middlewares.use((request, response, next) => {
      const match = new RegExp(`/${mount}/([0-9a-f]+)/([^/?]+)(?:\\?|$)`).exec(request.url ?? "");
      const build = match && this.#builds.get(match[1]);
      if (build) this.#answer(build, decodeURIComponent(match[2]), response);
      else next();
    });
  }

  #answer({ artifacts }: CachedBuild, file: string, response: ServerResponse): void {
    if (!artifacts.some(({ path }) => path === file)) {
      response.writeHead(404).end();
      return;
    }
    // Isolation, where the project asks for it, is wanted of workers too.
    for (const [name, value] of Object.entries(this.#vite.config.server.headers ?? {}))
      if (value !== undefined) response.setHeader(name, value);
    const bytes = Buffer.from(contentsOf(artifacts, file));
    response.setHeader("content-length", bytes.length);
    response.setHeader("content-type", typeOf(file));
    response.setHeader("cache-control", "max-age=31536000, immutable");
    response.end(bytes);
  }

  addressOf(file: string, { key }: CachedBuild): string {
    return `${this.#vite.config.base}${mount}/${key}/${encodeURIComponent(file)}`;
  }

  /** The same nets, and what each looks at is remembered. */
  watching(nets: Nets, id: string): Pick<Nets, "load"> {
    return {
      load: async (wanted): Promise<LoadedNet | undefined> => {
        try {
          const loaded = await nets.load(wanted);
          if (loaded) this.#remember(id, loaded.build);
          return loaded;
        } catch (error) {
          if (error instanceof NetError) this.#watch(id, error.looked);
          throw error;
        }
      },
    };
  }

  #remember(id: string, build: CachedBuild): void {
    const before = this.#current.get(id);
    this.#current.set(id, build);
    if (before && ![...this.#current.values()].some(({ key }) => key === before.key))
      this.#builds.delete(before.key);
    this.#builds.set(build.key, build);
    this.#watch(id, build.looked);
  }

  #watch(id: string, looked: readonly Looked[]): void {
    for (const { file } of looked) {
      const users = this.#users.get(slashed(file)) ?? new Set();
      this.#users.set(slashed(file), users.add(id));
    }
    this.#vite.watcher.add(looked.map(({ file }) => file).filter((file) => existsSync(file)));
  }

  /** The modules that looked at a file. */
  usersOf(file: string): readonly string[] {
    return [...(this.#users.get(slashed(file)) ?? [])];
  }
}

/** As Vite has paths. */
const slashed = (file: string): string => file.split(path.sep).join("/");
