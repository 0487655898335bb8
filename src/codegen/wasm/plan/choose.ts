/**
 * Which algorithm a convolution runs as. The candidates' times are predicted from their multiply-adds, the
 * numbers that transforms move and the weights that must come from memory; the shortest wins.
 */
import type { Conv2dAttrs } from "../../../ir/ops/conv2d.ts";
import { reach } from "../../../ir/window.ts";
import { baseline, type Engine } from "../kernels/gemm.ts";
import { dense } from "../kernels/kernel.ts";
import {
  extentOf,
  geometryOf,
  productsOf,
  type WinogradSpec,
  winogradWeightFloats,
} from "../kernels/winograd.ts";
import { type AxisAlgorithm, cookToom, strided } from "../kernels/winograd-algorithm.ts";
import { type Halo, noHalo } from "./buffers.ts";
import {
  cachedBytes,
  cachedBytesPerNs,
  fetchBytesPerNs,
  makeNsPerByte,
  multiplyAddsPerNs,
  stepNs,
  streamBytesPerNs,
  tileEfficiency,
  transformNsPerFloat,
} from "./machine.ts";
import type { Precision } from "./precision.ts";

export interface PlanOptions {
  /** No Winograd: sums in the order of the definition. */
  readonly exact: boolean;
  readonly engine: Engine;
  /** How convolution kernels are stored; float32 when absent. */
  readonly precision?: Precision | undefined;
  /**
   * The memory is another program's: pictures and results are maps of its own, which nothing else is laid upon, and
   * zeros around maps are written in every run, because others use the memory in between.
   */
  readonly guest?: boolean;
}

export const defaultOptions: PlanOptions = { exact: false, engine: baseline };

/** What the choice depends on. */
export interface ConvShape {
  readonly attrs: Conv2dAttrs;
  readonly input: readonly [height: number, width: number, channels: number];
  readonly output: readonly [height: number, width: number, channels: number];
  readonly residual: boolean;
  /** The picture that goes into the net, which can be stored in any way. */
  readonly isPicture: boolean;
}

export type ConvChoice = DirectChoice | DepthwiseChoice | WinogradChoice;

export interface DirectChoice {
  readonly kind: "direct";
  readonly ns: number;
}

export interface DepthwiseChoice {
  readonly kind: "depthwise";
  readonly ns: number;
}

export interface WinogradChoice {
  readonly kind: "winograd";
  readonly ns: number;
  readonly algorithm: AxisAlgorithm;
  /** Tiles of a block for the fused form; absent for the form that threads share by panels. */
  readonly block?: number | undefined;
  /** U is made while it is used, for so many channels in at a time; otherwise it is made at load. */
  readonly chunk?: number | undefined;
  /** 2x2 places of the picture as channels: the stride becomes 1, the window half as large. */
  readonly spaceToDepth: boolean;
}

export function chooseConv(shape: ConvShape, options: PlanOptions): ConvChoice {
  const { attrs, input } = shape;
  if (attrs.groups > 1 && attrs.groups === input[2] && attrs.channels === input[2])
    return { kind: "depthwise", ns: depthwiseNs(shape) };
  const direct: DirectChoice = { kind: "direct", ns: directNs(shape) };
  if (options.exact) return direct;
  return winogradChoices(shape).reduce<ConvChoice>(
    (best, choice) => (choice.ns < best.ns ? choice : best),
    direct,
  );
}

const macsOf = ({ attrs, input, output }: ConvShape): number =>
  output[0] * output[1] * output[2] * attrs.kernel[0] * attrs.kernel[1] * (input[2] / attrs.groups);

/**
 * Time of products whose weights come from memory. A panel is used by `passes` register tiles in turn, and only the
 * first of them waits: the machine does not look ahead far enough to fetch while the others compute.
 */
function withStream(compute: number, stream: number, rows: number): number {
  const passes = Math.max(1, Math.ceil(rows / 4));
  return Math.max(stream, compute / passes) + (compute * (passes - 1)) / passes;
}

function depthwiseNs(shape: ConvShape): number {
  return macsOf(shape) / 15 + stepNs;
}

function directNs(shape: ConvShape): number {
  const { attrs, input, output } = shape;
  const { kernel, groups, channels } = attrs;
  const perGroup = channels / groups;
  const run = input[2] / groups;
  const width = kernel[0] * kernel[1] === 1 ? output[0] * output[1] : output[1];
  const lanesUsed = perGroup % 8 === 0 ? 1 : perGroup / (Math.ceil(perGroup / 4) * 4 * 1.6);
  const shortRuns = run / (run + 4);
  const rate = multiplyAddsPerNs * tileEfficiency(width) * lanesUsed * shortRuns;
  const weights = 4 * kernel[0] * kernel[1] * run * channels;
  return withStream(macsOf(shape) / rate, weights / streamBytesPerNs, output[0] * output[1]) + stepNs;
}

