/** The text of NAME.js: the tables of this network, then the loader that all networks share. */
import { CodeWriter } from "../code-writer.ts";
import { heading } from "../loader/card.ts";
import type { Card } from "../target.ts";
import type { EncodedImage, Port } from "./image.ts";
import { loaderText } from "./loader.ts";

export interface ModuleParts {
  readonly name: string;
  readonly card: Card;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly encoded: EncodedImage;
  /** For engines with relaxed SIMD. */
  readonly relaxed?: EncodedImage | undefined;
  readonly weightBytes: number;
  /** Of the weights. */
  readonly checksum: readonly number[];
}

export function moduleText({
  name,
  card,
  inputs,
  outputs,
  encoded,
  relaxed,
  weightBytes,
  checksum,
}: ModuleParts): string {
  const text = new CodeWriter();
  text.doc(
    ...heading(card),
    "",
    `Made by ${card.compiler}; kernels in ${name}.wasm, weights in ${name}.weights.`,
  );
  text.line("", `const card = ${JSON.stringify(card, null, 2)};`, "");
  text.line("// What goes in and comes out: a picture is height x width x channels.");
  text.line(`const inputs = ${ports(inputs)};`, `const outputs = ${ports(outputs)};`, "");
  const { memoryBytes, scratchBytes, chunkTable, chunkCount, first, last } = encoded;
  const layout = { memoryBytes, scratchBytes, chunkTable, chunkCount, first, last, weightBytes };
  text.line("// What belongs to what, and where it is in the memory.");
  text.line(`const build = ${JSON.stringify({ ...layout, checksum: checksum.join() }, null, 2)};`, "");
  const beside = (ending: string) =>
    `new URL(${JSON.stringify(`./${encodeURIComponent(name)}${ending}`)}, import.meta.url)`;
  const kernels = ({ wasm, id, memoryFlagOffset }: EncodedImage, ending: string, isRelaxed: boolean) => {
    const facts = JSON.stringify({ relaxed: isRelaxed, id, bytes: wasm.length, memoryFlagOffset });
    return `{ ...${facts}, url: () => ${beside(ending)} },`;
  };
  text.line("// The kernels, the best first.");
  text.block(
    "const variants = [",
    () => {
      if (relaxed) text.line(kernels(relaxed, ".relaxed.wasm", true));
      text.line(kernels(encoded, ".wasm", false));
    },
    "];",
  );
  text.line(`const weightsUrl = () => ${beside(".weights")};`);
  text.line("", loaderText.replaceAll(comments, "").trim());
  return text.toString();
}

/** Lines that only comment: they are for readers of the compiler, and every page would pay for them. */
const comments = /^ *\/(\/.*|\*\*[\s\S]*?\*\/)\n/gm;

const ports = (list: readonly Port[]): string =>
  JSON.stringify(list.map(({ name, shape, address }) => ({ name, shape, address })));
