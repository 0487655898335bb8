/** One Winograd convolution through its kernels, in either form, on memory that shows what they read and write. */
import * as assert from "uvu/assert";
import { baseline, type Engine } from "../../src/codegen/wasm/kernels/gemm.ts";
import { type Kernel, lanes, type MapLayout } from "../../src/codegen/wasm/kernels/kernel.ts";
import {
  extentOf,
  fusedKernel,
  productKernel,
  transformedFloats,
  transformKernel,
  type WinogradSpec,
  weightsKernel,
  winogradTiles,
  winogradWeightFloats,
} from "../../src/codegen/wasm/kernels/winograd.ts";
import type { AxisAlgorithm } from "../../src/codegen/wasm/kernels/winograd-algorithm.ts";
import { packPanels } from "../../src/codegen/wasm/plan/weights.ts";
import type { Activation } from "../../src/ir/activation.ts";
import { ops } from "../../src/ir/ops/index.ts";
import type { Pads, Tensor } from "../../src/ir/tensor.ts";
import { around } from "./operands.ts";
import { randomTensor } from "./random.ts";
import { reference } from "./reference.ts";
import { type KernelMap, runKernel } from "./wasm-kernel.ts";

export interface WinogradCase {
  readonly algorithm: AxisAlgorithm;
  /** Of the output; the map is what a pad of 1 makes of it, or what a window without pads needs. */
  readonly size: readonly [height: number, width: number];
  readonly channels: number;
  readonly outputs: number;
  readonly pad?: 0 | 1;
  readonly residual?: boolean;
  readonly activation?: Activation | undefined;
  /** How many channels in the kernel `made` makes U for at a time; all unless given. */
  readonly chunk?: number;
  readonly engine?: Engine;
  /** Spare floats behind pixels, spare pixels behind rows. */
  readonly hasGaps?: boolean;
  /** Random numbers between -1 and 1 unless given. */
  readonly map?: Tensor;
  readonly weights?: Tensor;
}

export interface PreparedWinograd {
  readonly spec: WinogradSpec;
  readonly tiles: number;
  /** How many numbers an output sums up. */
  readonly terms: number;
  readonly kernels: {
    readonly weights: Kernel;
    readonly transform: Kernel;
    readonly product: Kernel;
    /** The two of a convolution that makes U on the way. */
    readonly transformChunks: Kernel;
    readonly made: Kernel;
    fused(block: number): Kernel;
  };
  /** U, as the module makes it from the weights file. */
  weights(): Float32Array;
  /** V, with NaN where nothing is. */
  transformed(): Float32Array;
  /** Dense NHWC. */
  split(u: Float32Array): Float32Array;
  made(): Float32Array;
  fused(u: Float32Array, block: number): Float32Array;
  expected(): Tensor;
}

