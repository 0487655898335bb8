/** softmax over the channels of each place. */
import type { Op } from "../op.ts";
import { zeros } from "../tensor.ts";

export const softmax: Op<null> = {
  name: "softmax",
  summary: "exponentials over the channels, scaled to sum 1",
  infer: ([x]) => x,
  macs: () => 0,
  reference([x]) {
    const y = zeros(x.shape);
    const channels = x.shape[3];
    for (let from = 0; from < x.data.length; from += channels) {
      const place = x.data.subarray(from, from + channels);
      // Shifted by the largest value, so that no exponential overflows.
      let largest = -Infinity;
      for (const value of place) largest = Math.max(largest, value);
      let sum = 0;
      for (let k = 0; k < channels; k++) {
        y.data[from + k] = Math.exp(place[k] - largest);
        sum += y.data[from + k];
      }
      for (let k = 0; k < channels; k++) y.data[from + k] /= sum;
    }
    return y;
  },
  print: () => "",
  emit: { tfjs: (node, out) => out.result(node, "softmax", out.ref(node.inputs[0])) },
};
