/** prelu: a leaky relu whose slope is learned, one a channel (He et al. 2015, "Delving Deep into Rectifiers"). */
import { perChannel } from "../emit-onnx.ts";
import type { Op } from "../op.ts";
import { mapValues, sameShape } from "../tensor.ts";

export const prelu: Op<null> = {
  name: "prelu",
  summary: "scales negative values by a learned slope, one a channel",
  infer([x, slope]) {
    const channels = x.shape[3];
    if (sameShape(slope.shape, [channels])) return x;
    const params = { op: "prelu", role: "slope", wanted: `${channels}`, found: slope.shape.join("x") };
    return { code: "param-shape", params };
  },
  macs: () => 0,
  reference: ([x, slope]) => ({
    shape: x.shape,
    data: mapValues(x.data, (value, i) => (value < 0 ? value * slope.data[i % slope.data.length] : value)),
  }),
  print: () => "",
  emit: {
    tfjs: (node, out) => out.result(node, "prelu", out.ref(node.inputs[0]), out.ref(node.inputs[1])),
    onnx: (node, out) =>
      out.result(node, "PRelu", [out.ref(node.inputs[0]), perChannel(node.inputs[1], out)]),
  },
};
