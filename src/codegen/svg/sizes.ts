/** How large the boxes are. Text is not measured, which would need a font, but estimated by its letters. */
import type { Step } from "./steps.ts";

export const heights: Readonly<Record<Step["kind"], number>> = {
  input: 26,
  output: 26,
  layer: 28,
  small: 22,
  concat: 20,
  sum: 18,
  product: 18,
};

/** A digit or letter of the labels, and of the smaller words behind them. */
const letter = 6.7;
const smallLetter = 5.4;

export function widthOf({ kind, label, extras, shape }: Step): number {
  if (kind === "sum" || kind === "product") return heights.sum;
  const text =
    26 + letter * label.length + (extras.length > 0 ? 8 + smallLetter * extras.join(" ").length : 0);
  // The logarithm keeps 2048 channels on the page and 16 visible.
  return kind === "layer" ? Math.max(text, 60 + 22 * Math.log2(shape[3])) : text;
}

/** How far a step reaches to the left of its middle: what stands beside a sum stands there. */
export function reachLeft(step: Step): number {
  const { kind, extras } = step;
  if ((kind !== "sum" && kind !== "product") || extras.length === 0) return widthOf(step) / 2;
  return besideSum + smallLetter * extras.join(" ").length;
}

/** From the middle of a sum to the words beside it. */
export const besideSum = 15;
