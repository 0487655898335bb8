/** slice: neighbouring channels of a map. */
import type { Op } from "../op.ts";
import { zeros } from "../tensor.ts";

export interface SliceAttrs {
  /** The first channel, from 0. */
  readonly first: number;
  readonly channels: number;
}

export const slice: Op<SliceAttrs> = {
  name: "slice",
  summary: "neighbouring channels of a map",
  infer([{ dtype, shape }], { first, channels }) {
    const [n, h, w, c] = shape;
    if (first + channels <= c) return { dtype, shape: [n, h, w, channels] };
    return { code: "bad-slice", params: { first, last: first + channels - 1, channels: c } };
  },
  macs: () => 0,
  reference([x], node) {
    const y = zeros(node.type.shape);
    const { first, channels } = node.attrs;
    const all = x.shape[3];
    for (let place = 0; place < y.data.length / channels; place++) {
      for (let k = 0; k < channels; k++) y.data[place * channels + k] = x.data[place * all + first + k];
    }
    return y;
  },
  print: ({ first, channels }) => `channels ${first}..${first + channels - 1}`,
  emit: {
    tfjs(node, out) {
      const { first, channels } = node.attrs;
      out.result(node, "slice", out.ref(node.inputs[0]), `[0, 0, 0, ${first}]`, `[-1, -1, -1, ${channels}]`);
    },
    onnx(node, out) {
      const { first, channels } = node.attrs;
      const range = [out.ints(first), out.ints(first + channels), out.ints(1)];
      out.result(node, "Slice", [out.ref(node.inputs[0]), ...range]);
    },
  },
};
