/** affine: y = x * scale + shift, per channel: dlib's scale layer, or a batch norm with its statistics folded in. */
import { perChannel } from "../emit-onnx.ts";
import type { Op } from "../op.ts";
import { mapValues, sameShape } from "../tensor.ts";

export const affine: Op<null> = {
  name: "affine",
  summary: "scales and shifts each channel",
  infer([x, ...vectors]) {
    const channels = x.shape[3];
    const bad = vectors.findIndex((vector) => !sameShape(vector.shape, [channels]));
    if (bad < 0) return x;
    const role = bad === 0 ? "scale" : "shift";
    return {
      code: "param-shape",
      params: { op: "affine", role, wanted: `${channels}`, found: vectors[bad].shape.join("x") },
    };
  },
  macs: () => 0,
  reference([x, scale, shift]) {
    const channels = scale.data.length;
    const data = mapValues(x.data, (value, i) => value * scale.data[i % channels] + shift.data[i % channels]);
    return { shape: x.shape, data };
  },
  print: () => "",
  emit: {
    tfjs(node, out) {
      const [x, scale, shift] = node.inputs.map((from) => out.ref(from));
      out.result(node, "add", out.temp("mul", x, scale), shift);
    },
    onnx(node, out) {
      const [x, scale, shift] = node.inputs;
      const scaled = out.temp("Mul", [out.ref(x), perChannel(scale, out)]);
      out.result(node, "Add", [scaled, perChannel(shift, out)]);
    },
  },
};