export function prepareWinograd(given: WinogradCase): PreparedWinograd {
  const { algorithm, size, channels, outputs, pad = 1, residual = false, activation } = given;
  const { chunk = channels, engine = baseline, hasGaps = false } = given;
  const { taps, stride, g } = algorithm;
  const [height, width] = size;
  const places = (count: number) => (count - 1) * stride + taps - 2 * pad;
  const shape = [1, places(height), places(width), channels] as const;
  const x = given.map ?? randomTensor(1, shape);
  const values = given.weights ?? randomTensor(2, [taps, taps, channels, outputs]);
  const bias = randomTensor(3, [outputs]);
  const addend = randomTensor(4, [1, height, width, outputs]);
  assert.equal([...x.shape], [...shape]);

  const panels = Math.ceil(outputs / 8);
  const layoutOf = ([rows, columns, depth]: readonly number[], sparePixels: number): MapLayout => {
    const pixelStride = lanes(depth) + (hasGaps ? 4 : 0);
    const rowStride = (columns + sparePixels) * pixelStride;
    return { height: rows, width: columns, channels: depth, pixelStride, rowStride };
  };
  const output = layoutOf([height, width, outputs], hasGaps ? 2 : 0);
  const counting = { algorithm, output, depth: channels, panels, engine };
  const [rows, columns] = extentOf({ ...counting, input: output });
  const halo: Pads = {
    ...around(pad),
    bottom: Math.max(0, rows - pad - shape[1]),
    right: Math.max(0, columns - pad - shape[2]),
  };
  // A pixel of NaN ends each row: who reads it reads further than extentOf says.
  const input = layoutOf(shape.slice(1), halo.left + halo.right + 1);
  // Not the layout of the output, so that the two are not mixed up.
  const pixelStride = output.pixelStride + 4;
  const other = residual ? { ...output, pixelStride, rowStride: (width + 1) * pixelStride } : undefined;
  const spec: WinogradSpec = { ...counting, input, residual: other, activation };
  const chunked: WinogradSpec = { ...spec, chunk };
  const tiles = winogradTiles(spec);
  const source: KernelMap = { layout: input, values: x.data, halo, origin: [-pad, -pad] };
  const shift = new Float32Array(8 * panels);
  shift.set(bias.data);
  const rest = {
    output: { layout: output },
    bias: shift,
    ...(other ? { residual: { layout: other, values: addend.data } } : {}),
  };
  const kernels = {
    weights: weightsKernel(algorithm, panels, engine),
    transform: transformKernel(spec),
    product: productKernel(spec),
    transformChunks: transformKernel(chunked),
    made: productKernel(chunked),
    fused: (block: number) => fusedKernel(spec, block),
  };
  /** Numbers everywhere but between slots: the transform reads nothing around its input, which is all NaN. */
  const transformedBy = (kernel: Kernel, floats: number) => {
    const v = unwritten(floats);
    const output = runKernel({ kernel, input: source, output: v });
    const [words, before] = [output, v].map(({ buffer }) => new Uint32Array(buffer));
    const strange = output.findIndex((value, i) => !Number.isFinite(value) && words[i] !== before[i]);
    assert.is(strange, -1, `${kernel.name} reads what is not its input`);
    return output;
  };
  const transformed = () => transformedBy(kernels.transform, transformedFloats(spec, tiles));
  const stored = () =>
    packPanels(values.data, {
      ...{ kernel: [taps, taps], depth: channels, channels: outputs, groups: 1, merged: 1 },
      ...{ panels, width: 8, tapsInside: true },
    });
  return {
    ...{ spec, tiles, kernels, terms: taps * taps * channels },
    weights() {
      const floats = g.length ** 2 * channels * 8;
      assert.is(winogradWeightFloats(spec), panels * floats);
      // A panel is a row, so that none is written with the next.
      const layout = { height: panels, width: 1, channels: floats, pixelStride: floats, rowStride: floats };
      const kernel: Kernel = {
        ...kernels.weights,
        emit: (f, args, library) =>
          kernels.weights.emit(f, { ...args, extra: f.let("i32", channels) }, library),
      };
      return runKernel({ kernel, input: stored(), output: { layout } });
    },
    transformed,
    split: (u) => runKernel({ kernel: kernels.product, input: transformed(), weights: u, ...rest }),
    made: () =>
      runKernel({
        kernel: kernels.made,
        input: transformedBy(kernels.transformChunks, transformedFloats(chunked, tiles)),
        weights: stored(),
        ...rest,
      }),
    fused: (u, block) => runKernel({ kernel: kernels.fused(block), input: source, weights: u, ...rest }),
    expected() {
      const attrs = {
        ...{
          kernel: [taps, taps] as const,
          channels: outputs,
          stride,
          dilation: 1,
          groups: 1,
          pads: around(pad),
        },
        epilogue: { bias: true, residual, ...(activation ? { activation } : {}) },
      };
      return reference(ops.conv2d, attrs, [x, values, bias, ...(residual ? [addend] : [])]);
    },
  };
}

/** NaN of another kind than what surrounds maps. */
function unwritten(floats: number): Float32Array {
  return new Float32Array(new Uint32Array(floats).fill(0xffc0beef).buffer);
}
