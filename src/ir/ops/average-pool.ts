/**
 * averagePool: the mean of each window.
 *
 * What the mean divides by is where frameworks differ. With `countPads` the zeros of `pads` count as values
 * (torch's count_include_pad, its default); without, only the map's own places do (TensorFlow, ONNX's default).
 * `overhang` is what rounding up adds at the bottom and right: it never counts.
 */
import { emitAveragePool } from "../emit-onnx.ts";
import { tfjsPads } from "../emit-tfjs.ts";
import type { Op } from "../op.ts";
import { noPads, type Pads, zeros } from "../tensor.ts";
import { printPads, slidingSize } from "../window.ts";

export interface AveragePoolAttrs {
  readonly kernel: readonly [height: number, width: number];
  readonly stride: number;
  readonly pads: Pads;
  readonly overhang: { readonly bottom: number; readonly right: number };
  readonly countPads: boolean;
}

export const averagePool: Op<AveragePoolAttrs> = {
  name: "averagePool",
  summary: "the mean of each window",
  infer([x], { kernel, stride, pads, overhang }) {
    const [n, h, w, c] = x.shape;
    const height = slidingSize(h, kernel[0], stride, pads.top, pads.bottom + overhang.bottom);
    const width = slidingSize(w, kernel[1], stride, pads.left, pads.right + overhang.right);
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
    const { kernel, stride, pads, countPads } = node.attrs;
    const [, h, w, c] = x.shape;
    const [batch, oh, ow] = node.type.shape;
    // The places that count as values reach this far beyond the map.
    const edge = countPads ? pads : noPads;
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < oh; i++) {
        for (let j = 0; j < ow; j++) {
          const to = ((n * oh + i) * ow + j) * c;
          let count = 0;
          for (let row = i * stride - pads.top; row < i * stride - pads.top + kernel[0]; row++) {
            for (let column = j * stride - pads.left; column < j * stride - pads.left + kernel[1]; column++) {
              if (row < -edge.top || row >= h + edge.bottom) continue;
              if (column < -edge.left || column >= w + edge.right) continue;
              count++;
              if (row < 0 || row >= h || column < 0 || column >= w) continue;
              const from = ((n * h + row) * w + column) * c;
              for (let k = 0; k < c; k++) y.data[to + k] += x.data[from + k];
            }
          }
          for (let k = 0; k < c; k++) y.data[to + k] /= count;
        }
      }
    }
    return y;
  },
  print({ kernel, stride, pads, overhang, countPads }) {
    const words = [`${kernel.join("x")}/${stride}${printPads(pads)}`];
    if (overhang.bottom || overhang.right) words.push(`overhang ${overhang.bottom},${overhang.right}`);
    if (countPads && printPads(pads)) words.push("counting pads");
    return words.join(" ");
  },
  emit: {
    tfjs(node, out) {
      const { kernel, stride, pads, overhang, countPads } = node.attrs;
      // tf.avgPool divides by the places inside its input, so zeros that count are put in beforehand.
      const padded = countPads && printPads(pads) !== "";
      const x = padded ? out.temp("pad", out.ref(node.inputs[0]), tfjsPads(pads)) : out.ref(node.inputs[0]);
      const left = padded ? noPads : pads;
      const rest = { ...left, bottom: left.bottom + overhang.bottom, right: left.right + overhang.right };
      out.result(node, "avgPool", x, `[${kernel.join(", ")}]`, String(stride), tfjsPads(rest));
    },
    onnx: emitAveragePool,
  },
};
