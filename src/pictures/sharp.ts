/** Pixels of the package sharp, of which nothing is imported: whoever has an object of it has the package. */
import type { Pixels } from "./resize.ts";

/** What is used of the package. */
export type Sharp = (
  bytes: Uint8Array,
  options: { readonly ignoreIcc: boolean; readonly limitInputPixels: number },
) => SharpPicture;

export interface SharpPicture {
  clone(): SharpPicture;
  rotate(): SharpPicture;
  removeAlpha(): SharpPicture;
  toColourspace(name: "srgb"): SharpPicture;
  raw(): SharpPicture;
  toBuffer(options: { readonly resolveWithObject: true }): Promise<{
    readonly data: Uint8Array;
    readonly info: { readonly width: number; readonly height: number; readonly channels: number };
  }>;
}

/** 100 megapixels: more than any camera that people classify pictures of. */
export const maxPixels = 100_000_000;

/** Of a picture file. */
export const decodeBySharp = (bytes: Uint8Array, sharp: Sharp): Promise<Pixels> =>
  pixelsOf(sharp(bytes, { ignoreIcc: true, limitInputPixels: maxPixels }));

/** Upright, without alpha, 8 bits a channel. The object given stays as it is. */
export async function pixelsOf(picture: SharpPicture): Promise<Pixels> {
  const plain = picture.clone().rotate().removeAlpha().toColourspace("srgb").raw();
  const { data, info } = await plain.toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 3) return { width, height, data, channels };
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < rgb.length; i++) rgb[i] = data[Math.trunc(i / 3) * channels];
  return { width, height, data: rgb, channels: 3 };
}
