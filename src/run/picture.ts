/**
 * Pictures: PNG and JPEG bytes to pixels, and pixels to what a net eats, as torchvision prepares them: the
 * shorter side to a given size (resize.ts), the middle cut out, (range * v / 255 - mean) / std.
 *
 * Alpha is dropped, not blended, as Pillow's convert("RGB") does. JPEG decoders differ in how they enlarge
 * colour, so a JPEG's pixels may differ from Pillow's by a few steps; PNG's do not.
 */
import { inflateSync } from "node:zlib";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import type { Report } from "../base/diagnostic.ts";
import { invariant } from "../base/invariant.ts";
import type { Preprocess } from "../ir/ops/input.ts";
import type { Shape } from "../ir/tensor.ts";
import { describeContent } from "../weights/signature.ts";
import { resize } from "./resize.ts";
import { centreView, type View } from "./views.ts";

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue of each pixel, row by row. */
  readonly rgb: Uint8Array;
}

/** 100 megapixels: more than any camera that people classify pictures of. */
export const maxPixels = 100_000_000;
const maxMegabytes = 2048;

/** The picture in `bytes`, or undefined when it was reported why not. */
export function decodePicture(bytes: Uint8Array, path: string, report: Report): Picture | undefined {
  const found = decode(bytes);
  if (typeof found !== "string") return found;
  report("bad-image", undefined, { path, why: found });
  return undefined;
}

/** The picture, or why there is none. The decoders throw on bad data: their words are the reason. */
function decode(bytes: Uint8Array): Picture | string {
  try {
    if (bytes[0] === 0x89 && bytes[1] === 0x50) return decodePng(bytes);
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return decodeJpeg(bytes);
  } catch (error) {
    return reason(error);
  }
  return describeContent(bytes);
}

function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/maxResolutionInMP/.test(message)) return tooLarge;
  if (/maxMemoryUsageInMB/.test(message)) return `decoding it takes more than ${maxMegabytes} MB`;
  const words = message.split("\n")[0].trim();
  return `it is damaged (${words.charAt(0).toLowerCase()}${words.slice(1)})`;
}

const tooLarge = `it has more than ${maxPixels.toLocaleString("en")} pixels`;

/** In the data of a scan 0xff stands before 0 and restart marks only, so what looks like a mark is one. */
function decodeJpeg(bytes: Uint8Array): Picture | string {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  // The decoder would fill up with grey. An end mark before the last scan is that of a thumbnail.
  if (file.lastIndexOf("\xff\xd9", undefined, "latin1") < file.lastIndexOf("\xff\xda", undefined, "latin1")) {
    return `it ends at byte ${bytes.length}, before its end mark: it was cut short`;
  }
  const { width, height, data } = jpeg.decode(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    maxResolutionInMP: maxPixels / 1e6,
    maxMemoryUsageInMB: maxMegabytes,
  });
  return { width, height, rgb: data };
}

// ---- PNG ------------------------------------------------------------------------------------------

interface Png {
  readonly width: number;
  readonly height: number;
  readonly bitsPerPixel: number;
  readonly interlaced: boolean;
  /** The file with nothing but the chunks that make pixels. */
  readonly plain: Buffer;
  readonly compressed: Buffer;
}

function decodePng(bytes: Uint8Array): Picture | string {
  const png = readChunks(bytes);
  if (typeof png === "string") return png;
  const { width, height, bitsPerPixel, interlaced, plain, compressed } = png;
  if (width * height > maxPixels) return tooLarge;
  // pngjs inflates interlaced pictures without a limit; a small file could ask for all memory.
  if (interlaced)
    inflateSync(compressed, {
      maxOutputLength: 2 * (height + Math.ceil((width * bitsPerPixel) / 8) * height) + 1024,
    });
  const { data } = PNG.sync.read(plain);
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = data[from];
    rgb[to + 1] = data[from + 1];
    rgb[to + 2] = data[from + 2];
  }
  return { width, height, rgb };
}

const samplesPerPixel: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/**
 * Keeps IHDR, PLTE and IDAT. Without tRNS a transparent colour keeps its colour, as in Pillow (pngjs blackens
 * it), and no text chunk can be a trap.
 */
function readChunks(bytes: Uint8Array): Png | string {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const kept = [file.subarray(0, 8)];
  const compressed: Buffer[] = [];
  let header: Buffer | undefined;
  for (let at = 8; ; ) {
    if (at + 12 > file.length) return `it ends at byte ${file.length}, before its end mark: it was cut short`;
    const end = at + 12 + file.readUInt32BE(at);
    if (end > file.length)
      return `it should go on to byte ${end}, the file has ${file.length}: it was cut short`;
    const type = file.toString("latin1", at + 4, at + 8);
    const data = file.subarray(at + 8, end - 4);
    if (type === "IHDR") header = data;
    if (type === "IDAT") compressed.push(data);
    if (["IHDR", "PLTE", "IDAT", "IEND"].includes(type)) kept.push(file.subarray(at, end));
    if (type === "IEND") break;
    at = end;
  }
  if (header?.length !== 13) return "it is a PNG without a header";
  const [depth, colour] = [header[8], header[9]];
  return {
    width: header.readUInt32BE(0),
    height: header.readUInt32BE(4),
    bitsPerPixel: depth * (samplesPerPixel[colour] ?? 4),
    interlaced: header[12] !== 0,
    plain: Buffer.concat(kept),
    compressed: Buffer.concat(compressed),
  };
}

// ---- preparing ------------------------------------------------------------------------------------

/** What the net eats: float32 of [height, width, channels], as `inputShape` [batch, height, width, channels] says. */
export function prepare(picture: Picture, inputShape: Shape, preprocess: Preprocess): Float32Array {
  return prepareView(picture, centreView(picture, inputShape, preprocess.resize), inputShape[3], preprocess);
}

/** A view of the picture as a net with so many channels eats it. */
export function prepareView(
  picture: Picture,
  view: View,
  channels: number,
  preprocess: Preprocess,
): Float32Array {
  invariant(channels === 3 || channels === 1, `a picture has 3 channels or 1, the input has ${channels}`);
  const { width, height } = view;
  const data = cutOut(picture, view);
  const { mean, std, range, order } = preprocess;
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
const luma = (rgb: Uint8Array, at: number): number =>
  (rgb[at] * 19595 + rgb[at + 1] * 38470 + rgb[at + 2] * 7471 + 0x8000) >> 16;

/** The view's part of the picture, filled up with black where it reaches beyond. Red, green, blue, row by row. */
function cutOut(picture: Picture, { resized, left, top, width, height }: View): Uint8Array {
  const columns = { start: Math.max(0, left), count: Math.min(resized.width, width) };
  const rows = { start: Math.max(0, top), count: Math.min(resized.height, height) };
  const pixels = { width: picture.width, height: picture.height, data: picture.rgb };
  const part = resize(pixels, resized.width, resized.height, columns, rows).data;
  if (left >= 0 && top >= 0) return part;
  const out = new Uint8Array(width * height * 3);
  for (let y = 0; y < rows.count; y++) {
    const at = ((y + Math.max(0, -top)) * width + Math.max(0, -left)) * 3;
    out.set(part.subarray(y * columns.count * 3, (y + 1) * columns.count * 3), at);
  }
  return out;
}
