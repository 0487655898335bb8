/**
 * Pixels to what a net eats, as torchvision prepares pictures: the shorter side to a given size (resize.ts), the middle cut out
 * (views.ts), (range * v / 255 - mean) / std. The command line and the modules that are built run this same code.
 */
import type { Preprocess } from "../ir/ops/input.ts";
import type { Shape } from "../ir/tensor.ts";
import { type Filter, type Pixels, resize } from "./resize.ts";
import { centreView, type View } from "./views.ts";

/** For inputs that do not say how pictures are prepared: 0 to 1, the middle of the smallest picture that covers them. */
export const plainPreprocess = (channels: number): Preprocess => ({
  mean: new Array<number>(channels).fill(0),
  std: new Array<number>(channels).fill(1),
  range: 1,
  order: "rgb",
  resize: 0,
  labels: "",
});

/** What the net eats: float32 of [height, width, channels], as `inputShape` [batch, height, width, channels] says. */
export function prepare(picture: Pixels, inputShape: Shape, preprocess: Preprocess): Float32Array {
  return prepareView(picture, centreView(picture, inputShape, preprocess.resize), inputShape[3], preprocess);
}

/** A view of the picture as a net with so many channels, 3 or 1, eats it. */
export function prepareView(
  picture: Pixels,
  view: View,
  channels: number,
  preprocess: Preprocess,
): Float32Array {
  const { width, height } = view;
  const { mean, std, range, order, filter = "bilinear" } = preprocess;
  const data = cutOut(picture, view, filter);
  const out = new Float32Array(height * width * channels);
  for (let i = 0; i < out.length; i++) {
    const c = i % channels;
    const place = (i - c) / channels;
    const from = 3 * (view.mirrored ? place + width - 1 - 2 * (place % width) : place);
    const value = channels === 1 ? luma(data, from) : data[from + (order === "bgr" ? 2 - c : c)];
    out[i] = ((range * value) / 255 - (mean[c] ?? 0)) / (std[c] ?? 1);
  }
  return out;
}

/** Pillow's convert("L"), ITU-R 601-2. */
const luma = (rgb: Pixels["data"], at: number): number =>
  (rgb[at] * 19595 + rgb[at + 1] * 38470 + rgb[at + 2] * 7471 + 0x8000) >> 16;

/** The view's part of the picture, filled up with black where it reaches beyond. Red, green, blue, row by row. */
function cutOut(
  picture: Pixels,
  { resized, left, top, width, height }: View,
  filter: Filter,
): Pixels["data"] {
  const columns = { start: Math.max(0, left), count: Math.min(resized.width, width) };
  const rows = { start: Math.max(0, top), count: Math.min(resized.height, height) };
  const part = resize(picture, resized.width, resized.height, columns, rows, filter).data;
  if (left >= 0 && top >= 0) return part;
  const out = new Uint8Array(width * height * 3);
  for (let y = 0; y < rows.count; y++) {
    const at = ((y + Math.max(0, -top)) * width + Math.max(0, -left)) * 3;
    out.set(part.subarray(y * columns.count * 3, (y + 1) * columns.count * 3), at);
  }
  return out;
}
