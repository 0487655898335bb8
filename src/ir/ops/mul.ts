/** mul: scales one map by another, or each channel by a 1x1 gate (squeeze and excitation). */
import type { Op } from "../op.ts";
import { sameShape, showMap, zeros } from "../tensor.ts";

const isGate = ([, h, w]: readonly number[]) => h === 1 && w === 1;

export const mul: Op<null> = {
  name: "mul",
  summary: "multiplies two maps, or each channel by a 1x1 gate",
  infer([left, right]) {
    if (sameShape(left.shape, right.shape)) return left;
    if (left.shape[3] === right.shape[3] && isGate(right.shape)) return left;
    if (left.shape[3] === right.shape[3] && isGate(left.shape)) return right;
    return {
      code: "shape-mismatch",
      params: {
        verb: "multiply",
        left: showMap(left.shape),
        right: showMap(right.shape),
        differ: "the shapes differ",
      },
      hint: "a gate is 1x1 with the same channels",
    };
  },
  macs: () => 0,
  reference([left, right], node) {
    const y = zeros(node.type.shape);
    const [batch, h, w, c] = node.type.shape;
    const at = (x: typeof left, n: number, place: number, k: number) => {
      const places = x.shape[1] * x.shape[2];
      return x.data[(n * places + (places === 1 ? 0 : place)) * c + k];
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
  emit: { tfjs: (node, out) => out.result(node, "mul", out.ref(node.inputs[0]), out.ref(node.inputs[1])) },
};
