/** Arrays from outside, channels last or first, as the batches that networks take; and back. */
import { elements, type Shape, type Tensor } from "../ir/tensor.ts";

export type ArrayLayout = "nhwc" | "nchw";

/** The array as an NHWC batch of pictures of `wanted` (its own batch aside), or why it is none. */
export function toNhwc({ shape, data }: Tensor, wanted: Shape, layout: ArrayLayout): Tensor | string {
  const [, h, w, c] = wanted;
  const one = layout === "nchw" ? [c, h, w] : [h, w, c];
  const batched = shape.length === 3 ? [1, ...shape] : shape;
  if (batched.length !== 4 || batched.slice(1).some((side, i) => side !== one[i])) {
    return `it is ${shape.join("x")}, the net takes Nx${one.join("x")}`;
  }
  if (batched[0] === 0) return "its batch is 0";
  return layout === "nhwc" ? { shape: batched, data } : moveChannelsLast({ shape: batched, data });
}

function moveChannelsLast({ shape: [n, c, h, w], data }: Tensor): Tensor {
  const out = new Float32Array(elements([n, c, h, w]));
  for (let b = 0; b < n; b++) {
    for (let k = 0; k < c; k++) {
      for (let place = 0; place < h * w; place++) {
        out[(b * h * w + place) * c + k] = data[(b * c + k) * h * w + place];
      }
    }
  }
  return { shape: [n, h, w, c], data: out };
}

/** An NHWC result as it is written: a 1x1 map is a vector, [N, C]; maps in the layout asked for. */
export function fromNhwc({ shape, data }: Tensor, layout: ArrayLayout): Tensor {
  const [n, h, w, c] = shape;
  if (h === 1 && w === 1) return { shape: [n, c], data };
  if (layout === "nhwc") return { shape, data };
  const out = new Float32Array(data.length);
  for (let b = 0; b < n; b++) {
    for (let place = 0; place < h * w; place++) {
      for (let k = 0; k < c; k++) out[(b * c + k) * h * w + place] = data[(b * h * w + place) * c + k];
    }
  }
  return { shape: [n, c, h, w], data: out };
}
