/** The texts of NAME.js and NAME.worker.js: the tables of this network, then the loader that all networks share. */
import { CodeWriter } from "../code-writer.ts";
import { heading } from "../loader/card.ts";
import { labelsText, type PictureUse } from "../loader/picture-methods.ts";
import type { Card } from "../target.ts";
import type { EncodedImage, Port } from "./image.ts";
import { loaders, workerClients, workerServer } from "./loader.generated.ts";

/** A file of weights. */
export interface WeightsPart {
  readonly file: string;
  readonly bytes: number;
}

export interface ModuleParts {
  readonly name: string;
  readonly card: Card;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly encoded: EncodedImage;
  /** For engines with relaxed SIMD. */
  readonly relaxed?: EncodedImage | undefined;
  readonly weightBytes: number;
  /** The files of the weights. */
  readonly parts: readonly WeightsPart[];
  /** Of the weights. */
  readonly checksum: readonly number[];
  /** What it does with pictures. */
  readonly use: PictureUse | undefined;
}

export function moduleText(made: ModuleParts): string {
  const { name, card, encoded, relaxed, use, parts } = made;
  const text = new CodeWriter();
  text.doc(
    ...heading(card),
    "",
    `Made by ${card.compiler}; kernels in ${name}.wasm, weights in ${parts[0].file}${parts.length > 1 ? " and so on" : ""}.`,
  );
  writeTables(made, text);
  const besideModule = (file: string) =>
    `new URL(${JSON.stringify(`./${encodeURIComponent(file)}`)}, import.meta.url)`;
  const beside = (ending: string) => besideModule(`${name}${ending}`);
  writeVariants(text, [
    ...(relaxed ? [kernels(relaxed, true, beside(".relaxed.wasm"))] : []),
    kernels(encoded, false, beside(".wasm")),
  ]);
  // Each address in full, as bundlers look for them.
  text.block(
    "const weightsUrls = () => [",
    () => {
      for (const { file } of parts) text.line(`${besideModule(file)},`);
    },
    "];",
  );
  text.line(`const workerUrl = () => ${beside(".worker.js")};`);
  if (use) text.line(labelsText(name, use));
  text.line(
    "",
    "/** Starts a network, in a worker where options say so. See the .d.ts file for all of them. */",
  );
  text.line("export const load = async (options = {}) => (options.worker ? startInWorker : start)(options);");
  const kind = kindOf(use);
  text.line("", loaders[kind], "", workerClients[kind]);
  return text.toString();
}

/** A script without imports or exports, which is told where the other files are. */
export function workerText(parts: ModuleParts): string {
  const { name, card, encoded, relaxed, use } = parts;
  const text = new CodeWriter();
  text.doc(
    ...heading(card),
    "",
    `Made by ${card.compiler}; what ${name}.js starts for load({ worker: true }).`,
  );
  writeTables(parts, text);
  text.line("let places;");
  writeVariants(
    text,
    [...(relaxed ? [relaxed] : []), encoded].map((image, i) =>
      kernels(image, image === relaxed, `new URL(places[${i}])`),
    ),
  );
  text.line("const weightsUrls = undefined;");
  if (use) text.line("const labels = async () => [];");
  // Something of a module, by which Node knows that it is one.
  text.line("", loaders[kindOf(use)], "", workerServer, "export {};");
  return text.toString();
}

function writeTables(
  { card, inputs, outputs, encoded, weightBytes, parts, checksum }: ModuleParts,
  text: CodeWriter,
): void {
  text.line("", `const card = ${JSON.stringify(card, null, 2)};`, "");
  text.line("// What goes in and comes out: a picture is height x width x channels.");
  text.line(`const inputs = ${ports(inputs)};`, `const outputs = ${ports(outputs)};`, "");
  const { memoryBytes, scratchBytes, chunkTable, chunkCount, first, last } = encoded;
  const sizes = parts.length > 1 ? { parts: parts.map(({ bytes }) => bytes) } : {};
  const layout = { memoryBytes, scratchBytes, chunkTable, chunkCount, first, last, weightBytes, ...sizes };
  text.line("// What belongs to what, and where it is in the memory.");
  text.line(`const build = ${JSON.stringify({ ...layout, checksum: checksum.join() }, null, 2)};`, "");
}

function kernels({ wasm, id, memoryFlagOffset }: EncodedImage, isRelaxed: boolean, url: string): string {
  const facts = JSON.stringify({ relaxed: isRelaxed, id, bytes: wasm.length, memoryFlagOffset });
  return `{ ...${facts}, url: () => ${url} },`;
}

function writeVariants(text: CodeWriter, list: readonly string[]): void {
  text.line("// The kernels, the best first.");
  text.block("const variants = [", () => text.line(...list), "];");
}

/** The loader is there for each, made smaller by scripts/embed.mjs. */
const kindOf = (use: PictureUse | undefined): keyof typeof loaders =>
  use ? (use.classifies ? "classify" : "prepare") : "arrays";

const ports = (list: readonly Port[]): string =>
  JSON.stringify(list.map(({ name, shape, address }) => ({ name, shape, address })));
