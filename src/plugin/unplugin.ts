/**
 * The plugin, once for all bundlers. Each refers to the files of a build in the way that it understands, so that it
 * names them by their contents, puts them beside its own and finds them again:
 *
 *     vite build, rollup, rolldown   emitted files and import.meta.ROLLUP_FILE_URL_…
 *     vite dev                       addresses of the dev server; in SSR those of the disk
 *     webpack, rspack                new URL("./path/in/the/cache", import.meta.url)
 *     esbuild                        imports with its loader `file`
 */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { createUnplugin, type UnpluginContextMeta, type UnpluginOptions } from "unplugin";
import type { CachedBuild } from "../node/build-cache.ts";
import { contentsOf } from "../node/link-module.ts";
import { DevServer } from "./dev-server.ts";
import { setUpEsbuild } from "./esbuild-hooks.ts";
import { type Bundling, moduleText, NetError, Nets } from "./nets.ts";
import { type PluginOptions, splitId } from "./request.ts";

const name = "resnetc";

const ours = /\.resnet(?:$|\?)/;

export const unplugin = createUnplugin<PluginOptions | undefined, false>((options, meta) => {
  const nets = new Nets(options);
  if (meta.framework === "esbuild") return { name, esbuild: { setup: (build) => setUpEsbuild(build, nets) } };
  if (meta.framework === "webpack" || meta.framework === "rspack") return forWebpack(nets, meta);
  return meta.framework === "vite" ? forVite(nets) : forRollup(nets);
});

// ---- webpack and rspack ------------------------------------------------------------------------------

function forWebpack(nets: Nets, meta: UnpluginContextMeta): UnpluginOptions {
  const context =
    "webpack" in meta ? meta.webpack.compiler.context : "rspack" in meta ? meta.rspack.compiler.context : "";
  nets.root = context;
  return {
    name,
    load: {
      filter: { id: ours },
      async handler(id) {
        try {
          const loaded = await nets.load(id);
          if (!loaded) return undefined;
          for (const { file } of loaded.build.looked) this.addWatchFile(file);
          for (const warning of loaded.warnings) this.warn(warning);
          const from = path.dirname(loaded.request.file);
          const url = (file: string, build: CachedBuild) => {
            const request = path.relative(from, path.join(build.folder, file)).split(path.sep).join("/");
            return `new URL(${JSON.stringify(request.startsWith(".") ? request : `./${request}`)}, import.meta.url)`;
          };
          return { code: moduleText(loaded, id, { url }), map: null };
        } catch (error) {
          if (!(error instanceof NetError)) throw error;
          for (const { file } of error.looked) this.addWatchFile(file);
          throw shownAsIs(error);
        }
      },
    },
  };
}

/** webpack and rspack show the stack of what a loader throws, unless it says otherwise. */
function shownAsIs(error: NetError): Error {
  const place = error.errors[0]?.place;
  const where = place ? `${place.file}:${place.line}:${place.column}\n` : "";
  const shown = new Error(where + error.message);
  delete shown.stack;
  return Object.assign(shown, { name: "", hideStack: true });
}

// ---- rollup, rolldown, vite --------------------------------------------------------------------------

/** What is used of the contexts of Rollup, Rolldown and Vite. */
interface RollupContext {
  addWatchFile(file: string): void;
  warn(message: string): void;
  error(error: RollupError): never;
  emitFile(file: {
    readonly type: "asset";
    readonly name: string;
    readonly source: string | Uint8Array;
  }): string;
  resolve(
    source: string,
    importer: string | undefined,
    options: { readonly skipSelf: boolean },
  ): Promise<{ readonly id: string } | null>;
  readonly environment?: { readonly config: { readonly consumer: "client" | "server" } };
}

interface RollupError {
  readonly message: string;
  readonly id: string;
  readonly plugin?: string;
  readonly loc?: { readonly file: string; readonly line: number; readonly column: number };
  readonly frame?: string;
}

/** Everything that these bundlers take; unplugin's types know less. */
const moduleOf = (code: string) => ({ code, map: null, moduleType: "js", moduleSideEffects: false });

