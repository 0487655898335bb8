/**
 * layerNorm: normalises each place by itself, over its channels (Ba et al. 2016, as ConvNeXt has it).
 *
 *     y = scale * (x - mean) / sqrt(var + eps) + shift
 *
 * with the mean and the biased variance of the channels of a place. Without `center` the mean is taken to be 0, so that
 * what is divided by is the root of the mean square (RMSNorm, Zhang & Sennrich 2019). Operands: x, scale and, if there
 * is one, shift.
 */
import { perChannel } from "../emit-onnx.ts";
import type { Op } from "../op.ts";
import { sameShape, zeros } from "../tensor.ts";

export interface LayerNormAttrs {
  readonly eps: number;
  readonly center: boolean;
  readonly shift: boolean;
}

export const layerNorm: Op<LayerNormAttrs> = {
  name: "layerNorm",
  summary: "normalises each place over its channels",
  infer([x, ...vectors]) {
    const channels = x.shape[3];
    const bad = vectors.findIndex((vector) => !sameShape(vector.shape, [channels]));
    if (bad < 0) return x;
    const role = bad === 0 ? "scale" : "shift";
    const params = { op: "layerNorm", role, wanted: `${channels}`, found: vectors[bad].shape.join("x") };
    return { code: "param-shape", params };
  },
  macs: () => 0,
  reference([x, scale, shift], { attrs: { eps, center } }) {
    const y = zeros(x.shape);
    const channels = x.shape[3];
    for (let place = 0; place < x.data.length; place += channels) {
      let sum = 0;
      for (let k = 0; k < channels; k++) sum += x.data[place + k];
      const mean = center ? sum / channels : 0;
      let squares = 0;
      for (let k = 0; k < channels; k++) squares += (x.data[place + k] - mean) ** 2;
      const deviation = Math.sqrt(squares / channels + eps);
      for (let k = 0; k < channels; k++)
        y.data[place + k] = ((x.data[place + k] - mean) / deviation) * scale.data[k] + (shift?.data[k] ?? 0);
    }
    return y;
  },
  print: ({ eps, center }) => `eps ${eps}${center ? "" : " of the root mean square"}`,
  emit: {
    tfjs(node, out) {
      const [x, scale, shift] = node.inputs.map((from) => out.ref(from));
      const { eps, center } = node.attrs;
      const centred = center ? out.temp("sub", x, out.temp("mean", x, "3", "true")) : x;
      const variance = out.temp("mean", out.temp("square", centred), "3", "true");
      const gain = out.temp("mul", out.temp("rsqrt", out.temp("add", variance, String(eps))), scale);
      if (!shift) return out.result(node, "mul", centred, gain);
      out.result(node, "add", out.temp("mul", centred, gain), shift);
    },
    onnx(node, out) {
      // ONNX's LayerNormalization wants channels last; this is what it stands for, without the transposes.
      const [x, scale, shift] = node.inputs;
      const { eps, center } = node.attrs;
      const channels = { axes: [1], keepdims: 1 };
      const map = out.ref(x);
      const centred = center ? out.temp("Sub", [map, out.temp("ReduceMean", [map], channels)]) : map;
      const variance = out.temp("ReduceMean", [out.temp("Mul", [centred, centred])], channels);
      const deviation = out.temp("Sqrt", [out.temp("Add", [variance, out.scalar(eps)])]);
      const scaled = [out.temp("Div", [centred, deviation]), perChannel(scale, out)];
      if (!shift) return out.result(node, "Mul", scaled);
      out.result(node, "Add", [out.temp("Mul", scaled), perChannel(shift, out)]);
    },
  },
};
