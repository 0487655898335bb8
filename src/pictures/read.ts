/**
 * Pixels of whatever people have a picture in: in pages what can be drawn, files and addresses; in Node paths, the bytes of
 * files and objects of sharp. Modules that are built carry this as text, so it names no package where a bundler would look.
 */
import type { Pixels } from "./resize.ts";
import { decodeBySharp, pixelsOf, type Sharp, type SharpPicture } from "./sharp.ts";

/** Modules of Node, in Node and what resembles it. */
const builtin = globalThis.process?.getBuiltinModule;
const canDraw = Boolean(globalThis.OffscreenCanvas || globalThis.document);

/** As the file has them, without the colour management and blending of pages. */
const untouched = { premultiplyAlpha: "none", colorSpaceConversion: "none" } as const;

export async function readPicture(image: unknown): Promise<Pixels> {
  if (typeof image === "string" || image instanceof URL) return readAddress(image);
  if (image instanceof ArrayBuffer || ArrayBuffer.isView(image)) return readFile(bytesOf(image));
  if (globalThis.Blob && image instanceof Blob) return readFile(image);
  if (hasPixels(image)) return checkPixels(image);
  if (isSharp(image)) return pixelsOf(image);
  if (isDrawable(image)) return readDrawable(image);
  throw new Error(unknownKind(image));
}

const hasPixels = (image: unknown): image is Pixels => {
  const { data, width, height } = Object(image) as Partial<Pixels>;
  return data !== undefined && Boolean(width && height);
};

const isSharp = (image: unknown): image is SharpPicture => {
  const { removeAlpha, toColourspace } = Object(image) as Partial<SharpPicture>;
  return Boolean(removeAlpha && toColourspace);
};

function unknownKind(image: unknown): string {
  const kind = image === Object(image) ? ((image as object).constructor?.name ?? "object") : String(image);
  const kinds = canDraw
    ? "an img, canvas, video, ImageBitmap, ImageData, VideoFrame, Blob or address"
    : "a path, the bytes of a file or an object of sharp";
  return `A picture must be ${kinds}, or { width, height, data }, not ${kind}.`;
}

/** The same picture as something that can be sent to a worker, and what of it is handed over. */
export async function portablePicture(image: unknown): Promise<{ image: unknown; transfer: Transferable[] }> {
  if (typeof image === "string" || image instanceof URL) {
    return { image: canDraw ? urlOf(image).href : String(image), transfer: [] };
  }
  if (isSharp(image)) return { image: await pixelsOf(image), transfer: [] };
  const isData = image instanceof ArrayBuffer || ArrayBuffer.isView(image) || hasPixels(image);
  if (isData || (globalThis.Blob && image instanceof Blob)) return { image, transfer: [] };
  if (!isDrawable(image)) throw new Error(unknownKind(image));
  if (image instanceof ImageBitmap) return { image, transfer: [] };
  const [drawable] = await decoded(image);
  const bitmap = drawable instanceof ImageBitmap ? drawable : await createImageBitmap(drawable, untouched);
  return { image: bitmap, transfer: [bitmap] };
}

const urlOf = (address: string | URL): URL =>
  new URL(address, globalThis.document?.baseURI ?? globalThis.location?.href);

const bytesOf = (data: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> =>
  ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);

function checkPixels({ width, height, data }: Pixels): Pixels {
  const channels = data.length / (width * height);
  if (data.BYTES_PER_ELEMENT === 1 && (channels === 3 || channels === 4))
    return { width, height, data, channels };
  throw new Error(
    `The data of a picture must be bytes, 3 or 4 a pixel: ${3 * width * height} or ${4 * width * height} for ` +
      `${width} x ${height}, this is ${data.constructor?.name} of ${data.length}.`,
  );
}

/** In a page an address, relative to the page; in Node a path, or a URL of any kind. */
async function readAddress(address: string | URL): Promise<Pixels> {
  const isPath = !canDraw && typeof address === "string" && !/^(https?|data|blob|file):/i.test(address);
  const name = `The picture ${String(address).slice(0, 200)}`;
  try {
    if (builtin && (isPath || /^file:/i.test(String(address)))) {
      const path = isPath ? address : new URL(address);
      return await readFile(await builtin("node:fs/promises").readFile(path));
    }
    const response = await fetch(urlOf(address));
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return await readFile(await response.blob());
  } catch (cause) {
    throw new Error(`${name} cannot be read: ${reasonOf(cause as Error)}.`, { cause });
  }
}