const emitting = (context: RollupContext): Bundling => ({
  url(file, { artifacts }) {
    const id = context.emitFile({ type: "asset", name: file, source: contentsOf(artifacts, file) });
    return `new URL(import.meta.ROLLUP_FILE_URL_${id}, import.meta.url)`;
  },
});

/** Vite's own addresses start at the root of the site; a server has files, beside the chunk that asks. */
const emittingForServer = (context: RollupContext): Bundling => ({
  url(file, { artifacts }) {
    const id = context.emitFile({ type: "asset", name: file, source: contentsOf(artifacts, file) });
    return `new URL("__RESNETC_ASSET_${id}__", import.meta.url)`;
  },
});

const placeholders = /__RESNETC_ASSET_([\w$]+)__/g;

function toRollupError({ message, errors: [told, ...others] }: NetError, id: string): RollupError {
  if (!told) return { message, id };
  const { place } = told;
  const { file, line, column } = place ?? { file: splitId(id)!.file, line: 1, column: 1 };
  return {
    message: told.message,
    id,
    loc: { file, line, column },
    frame: [told.frame, ...others.map(({ text }) => text)].join("\n\n"),
  };
}

function forRollup(nets: Nets): UnpluginOptions {
  const resolveId = {
    filter: { id: ours },
    // They look for a file that is called so with its query.
    async handler(this: unknown, source: string, importer: string | undefined) {
      const found = splitId(source);
      if (!found?.query) return undefined;
      const resolved = await (this as RollupContext).resolve(found.file, importer, { skipSelf: true });
      return resolved && `${resolved.id}?${found.query}`;
    },
  };
  return {
    name,
    resolveId,
    load: {
      filter: { id: ours },
      async handler(id) {
        const context = this as unknown as RollupContext;
        return loadFor(nets, id, context, emitting(context));
      },
    },
  };
}

async function loadFor(
  nets: Pick<Nets, "load">,
  id: string,
  context: RollupContext,
  bundling: Bundling,
  watch = true,
) {
  try {
    const loaded = await nets.load(id);
    if (!loaded) return undefined;
    if (watch) for (const { file } of loaded.build.looked) context.addWatchFile(file);
    for (const warning of loaded.request.part === undefined ? loaded.warnings : []) context.warn(warning);
    return moduleOf(moduleText(loaded, id, bundling));
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    if (watch) for (const { file } of error.looked) context.addWatchFile(file);
    return context.error(toRollupError(error, id));
  }
}

function forVite(nets: Nets): UnpluginOptions {
  let server: DevServer | undefined;
  return {
    name,
    enforce: "pre",
    load: {
      filter: { id: ours },
      async handler(id) {
        const context = this as unknown as RollupContext;
        const isServer = context.environment?.config.consumer === "server";
        if (!server) return loadFor(nets, id, context, (isServer ? emittingForServer : emitting)(context));
        const { dev, watched } = { dev: server, watched: server.watching(nets, id) };
        const onDisk = (file: string, { folder }: CachedBuild) =>
          `new URL(${JSON.stringify(pathToFileURL(path.join(folder, file)).href)})`;
        const served = (file: string, build: CachedBuild) =>
          `new URL(${JSON.stringify(dev.addressOf(file, build))}, import.meta.url)`;
        return loadFor(watched, id, context, { url: isServer ? onDisk : served }, false);
      },
    },
    vite: {
      renderChunk(code, { fileName }) {
        const folder = path.posix.dirname(fileName);
        const placed = code.replaceAll(placeholders, (_, asset: string) => {
          const relative = path.posix.relative(folder, this.getFileName(asset));
          return relative.startsWith(".") ? relative : `./${relative}`;
        });
        return placed === code ? null : { code: placed, map: null };
      },
      configResolved(config) {
        nets.root = config.root;
      },
      configureServer(vite) {
        server = new DevServer(vite);
      },
      hotUpdate({ file, modules }) {
        const { moduleGraph } = this.environment;
        const more = server?.usersOf(file).map((id) => moduleGraph.getModuleById(id)) ?? [];
        return [...new Set([...modules, ...more.filter((module) => module !== undefined)])];
      },
    },
  };
}
