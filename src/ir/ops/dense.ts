/**
 * dense: every output reads the whole map. There is no flatten in the language or the IR, the one operation
 * that would leak a layout; the kernel is [height, width, channels, units].
 *
 *     y[n, 0, 0, u] = activation(sum over h, w, c of x[n, h, w, c] * k[h, w, c, u] + bias[u])
 */

import { emitDense } from "../emit-conv.ts";
import { emitDense as onnxDense } from "../emit-onnx.ts";
import { applyEpilogue, type Epilogue, epilogueOperands, printEpilogue } from "../epilogue.ts";
import type { Op } from "../op.ts";
import { elements, sameShape, zeros } from "../tensor.ts";

export interface DenseAttrs {
  readonly units: number;
  readonly epilogue: Epilogue;
}

export const dense: Op<DenseAttrs> = {
  name: "dense",
  summary: "every output reads the whole map",

  infer([x, weight, ...rest], { units, epilogue }) {
    const [n, ...map] = x.shape;
    const wanted = [...map, units];
    if (!sameShape(weight.shape, wanted)) {
      const params = { op: "dense", role: "kernel", wanted: wanted.join("x"), found: weight.shape.join("x") };
      return { code: "param-shape", params };
    }
    const shape = [n, 1, 1, units];
    return epilogueOperands("dense", rest, epilogue, shape) ?? { dtype: x.dtype, shape };
  },

  macs: ({ type, inputs: [x] }) => elements(x.type.shape) * type.shape[3],

  reference([x, weight, ...rest], node) {
    const y = zeros(node.type.shape);
    const [batch, , , units] = node.type.shape;
    const size = x.data.length / batch;
    const kernels = weight.data;
    const to = y.data;
    for (let n = 0; n < batch; n++) {
      for (let k = 0; k < size; k++) {
        const value = x.data[n * size + k];
        for (let u = 0; u < units; u++) to[n * units + u] += value * kernels[k * units + u];
      }
    }
    applyEpilogue(y, rest, node.attrs.epilogue);
    return y;
  },

  print: ({ units, epilogue }) => [`units ${units}`, ...printEpilogue(epilogue)].join(" "),

  emit: { tfjs: emitDense, onnx: onnxDense },
};
