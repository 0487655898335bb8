/**
 * Depthwise convolution: each channel by a window of its own. A few neighbouring pixels are computed together, for
 * one vector of channels after the other: windows overlap, so loads are shared, and the input is read as it lies.
 *
 * Weights: [vector of channels][window row][window column][4], zeros beyond the channels.
 */
import { type Activation, printActivation } from "../../../ir/activation.ts";
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32x4, i32, type V128, v128 } from "../assembler/values.ts";
import { epilogue } from "./epilogue.ts";
import { type Engine, multiplyAdd } from "./gemm.ts";
import { at, bytes, hold, type Kernel, type MapLayout, printLayout } from "./kernel.ts";
import type { KernelLibrary } from "./library.ts";
import { eachRowUnit, range, rowUnits, vectorBytes, vectorsOf } from "./walk.ts";

export interface DepthwiseSpec {
  /** With its padding around it, `input` being where the first window starts. Only the strides are used. */
  readonly input: MapLayout;
  readonly output: MapLayout;
  readonly residual?: MapLayout | undefined;
  readonly kernel: readonly [height: number, width: number];
  readonly stride: number;
  readonly dilation: number;
  readonly activation?: Activation | undefined;
  readonly engine: Engine;
}

type Kernel2d = DepthwiseSpec["kernel"];

/** Floats of the packed weights. */
export const depthwiseWeightFloats = ([height, width]: Kernel2d, channels: number): number =>
  4 * vectorsOf(channels) * height * width;

/** Packs a kernel [height][width][1][channels]. */
export function packDepthwise(weights: ArrayLike<number>, kernel: Kernel2d, channels: number): Float32Array {
  const taps = kernel[0] * kernel[1];
  const packed = new Float32Array(depthwiseWeightFloats(kernel, channels));
  for (let channel = 0; channel < channels; channel++) {
    const start = (channel - (channel % 4)) * taps + (channel % 4);
    for (let tap = 0; tap < taps; tap++) packed[start + 4 * tap] = weights[tap * channels + channel];
  }
  return packed;
}

/** input, weights, bias (and residual) > output. */
export function depthwiseKernel(spec: DepthwiseSpec): Kernel {
  const { input, output, residual, kernel, stride, dilation, activation, engine } = spec;
  const units = rowUnits(output.height, output.channels);
  const words = [
    `depthwise ${kernel.join("x")}/${stride} ${printLayout(input)}>${printLayout(output)}`,
    dilation > 1 ? `dilation ${dilation}` : "",
    residual ? `+${printLayout(residual)}` : "",
    activation ? printActivation(activation) : "",
    engine.relaxed ? "relaxed" : "",
  ];
  return {
    name: words.filter((word) => word !== "").join(" "),
    units: units.units,
    emit(f, args, library) {
      const taps = kernel[0] * kernel[1];
      const tile = tileOf(spec);
      eachRowUnit(f, args, units, (row, start) => {
        const first = i32.add(at(args.input, row, stride * input.rowStride), start);
        const place: Place = {
          input: f.let("i32", first),
          output: f.let("i32", i32.add(at(args.output, row, output.rowStride), start)),
          residual: residual && f.let("i32", i32.add(at(args.residual, row, residual.rowStride), start)),
          weights: f.local("i32"),
          bias: f.local("i32"),
        };
        const bias = hold(f, i32.add(args.bias, start));
        const biasEnd = hold(f, i32.add(bias, units.vectors * vectorBytes));
        const weights = hold(f, i32.add(args.weights, i32.mul(start, taps)));
        const tiles = (size: number, count: number) =>
          f.for(f.local("i32"), 0, count, 1, () => {
            f.set(place.bias, bias);
            f.set(place.weights, weights);
            f.loop((again) => {
              emitTile(f, spec, { ...tile, pixels: size }, place, library);
              for (const address of [place.input, place.output, place.residual, place.bias])
                if (address) f.increment(address, vectorBytes);
              f.increment(place.weights, taps * vectorBytes);
              f.branchIf(again, i32.ne(place.bias, biasEnd));
            });
            const behind = (pixelStride: number) => bytes(size * pixelStride) - units.vectors * vectorBytes;
            f.increment(place.input, behind(stride * input.pixelStride));
            f.increment(place.output, behind(output.pixelStride));
            if (residual && place.residual) f.increment(place.residual, behind(residual.pixelStride));
          });
        for (const [size, count] of splitEvenly(output.width, tile.pixels)) tiles(size, count);
      });
    },
  };
}

