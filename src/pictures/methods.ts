/** What built modules do with pictures, by the net's own card: the methods `prepare` and `classify`. */
import type { Preprocess } from "../ir/ops/input.ts";
import type { Shape } from "../ir/tensor.ts";
import { plainPreprocess, prepare } from "./prepare.ts";
import { portablePicture, readPicture } from "./read.ts";
import { best, type Guess, softmax } from "./scores.ts";

/** Of the card. */
export interface PictureInput {
  readonly shape: Shape;
  readonly preprocess?: Preprocess;
}

export interface ClassifyOptions {
  readonly top?: number;
  readonly signal?: AbortSignal;
}

/** The image as the net eats it, float32 NHWC; `input` is that of the card. */
export async function preparePicture(
  { shape, preprocess }: PictureInput,
  image: unknown,
): Promise<Float32Array> {
  return prepare(await readPicture(image), shape, preprocess ?? plainPreprocess(shape[3]));
}

/** `result`: what the net makes of the image, logits or probabilities. */
export function answer(
  result: Float32Array,
  { probabilities = false }: { readonly probabilities?: boolean },
  { top = 5 }: ClassifyOptions,
  labels: readonly string[] | undefined,
): Guess[] {
  return best(probabilities ? Array.from(result) : softmax(result), top, labels);
}

export function checkTop({ top = 5, signal }: ClassifyOptions): void {
  if (!(Number.isInteger(top) && top > 0))
    throw new Error(`top must be a whole number from 1, this is ${top}.`);
  signal?.throwIfAborted();
}

export { portablePicture };
