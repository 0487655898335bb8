/** add: the residual sum; both maps have the same shape, there is no silent broadcast. */
import type { Op } from "../op.ts";
import { mapValues, sameShape, showMap } from "../tensor.ts";

export const add: Op<null> = {
  name: "add",
  summary: "adds two maps of the same shape",
  infer([left, right]) {
    if (sameShape(left.shape, right.shape)) return left;
    return {
      code: "shape-mismatch",
      params: {
        verb: "add",
        left: showMap(left.shape),
        right: showMap(right.shape),
        differ: whatDiffers(left.shape, right.shape),
      },
      hint: "a shortcut across a change of shape needs `project` (option B) or `pad` (option A)",
    };
  },
  macs: () => 0,
  reference: ([left, right]) => ({
    shape: left.shape,
    data: mapValues(left.data, (value, i) => value + right.data[i]),
  }),
  print: () => "",
  emit: {
    tfjs: (node, out) => out.result(node, "add", out.ref(node.inputs[0]), out.ref(node.inputs[1])),
    onnx: (node, out) => out.result(node, "Add", [out.ref(node.inputs[0]), out.ref(node.inputs[1])]),
  },
};

function whatDiffers(left: readonly number[], right: readonly number[]): string {
  const size = left[1] !== right[1] || left[2] !== right[2];
  const channels = left[3] !== right[3];
  if (size && channels) return "the channels and the sizes differ";
  return size ? "the sizes differ" : "the channels differ";
}
