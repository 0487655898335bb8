/**
 * maxPool: the largest value in each window.
 *
 * Padding never wins: it counts as -Infinity, as in PyTorch and ONNX, not as 0. Rounding up (`ceil`) is
 * padding at the bottom and right, so it needs no attribute.
 */
import { emitMaxPool } from "../emit-onnx.ts";
import { tfjsPads } from "../emit-tfjs.ts";
import type { Op } from "../op.ts";
import { type Pads, zeros } from "../tensor.ts";
import { printPads, slidingSize } from "../window.ts";

export interface MaxPoolAttrs {
  readonly kernel: readonly [height: number, width: number];
  readonly stride: number;
  readonly pads: Pads;
}

export const maxPool: Op<MaxPoolAttrs> = {
  name: "maxPool",
  summary: "the largest value in each window",
  infer([x], { kernel, stride, pads }) {
    const [n, h, w, c] = x.shape;
    const height = slidingSize(h, kernel[0], stride, pads.top, pads.bottom);
    const width = slidingSize(w, kernel[1], stride, pads.left, pads.right);
    if (height < 1 || width < 1) {
      const [window, size, padding] =
        height < 1 ? [kernel[0], h, pads.top + pads.bottom] : [kernel[1], w, pads.left + pads.right];
      return { code: "window-too-large", params: { window, size, padding } };
    }
    return { dtype: x.dtype, shape: [n, height, width, c] };
  },
  macs: () => 0,
  reference([x], node) {
    const y = zeros(node.type.shape);
    const { kernel, stride, pads } = node.attrs;
    const [, h, w, c] = x.shape;
    const [batch, oh, ow] = node.type.shape;
    y.data.fill(-Infinity);
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < oh; i++) {
        for (let j = 0; j < ow; j++) {
          const to = ((n * oh + i) * ow + j) * c;
          for (let row = i * stride - pads.top; row < i * stride - pads.top + kernel[0]; row++) {
            for (let column = j * stride - pads.left; column < j * stride - pads.left + kernel[1]; column++) {
              if (row < 0 || row >= h || column < 0 || column >= w) continue;
              const from = ((n * h + row) * w + column) * c;
              for (let k = 0; k < c; k++) y.data[to + k] = Math.max(y.data[to + k], x.data[from + k]);
            }
          }
        }
      }
    }
    return y;
  },
  print: ({ kernel, stride, pads }) => `${kernel.join("x")}/${stride}${printPads(pads)}`,
  emit: {
    tfjs(node, out) {
      const { kernel, stride, pads } = node.attrs;
      out.result(
        node,
        "maxPool",
        out.ref(node.inputs[0]),
        `[${kernel.join(", ")}]`,
        String(stride),
        tfjsPads(pads),
      );
    },
    onnx: emitMaxPool,
  },
};
