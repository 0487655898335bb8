/**
 * Pictures that nobody took, for measuring: coloured noise of many sizes, the larger the stronger, as in photos (amplitude 1/f).
 * A seed gives the same picture on every machine.
 */
import type { Pixels } from "../pictures/resize.ts";
import { fillNormal, seedOf } from "../weights/normal.ts";

/** How far the grey of two places, and the colour of one place, differ. */
const [contrast, colour] = [55, 20];

export function madeUpPicture(width: number, height: number, seed: number): Pixels {
  const sums = [0, 1, 2, 3].map((part) => noise(width, height, seedOf(seed, `picture ${part}`)));
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const place = Math.floor(i / 3);
    data[i] = Math.max(
      0,
      Math.min(255, Math.round(120 + contrast * sums[0][place] + colour * sums[1 + (i % 3)][place])),
    );
  }
  return { width, height, data, channels: 3 };
}

/** Of mean about 0 and deviation about 1: grids of 2, 4, 8 … places a side, each interpolated. */
function noise(width: number, height: number, seed: ReturnType<typeof seedOf>): Float32Array {
  const out = new Float32Array(width * height);
  const sizes: number[] = [];
  for (let size = 2; size <= Math.max(width, height); size *= 2) sizes.push(size);
  const grids = new Float32Array(sizes.reduce((sum, size) => sum + (size + 1) ** 2, 0));
  fillNormal(grids, 1, seed);
  let start = 0;
  for (const size of sizes) {
    const grid = grids.subarray(start, start + (size + 1) ** 2);
    for (let y = 0; y < height; y++) {
      const row = (y * size) / height;
      const [top, down] = [Math.floor(row), row % 1];
      for (let x = 0; x < width; x++) {
        const column = (x * size) / width;
        const [left, right] = [Math.floor(column), column % 1];
        const at = top * (size + 1) + left;
        const above = grid[at] * (1 - right) + grid[at + 1] * right;
        const below = grid[at + size + 1] * (1 - right) + grid[at + size + 2] * right;
        out[y * width + x] += (2 * (above * (1 - down) + below * down)) / size;
      }
    }
    start += (size + 1) ** 2;
  }
  return out;
}
