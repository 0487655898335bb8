/**
 * NAME.js somewhere else than beside its files. It refers to them by literal `new URL("./FILE", import.meta.url)` and
 * `import("./FILE")` and in no other way, so these are replaced, whatever files a target has.
 */
import { invariant } from "../base/invariant.ts";
import type { Artifact } from "../codegen/target.ts";

export interface Links {
  /** The expression of a URL object for a file. */
  readonly url: (file: string) => string;
  /** The expression of a promise of a module. */
  readonly module: (file: string) => string;
}

export function linkModule(artifacts: readonly Artifact[], { url, module }: Links): string {
  const [main] = artifacts;
  invariant(main?.path.endsWith(".js"), "the first file of a runnable target is its module");
  const known = (link: (file: string) => string) => (whole: string, encoded: string) => {
    const file = decodeURIComponent(encoded);
    return artifacts.some(({ path }) => path === file) ? link(file) : whole;
  };
  return String(main.contents)
    .replaceAll(/new URL\(\s*"\.\/([^"]+)",\s*import\.meta\.url\s*\)/g, known(url))
    .replaceAll(/import\(\s*"\.\/([^"]+)"\s*\)/g, known(module));
}

/** The contents of one of the files. */
export function contentsOf(artifacts: readonly Artifact[], file: string): Artifact["contents"] {
  const found = artifacts.find(({ path }) => path === file);
  invariant(found, `there is no ${file} in this build`);
  return found.contents;
}

const types: readonly (readonly [RegExp, string])[] = [
  [/\.js$/, "text/javascript"],
  [/\.json$/, "application/json"],
  [/\.wasm$/, "application/wasm"],
];

export const typeOf = (file: string): string =>
  types.find(([ending]) => ending.test(file))?.[1] ?? "application/octet-stream";

/** A URL that has the file in it. Pages start no worker of a data: address in their own origin, and Node none of a blob: one. */
export function inlineUrl(artifacts: readonly Artifact[], file: string): string {
  const bytes = Buffer.from(contentsOf(artifacts, file));
  const data = `new URL("data:${typeOf(file)};base64,${bytes.toString("base64")}")`;
  if (!file.endsWith(".js")) return data;
  const blob = `new Blob([${JSON.stringify(bytes.toString())}], { type: ${JSON.stringify(typeOf(file))} })`;
  return `(globalThis.process?.getBuiltinModule ? ${data} : new URL(URL.createObjectURL(${blob})))`;
}

/** The same for a module. */
export const inlineImport = (artifacts: readonly Artifact[], file: string): string =>
  `import("data:text/javascript;base64,${Buffer.from(contentsOf(artifacts, file)).toString("base64")}")`;
