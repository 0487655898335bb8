/**
 * batchNorm: normalises each channel by running statistics (Ioffe & Szegedy 2015, algorithm 2).
 *
 *     y = scale * (x - mean) / sqrt(var + eps) + shift
 *
 * Operands: x, mean, var, then scale and shift where the attributes say so.
 */
import { filled } from "../emit-onnx.ts";
import type { Op } from "../op.ts";
import { mapValues, sameShape } from "../tensor.ts";

export interface BatchNormAttrs {
  readonly eps: number;
  readonly scale: boolean;
  readonly shift: boolean;
}

/** The operands by what they are; scale and shift are absent where the attributes leave them out. */
export function batchNormOperands<T>(
  [x, mean, variance, ...rest]: readonly T[],
  { scale, shift }: BatchNormAttrs,
) {
  return {
    x,
    mean,
    variance,
    scale: scale ? rest[0] : undefined,
    shift: shift ? rest[scale ? 1 : 0] : undefined,
  };
}

export const batchNorm: Op<BatchNormAttrs> = {
  name: "batchNorm",
  summary: "normalises each channel by its running mean and variance",
  infer([x, ...vectors]) {
    const channels = x.shape[3];
    const bad = vectors.find((vector) => !sameShape(vector.shape, [channels]));
    if (!bad) return x;
    return {
      code: "param-shape",
      params: { op: "batchNorm", role: "vector", wanted: `${channels}`, found: bad.shape.join("x") },
    };
  },
  macs: () => 0,
  reference(operands, { attrs }) {
    const { x, mean, variance, scale, shift } = batchNormOperands(operands, attrs);
    const channels = mean.data.length;
    const data = mapValues(x.data, (value, i) => {
      const c = i % channels;
      const normal = (value - mean.data[c]) / Math.sqrt(variance.data[c] + attrs.eps);
      return normal * (scale ? scale.data[c] : 1) + (shift ? shift.data[c] : 0);
    });
    return { shape: x.shape, data };
  },
  print: ({ eps, scale, shift }) => `eps ${eps}${scale ? "" : " no scale"}${shift ? "" : " no shift"}`,
  emit: {
    tfjs(node, out) {
      const { x, mean, variance, scale, shift } = batchNormOperands(node.inputs, node.attrs);
      const given = (from: typeof scale) => (from ? out.ref(from) : "undefined");
      const args = [
        out.ref(x),
        out.ref(mean),
        out.ref(variance),
        given(shift),
        given(scale),
        String(node.attrs.eps),
      ];
      out.result(node, "batchNorm", ...args);
    },
    onnx(node, out) {
      const { x, mean, variance, scale, shift } = batchNormOperands(node.inputs, node.attrs);
      const [channels] = mean.type.shape;
      const given = [
        scale ? out.ref(scale) : filled(1, channels, out),
        shift ? out.ref(shift) : filled(0, channels, out),
      ];
      const epsilon = { float: node.attrs.eps };
      out.result(node, "BatchNormalization", [out.ref(x), ...given, out.ref(mean), out.ref(variance)], {
        epsilon,
      });
    },
  },
};
