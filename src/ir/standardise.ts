/**
 * Weight standardisation (Qiao et al. 2019): each output channel of a kernel gets mean 0 and variance 1,
 *
 *     w' = (w - mean) / sqrt(var + eps)
 *
 * over its window and channels in, the variance being the biased one, as in timm's StdConv2d and Big Transfer (BiT),
 * whose eps are 1e-8. Kernels are HWIO.
 */
import { elements, type Shape } from "./tensor.ts";

export function standardise(kernel: Float32Array | Float64Array, shape: Shape, eps: number): Float64Array {
  const channels = shape[shape.length - 1];
  const count = elements(shape) / channels;
  const made = new Float64Array(kernel.length);
  for (let channel = 0; channel < channels; channel++) {
    let sum = 0;
    for (let i = channel; i < kernel.length; i += channels) sum += kernel[i];
    const mean = sum / count;
    let squares = 0;
    for (let i = channel; i < kernel.length; i += channels) squares += (kernel[i] - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / count + eps);
    for (let i = channel; i < kernel.length; i += channels) made[i] = (kernel[i] - mean) * scale;
  }
  return made;
}
