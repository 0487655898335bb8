/**
 * Boxes as networks say them: how far they are off from anchors, or from proposals. Boxes are corners, x1, y1, x2, y2 in
 * pixels, four numbers each.
 */
import { checkLength, countBoxes, type Size } from "./maps.ts";

/** What dx, dy, dw and dh are multiplied with: 1, 1, 1, 1 for anchors, 10, 10, 5, 5 for Faster R-CNN's second stage. */
export type BoxWeights = readonly [dx: number, dy: number, dw: number, dh: number];

export interface CodingOptions {
  /** 1, 1, 1, 1 unless given. */
  readonly weights?: BoxWeights;
  /** What dw and dh must not pass before exp: log(1000 / 16) unless given. */
  readonly clamp?: number;
}

const plain: BoxWeights = [1, 1, 1, 1];

/**
 * The boxes that deltas dx, dy, dw, dh mean (Girshick et al. 2014, appendix C): the middle of a box moves by dx of its width
 * and dy of its height, and the sides grow by exp(dw) and exp(dh).
 *
 * `deltas` may have several fours a box, one for each class: they come out in the same order. Throws a RangeError for
 * lengths that do not go together.
 */
export function decodeBoxes(
  deltas: ArrayLike<number>,
  boxes: ArrayLike<number>,
  { weights = plain, clamp = Math.log(1000 / 16) }: CodingOptions = {},
): Float32Array {
  const count = countBoxes(boxes);
  const each = count === 0 ? 0 : countBoxes(deltas) / count;
  if (each % 1 !== 0) throw new RangeError(`${deltas.length} deltas are no multiple of ${count} boxes.`);
  const decoded = new Float32Array(4 * count * each);
  for (let i = 0; i < count; i++) {
    const [width, height] = [boxes[4 * i + 2] - boxes[4 * i], boxes[4 * i + 3] - boxes[4 * i + 1]];
    const [middleX, middleY] = [boxes[4 * i] + 0.5 * width, boxes[4 * i + 1] + 0.5 * height];
    for (let k = 4 * i * each; k < 4 * (i + 1) * each; k += 4) {
      const x = (deltas[k] / weights[0]) * width + middleX;
      const y = (deltas[k + 1] / weights[1]) * height + middleY;
      const halfWidth = 0.5 * width * Math.exp(Math.min(deltas[k + 2] / weights[2], clamp));
      const halfHeight = 0.5 * height * Math.exp(Math.min(deltas[k + 3] / weights[3], clamp));
      decoded[k] = x - halfWidth;
      decoded[k + 1] = y - halfHeight;
      decoded[k + 2] = x + halfWidth;
      decoded[k + 3] = y + halfHeight;
    }
  }
  return decoded;
}

/** The deltas that make `boxes` into `targets`, one box each: what decodeBoxes undoes, up to its clamp. */
export function encodeBoxes(
  targets: ArrayLike<number>,
  boxes: ArrayLike<number>,
  { weights = plain }: CodingOptions = {},
): Float32Array {
  checkLength("numbers of boxes and of targets", targets, 4 * countBoxes(boxes));
  const deltas = new Float32Array(boxes.length);
  for (let i = 0; i < boxes.length; i += 4) {
    for (const axis of [0, 1]) {
      const size = boxes[i + 2 + axis] - boxes[i + axis];
      const wanted = targets[i + 2 + axis] - targets[i + axis];
      const off = targets[i + axis] + 0.5 * wanted - (boxes[i + axis] + 0.5 * size);
      deltas[i + axis] = (weights[axis] * off) / size;
      deltas[i + 2 + axis] = weights[2 + axis] * Math.log(wanted / size);
    }
  }
  return deltas;
}

/**
 * The boxes that distances l, t, r, b mean (Tian et al. 2019, equation 1): from the middle of an anchor to the sides of the
 * thing, in widths and heights of the anchor.
 */
export function decodeDistances(distances: ArrayLike<number>, boxes: ArrayLike<number>): Float32Array {
  checkLength("distances", distances, 4 * countBoxes(boxes));
  const decoded = new Float32Array(boxes.length);
  for (let i = 0; i < boxes.length; i += 4) {
    for (const axis of [0, 1]) {
      const size = boxes[i + 2 + axis] - boxes[i + axis];
      const middle = 0.5 * (boxes[i + axis] + boxes[i + 2 + axis]);
      decoded[i + axis] = middle - distances[i + axis] * size;
      decoded[i + 2 + axis] = middle + distances[i + 2 + axis] * size;
    }
  }
  return decoded;
}

/** The boxes cut off where the picture ends. */
export function clipBoxes(boxes: ArrayLike<number>, { height, width }: Size): Float32Array {
  countBoxes(boxes);
  return Float32Array.from(boxes, (value, i) => Math.min(Math.max(value, 0), i % 2 === 0 ? width : height));
}