function winogradChoices(shape: ConvShape): WinogradChoice[] {
  const { attrs, input } = shape;
  const { kernel, stride, dilation, groups } = attrs;
  if (dilation !== 1 || groups !== 1 || kernel[0] !== kernel[1]) return [];
  if (kernel[0] === 3 && stride === 1) return [4, 3, 2].map((m) => winogradChoice(shape, cookToom(m, 3)));
  // Tiles of four outputs gain 0.5 ms of ResNet-50's 140 at 28x28 and lose as much on smaller maps.
  if (kernel[0] === 3 && stride === 2 && !shape.isPicture) return [winogradChoice(shape, strided(3))];
  if (shape.isPicture && stride === 2 && kernel[0] >= 5 && kernel[0] <= 8 && input[2] <= 4) {
    return [{ ...winogradChoice(asSpaceToDepth(shape), cookToom(4, 4)), spaceToDepth: true }];
  }
  return [];
}

/** The same convolution of a picture whose 2x2 places are channels: 8x8 taps (zeros added) become 4x4. */
export function asSpaceToDepth(shape: ConvShape): ConvShape {
  const { attrs, input, output } = shape;
  return {
    ...shape,
    attrs: { ...attrs, kernel: [4, 4], stride: 1, pads: noHalo },
    input: [output[0] + 3, output[1] + 3, 4 * input[2]],
  };
}

/** The most tiles of a block in fused form, so that V stays in the second cache and M nearly in the first. */
const mostTiles = [14, 16, 20, 24, 28];
const blockBytes = 700 * 1024;

/** Channels in of a chunk of U: with six points an axis 300 KB, which the second cache holds beside V. */
const mostChannels = 256;

/** The largest part of the depth that makes equal chunks of whole vectors; all of it where only small ones do. */
function chunkOf(depth: number): number {
  for (let chunks = Math.ceil(depth / mostChannels); chunks <= depth / 32; chunks++) {
    if (depth % (4 * chunks) === 0) return depth / chunks;
  }
  return depth;
}

/** The form for large maps where there are blocks enough, else the one whose threads share the panels. */
function winogradChoice(shape: ConvShape, algorithm: AxisAlgorithm): WinogradChoice {
  const { input } = shape;
  const spec = winogradSpec(shape, algorithm);
  const { tiles } = geometryOf(spec);
  const points = algorithm.points.length ** 2;
  const most = mostTiles.findLast((count) => 4 * points * count * input[2] <= blockBytes);
  const isLarge = most !== undefined && tiles >= Math.max(36, 1.5 * most);
  const block = isLarge ? Math.ceil(tiles / Math.ceil(tiles / most)) : undefined;
  const isMadeOnTheWay = !isLarge && !shape.isPicture && 4 * winogradWeightFloats(spec) > cachedBytes;
  const chunk = isMadeOnTheWay ? chunkOf(input[2]) : undefined;
  return {
    kind: "winograd",
    ns: winogradNs(shape, spec, block, chunk !== undefined),
    algorithm,
    block,
    chunk,
    spaceToDepth: false,
  };
}

function winogradNs(
  shape: ConvShape,
  spec: WinogradSpec,
  block: number | undefined,
  isMadeOnTheWay: boolean,
): number {
  const { input, output } = shape;
  const { tiles } = geometryOf(spec);
  const { algorithm } = spec;
  const points = algorithm.points.length ** 2;
  const rows = block ?? tiles;
  const rate = multiplyAddsPerNs * tileEfficiency(rows) * (input[2] / (input[2] + 6));
  const products = (productsOf(spec, block !== undefined) * input[2] * output[2]) / rate;
  const transforms =
    transformNsPerFloat * tiles * (points * input[2] + (points + 2 * algorithm.outputs ** 2) * output[2]);
  const rest = transforms + 2 * stepNs;
  const weightBytes = 4 * winogradWeightFloats(spec);
  if (isMadeOnTheWay) {
    const stored = 4 * algorithm.taps ** 2 * input[2] * output[2];
    return products + stored / fetchBytesPerNs + makeNsPerByte * weightBytes + rest;
  }
  // In fused form every block reads all weights, from the cache that they fit in.
  const blocks = block === undefined ? 1 : Math.ceil(tiles / block);
  const stream = weightBytes / streamBytesPerNs + ((blocks - 1) * weightBytes) / cachedBytesPerNs;
  return withStream(products, stream, rows) + rest;
}

/** A spec for counting, which neither gaps between pixels nor the engine matter to. */
export function winogradSpec(shape: ConvShape, algorithm: AxisAlgorithm): WinogradSpec {
  const layout = ([height, width, channels]: ConvShape["input"]) => dense({ height, width, channels });
  return {
    algorithm,
    input: layout(shape.input),
    output: layout(shape.output),
    depth: shape.input[2],
    panels: Math.ceil(shape.output[2] / 8),
    engine: baseline,
  };
}

/** The zeros around the input that a choice reads. */
export function haloOf(shape: ConvShape, choice: ConvChoice): Halo {
  const { attrs, input, output } = shape;
  const { kernel, stride, dilation, pads } = attrs;
  const behind = (size: number, before: number, extent: number) => Math.max(0, extent - before - size);
  if (choice.kind === "winograd") {
    const [height, width] = extentOf(winogradSpec(shape, choice.algorithm));
    return {
      top: pads.top,
      left: pads.left,
      bottom: behind(input[0], pads.top, height),
      right: behind(input[1], pads.left, width),
    };
  }
  const extent = (side: 0 | 1) => (output[side] - 1) * stride + reach(kernel[side], dilation);
  return {
    top: pads.top,
    left: pads.left,
    bottom: behind(input[0], pads.top, extent(0)),
    right: behind(input[1], pads.left, extent(1)),
  };
}
