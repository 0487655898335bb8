/**
 * lrn: local response normalisation across channels (Krizhevsky et al. 2012, section 3.3).
 *
 *     y[c] = x[c] / (k + alpha/size * sum over the size channels around c of x²) ^ beta
 *
 * alpha is divided by the size as in Caffe and PyTorch; TensorFlow's is not.
 */
import type { Op } from "../op.ts";
import { zeros } from "../tensor.ts";

export interface LrnAttrs {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;
}

export const lrn: Op<LrnAttrs> = {
  name: "lrn",
  summary: "normalises each value by its neighbours across channels",
  infer([x], { size }) {
    if (size % 2 === 1) return x;
    return { code: "out-of-range", params: { what: "`size` of `lrn`", wanted: "odd", value: String(size) } };
  },
  macs: () => 0,
  reference([x], { attrs: { size, alpha, beta, k } }) {
    const y = zeros(x.shape);
    const channels = x.shape[3];
    const half = (size - 1) / 2;
    for (let from = 0; from < x.data.length; from += channels) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let near = Math.max(0, c - half); near <= Math.min(channels - 1, c + half); near++) {
          sum += x.data[from + near] ** 2;
        }
        y.data[from + c] = x.data[from + c] / (k + (alpha / size) * sum) ** beta;
      }
    }
    return y;
  },
  print: ({ size, alpha, beta, k }) => `size ${size} alpha ${alpha} beta ${beta} k ${k}`,
  emit: {
    tfjs(node, out) {
      const { size, alpha, beta, k } = node.attrs;
      const args = [(size - 1) / 2, k, alpha / size, beta].map(String);
      out.result(node, "localResponseNormalization", out.ref(node.inputs[0]), ...args);
    },
    onnx(node, out) {
      const { size, alpha, beta, k } = node.attrs;
      const factors = { alpha: { float: alpha }, beta: { float: beta }, bias: { float: k } };
      out.result(node, "LRN", [out.ref(node.inputs[0])], { size, ...factors });
    },
  },
};
