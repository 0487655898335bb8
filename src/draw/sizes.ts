/** How large the boxes are. Text is not measured, which would need a font, but estimated by its letters. */
import type { Step } from "./steps.ts";

const heights: Readonly<Record<Step["kind"], number>> = {
  input: 24,
  output: 24,
  layer: 0,
  small: 20,
  concat: 20,
  sum: 18,
  product: 18,
};

/** Of a layer by the side of its map: 7 is 23 high, 56 is 31, 224 is 36. */
export const heightOf = ({ kind, shape }: Step): number =>
  kind === "layer"
    ? Math.max(20, Math.round(16 + 2.6 * Math.log2(Math.max(shape[1], shape[2]))))
    : heights[kind];

/** A digit or letter of the labels, and of the smaller words behind them. */
export const letter = 6.5;
export const smallLetter = 5.4;

export function widthOf({ kind, label, extras, shape }: Step): number {
  if (kind === "sum" || kind === "product") return heights[kind];
  const text =
    22 + letter * label.length + (extras.length > 0 ? 8 + smallLetter * extras.join(" ").length : 0);
  // The logarithm keeps 2048 channels on the page and 16 visible.
  return kind === "layer" ? Math.max(text, 40 + 20 * Math.log2(shape[3])) : text;
}

/** How far a step reaches to the left of its middle: what stands beside a sum stands there. */
export function reachLeft(step: Step): number {
  const { kind, extras } = step;
  if ((kind !== "sum" && kind !== "product") || extras.length === 0) return widthOf(step) / 2;
  return besideSum + smallLetter * extras.join(" ").length;
}

/** From the middle of a sum to the words beside it. */
export const besideSum = 15;