/** As the end of a sentence that says which picture. */
const reasonOf = ({ message }: Error): string =>
  message.replace(/^The picture cannot be \w+: /, "").replace(/\.$/, "");

async function readFile(file: Blob | Uint8Array<ArrayBuffer>): Promise<Pixels> {
  if (canDraw) return readDrawable(file instanceof Blob ? file : new Blob([file]));
  const bytes = file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file;
  const find = (name: string) => import(name).catch(() => undefined);
  const own = (await find("resnetc/pictures")) as { decode(bytes: Uint8Array): Promise<Pixels> } | undefined;
  if (own) return own.decode(bytes);
  const sharp = (await find("sharp")) as { readonly default: Sharp } | undefined;
  if (sharp) {
    return decodeBySharp(bytes, sharp.default).catch((cause: Error) => {
      throw new Error(`The picture cannot be read: ${cause.message.split("\n")[0]}.`, { cause });
    });
  }
  throw new Error("Node reads picture files with the package sharp, or with resnetc: install one of them.");
}

// ---- in pages -----------------------------------------------------------------------------------

type Drawable = Exclude<CanvasImageSource, SVGImageElement> | Blob;

const isDrawable = (image: unknown): image is Drawable =>
  canDraw &&
  [
    "HTMLImageElement",
    "HTMLCanvasElement",
    "OffscreenCanvas",
    "HTMLVideoElement",
    "ImageBitmap",
    "VideoFrame",
  ].some((name) => {
    const type = (globalThis as Record<string, unknown>)[name];
    return typeof type === "function" && image instanceof type;
  });

async function readDrawable(source: Drawable): Promise<Pixels> {
  const [drawable, isOurs] = await decoded(source);
  try {
    const { width, height } = sizeOf(drawable);
    if (!width || !height) throw new Error("The picture has no size: it is not loaded, or has no frame yet.");
    const canvas = globalThis.OffscreenCanvas
      ? new OffscreenCanvas(width, height)
      : Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
    if (!context)
      throw new Error(`This browser has no canvas of ${width} x ${height} to read the picture with.`);
    (context as OffscreenCanvasRenderingContext2D).drawImage(drawable, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const hasAlpha = drawable instanceof ImageBitmap && data.some((value, i) => i % 4 === 3 && value < 255);
    return { width, height, data: (hasAlpha && unblended(drawable, width, height)) || data, channels: 4 };
  } catch (cause) {
    if ((cause as Error).name !== "SecurityError") throw cause;
    const why = "it is of another site that does not let pages read it (CORS)";
    throw new Error(`The picture cannot be read: ${why}.`, { cause });
  } finally {
    if (isOurs) (drawable as ImageBitmap).close();
  }
}

/** What can be drawn, and whether it is a bitmap of ours: files and images are decoded once more, untouched. */
async function decoded(source: Drawable): Promise<readonly [Exclude<Drawable, Blob>, boolean]> {
  const isImage = globalThis.HTMLImageElement && source instanceof HTMLImageElement;
  try {
    if (isImage) await source.decode();
    if (isImage || source instanceof Blob) return [await createImageBitmap(source, untouched), true];
  } catch (cause) {
    // An SVG without a size can be drawn, and no more.
    if (isImage && source.naturalWidth) return [source, false];
    throw new Error(
      "The picture cannot be decoded: it is damaged, or of a kind that this browser does not know.",
      {
        cause,
      },
    );
  }
  return [source, false];
}

const sizeOf = (source: Exclude<Drawable, Blob>) => {
  if ("naturalWidth" in source) return { width: source.naturalWidth, height: source.naturalHeight };
  if ("videoWidth" in source) return { width: source.videoWidth, height: source.videoHeight };
  if ("displayWidth" in source) return { width: source.displayWidth, height: source.displayHeight };
  return source;
};

/** A 2D canvas multiplies colours by alpha, which loses them; a texture does not. Without WebGL what is left must do. */
function unblended(source: TexImageSource, width: number, height: number): Uint8Array | undefined {
  const canvas = globalThis.OffscreenCanvas ? new OffscreenCanvas(1, 1) : document.createElement("canvas");
  const gl = canvas.getContext("webgl") as WebGLRenderingContext | null;
  if (!gl) return undefined;
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, source);
  const texture = gl.getParameter(gl.TEXTURE_BINDING_2D);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  const data = new Uint8Array(4 * width * height);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, data);
  const isFine = gl.getError() === gl.NO_ERROR;
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return isFine ? data : undefined;
}
