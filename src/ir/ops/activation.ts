/** activation: an elementwise function; fuse-activation moves it into the convolution before it. */

import { type Activation, applyActivation, printActivation } from "../activation.ts";
import { emitActivation as onnxActivation } from "../emit-onnx.ts";
import { emitActivation } from "../emit-tfjs.ts";
import type { Op } from "../op.ts";
import { mapValues } from "../tensor.ts";

export const activation: Op<Activation> = {
  name: "activation",
  summary: "an elementwise function: relu, sigmoid, swish, …",
  infer: ([x]) => x,
  macs: () => 0,
  reference: ([x], { attrs }) => ({
    shape: x.shape,
    data: mapValues(x.data, (value) => applyActivation(attrs, value)),
  }),
  print: printActivation,
  emit: {
    tfjs: (node, out) => emitActivation(node, node.attrs, out.ref(node.inputs[0]), out),
    onnx: (node, out) => onnxActivation(node, node.attrs, out.ref(node.inputs[0]), out),
  },
};
