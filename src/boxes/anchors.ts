/**
 * Anchors: boxes of a few sizes and shapes around every place of a map, of which a detector says how far the things are off
 * (Ren et al. 2015, section 3.1.1). Rounding is that of torchvision's AnchorGenerator: everything in float32, corners of a
 * cell to the nearest whole pixel, halves to the even one.
 */
import { checkLength, type Size } from "./maps.ts";

/** The shapes of anchors on one map. */
export interface AnchorShapes {
  /** Roots of their areas, in pixels. */
  readonly sizes: readonly number[];
  /** Height by width. */
  readonly ratios: readonly number[];
}

/**
 * The anchors of one place, its corner being (0, 0): x1, y1, x2, y2 in pixels for each ratio, and within a ratio for each
 * size.
 */
export function cellAnchors({ sizes, ratios }: AnchorShapes): Float32Array {
  const cell = new Float32Array(4 * sizes.length * ratios.length);
  let to = 0;
  for (const ratio of ratios) {
    const tall = Math.fround(Math.sqrt(Math.fround(ratio)));
    const wide = Math.fround(1 / tall);
    for (const size of sizes) {
      const x = roundToEven(Math.fround(wide * Math.fround(size)) / 2);
      const y = roundToEven(Math.fround(tall * Math.fround(size)) / 2);
      cell.set([-x, -y, x, y], to);
      to += 4;
    }
  }
  return cell;
}

/**
 * The anchors of a whole map: those of its first place, then of the next in the row, and so on; x1, y1, x2, y2 in pixels of
 * the picture. `stride` is how far apart neighbouring places are there.
 */
export function gridAnchors(cell: ArrayLike<number>, map: Size, stride: Size): Float32Array {
  const all = new Float32Array(map.height * map.width * cell.length);
  let to = 0;
  for (let row = 0; row < map.height; row++) {
    for (let column = 0; column < map.width; column++) {
      const [x, y] = [column * stride.width, row * stride.height];
      for (let i = 0; i < cell.length; i++) all[to++] = cell[i] + (i % 2 === 0 ? x : y);
    }
  }
  return all;
}

/**
 * The anchors of each map of a pyramid. `input` is the size of what goes into the network: a map's stride is
 * floor(input / map). Throws a RangeError unless there are shapes for each map.
 */
export function anchors(
  maps: readonly Size[],
  input: Size,
  shapes: readonly AnchorShapes[],
): readonly Float32Array[] {
  checkLength("shapes of anchors (one a map)", shapes, maps.length);
  return maps.map((map, i) => {
    const stride = {
      height: Math.floor(input.height / map.height),
      width: Math.floor(input.width / map.width),
    };
    return gridAnchors(cellAnchors(shapes[i]), map, stride);
  });
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
