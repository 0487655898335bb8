/** The files of a planned network. */
import { invariant } from "../../base/invariant.ts";
import { cardText } from "../loader/card.ts";
import { labelsFile, labelsTable, pictureUse } from "../loader/picture-methods.ts";
import type { Artifact, Card } from "../target.ts";
import { checksum, hexOf } from "./checksum.ts";
import { type EncodedImage, encodeImage, type Image } from "./image.ts";
import { type ModuleParts, moduleText, workerText } from "./module-text.ts";
import { typesText } from "./types.ts";

export interface WasmParts {
  /** The file name every artifact starts with. */
  readonly name: string;
  readonly card: Card;
  /** A name for each class. */
  readonly labels?: readonly string[] | undefined;
  readonly image: Image;
  /** The same with kernels for engines that have relaxed SIMD: all addresses are equal. */
  readonly relaxed?: Image | undefined;
  /** The chunks of the image, one after the other. */
  readonly weights: Uint8Array;
  /** The table of NAME.json that says what is where in the weights file. */
  readonly tensors: readonly object[];
  /** The size of the files of weights; one file when absent. */
  readonly shardBytes?: number | undefined;
  /** What NAME.json says of time and memory, where a planner made the image. */
  readonly plan?: object | undefined;
}

export function wasmArtifacts({
  name,
  card,
  labels,
  image,
  relaxed: relaxedImage,
  weights,
  tensors,
  shardBytes,
  plan,
}: WasmParts): readonly Artifact[] {
  const chunks: Uint8Array[] = [];
  let end = 0;
  for (const { bytes } of image.chunks) {
    chunks.push(weights.subarray(end, end + bytes));
    end += bytes;
  }
  invariant(end === weights.length, `${weights.length} bytes of weights, and chunks for ${end}`);
  const encoded = encodeImage(image);
  const relaxed = relaxedImage && encodeImage(relaxedImage);
  invariant(!relaxed || isSameLayout(encoded, relaxed), "both modules work on the same memory");
  const files = weightFiles(name, weights, shardBytes);
  const parts: ModuleParts = {
    name,
    card,
    inputs: image.inputs,
    outputs: image.outputs,
    encoded,
    relaxed,
    weightBytes: weights.length,
    parts: files.map(({ path, contents }) => ({ file: path, bytes: contents.length })),
    checksum: checksum(chunks),
    use: pictureUse(card, labels),
  };
  const names = parts.use && labelsFile(name, parts.use);
  const facts = {
    ...(files.length > 1 ? { parts: files.map(({ path }) => path) } : { file: files[0].path }),
    kernels: `${name}.wasm`,
    bytes: weights.length,
    checksum: hexOf(parts.checksum),
    memory: encoded.memoryBytes + encoded.scratchBytes,
    ...(plan ? { plan } : {}),
  };
  const steps = image.run.map(({ label }) => label);
  return [
    { path: `${name}.js`, contents: moduleText(parts) },
    { path: `${name}.worker.js`, contents: workerText(parts) },
    ...(names ? [names] : []),
    { path: `${name}.d.ts`, contents: typesText(parts) },
    { path: `${name}.wasm`, contents: encoded.wasm },
    ...(relaxed ? [{ path: `${name}.relaxed.wasm`, contents: relaxed.wasm }] : []),
    ...files,
    { path: `${name}.json`, contents: cardText(card, facts, { ...labelsTable(parts.use), steps, tensors }) },
  ];
}

/** NAME.weights, or NAME-00001-of-00004.weights and those that follow: views of the weights. */
function weightFiles(name: string, weights: Uint8Array, size = Number.POSITIVE_INFINITY) {
  const count = Math.max(1, Math.ceil(weights.length / size));
  if (count === 1) return [{ path: `${name}.weights`, contents: weights }];
  const digits = (index: number) => String(index).padStart(5, "0");
  return Array.from({ length: count }, (_, i) => ({
    path: `${name}-${digits(i + 1)}-of-${digits(count)}.weights`,
    contents: weights.subarray(i * size, (i + 1) * size),
  }));
}

const isSameLayout = (a: EncodedImage, b: EncodedImage): boolean =>
  (["memoryBytes", "scratchBytes", "chunkTable", "chunkCount", "first", "last"] as const).every(
    (key) => a[key] === b[key],
  );
