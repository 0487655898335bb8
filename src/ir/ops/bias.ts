/** bias: adds a per-channel vector. Lowering writes it apart; fold-bias moves it into what made the map. */
import { perChannel } from "../emit-onnx.ts";
import type { Op } from "../op.ts";
import { mapValues, sameShape } from "../tensor.ts";

export const bias: Op<null> = {
  name: "bias",
  summary: "adds a vector, one value a channel",
  infer([x, vector]) {
    const channels = x.shape[3];
    if (sameShape(vector.shape, [channels])) return x;
    const params = { op: "bias", role: "vector", wanted: `${channels}`, found: vector.shape.join("x") };
    return { code: "param-shape", params };
  },
  macs: () => 0,
  reference: ([x, vector]) => ({
    shape: x.shape,
    data: mapValues(x.data, (value, i) => value + vector.data[i % vector.data.length]),
  }),
  print: () => "",
  emit: {
    tfjs: (node, out) => out.result(node, "add", out.ref(node.inputs[0]), out.ref(node.inputs[1])),
    onnx: (node, out) => out.result(node, "Add", [out.ref(node.inputs[0]), perChannel(node.inputs[1], out)]),
  },
};
