/**
 * Tensor types and values. Feature maps are always rank 4, NHWC: [batch, height, width, channels]; a
 * vector such as the logits is 1x1xC. Convolution kernels are HWIO, dense kernels HWIO with the whole map
 * as the window: [height, width, channels, units]; per-channel vectors are rank 1.
 */

export type DType = "f32";
export type Shape = readonly number[];

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Values as the reference executor computes them; targets store and compute float32. */
export interface Tensor {
  readonly shape: Shape;
  readonly data: Float32Array | Float64Array;
}

/** Extra rows and columns around a map. */
export interface Pads {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

export const noPads: Pads = { top: 0, bottom: 0, left: 0, right: 0 };

export const f32 = (...shape: number[]): TensorType => ({ dtype: "f32", shape });

export function elements(shape: Shape): number {
  let product = 1;
  for (const side of shape) product *= side;
  return product;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((side, i) => side === b[i]);
}

/** "56x56x64": a shape as people write it, without the batch. */
export function showMap(shape: Shape): string {
  return shape.slice(1).join("x");
}

export function zeros(shape: Shape): Tensor {
  return { shape, data: new Float64Array(elements(shape)) };
}

/** values.map(change) in float64. A plain loop: `Float64Array.from` with a function takes ten times as long. */
export function mapValues(
  values: Float32Array | Float64Array,
  change: (value: number, index: number) => number,
): Float64Array {
  const changed = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) changed[i] = change(values[i], i);
  return changed;
}
