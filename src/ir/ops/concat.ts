/** concat: maps side by side along the channels. */
import type { Op } from "../op.ts";
import { showMap, zeros } from "../tensor.ts";

export const concat: Op<null> = {
  name: "concat",
  summary: "puts maps side by side: channels add",
  infer(inputs) {
    const [first, ...rest] = inputs;
    const [n, h, w] = first.shape;
    const odd = rest.find(({ shape }) => shape[1] !== h || shape[2] !== w);
    if (odd) {
      return {
        code: "shape-mismatch",
        params: {
          verb: "put side by side",
          left: showMap(first.shape),
          right: showMap(odd.shape),
          differ: "the sizes differ",
        },
        hint: "give every branch the same stride",
      };
    }
    return { dtype: first.dtype, shape: [n, h, w, inputs.reduce((sum, { shape }) => sum + shape[3], 0)] };
  },
  macs: () => 0,
  reference(inputs, node) {
    const y = zeros(node.type.shape);
    const channels = node.type.shape[3];
    const places = y.data.length / channels;
    let before = 0;
    for (const { shape, data } of inputs) {
      const own = shape[3];
      for (let place = 0; place < places; place++) {
        for (let k = 0; k < own; k++) y.data[place * channels + before + k] = data[place * own + k];
      }
      before += own;
    }
    return y;
  },
  print: () => "",
  emit: {
    tfjs: (node, out) =>
      out.result(node, "concat", `[${node.inputs.map((from) => out.ref(from)).join(", ")}]`, "3"),
    onnx: (node, out) =>
      out.result(
        node,
        "Concat",
        node.inputs.map((from) => out.ref(from)),
        { axis: 1 },
      ),
  },
};
