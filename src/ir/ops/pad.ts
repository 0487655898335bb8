/** pad: zeros around a map and before or behind its channels (option A shortcuts, `extend`). */
import { mapPads } from "../emit-onnx.ts";
import { tfjsPads } from "../emit-tfjs.ts";
import type { Op } from "../op.ts";
import { type Pads, zeros } from "../tensor.ts";
import { printPads } from "../window.ts";

export interface PadAttrs {
  readonly pads: Pads;
  /** Zero channels in front of and behind the map's own. */
  readonly before: number;
  readonly after: number;
}

export const pad: Op<PadAttrs> = {
  name: "pad",
  summary: "zeros around a map and beside its channels",
  infer([{ dtype, shape }], { pads, before, after }) {
    const [n, h, w, c] = shape;
    return { dtype, shape: [n, h + pads.top + pads.bottom, w + pads.left + pads.right, c + before + after] };
  },
  macs: () => 0,
  reference([x], node) {
    const y = zeros(node.type.shape);
    const [batch, h, w, c] = x.shape;
    const [, height, width, channels] = node.type.shape;
    const { pads, before } = node.attrs;
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < h; i++) {
        for (let j = 0; j < w; j++) {
          const to = ((n * height + i + pads.top) * width + j + pads.left) * channels + before;
          for (let k = 0; k < c; k++) y.data[to + k] = x.data[((n * h + i) * w + j) * c + k];
        }
      }
    }
    return y;
  },
  print({ pads, before, after }) {
    const channels = before || after ? `channels ${before},${after}` : "";
    return [printPads(pads).trim().replace("pad", "map"), channels].filter(Boolean).join(" ");
  },
  emit: {
    tfjs: (node, out) =>
      out.result(
        node,
        "pad",
        out.ref(node.inputs[0]),
        tfjsPads(node.attrs.pads, node.attrs.before, node.attrs.after),
      ),
    onnx(node, out) {
      const { pads, before, after } = node.attrs;
      out.result(node, "Pad", [out.ref(node.inputs[0]), mapPads(pads, out, before, after)]);
    },
  },
};
