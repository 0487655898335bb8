/**
 * Picture files to pixels: PNG and JPEG, and whatever the package sharp reads where it is installed.
 *
 * Alpha is dropped, not blended, as Pillow's convert("RGB") does. JPEG decoders differ in how they enlarge
 * colour: sharp has Pillow's (libjpeg-turbo), without it a JPEG's pixels may differ from Pillow's by some steps; PNG's
 * do not. A JPEG is turned as its camera held it, as pages show it.
 */
import { inflateSync } from "node:zlib";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import type { Report } from "../base/diagnostic.ts";
import { orientationOf, turned } from "../pictures/orientation.ts";
import type { Pixels } from "../pictures/resize.ts";
import { decodeBySharp, maxPixels, type Sharp } from "../pictures/sharp.ts";
import { describeContent } from "../weights/signature.ts";

const maxMegabytes = 2048;

/** The picture in `bytes`, or undefined when it was reported why not. */
export async function decodePicture(
  bytes: Uint8Array,
  path: string,
  report: Report,
): Promise<Pixels | undefined> {
  const found = await decode(bytes);
  if (typeof found !== "string") return found;
  report("bad-image", undefined, { path, why: found });
  return undefined;
}

/** The picture, or why there is none. `sharp`: that package, or nothing to do without; looked for unless given. */
export async function decode(
  bytes: Uint8Array,
  sharp: Sharp | undefined | Promise<Sharp | undefined> = findSharp(),
): Promise<Pixels | string> {
  const kind = kindOf(bytes);
  const found = kind === "other" || kind === "jpeg" ? await sharp : undefined;
  if (!found) return decodeAlone(bytes);
  const cut = kind === "jpeg" ? whereCut(bytes) : undefined;
  return cut ?? decodeBySharp(bytes, found).catch(reason);
}

/** PNG and JPEG, without sharp. The decoders throw on bad data: their words are the reason. */
export function decodeAlone(bytes: Uint8Array): Pixels | string {
  try {
    const kind = kindOf(bytes);
    if (kind === "png") return decodePng(bytes);
    if (kind === "jpeg") return decodeJpeg(bytes);
    return describeContent(bytes)
      .replace(unread, needsSharp)
      .replace(/^it is none of .*/s, "it is of no known kind");
  } catch (error) {
    return reason(error);
  }
}

type Kind = "png" | "jpeg" | "other" | undefined;

function kindOf(bytes: Uint8Array): Kind {
  if (bytes[0] === 0x89 && bytes[1] === 0x50) return "png";
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return "jpeg";
  return unread.test(describeContent(bytes)) ? "other" : undefined;
}

const unread = / picture, which resnetc does not read$/;
const needsSharp = " picture, which is read with the package sharp (npm install sharp)";

// ---- sharp ----------------------------------------------------------------------------------------

let known: Promise<Sharp | undefined> | undefined;

/** The package sharp, where it is installed beside resnetc and works on this machine. */
function findSharp(): Promise<Sharp | undefined> {
  known ??= import("sharp").then(
    (found) => found.default as unknown as Sharp,
    () => undefined,
  );
  return known;
}

// ---- alone ----------------------------------------------------------------------------------------

function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/maxResolutionInMP|exceeds pixel limit/.test(message)) return tooLarge;
  if (/maxMemoryUsageInMB/.test(message)) return `decoding it takes more than ${maxMegabytes} MB`;
  const words = message.split("\n")[0].trim();
  return `it is damaged (${words.charAt(0).toLowerCase()}${words.slice(1)})`;
}

const tooLarge = `it has more than ${maxPixels.toLocaleString("en")} pixels`;

function decodeJpeg(bytes: Uint8Array): Pixels | string {
  const cut = whereCut(bytes);
  if (cut !== undefined) return cut;
  const { width, height, data } = jpeg.decode(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    maxResolutionInMP: maxPixels / 1e6,
    maxMemoryUsageInMB: maxMegabytes,
  });
  return turned({ width, height, data, channels: 3 }, orientationOf(bytes));
}

/**
 * Decoders would fill up with grey. In the data of a scan 0xff stands before 0 and restart marks only, so what looks like a
 * mark is one; an end mark before the last scan is that of a thumbnail.
 */
function whereCut(bytes: Uint8Array): string | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (file.lastIndexOf("\xff\xd9", undefined, "latin1") >= file.lastIndexOf("\xff\xda", undefined, "latin1"))
    return undefined;
  return `it ends at byte ${bytes.length}, before its end mark: it was cut short`;
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

function decodePng(bytes: Uint8Array): Pixels | string {
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
  return { width, height, data: rgb, channels: 3 };
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
