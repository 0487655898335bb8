/**
 * What all kernels share. A kernel is a function of the emitted module that does one step of the network, or a
 * part of it: every step has `units` of work (rows, tiles, panels of channels, …; the kernel's choice), and a call
 * does the units from `from` up to `to`. Threads get ranges of units, so a unit must not depend on another one of
 * the same step, and its result must not depend on how the units are dealt out: then any number of threads gives
 * the same bits.
 *
 * Maps are NHWC float32, one picture. Shapes and strides are constants of the kernel, addresses come as arguments:
 * layers of equal shape share a kernel.
 */
import type { FunctionBuilder, Local, Signature } from "../assembler/function.ts";
import { type I32, i32, type V128, type Value } from "../assembler/values.ts";
import type { KernelLibrary } from "./library.ts";

export const stepSignature: Signature = { params: Array(9).fill("i32") };

/** The arguments of every kernel: addresses in bytes, then the range of units, then memory that is the thread's own. */
export interface StepArguments {
  /** The map's pixel (0, 0), or where the first window starts for kernels that read a halo. */
  readonly input: Local<"i32">;
  /** The packed weights; also the scale of an affine step. */
  readonly weights: Local<"i32">;
  readonly output: Local<"i32">;
  /** A vector, one value a channel, zero-filled to whole panels. */
  readonly bias: Local<"i32">;
  /** A second map: the residual, the other addend, the factor. */
  readonly residual: Local<"i32">;
  /** Whatever else one kernel needs. */
  readonly extra: Local<"i32">;
  readonly from: Local<"i32">;
  readonly to: Local<"i32">;
  readonly scratch: Local<"i32">;
}

export interface Kernel {
  /** Says all that the function depends on: equal names are equal functions. Shown by profilers and the plan. */
  readonly name: string;
  /** The number of units of a whole step. */
  readonly units: number;
  /** Bytes of `scratch` it needs; none when absent. */
  readonly scratchBytes?: number;
  readonly emit: (f: FunctionBuilder, args: StepArguments, library: KernelLibrary) => void;
}

export function stepArguments(f: FunctionBuilder): StepArguments {
  const [input, weights, output, bias, residual, extra, from, to, scratch] = f.params as Local<"i32">[];
  return { input, weights, output, bias, residual, extra, from, to, scratch };
}

export interface MapSize {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * Where the pixels of a map lie, in floats (4 bytes). A pixel takes `lanes(channels)` floats of `pixelStride`; those
 * beyond its channels are finite, and nothing may depend on them. Kernels write all lanes; only a grouped convolution
 * whose channels do not fill its panels leaves the last ones as they are.
 */
export interface MapLayout extends MapSize {
  /** From a pixel to its right neighbour; a multiple of 4, except in dense pictures and results. */
  readonly pixelStride: number;
  /** From a pixel to the one below. */
  readonly rowStride: number;
}

/** Of a picture or a result as the caller has it: no gaps at all, whatever the number of channels. */
export const dense = ({ height, width, channels }: MapSize): MapLayout => ({
  height,
  width,
  channels,
  pixelStride: channels,
  rowStride: width * channels,
});

/** Channels as they are stored: whole panels of eight. */
export const lanes = (channels: number): number => Math.ceil(channels / 8) * 8;

export const printLayout = ({ height, width, channels, pixelStride, rowStride }: MapLayout): string => {
  const pixel = pixelStride === lanes(channels) ? "" : `@${pixelStride}`;
  const row = rowStride === width * pixelStride ? "" : `+${rowStride - width * pixelStride}`;
  return `${height}x${width}x${channels}${pixel}${row}`;
};

/** Bytes, the unit of addresses. */
export const bytes = (floats: number): number => 4 * floats;

/** address + index * floats, the index being a local. */
export const at = (address: I32, index: I32, floats: number): Value<"i32"> =>
  i32.add(address, i32.mul(index, bytes(floats)));

/** A local holding the value; so that an address is computed once. */
export const hold = (f: FunctionBuilder, value: Value<"i32">): Local<"i32"> => f.let("i32", value);

export const holdVector = (f: FunctionBuilder, value: V128): Local<"v128"> => f.let("v128", value);
