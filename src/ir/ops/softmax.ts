/**
 * softmax: exponentials scaled to sum 1. With `parts` equal parts of the channels, channel k of each part
 * competes with channel k of the others: the weights of parallel paths. Without, all channels of a place compete.
 * Of `places` each channel's compete over the map: where to look.
 */
import type { Op } from "../op.ts";
import { zeros } from "../tensor.ts";

export interface SoftmaxAttrs {
  /** A divisor of the channels; 0 lets all channels compete. */
  readonly parts: number;
  /** Then `parts` is 0. */
  readonly places: boolean;
}

export const softmax: Op<SoftmaxAttrs> = {
  name: "softmax",
  summary: "exponentials over the channels, over equal parts of them or over the places, scaled to sum 1",
  infer([x], { parts }) {
    const channels = x.shape[3];
    if (!parts || channels % parts === 0) return x;
    return { code: "groups-mismatch", params: { groups: parts, channels, side: "come in" } };
  },
  macs: () => 0,
  reference([x], { attrs }) {
    const y = zeros(x.shape);
    const [rivals, step] = rivalsOf(x.shape, attrs);
    const size = rivals * step;
    for (let start = 0; start < x.data.length; start += size) {
      for (let first = start; first < start + step; first++) {
        const end = first + size;
        // Shifted by the largest value, so that no exponential overflows.
        let largest = -Infinity;
        for (let i = first; i < end; i += step) largest = Math.max(largest, x.data[i]);
        let sum = 0;
        for (let i = first; i < end; i += step) {
          y.data[i] = Math.exp(x.data[i] - largest);
          sum += y.data[i];
        }
        for (let i = first; i < end; i += step) y.data[i] /= sum;
      }
    }
    return y;
  },
  print: ({ parts, places }) => (parts ? `parts ${parts}` : places ? "over places" : ""),
  emit: {
    tfjs(node, out) {
      const [x] = node.inputs;
      const [, height, width, channels] = node.type.shape;
      const { parts, places } = node.attrs;
      if (!parts && !places) return out.result(node, "softmax", out.ref(x));
      // tfjs sums over the last dimension only.
      const rows = out.temp(
        "reshape",
        out.ref(x),
        `[-1, ${rivalsOf(node.type.shape, node.attrs).join(", ")}]`,
      );
      const turned = out.temp("softmax", out.temp("transpose", rows, "[0, 2, 1]"));
      const back = out.temp("transpose", turned, "[0, 2, 1]");
      out.result(node, "reshape", back, `[-1, ${height}, ${width}, ${channels}]`);
    },
    onnx(node, out) {
      const x = out.ref(node.inputs[0]);
      const [, height, width, channels] = node.type.shape;
      const { parts, places } = node.attrs;
      if (!parts && !places) return out.result(node, "Softmax", [x], { axis: 1 });
      const rows = places ? [channels, height * width] : [parts, (channels / parts) * height * width];
      const rivals = out.temp("Reshape", [x, out.ints(0, ...rows)]);
      const shares = out.temp("Softmax", [rivals], { axis: places ? 2 : 1 });
      out.result(node, "Reshape", [shares, out.ints(0, channels, height, width)]);
    },
  },
};

/** How many values compete with each other, and how far apart in memory they lie. */
function rivalsOf(
  [, h, w, c]: readonly number[],
  { parts, places }: SoftmaxAttrs,
): [count: number, step: number] {
  if (places) return [h * w, c];
  return parts ? [parts, c / parts] : [c, 1];
}
