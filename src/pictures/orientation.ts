/** How the camera was held when it took a JPEG (Exif 2.3, tag 0x0112), and pictures turned upright as pages show them. */
import type { Pixels } from "./resize.ts";

/** 1 to 8; 1, upright, where the file does not say. */
export function orientationOf(jpeg: Uint8Array): number {
  const view = new DataView(jpeg.buffer, jpeg.byteOffset, jpeg.length);
  // Segments: ff, marker, length of what follows with these two bytes. The picture itself begins at ff da.
  for (let at = 2; at + 4 <= jpeg.length && view.getUint8(at) === 0xff && view.getUint8(at + 1) !== 0xda; ) {
    const length = view.getUint16(at + 2);
    const isExif = view.getUint8(at + 1) === 0xe1 && length >= 16 && at + 2 + length <= jpeg.length;
    if (isExif && view.getUint32(at + 4) === 0x45786966) {
      return readExif(new DataView(jpeg.buffer, jpeg.byteOffset + at + 10, length - 8));
    }
    at += 2 + Math.max(2, length);
  }
  return 1;
}

/** A TIFF header, then a list of entries of 12 bytes. */
function readExif(tiff: DataView): number {
  const little = tiff.getUint16(0) === 0x4949;
  const list = tiff.getUint32(4, little);
  if (list + 2 > tiff.byteLength) return 1;
  const count = tiff.getUint16(list, little);
  for (let i = 0; i < count; i++) {
    const entry = list + 2 + 12 * i;
    if (entry + 12 > tiff.byteLength) break;
    if (tiff.getUint16(entry, little) !== 0x0112) continue;
    const found = tiff.getUint16(entry + 8, little);
    return found >= 1 && found <= 8 ? found : 1;
  }
  return 1;
}

/** The picture that `orientation` says is upright. */
export function turned(picture: Pixels, orientation: number): Pixels {
  if (orientation === 1) return picture;
  const { data, channels } = picture;
  // From 5 on rows are columns.
  const isSideways = orientation >= 5;
  const [width, height] = isSideways ? [picture.height, picture.width] : [picture.width, picture.height];
  const [flipsX, flipsY] = [[2, 3, 7, 8].includes(orientation), [3, 4, 6, 7].includes(orientation)];
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [column, row] = isSideways ? [y, x] : [x, y];
      const fromX = flipsX ? picture.width - 1 - column : column;
      const fromY = flipsY ? picture.height - 1 - row : row;
      const from = (fromY * picture.width + fromX) * channels;
      const to = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) out[to + c] = data[from + c];
    }
  }
  return { width, height, data: out, channels };
}
