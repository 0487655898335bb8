/** What an import asks for: `./cifar.resnet?net=resnet20&inline` and the options of the plugin → what to build. */
import path from "node:path";
import { didYouMean, nearest } from "../base/suggest.ts";
import { type Kernels, type Precision, precisions } from "../codegen/target.ts";
import type { BuildOptions } from "../node/build-file.ts";

export interface ModelOptions extends BuildOptions {
  /** Kernels and weights inside the module, which fetches nothing. */
  readonly inline?: boolean | undefined;
}

export interface PluginOptions {
  /**
   * Options of single files, by the end of their paths: `{ "nets/cifar.resnet": { net: "resnet20" } }`. Paths of weights
   * in it start at the root of the project.
   */
  readonly models?: Readonly<Record<string, ModelOptions>> | undefined;
  /** Whether x.d.resnet.ts is written beside x.resnet; where the project has a tsconfig.json unless given. */
  readonly types?: boolean | undefined;
  /** Where builds are kept, or false for nowhere; node_modules/.cache/resnetc unless given. */
  readonly cache?: boolean | string | undefined;
  /** Where `models` and `cache` start; the bundler's own root unless given. */
  readonly root?: string | undefined;
}

/** An import of a .resnet file, or of a file of its build. */
export interface Request {
  readonly file: string;
  readonly options: ModelOptions;
  /** A module of the build instead of the network's: its labels. */
  readonly part?: string | undefined;
  /** Without a query that changes what is built: its types are those beside the file. */
  readonly plain: boolean;
}

/** The query that asks for a part. */
export const partKey = "resnetc-part";

/** Bundlers' own, which want the text or the address of a file. */
const notOurs = ["raw", "url", "worker", "sharedworker"];

/** Path and query of what is ours: .resnet files. */
export function splitId(id: string): { readonly file: string; readonly query: string } | undefined {
  const match = /^([^?\0]+\.resnet)(?:\?(.*))?$/s.exec(id);
  if (!match) return undefined;
  const query = match[2] ?? "";
  const keys = [...new URLSearchParams(query).keys()];
  return keys.some((key) => notOurs.includes(key)) ? undefined : { file: match[1], query };
}

/** A mistake in a query or in the plugin's options. */
export class RequestError extends Error {}

export function readRequest(id: string, { models = {} }: PluginOptions, root: string): Request | undefined {
  const found = splitId(id);
  if (!found) return undefined;
  const file = path.resolve(found.file);
  const query = new URLSearchParams(found.query);
  const asked = readQuery(query, file);
  const configured = configuredFor(file, models, root);
  const part = query.get(partKey) ?? undefined;
  const plain = ["net", "target", "size", "labels"].every(
    (name) => asked[name as keyof ModelOptions] === undefined,
  );
  return { file, options: { ...configured, ...asked }, part, plain };
}

type Reader = (text: string, file: string) => ModelOptions;

const flag = (name: string, text: string): boolean => {
  if (text !== "" && text !== "true" && text !== "false")
    throw new RequestError(`the query ${name}=${text} is on or off: \`?${name}\``);
  return text !== "false";
};

function oneOf<T extends string>(name: string, text: string, values: readonly T[]): T {
  const found = values.find((value) => value === text);
  if (found === undefined)
    throw new RequestError(`the query ${name}=${text} is none of ${values.join(", ")}`);
  return found;
}

const queries: Readonly<Record<string, Reader>> = {
  weights: (text, file) => ({ weights: text === "random" ? text : path.resolve(path.dirname(file), text) }),
  net: (net) => ({ net }),
  names: (names) => ({ names }),
  labels: (text, file) => ({ labels: path.resolve(path.dirname(file), text) }),
  size: (size) => ({ size }),
  target: (text) => ({ target: oneOf<"wasm" | "tfjs">("target", text, ["wasm", "tfjs"]) }),
  kernels: (text) => ({ kernels: oneOf<Kernels>("kernels", text, ["stock", "own"]) }),
  precision: (text) => ({ precision: oneOf<Precision>("precision", text, precisions) }),
  inline: (text) => ({ inline: flag("inline", text) }),
  exact: (text) => ({ exact: flag("exact", text) }),
};

/** Names that are not ours are the bundler's, unless they look like a slip. */
function readQuery(query: URLSearchParams, file: string): ModelOptions {
  let options: ModelOptions = {};
  for (const [name, text] of query) {
    if (Object.hasOwn(queries, name)) options = { ...options, ...queries[name](text, file) };
    else if (name !== partKey) {
      const near = nearest(name, Object.keys(queries));
      if (near) throw new RequestError(`there is no query ${name}; ${didYouMean([near], "")}`);
    }
  }
  return options;
}

/** Of the longest end of the path that is named. */
function configuredFor(
  file: string,
  models: Readonly<Record<string, ModelOptions>>,
  root: string,
): ModelOptions {
  const whole = file.split(path.sep).join("/");
  const names = Object.keys(models)
    .filter((name) => `/${whole}`.endsWith(`/${name.replace(/^\.?\//, "")}`))
    .sort((a, b) => b.length - a.length);
  if (names.length === 0) return {};
  const { weights, labels, ...others } = models[names[0]];
  const absolute = (given: string) => (given === "random" ? given : path.resolve(root, given));
  const options = { ...others, ...(labels === undefined ? {} : { labels: absolute(labels) }) };
  if (weights === undefined) return options;
  if (typeof weights === "string") return { ...options, weights: absolute(weights) };
  const parts = Object.entries(weights).map(([label, given]) => [label, absolute(given)] as const);
  return { ...options, weights: Object.fromEntries(parts) };
}
