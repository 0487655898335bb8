/**
 * Regions cut out of a pyramid, all of one size: what Faster R-CNN's second stage looks at (RoIAlign: He et al. 2017, section
 * 3; which map a region comes from: Lin et al. 2017, equation 1).
 */
import { checkLength, countBoxes, type FeatureMap, type Size } from "./maps.ts";

export interface RegionPlaces {
  /** The size of what goes into the network. */
  readonly input: Size;
  /** How many places a region has along each side: 7 unless given. */
  readonly side?: number;
  /** How often each place looks at the map, along each side: 2 unless given. */
  readonly samples?: number;
}

/**
 * The regions of these boxes: for each side x side x channels numbers, so that all together are a batch for the second
 * network. `maps` is a pyramid, the finest first, each map half as large as the one before; boxes are in pixels of the
 * network's input. Throws a RangeError if maps differ in channels or there are none.
 */
export function regionMaps(
  maps: readonly FeatureMap[],
  boxes: ArrayLike<number>,
  { input, side = 7, samples = 2 }: RegionPlaces,
): Float32Array {
  const levels = pyramidLevels(maps, boxes, input);
  const { channels } = maps[0];
  for (const { data, height, width } of maps)
    checkLength(`values of a map of ${height}x${width}x${channels}`, data, height * width * channels);
  const result = new Float32Array(levels.length * side * side * channels);
  for (const [i, level] of levels.entries()) {
    const map = maps[level];
    const scale = scaleOf(map, input);
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((k) => boxes[4 * i + k] * scale);
    const stepX = Math.max(x2 - x1, 1) / side;
    const stepY = Math.max(y2 - y1, 1) / side;
    for (let place = 0; place < side * side; place++) {
      const row = Math.floor(place / side);
      const to = (i * side * side + place) * channels;
      const target = result.subarray(to, to + channels);
      for (let sample = 0; sample < samples * samples; sample++) {
        const y = y1 + stepY * (row + (Math.floor(sample / samples) + 0.5) / samples);
        const x = x1 + stepX * ((place % side) + ((sample % samples) + 0.5) / samples);
        addPixel(map, y, x, 1 / samples ** 2, target);
      }
    }
  }
  return result;
}

/**
 * Which map of a pyramid each box is looked at in: one as large as ImageNet's 224x224 in that of a sixteenth of the input, one
 * half as large in the next finer.
 */
export function pyramidLevels(
  maps: readonly FeatureMap[],
  boxes: ArrayLike<number>,
  input: Size,
): Int32Array {
  if (maps.length === 0) throw new RangeError("There must be a map at least.");
  const finest = -Math.log2(scaleOf(maps[0], input));
  const coarsest = -Math.log2(scaleOf(maps[maps.length - 1], input));
  return Int32Array.from({ length: countBoxes(boxes) }, (_, i) => {
    const area = (boxes[4 * i + 2] - boxes[4 * i]) * (boxes[4 * i + 3] - boxes[4 * i + 1]);
    const level = Math.floor(4 + Math.log2(Math.sqrt(area) / 224) + 1e-6);
    return Math.min(Math.max(level, finest), coarsest) - finest;
  });
}

/** A power of two. */
const scaleOf = (map: Size, input: Size): number => 2 ** Math.round(Math.log2(map.height / input.height));

/** Adds the map between its places, weighted; beyond its edge by more than a place there is nothing. */
function addPixel(
  { height, width, channels, data }: FeatureMap,
  y: number,
  x: number,
  weight: number,
  target: Float32Array,
): void {
  if (!(y >= -1 && y <= height && x >= -1 && x <= width)) return;
  const [top, bottom, down] = between(y, height);
  const [left, right, across] = between(x, width);
  for (const [row, column, share] of [
    [top, left, (1 - down) * (1 - across)],
    [top, right, (1 - down) * across],
    [bottom, left, down * (1 - across)],
    [bottom, right, down * across],
  ]) {
    if (share === 0) continue;
    const from = (row * width + column) * channels;
    for (let c = 0; c < channels; c++) target[c] += weight * share * data[from + c];
  }
}

/** The two places beside a coordinate, and how much of the second; at the edge twice the same. */
function between(coordinate: number, places: number): readonly [number, number, number] {
  const at = Math.max(coordinate, 0);
  const low = Math.min(Math.floor(at), places - 1);
  return low === places - 1 ? [low, low, 0] : [low, low + 1, at - low];
}
