/** One convolution by convKernel, on the memory of wasm-kernel.ts, and what conv2d's reference says of it. */
import { type ConvSpec, convKernel, convWeightFloats } from "../../src/codegen/wasm/kernels/conv.ts";
import { baseline, type Engine } from "../../src/codegen/wasm/kernels/gemm.ts";
import { type Kernel, lanes, type MapLayout } from "../../src/codegen/wasm/kernels/kernel.ts";
import { packPanels } from "../../src/codegen/wasm/plan/weights.ts";
import type { Activation } from "../../src/ir/activation.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { noPads, type Pads, type Tensor } from "../../src/ir/tensor.ts";
import { assertClose } from "./close-to.ts";
import { randomTensor } from "./random.ts";
import { reference } from "./reference.ts";
import { runKernel } from "./wasm-kernel.ts";

export interface ConvCase {
  readonly map: readonly [height: number, width: number, channels: number];
  readonly outputs: number;
  readonly kernel: readonly [height: number, width: number];
  readonly stride?: number;
  readonly dilation?: number;
  readonly groups?: number;
  /** How many groups are computed as one; the others' weights are zeros. */
  readonly merged?: number;
  readonly pads?: Pads;
  readonly residual?: boolean;
  readonly activation?: Activation | undefined;
  /** Of a panel: 2 is eight channels. */
  readonly vectors?: number;
  readonly split?: ConvSpec["split"];
  /** Pixels that follow each other as in a caller's picture, not in whole panels. */
  readonly isPicture?: boolean;
  /** Spare floats behind pixels, spare pixels behind rows, of all maps. */
  readonly hasGaps?: boolean;
  readonly engine?: Engine;
}

/** A convolution that is ready to run. */
export interface PreparedConv {
  readonly kernel: Kernel;
  /** How many numbers an output sums up. */
  readonly terms: number;
  /** Dense NHWC. */
  run(): Float32Array;
  expected(): Tensor;
}

export function prepareConv(given: ConvCase): PreparedConv {
  const { map, outputs, kernel, stride = 1, dilation = 1, groups = 1, merged = 1 } = given;
  const { pads = noPads, residual = false, activation, vectors = 2, split = "rows" } = given;
  const { isPicture = false, hasGaps = false, engine = baseline } = given;
  const [height, width, channels] = map;
  const layout = (
    size: readonly [number, number, number],
    pixelFloats: number,
    sparePixels: number,
  ): MapLayout => {
    const pixelStride = pixelFloats + (hasGaps ? 4 : 0);
    const rowStride = (size[1] + sparePixels + (hasGaps ? 2 : 0)) * pixelStride;
    return { height: size[0], width: size[1], channels: size[2], pixelStride, rowStride };
  };
  const attrs = {
    ...{ kernel, channels: outputs, stride, dilation, groups, pads },
    epilogue: { bias: true, residual, ...(activation ? { activation } : {}) },
  };
  const x = randomTensor(1, [1, height, width, channels]);
  const weights = randomTensor(2, [...kernel, channels / groups, outputs]);
  const bias = randomTensor(3, [outputs]);
  const place = (size: number, window: number, around: number) =>
    Math.floor((size + around - dilation * (window - 1) - 1) / stride) + 1;
  const shape = [
    1,
    place(height, kernel[0], pads.top + pads.bottom),
    place(width, kernel[1], pads.left + pads.right),
    outputs,
  ] as const;
  const addend = randomTensor(4, shape);

  const panelWidth = 4 * vectors;
  const groupsLeft = groups / merged;
  const panels = groupsLeft * Math.ceil(outputs / groupsLeft / panelWidth);
  const written = panels * panelWidth;
  const size = [shape[1], shape[2], outputs] as const;
  const output = layout(size, Math.max(written, lanes(outputs)), 0);
  const input = layout(map, isPicture ? channels : lanes(channels), pads.left + pads.right);
  // Not the layout of the output, so that the two are not mixed up.
  const pixelStride = output.pixelStride + 4;
  const other = residual ? { ...output, pixelStride, rowStride: (size[1] + 1) * pixelStride } : undefined;
  const depth = channels / groupsLeft;
  const spec: ConvSpec = {
    ...{
      input,
      output,
      residual: other,
      kernel,
      stride,
      dilation,
      groups: groupsLeft,
      depth,
      panels,
      vectors,
    },
    ...{ activation, engine, split },
  };
  const packed = packPanels(weights.data, {
    ...{ kernel, depth, channels: outputs, groups: groupsLeft, merged, panels, width: panelWidth },
  });
  if (packed.length !== convWeightFloats(spec)) throw new Error(`${packed.length} packed weights`);
  const shift = new Float32Array(written);
  shift.set(bias.data);
  const made = convKernel(spec);
  return {
    kernel: made,
    terms: kernel[0] * kernel[1] * (channels / groups),
    run: () =>
      runKernel({
        kernel: made,
        input: { layout: input, values: x.data, halo: pads, origin: [-pads.top, -pads.left] },
        weights: packed,
        output: { layout: output, written },
        bias: shift,
        ...(other ? { residual: { layout: other, values: addend.data } } : {}),
      }),
    expected: () => reference(ops.conv2d, attrs, [x, weights, bias, ...(residual ? [addend] : [])]),
  };
}

/** Rounding errors of a sum of so many products of numbers between -1 and 1: six times their deviation. */
const roundingOf = (terms: number): number => 5e-8 * (terms + 16);

export function assertConv({ kernel, terms, expected }: PreparedConv, y: Float32Array): void {
  const data = Float64Array.from(expected().data);
  const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
  assertClose({ data: y }, { data }, roundingOf(terms) / largest, kernel.name);
}