/** A row as tiles of nearly the same size: [size, count], twice at most. */
function splitEvenly(width: number, most: number): (readonly [size: number, count: number])[] {
  const count = Math.ceil(width / most);
  const size = Math.floor(width / count);
  const larger = width - count * size;
  const groups = [
    [size + 1, larger],
    [size, count - larger],
  ] as const;
  return groups.filter(([, tiles]) => tiles > 0);
}

/** Where a tile lies, for the vector of channels at hand. */
interface Place {
  readonly input: Local<"i32">;
  readonly output: Local<"i32">;
  readonly residual: Local<"i32"> | undefined;
  readonly weights: Local<"i32">;
  readonly bias: Local<"i32">;
}

/** Pixels computed together, and columns of the window taken together. */
interface Tile {
  readonly pixels: number;
  readonly columns: number;
}

/** Node 20's compiler loads all that a loop body needs before it computes; one register is for products. */
const registers = 15;

/** The input's columns that some columns of the windows of neighbouring pixels cover. */
function positionsOf({ stride, dilation }: DepthwiseSpec, { pixels, columns }: Tile): number[] {
  const all = range(pixels).flatMap((pixel) =>
    range(columns).map((column) => pixel * stride + column * dilation),
  );
  return [...new Set(all)];
}

/** The tile with the most products for its instructions: 4 pixels, 3 columns for stride 1. */
function tileOf(spec: DepthwiseSpec): Tile {
  let best: Tile = { pixels: 1, columns: 1 };
  let bestShare = 0;
  for (const pixels of range(Math.min(spec.output.width, registers)).map((i) => i + 1)) {
    for (const columns of range(spec.kernel[1]).map((i) => i + 1)) {
      const loads = positionsOf(spec, { pixels, columns }).length + columns;
      if (loads + pixels + 1 > registers) continue;
      const products = pixels * columns;
      // A product and its sum are two instructions, the loop's own are five.
      const share = products / (loads + 2 * products + 5);
      if (share > bestShare) [best, bestShare] = [{ pixels, columns }, share];
    }
  }
  return best;
}

/** One vector of channels of some pixels. */
function emitTile(
  f: FunctionBuilder,
  spec: DepthwiseSpec,
  { pixels, columns: together }: Tile,
  place: Place,
  library: KernelLibrary,
): void {
  const { input, output, residual, kernel, dilation, activation } = spec;
  const [height, width] = kernel;
  f.scope(() => {
    const sums = range(pixels).map(() => f.local("v128"));
    f.set(sums[0], v128.load(place.bias));
    for (const sum of sums.slice(1)) f.set(sum, sums[0]);

    const [from, weights] = [f.local("i32"), f.local("i32")];
    const end = hold(f, i32.add(place.weights, height * width * vectorBytes));
    for (let first = 0; first < width; first += together) {
      const columns = Math.min(together, width - first);
      f.set(from, i32.add(place.input, bytes(first * dilation * input.pixelStride)));
      f.set(weights, place.weights);
      const windowRow = () =>
        f.scope(() => emitWindowRow(f, spec, { pixels, columns }, first * vectorBytes, sums, from, weights));
      if (height === 1) windowRow();
      else
        f.loop((again) => {
          windowRow();
          f.increment(from, bytes(dilation * input.rowStride));
          f.increment(weights, width * vectorBytes);
          f.branchIf(again, i32.ne(weights, end));
        });
    }
    for (const [pixel, sum] of sums.entries()) {
      const add = residual && v128.load(place.residual!, bytes(pixel * residual.pixelStride));
      f.store(place.output, epilogue(sum, add, activation, library, f), bytes(pixel * output.pixelStride));
    }
  });
}

/** Some columns of one row of the windows. */
function emitWindowRow(
  f: FunctionBuilder,
  spec: DepthwiseSpec,
  tile: Tile,
  offset: number,
  sums: readonly Local<"v128">[],
  from: Local<"i32">,
  weights: Local<"i32">,
): void {
  const { input, stride, dilation, engine } = spec;
  const values = new Map(
    positionsOf(spec, tile).map((position) => [
      position,
      f.let("v128", v128.load(from, bytes(position * input.pixelStride))),
    ]),
  );
  const factors = range(tile.columns).map((column) =>
    f.let("v128", v128.load(weights, offset + column * vectorBytes)),
  );
  for (const [pixel, sum] of sums.entries()) {
    const value = (column: number) => values.get(pixel * stride + column * dilation)!;
    // The products of a row are joined first: each sum is then a chain of few additions, which can overlap.
    const products = factors.reduce<V128 | undefined>((total, factor, column) => {
      const x = value(column);
      return total ? multiplyAdd(engine, x, factor, total) : f32x4.mul(x, factor);
    }, undefined);
    f.set(sum, f32x4.add(sum, products!));
  }
}
