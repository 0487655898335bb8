/**
 * conv2d: two-dimensional convolution with groups, dilation and explicit pads.
 *
 *     y[n, oh, ow, o] = sum over kh, kw, i of  x[n, oh*stride + kh*dilation - top, ow*…, g*I + i] * w[kh, kw, i, o]
 *
 * with g the group of output channel o and I = channels in / groups. Kernel layout HWIO:
 * [kernel height, kernel width, channels in / groups, channels out]. Operands: x, kernel, then bias and
 * residual where the epilogue has them. The epilogue runs in the same pass over the output:
 * y = activation(conv + bias + residual).
 */

import { emitConv2d } from "../emit-conv.ts";
import { emitConv2d as onnxConv2d } from "../emit-onnx.ts";
import { applyEpilogue, type Epilogue, epilogueOperands, printEpilogue } from "../epilogue.ts";
import type { Op } from "../op.ts";
import { type Pads, type Shape, sameShape, zeros } from "../tensor.ts";
import { printPads, reach, slidingSize } from "../window.ts";

export interface Conv2dAttrs {
  readonly kernel: readonly [height: number, width: number];
  readonly channels: number;
  readonly stride: number;
  readonly dilation: number;
  readonly groups: number;
  readonly pads: Pads;
  readonly epilogue: Epilogue;
}

export const conv2d: Op<Conv2dAttrs> = {
  name: "conv2d",
  summary: "two-dimensional convolution, grouped and dilated",

  infer([x, weight, ...rest], attrs) {
    const [n, h, w, c] = x.shape;
    const { kernel, channels, stride, dilation, groups, pads, epilogue } = attrs;
    if (c % groups) return { code: "groups-mismatch", params: { groups, channels: c, side: "come in" } };
    if (channels % groups) return { code: "groups-mismatch", params: { groups, channels, side: "go out" } };
    const wanted: Shape = [...kernel, c / groups, channels];
    if (!sameShape(weight.shape, wanted)) {
      const params = {
        op: "conv2d",
        role: "kernel",
        wanted: wanted.join("x"),
        found: weight.shape.join("x"),
      };
      return { code: "param-shape", params };
    }
    const height = slidingSize(h, reach(kernel[0], dilation), stride, pads.top, pads.bottom);
    const width = slidingSize(w, reach(kernel[1], dilation), stride, pads.left, pads.right);
    if (height < 1) return tooLarge(reach(kernel[0], dilation), h, pads.top + pads.bottom);
    if (width < 1) return tooLarge(reach(kernel[1], dilation), w, pads.left + pads.right);
    const shape = [n, height, width, channels];
    return epilogueOperands("conv2d", rest, epilogue, shape) ?? { dtype: x.dtype, shape };
  },

  macs({ type, attrs, inputs: [x] }) {
    const [n, h, w, o] = type.shape;
    return n * h * w * o * attrs.kernel[0] * attrs.kernel[1] * (x.type.shape[3] / attrs.groups);
  },

  reference([x, weight, ...rest], node) {
    const { kernel, channels, stride, dilation, groups, pads, epilogue } = node.attrs;
    const [, h, w, c] = x.shape;
    const [batch, oh, ow] = node.type.shape;
    const y = zeros(node.type.shape);
    const perGroupIn = c / groups;
    const perGroupOut = channels / groups;
    const from = x.data;
    const kernels = weight.data;
    const to = y.data;
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < oh; i++) {
        for (let j = 0; j < ow; j++) {
          for (let kh = 0; kh < kernel[0]; kh++) {
            const row = i * stride + kh * dilation - pads.top;
            if (row < 0 || row >= h) continue;
            for (let kw = 0; kw < kernel[1]; kw++) {
              const column = j * stride + kw * dilation - pads.left;
              if (column < 0 || column >= w) continue;
              for (let k = 0; k < c; k++) {
                const value = from[((n * h + row) * w + column) * c + k];
                if (value === 0) continue;
                // Input channel k feeds its own group only. HWIO: the output channel runs fastest.
                const group = Math.floor(k / perGroupIn);
                const at =
                  ((kh * kernel[1] + kw) * perGroupIn + (k % perGroupIn)) * channels + group * perGroupOut;
                const out = ((n * oh + i) * ow + j) * channels + group * perGroupOut;
                for (let o = 0; o < perGroupOut; o++) to[out + o] += value * kernels[at + o];
              }
            }
          }
        }
      }
    }
    applyEpilogue(y, rest, epilogue);
    return y;
  },

  print({ kernel, channels, stride, dilation, groups, pads, epilogue }) {
    const words = [`${kernel.join("x")}/${stride}${printPads(pads)} channels ${channels}`];
    if (dilation !== 1) words.push(`dilation ${dilation}`);
    if (groups !== 1) words.push(`groups ${groups}`);
    return [...words, ...printEpilogue(epilogue)].join(" ");
  },

  emit: { tfjs: emitConv2d, onnx: onnxConv2d },
};

function tooLarge(window: number, size: number, padding: number) {
  return { code: "window-too-large", params: { window, size, padding } } as const;
}
