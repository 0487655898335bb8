/** reflectPad: mirrors a map beyond its edges, the edge itself not repeated (PyTorch's `reflect`). */
import { mapPads } from "../emit-onnx.ts";
import { tfjsPads } from "../emit-tfjs.ts";
import type { Op } from "../op.ts";
import { type Pads, showMap, zeros } from "../tensor.ts";
import { printPads } from "../window.ts";

export interface ReflectPadAttrs {
  /** Each smaller than the map along its axis. */
  readonly pads: Pads;
}

/** The place that stands at `i`, which may lie up to `size - 1` outside of 0 .. size - 1. */
export const reflected = (i: number, size: number): number =>
  i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;

export const reflectPad: Op<ReflectPadAttrs> = {
  name: "reflectPad",
  summary: "mirrors a map beyond its edges",
  infer([{ dtype, shape }], { pads }) {
    const [n, h, w, c] = shape;
    if (Math.max(pads.top, pads.bottom) < h && Math.max(pads.left, pads.right) < w) {
      return { dtype, shape: [n, h + pads.top + pads.bottom, w + pads.left + pads.right, c] };
    }
    const most = Math.max(pads.top, pads.bottom, pads.left, pads.right);
    return { code: "bad-reflection", params: { pad: most, shape: showMap(shape) } };
  },
  macs: () => 0,
  reference([x], node) {
    const y = zeros(node.type.shape);
    const [batch, height, width, c] = y.shape;
    const [, h, w] = x.shape;
    const { top, left } = node.attrs.pads;
    let to = 0;
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          const from = ((n * h + reflected(i - top, h)) * w + reflected(j - left, w)) * c;
          for (let k = 0; k < c; k++) y.data[to++] = x.data[from + k];
        }
      }
    }
    return y;
  },
  print: ({ pads }) => printPads(pads).trim().replace("pad", "map"),
  emit: {
    tfjs: (node, out) =>
      out.result(node, "mirrorPad", out.ref(node.inputs[0]), tfjsPads(node.attrs.pads), '"reflect"'),
    onnx(node, out) {
      const inputs = [out.ref(node.inputs[0]), mapPads(node.attrs.pads, out)];
      out.result(node, "Pad", inputs, { mode: "reflect" });
    },
  },
};
