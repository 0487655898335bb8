/**
 * esbuild by its own hooks: an asset is an import with the loader `file`, which esbuild names, hashes and puts beside its output,
 * and whose path it gives relative to the file that asks, or under `publicPath`.
 */
import path from "node:path";
import type { Message, OnLoadResult, PartialMessage, PluginBuild } from "esbuild";
import type { CachedBuild } from "../node/build-cache.ts";
import { contentsOf } from "../node/link-module.ts";
import type { Told } from "../node/told.ts";
import { moduleText, NetError, type Nets } from "./nets.ts";

const prefix = "resnetc-asset:";

export function setUpEsbuild(build: PluginBuild, nets: Nets): void {
  const { absWorkingDir, format, platform, bundle } = build.initialOptions;
  nets.root = absWorkingDir ?? "";
  const assets = new Map<string, Buffer>();
  const base = baseOf(
    format ?? (bundle && platform !== "neutral" ? (platform === "node" ? "cjs" : "iife") : "esm"),
  );

  build.onResolve({ filter: new RegExp(`^${prefix}`) }, ({ path: name }) => ({
    path: name.slice(prefix.length),
    namespace: "resnetc",
  }));
  build.onLoad({ filter: /./, namespace: "resnetc" }, ({ path: name }) => ({
    contents: assets.get(name)!,
    loader: "file",
  }));
  build.onLoad({ filter: /\.resnet$/ }, async ({ path: file, suffix }): Promise<OnLoadResult | undefined> => {
    const id = file + suffix;
    try {
      const loaded = await nets.load(id);
      if (!loaded) return undefined;
      const imports: string[] = [];
      const url = (name: string, { artifacts, key }: CachedBuild) => {
        assets.set(`${key}/${name}`, Buffer.from(contentsOf(artifacts, name)));
        imports.push(`import asset${imports.length} from ${JSON.stringify(`${prefix}${key}/${name}`)};\n`);
        return `new URL(asset${imports.length - 1}, assetBase)`;
      };
      const text = moduleText(loaded, id, { url });
      return {
        contents: imports.length > 0 ? imports.join("") + base + text : text,
        loader: "js",
        resolveDir: path.dirname(file),
        watchFiles: loaded.build.looked.map(({ file }) => file),
        warnings: loaded.request.part === undefined ? loaded.warnings.map((text) => ({ text })) : [],
      };
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      const { errors, message } = error;
      return {
        errors: errors.length > 0 ? errors.map(messageOf) : [{ text: message }],
        watchFiles: error.looked.map(({ file }) => file),
      };
    }
  });
}

/** What paths of assets are relative to: the file that esbuild writes. */
function baseOf(format: "esm" | "iife" | "cjs"): string {
  if (format === "esm") return "const assetBase = import.meta.url;\n";
  if (format === "cjs")
    return 'import { pathToFileURL } from "node:url";\nconst assetBase = pathToFileURL(__filename);\n';
  // Of a script that runs for the first time, or a worker.
  return "const assetBase = globalThis.document?.currentScript?.src ?? globalThis.location?.href;\n";
}

/** esbuild counts columns from 0, and shows the line itself. */
function messageOf({ message, frame, place }: Told): PartialMessage {
  const notes = frame === "" ? [] : [{ text: frame }];
  if (!place) return { text: message, notes };
  const { file, line, column, length, lineText } = place;
  const location: Message["location"] = {
    file: path.relative("", file),
    namespace: "file",
    line,
    column: Buffer.byteLength(lineText.slice(0, column - 1)),
    length: Buffer.byteLength(lineText.slice(column - 1, column - 1 + length)),
    lineText,
    suggestion: "",
  };
  return { text: message, location, notes };
}
