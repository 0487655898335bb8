/** mul: scales one map by another, each channel by a 1x1 gate (squeeze and excitation), or each place by a map of one channel. */
import type { Op } from "../op.ts";
import { sameShape, showMap, zeros } from "../tensor.ts";

/** Whether each side of `gate` is the map's own or 1, of which one is: height and width, or the channels. */
const isGate = ([, h, w, c]: readonly number[], [, height, width, channels]: readonly number[]) =>
  (c === channels && h === 1 && w === 1) || (c === 1 && h === height && w === width);

export const mul: Op<null> = {
  name: "mul",
  summary: "multiplies two maps, each channel by a 1x1 gate, or each place by a map of one channel",
  infer([left, right]) {
    if (sameShape(left.shape, right.shape)) return left;
    if (isGate(right.shape, left.shape)) return left;
    if (isGate(left.shape, right.shape)) return right;
    return {
      code: "shape-mismatch",
      params: {
        verb: "multiply",
        left: showMap(left.shape),
        right: showMap(right.shape),
        differ: "the shapes differ",
      },
      hint: "a gate is 1x1 with the same channels, or one channel of the same size",
    };
  },
  macs: () => 0,
  reference([left, right], node) {
    const y = zeros(node.type.shape);
    const [batch, h, w, c] = node.type.shape;
    const at = (x: typeof left, n: number, place: number, k: number) => {
      const places = x.shape[1] * x.shape[2];
      const channels = x.shape[3];
      return x.data[(n * places + (places === 1 ? 0 : place)) * channels + (channels === 1 ? 0 : k)];
    };
    for (let n = 0; n < batch; n++) {
      for (let place = 0; place < h * w; place++) {
        for (let k = 0; k < c; k++) {
          y.data[(n * h * w + place) * c + k] = at(left, n, place, k) * at(right, n, place, k);
        }
      }
    }
    return y;
  },
  print: () => "",
  emit: {
    tfjs: (node, out) => out.result(node, "mul", out.ref(node.inputs[0]), out.ref(node.inputs[1])),
    onnx: (node, out) => out.result(node, "Mul", [out.ref(node.inputs[0]), out.ref(node.inputs[1])]),
  },
};
