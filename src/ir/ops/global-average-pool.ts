/** globalAveragePool: the mean of each channel over the whole map, 1x1xC, or the sum. */
import type { Op } from "../op.ts";
import { zeros } from "../tensor.ts";

export interface GlobalAveragePoolAttrs {
  /** Not divided by the number of places. */
  readonly sum: boolean;
}

export const globalAveragePool: Op<GlobalAveragePoolAttrs> = {
  name: "globalAveragePool",
  summary: "the mean or the sum of each channel over the whole map",
  infer: ([{ dtype, shape }]) => ({ dtype, shape: [shape[0], 1, 1, shape[3]] }),
  macs: () => 0,
  reference([x], node) {
    const y = zeros(node.type.shape);
    const [batch, h, w, c] = x.shape;
    const share = node.attrs.sum ? 1 : 1 / (h * w);
    for (let n = 0; n < batch; n++) {
      for (let place = 0; place < h * w; place++) {
        for (let k = 0; k < c; k++) y.data[n * c + k] += x.data[(n * h * w + place) * c + k] * share;
      }
    }
    return y;
  },
  print: ({ sum }) => (sum ? "sum" : ""),
  emit: {
    tfjs(node, out) {
      // avgPool over the whole map: tf.mean is nine times slower on the wasm backend.
      const [, h, w] = node.inputs[0].type.shape;
      const pool = [out.ref(node.inputs[0]), `[${h}, ${w}]`, "1", '"valid"'] as const;
      if (!node.attrs.sum) return out.result(node, "avgPool", ...pool);
      out.result(node, "mul", out.temp("avgPool", ...pool), String(h * w));
    },
    onnx(node, out) {
      const x = out.ref(node.inputs[0]);
      if (!node.attrs.sum) return out.result(node, "GlobalAveragePool", [x]);
      out.result(node, "ReduceSum", [x, out.ints(2, 3)], { keepdims: 1 });
    },
  },
};
