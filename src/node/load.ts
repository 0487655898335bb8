/**
 * `resnetc/run`: a .resnet file as a network that runs in this process, compiled in memory. It is the module that
 * `resnetc build` writes, and takes the options that its `load` takes.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Artifact } from "../codegen/target.ts";
import { readPicture } from "../pictures/read.ts";
import { importTfjs } from "../run/tfjs.ts";
import { type BuildOptions, buildFile, untrainedText } from "./build-file.ts";
import { splitTarget } from "./files.ts";
import { inlineImport, inlineUrl, linkModule } from "./link-module.ts";
import type { ClassifyOptions, Network, NetworkOptions, WorkerNetwork } from "./network.ts";

export { BuildError, type BuildOptions } from "./build-file.ts";
export type {
  ClassifyOptions,
  Network,
  NetworkGuess,
  NetworkInfo,
  NetworkOptions,
  WorkerNetwork,
} from "./network.ts";

/** The build's options, and those of the built module; `weights` is a checkpoint. */
export interface RunOptions
  extends BuildOptions,
    Omit<NetworkOptions, "weights" | "wasm" | "cache" | keyof BuildOptions> {
  readonly weights?: BuildOptions["weights"];
}

/**
 * Compiles and loads `FILE` or `FILE#net`. Throws a BuildError with frames for what does not compile. Random weights that nobody
 * asked for are warned of.
 */
export async function load(
  target: string | URL,
  options: RunOptions & { readonly worker: true },
): Promise<WorkerNetwork>;
export async function load(
  target: string | URL,
  options?: RunOptions & { readonly worker?: false },
): Promise<Network>;
export async function load(target: string | URL, options: RunOptions = {}): Promise<Network | WorkerNetwork> {
  const isUrl = target instanceof URL || /^file:/.test(target);
  const { file, net } = splitTarget(isUrl ? relative(fileURLToPath(target)) : target);
  const { forBuild, forLoad } = split(options);
  const build = await buildFile({ net, ...forBuild, file });
  if (build.untrained)
    process.emitWarning(untrainedText(file), { type: "ResnetcWarning", code: "RESNETC_UNTRAINED" });
  const { artifacts } = build;
  const { load } = await importModule(artifacts);
  const files = artifacts.filter(({ path }) => path.endsWith(".weights"));
  const parts = files.map(({ contents }) => contents as Uint8Array);
  const weights = parts.length === 1 ? parts[0] : parts;
  const start = (more: GivenOptions = {}) => load({ ...more, ...forLoad, weights });
  return readingPictures(await (forBuild.target === "tfjs" ? onTfjs(forLoad, start) : start()));
}

/** A module of a data: address finds no packages, so pictures are read here. */
function readingPictures(network: Network): Network {
  const { classify, prepare } = network;
  return Object.assign(
    network,
    prepare && { prepare: async (image: unknown) => prepare(await readPicture(image)) },
    classify && {
      classify: async (image: unknown, options?: ClassifyOptions) =>
        classify(await readPicture(image), options),
    },
  );
}

/** As short as it can be said. */
function relative(file: string): string {
  const short = path.relative("", file);
  return short.startsWith("..") ? file : short;
}

const buildKeys: ReadonlySet<string> = new Set<keyof BuildOptions>([
  ...(["net", "weights", "names", "seed", "strict", "allowNaN", "set", "size"] as const),
  ...(["target", "kernels", "precision", "exact", "fastMath", "labels", "shard"] as const),
]);

function split(options: RunOptions): { readonly forBuild: BuildOptions; readonly forLoad: NetworkOptions } {
  const entries = Object.entries(options);
  return {
    forBuild: Object.fromEntries(entries.filter(([name]) => buildKeys.has(name))),
    forLoad: Object.fromEntries(entries.filter(([name]) => !buildKeys.has(name))),
  };
}

interface BuiltModule {
  load(options: GivenOptions): Promise<Network>;
}

/** tfjs takes our kernels too, where they were built in. */
type GivenOptions = NetworkOptions & { readonly kernels?: unknown };

/** With a name, so that a stack trace does not show the whole text. */
function importModule(artifacts: readonly Artifact[]): Promise<BuiltModule> {
  const text = linkModule(artifacts, {
    // They are handed over as they are.
    url: (file) => (file.endsWith(".weights") ? 'new URL("data:,")' : inlineUrl(artifacts, file)),
    module: (file) => inlineImport(artifacts, file),
  });
  const named = `${text}//# sourceURL=network.js\n`;
  return import(`data:text/javascript;base64,${Buffer.from(named).toString("base64")}`);
}

/** Nor does it find tfjs. */
async function onTfjs(
  { backend = "wasm" }: NetworkOptions,
  start: (more: GivenOptions) => Promise<Network>,
): Promise<Network> {
  const { tf, kernels, greetAgain } = await importTfjs(backend === "cpu" ? "cpu" : "wasm");
  try {
    return await start({ tf, kernels });
  } finally {
    greetAgain();
  }
}
