/** Which boxes stay: the strongest, those of some size, and of those that overlap one. Results are indices. */
import { checkLength, countBoxes } from "./maps.ts";

/**
 * The `most` highest scores above `threshold`, the highest first; of equal ones the earlier first. A score that is not a
 * number is none.
 */
export function strongest(scores: ArrayLike<number>, most: number, threshold = -Infinity): Int32Array {
  const byScore = (a: number, b: number) => scores[b] - scores[a] || a - b;
  // Once there are many, those that cannot be among the strongest go, and no such come in.
  const many = 2 * most + 1024;
  let found: number[] = [];
  let above = threshold;
  for (let i = 0; i < scores.length; i++) {
    if (!(scores[i] > above)) continue;
    if (found.push(i) < many) continue;
    found = found.sort(byScore).slice(0, most);
    above = most > 0 ? scores[found[most - 1]] : Infinity;
  }
  return Int32Array.from(found.sort(byScore).slice(0, most));
}

/** The boxes whose sides are both `least` pixels or more. */
export function largeBoxes(boxes: ArrayLike<number>, least: number): Int32Array {
  const large: number[] = [];
  for (let i = 0; i < countBoxes(boxes); i++) {
    const width = boxes[4 * i + 2] - boxes[4 * i];
    const height = boxes[4 * i + 3] - boxes[4 * i + 1];
    if (width >= least && height >= least) large.push(i);
  }
  return Int32Array.from(large);
}

/**
 * The overlap of two boxes: what they share by what they cover together. `i` and `k` number boxes of `a` and of `b`. NaN if
 * both are without area.
 */
export function overlap(a: ArrayLike<number>, i: number, b: ArrayLike<number>, k: number): number {
  const width = Math.min(a[4 * i + 2], b[4 * k + 2]) - Math.max(a[4 * i], b[4 * k]);
  const height = Math.min(a[4 * i + 3], b[4 * k + 3]) - Math.max(a[4 * i + 1], b[4 * k + 1]);
  const shared = Math.max(0, width) * Math.max(0, height);
  return shared / (area(a, i) + area(b, k) - shared);
}

const area = (boxes: ArrayLike<number>, i: number): number =>
  (boxes[4 * i + 2] - boxes[4 * i]) * (boxes[4 * i + 3] - boxes[4 * i + 1]);

/**
 * Non-maximum suppression: of boxes that overlap by more than `threshold` only the one of the highest score stays. Where
 * `groups` says of each box to which it belongs (a class, a level), boxes of different groups let each other be.
 *
 * The indices of those that stay, the highest score first, of equal ones the earlier. Throws a RangeError for arrays of
 * different lengths.
 */
export function nms(
  boxes: ArrayLike<number>,
  scores: ArrayLike<number>,
  threshold: number,
  groups?: ArrayLike<number>,
): Int32Array {
  const count = countBoxes(boxes);
  checkLength("scores (one a box)", scores, count);
  if (groups) checkLength("groups (one a box)", groups, count);
  const keptOf = new Map<number, number[]>();
  const kept: number[] = [];
  for (const i of strongest(scores, count)) {
    const group = groups ? groups[i] : 0;
    const before = keptOf.get(group);
    if (before?.some((other) => overlap(boxes, other, boxes, i) > threshold)) continue;
    if (before) before.push(i);
    else keptOf.set(group, [i]);
    kept.push(i);
  }
  return Int32Array.from(kept);
}

/** The boxes of these indices, in their order. */
export function takeBoxes(boxes: ArrayLike<number>, indices: ArrayLike<number>): Float32Array {
  const taken = new Float32Array(4 * indices.length);
  for (let i = 0; i < taken.length; i++) taken[i] = boxes[4 * indices[i >> 2] + (i & 3)];
  return taken;
}

/** The values of these indices, in their order. */
export const take = (values: ArrayLike<number>, indices: ArrayLike<number>): Float32Array =>
  Float32Array.from(indices, (index) => values[index]);
