/**
 * channelConv: a convolution along the channels, the same at every place, with zeros beyond both ends. Efficient channel
 * attention (Wang et al. 2020) puts it behind a global average.
 *
 *     y[c] = sum over j < k of w[j] x[c + j - (k - 1) / 2]
 */
import { tfjsPads } from "../emit-tfjs.ts";
import type { Op } from "../op.ts";
import { elements, zeros } from "../tensor.ts";

export interface ChannelConvAttrs {
  /** Taps; odd. */
  readonly kernel: number;
}

export const channelConv: Op<ChannelConvAttrs> = {
  name: "channelConv",
  summary: "convolves along the channels, the same at every place",
  infer([x, taps], { kernel }) {
    if (kernel % 2 !== 1) {
      const params = { what: "`kernel` of `channelconv`", wanted: "odd", value: String(kernel) };
      return { code: "out-of-range", params };
    }
    if (taps.shape.length === 1 && taps.shape[0] === kernel) return x;
    const params = { op: "channelConv", role: "weight", wanted: `${kernel}`, found: taps.shape.join("x") };
    return { code: "param-shape", params };
  },
  macs: ({ type, attrs }) => elements(type.shape) * attrs.kernel,
  reference([x, taps], { attrs: { kernel } }) {
    const y = zeros(x.shape);
    const channels = x.shape[3];
    const half = (kernel - 1) / 2;
    for (let from = 0; from < x.data.length; from += channels) {
      for (let c = 0; c < channels; c++) {
        for (let j = Math.max(0, half - c); j < Math.min(kernel, channels + half - c); j++)
          y.data[from + c] += taps.data[j] * x.data[from + c + j - half];
      }
    }
    return y;
  },
  print: ({ kernel }) => `kernel ${kernel}`,
  emit: {
    tfjs(node, out) {
      const [x, taps] = node.inputs.map((from) => out.ref(from));
      const channels = node.type.shape[3];
      const { kernel } = node.attrs;
      // Places become pictures of one row, channels its places.
      const rows = out.temp("reshape", x, `[-1, 1, ${channels}, 1]`);
      const filter = out.temp("reshape", taps, `[1, ${kernel}, 1, 1]`);
      const shape = node.type.shape.slice(1).join(", ");
      const half = (kernel - 1) / 2;
      const pads = tfjsPads({ top: 0, bottom: 0, left: half, right: half });
      out.result(node, "reshape", out.temp("conv2d", rows, filter, "1", pads), `[-1, ${shape}]`);
    },
    onnx(node, out) {
      const [x, taps] = node.inputs;
      const [, height, width, channels] = node.type.shape;
      const { kernel } = node.attrs;
      const half = (kernel - 1) / 2;
      // Channels become rows, and behind a global average there is nothing beside them: torch's Conv1d.
      const places = height * width === 1 ? [] : [height * width];
      const sides = places.map(() => 1);
      const ends = places.map(() => 0);
      const rows = out.temp("Reshape", [out.ref(x), out.ints(0, 1, channels, ...places)]);
      const attributes = { kernel_shape: [kernel, ...sides], pads: [half, ...ends, half, ...ends] };
      const sums = out.temp("Conv", [rows, out.weight(taps, [1, 1, kernel, ...sides])], attributes);
      out.result(node, "Reshape", [sums, out.ints(0, channels, height, width)]);
    },
  },
};
