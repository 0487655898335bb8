/** ONNX's tensors and windows (NCHW, OIHW, pads of the whole case) as ours. */
import { elements, type Pads, type Shape, type Tensor } from "../../src/ir/tensor.ts";

export interface OnnxTensor {
  readonly dims: readonly number[];
  readonly dtype: string;
  readonly data: Float32Array | readonly number[];
}

export interface OnnxCase {
  readonly name: string;
  readonly op: string;
  readonly opset: number;
  readonly attrs: Readonly<Record<string, number | string | readonly number[]>>;
  readonly inputs: readonly (OnnxTensor | null)[];
  readonly output: OnnxTensor;
}

// ---- layouts ------------------------------------------------------------------------------------

export const tensor = (shape: Shape, data: ArrayLike<number>): Tensor => ({
  shape,
  data: Float64Array.from(data),
});

/** The tensor with its dimensions in the given order. */
export function transpose({ dims, data }: OnnxTensor, order: readonly number[]): Tensor {
  const shape = order.map((dim) => dims[dim]);
  const strides = dims.map((_, dim) => elements(dims.slice(dim + 1)));
  const values = new Float64Array(data.length);
  for (let i = 0; i < values.length; i++) {
    let rest = i;
    let from = 0;
    for (let dim = order.length - 1; dim >= 0; dim--) {
      from += (rest % shape[dim]) * strides[order[dim]];
      rest = Math.floor(rest / shape[dim]);
    }
    values[i] = Number(data[from]);
  }
  return { shape, data: values };
}

export const nhwc = (from: OnnxTensor): Tensor => transpose(from, [0, 2, 3, 1]);
export const hwio = (from: OnnxTensor): Tensor => transpose(from, [2, 3, 1, 0]);
export const vector = ({ dims, data }: OnnxTensor): Tensor => tensor(dims, data);
/** Any tensor as one row of places: [1, 1, rows, columns]. */
export const rows = ({ data }: OnnxTensor, columns = data.length): Tensor =>
  tensor([1, 1, data.length / columns, columns], data);

// ---- windows ------------------------------------------------------------------------------------

export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: number;
  readonly dilation: number;
  /** What rounding up adds behind. */
  readonly overhang: { readonly bottom: number; readonly right: number };
  readonly pads: Pads;
}

/** The window of a two-dimensional case; undefined where ours cannot say it. */
export function windowOf({ attrs, output }: OnnxCase, x: OnnxTensor): Window | undefined {
  const numbers = (name: string, otherwise: readonly number[]) =>
    (attrs[name] as readonly number[] | undefined) ?? otherwise;
  const kernel = numbers("kernel_shape", []);
  const strides = numbers("strides", [1, 1]);
  const dilations = numbers("dilations", [1, 1]);
  if (x.dims.length !== 4 || strides[0] !== strides[1] || dilations[0] !== dilations[1]) return undefined;
  const reaches = kernel.map((size) => dilations[0] * (size - 1) + 1);
  const auto = String(attrs.auto_pad ?? "NOTSET");
  /** Before, behind, and what the last window reaches beyond that. */
  const side = (dim: 0 | 1) => {
    const size = x.dims[2 + dim];
    const need = (output.dims[2 + dim] - 1) * strides[0] + reaches[dim] - size;
    if (auto.startsWith("SAME")) {
      const less = Math.floor(Math.max(need, 0) / 2);
      const more = Math.max(need, 0) - less;
      return auto === "SAME_UPPER" ? [less, more, 0] : [more, less, 0];
    }
    const pads = numbers("pads", [0, 0, 0, 0]);
    return [pads[dim], pads[dim + 2], Math.max(need - pads[dim] - pads[dim + 2], 0)];
  };
  const [top, bottom, below] = side(0);
  const [left, right, beyond] = side(1);
  return {
    kernel: [kernel[0], kernel[1]],
    stride: strides[0],
    dilation: dilations[0],
    pads: { top, bottom, left, right },
    overhang: { bottom: below, right: beyond },
  };
}
