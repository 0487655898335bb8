/**
 * How other frameworks store a weight, and how it becomes ours: kernels HWIO, dense kernels [h, w, c, units],
 * vectors [C] (src/ir/tensor.ts).
 *
 *     torch        kernel [O, I, h, w], matrix [O, I] or, after a map, [O, C*h*w], flattened channels first
 *     tensorflow   kernel [h, w, I, O], depthwise [h, w, C, M], matrix [I, O] or [h*w*C, O]
 *
 * So every torch weight is one transposition of [O, I, h*w] and every tensorflow weight is stored as ours is.
 */
import { elements, type Shape, sameShape } from "../ir/tensor.ts";
import type { Layout } from "./checkpoint.ts";
import type { Floats } from "./elements.ts";

/** The shapes in which a layout may store a weight of ours, the usual one first. */
export function storedShapes(shape: Shape, layout: Layout): readonly Shape[] {
  if (shape.length !== 4) return [shape];
  const [h, w, i, o] = shape;
  // A 1x1 kernel and a dense layer over 1x1 are the same numbers: squeeze blocks and heads are written both ways.
  if (layout === "torch")
    return [
      [o, i, h, w],
      [o, i * h * w],
    ];
  // Depthwise kernels are [h, w, C, M] there and [h, w, 1, C*M] here, in the same order.
  return [
    [h, w, i, o],
    [h * w * i, o],
  ];
}

/** Whether a tensor of this shape can be the weight. Sides of 1 do not matter to a vector: [1, C, 1, 1] is [C]. */
export function fits(found: Shape, shape: Shape, layout: Layout): boolean {
  if (storedShapes(shape, layout).some((stored) => sameShape(stored, found))) return true;
  if (shape.length !== 4)
    return elements(found) === elements(shape) && sameShape(squeezed(found), squeezed(shape));
  const [h, w, i, o] = shape;
  return (
    layout === "tensorflow" &&
    i === 1 &&
    found.length === 4 &&
    found[0] === h &&
    found[1] === w &&
    found[2] * found[3] === o
  );
}

const squeezed = (shape: Shape): Shape => shape.filter((side) => side !== 1);

/** The shape people expect to read in a message: dense kernels as matrices, convolutions as kernels. */
export function expectedShape(shape: Shape, layout: Layout, dense: boolean): Shape {
  const [kernel, matrix = kernel] = storedShapes(shape, layout);
  return dense ? matrix : kernel;
}

/** The stored values in our order; the same array where the order is the same. */
export function toGraphLayout(values: Floats, shape: Shape, layout: Layout): Floats {
  if (layout === "tensorflow" || shape.length !== 4) return values;
  const [h, w, i, o] = shape;
  return transpose(values, o, i, h * w);
}

/** Values of the graph as torch stores them: kernels OIHW, those of dense layers as matrices [O, C*h*w]. */
export function toTorchLayout(
  values: Floats,
  shape: Shape,
  isDense: boolean,
): { readonly shape: Shape; readonly data: Floats } {
  if (shape.length !== 4) return { shape, data: values };
  const [h, w, i, o] = shape;
  // [K, I, O] is [O, I, K] read from behind; two turns of [a, b, c] to [c, b, a] are none.
  const data = transpose(values, h * w, i, o);
  return { shape: isDense ? [o, i * h * w] : [o, i, h, w], data };
}

/** Tiles of 32x32 keep both sides of the transposition in the cache: five times faster on large kernels. */
const tile = 32;

/** [O, I, K] → [K, I, O]. */
function transpose(values: Floats, o: number, i: number, k: number): Floats {
  const out =
    values instanceof Float32Array ? new Float32Array(values.length) : new Float64Array(values.length);
  const row = i * k;
  for (let o0 = 0; o0 < o; o0 += tile) {
    const o1 = Math.min(o, o0 + tile);
    for (let r0 = 0; r0 < row; r0 += tile) {
      const r1 = Math.min(row, r0 + tile);
      for (let r = r0; r < r1; r++) {
        // In a row of [O, I, K], r is i * K + k; it goes to k * I + i.
        const to = ((r % k) * i + Math.floor(r / k)) * o;
        for (let at = o0; at < o1; at++) out[to + at] = values[at * row + r];
      }
    }
  }
  return out;
}
