/** Convolutions and dense layers as steps. */
import type { Node } from "../../../ir/graph.ts";
import { isOp } from "../../../ir/graph.ts";
import { type Conv2dAttrs, conv2d } from "../../../ir/ops/conv2d.ts";
import type { DenseAttrs } from "../../../ir/ops/dense.ts";
import { input } from "../../../ir/ops/input.ts";
import { type ConvSpec, convKernel } from "../kernels/conv.ts";
import {
  type DepthwiseSpec,
  depthwiseKernel,
  depthwiseWeightFloats,
  packDepthwise,
} from "../kernels/depthwise.ts";
import { splitRows } from "../kernels/gemm.ts";
import { lanes, type MapLayout } from "../kernels/kernel.ts";
import { spaceToDepthKernel } from "../kernels/space-to-depth.ts";
import {
  extentOf,
  fusedKernel,
  productKernel,
  transformedFloats,
  transformKernel,
  type WinogradSpec,
  weightsKernel,
  winogradTiles,
} from "../kernels/winograd.ts";
import { noHalo, type View } from "./buffers.ts";
import {
  asSpaceToDepth,
  type ConvChoice,
  type ConvShape,
  chooseConv,
  haloOf,
  type PlanOptions,
  type WinogradChoice,
  winogradSpec,
} from "./choose.ts";
import { isFlat, moveNs, type Place, type Planner, placeBefore } from "./planner.ts";
import {
  type Packed,
  packPanels,
  spaceToDepthKernel as spaceToDepthWeights,
  transformPanels,
} from "./weights.ts";

export function shapeOf(node: Node<Conv2dAttrs>): ConvShape {
  const [, height, width, channels] = node.inputs[0].type.shape;
  const [, rows, columns, outputs] = node.type.shape;
  return {
    attrs: node.attrs,
    input: [height, width, channels],
    output: [rows, columns, outputs],
    residual: node.attrs.epilogue.residual,
    // Few channels: not worth whole panels. Others are laid out as any map.
    isPicture: isOp(node.inputs[0], input) && channels <= 4,
  };
}

/** The zeros that a convolution wants around its input; those around a picture it makes itself. */
export function wantedHalo(node: Node<Conv2dAttrs>, options: PlanOptions) {
  const shape = shapeOf(node);
  return shape.isPicture ? noHalo : haloOf(shape, chooseConv(shape, options));
}

/** The operands behind the kernel, by the epilogue. */
function operandsOf({ inputs, attrs }: Node<Conv2dAttrs> | Node<DenseAttrs>) {
  const { bias, residual } = attrs.epilogue;
  return {
    bias: bias ? inputs[2] : undefined,
    residual: residual ? inputs[bias ? 3 : 2] : undefined,
  };
}

export function planConv(node: Node<Conv2dAttrs>, planner: Planner): void {
  const shape = shapeOf(node);
  const choice = chooseConv(shape, planner.options);
  if (choice.kind === "winograd") planWinograd(node, shape, choice, planner);
  else if (choice.kind === "depthwise") planDepthwise(node, shape, choice, planner);
  else planDirect(node, shape, choice, planner);
}

// ---- as an implicit matrix product ------------------------------------------------------------------

/** How groups become panels: some together, if their channels do not fill a vector. */
function panelsOf({ groups, channels }: Conv2dAttrs) {
  const perGroup = channels / groups;
  if (groups === 1) return { merged: 1, vectors: 2, panels: Math.ceil(channels / 8) };
  for (let merged = 1; merged <= groups; merged++) {
    if (groups % merged !== 0 || (perGroup * merged) % 4 !== 0) continue;
    const vectors = (perGroup * merged) % 8 === 0 ? 2 : 1;
    return { merged, vectors, panels: channels / (4 * vectors) };
  }
  return { merged: groups, vectors: 2, panels: Math.ceil(channels / 8) };
}

function planDirect(node: Node<Conv2dAttrs>, shape: ConvShape, choice: ConvChoice, planner: Planner): void {
  const { attrs } = node;
  const { kernel, stride, dilation, channels } = attrs;
  const { bias, residual } = operandsOf(node);
  const source = sourceOf(node, shape, choice, planner);
  const output = planner.map(node);
  const other = residual && planner.view(residual);
  const { merged, vectors, panels } = panelsOf(attrs);
  const groups = attrs.groups / merged;
  const depth = shape.input[2] / groups;
  const width = 4 * vectors;
  const layouts = flatten(node, source.layout, output, other);
  const bytes = 4 * kernel[0] * kernel[1] * depth * panels * width;
  const spec: ConvSpec = {
    ...layouts,
    kernel,
    stride,
    dilation,
    groups,
    depth,
    panels,
    vectors,
    activation: attrs.epilogue.activation,
    engine: planner.options.engine,
    split: layouts.output.height >= 4 && bytes < 1e6 ? "rows" : "panels",
  };
  const weight = node.inputs[1];
  planner.step({
    node,
    kernel: convKernel(spec),
    input: source.place,
    output,
    residual: other,
    weights: planner.pack({
      label: weight.name,
      form: "panels",
      stored: bytes / 4,
      panels,
      width,
      make: () =>
        packPanels(planner.values(weight), { kernel, depth, channels, groups, merged, panels, width }),
    }),
    bias: planner.vector(node.name, panels * width, bias),
    ns: choice.ns,
  });
}

/** Where the windows start, and in what layout: in the halo of the input's map, or in a padded copy of the picture. */
function sourceOf(
  node: Node<Conv2dAttrs>,
  shape: ConvShape,
  choice: ConvChoice,
  planner: Planner,
): { readonly place: Place; readonly layout: MapLayout } {
  const { pads } = node.attrs;
  const [from] = node.inputs;
  if (!shape.isPicture) {
    const view = planner.view(from);
    return { place: placeBefore(view, pads.top, pads.left), layout: view.layout };
  }
  const halo = haloOf(shape, choice);
  const [, , channels] = shape.input;
  // The matrix product wants rows of windows without gaps, the others read vectors.
  const stride = choice.kind === "direct" ? channels : lanes(channels);
  const padded = planner.privateMap(`${node.name} picture`, shape.input, halo, stride);
  planner.copyIn(node, planner.picture(from), padded, halo);
  return { place: placeBefore(padded, halo.top, halo.left), layout: padded.layout };
}

/** A 1x1 convolution over maps without gaps is a product of matrices: its pixels can be rows of any length. */
function flatten(node: Node<Conv2dAttrs>, input: MapLayout, output: View, residual: View | undefined) {
  const { kernel, stride, pads } = node.attrs;
  const maps = [output, ...(residual ? [residual] : [])];
  const isPadded = pads.top + pads.bottom + pads.left + pads.right > 0;
  const isProduct =
    kernel[0] * kernel[1] === 1 &&
    stride === 1 &&
    !isPadded &&
    input.rowStride === input.width * input.pixelStride &&
    maps.every(isFlat);
  if (!isProduct) return { input, output: output.layout, residual: residual?.layout };
  const pixels = output.layout.height * output.layout.width;
  const width = rowLength(pixels);
  const asRows = (layout: MapLayout): MapLayout => ({
    ...layout,
    height: pixels / width,
    width,
    rowStride: width * layout.pixelStride,
  });
  return {
    input: asRows(input),
    output: asRows(output.layout),
    residual: residual && asRows(residual.layout),
  };
}

/** All pixels in one row where they are few, else rows that tiles of four fill and threads can share. */
function rowLength(pixels: number): number {
  if (pixels <= 256) return pixels;
  let best = pixels;
  let bestCost = Number.POSITIVE_INFINITY;
  for (let width = 16; width <= 128; width++) {
    if (pixels % width !== 0) continue;
    const cost = splitRows(width).reduce(
      (sum, { rows, count }) => sum + count * (rows === 4 ? 4.2 : rows + 0.4),
      0,
    );
    if (cost / width < bestCost - 1e-9) [best, bestCost] = [width, cost / width];
  }
  return best;
}

// ---- depthwise ----------------------------------------------------------------------------------------

function planDepthwise(
  node: Node<Conv2dAttrs>,
  shape: ConvShape,
  choice: ConvChoice,
  planner: Planner,
): void {
  const { kernel, stride, dilation, channels, epilogue } = node.attrs;
  const { bias, residual } = operandsOf(node);
  const source = sourceOf(node, shape, choice, planner);
  const output = planner.map(node);
  const other = residual && planner.view(residual);
  const spec: DepthwiseSpec = {
    input: source.layout,
    output: output.layout,
    residual: other?.layout,
    kernel,
    stride,
    dilation,
    activation: epilogue.activation,
    engine: planner.options.engine,
  };
  const weight = node.inputs[1];
  planner.step({
    node,
    kernel: depthwiseKernel(spec),
    input: source.place,
    output,
    residual: other,
    weights: planner.pack({
      label: weight.name,
      form: "depthwise",
      stored: depthwiseWeightFloats(kernel, channels),
      panels: lanes(channels) / 4,
      width: 4,
      make: () => packDepthwise(planner.values(weight), kernel, channels),
    }),
    bias: planner.vector(node.name, lanes(channels), bias),
    ns: choice.ns,
  });
}

// ---- Winograd -----------------------------------------------------------------------------------------

function planWinograd(
  node: Node<Conv2dAttrs>,
  shape: ConvShape,
  choice: WinogradChoice,
  planner: Planner,
): void {
  const { bias, residual } = operandsOf(node);
  const { algorithm, block, chunk } = choice;
  const wide = choice.spaceToDepth ? asSpaceToDepth(shape) : shape;
  const [, , depth] = wide.input;
  const panels = Math.ceil(shape.output[2] / 8);
  const counting = { algorithm, depth, panels, engine: planner.options.engine, chunk };
  const source = choice.spaceToDepth
    ? placesOf(node, shape, choice, planner)
    : sourceOf(node, shape, choice, planner);
  const output = planner.map(node);
  const other = residual && planner.view(residual);
  const spec: WinogradSpec = {
    ...counting,
    input: source.layout,
    output: output.layout,
    residual: other?.layout,
    activation: node.attrs.epilogue.activation,
  };
  const rest = {
    node,
    output,
    residual: other,
    weights: packWinograd(node, spec, shape, choice, planner),
    bias: planner.vector(node.name, panels * 8, bias),
  };
  if (block !== undefined) {
    planner.step({ ...rest, kernel: fusedKernel(spec, block), input: source.place, ns: choice.ns });
    return;
  }
  const transformed = planner.buffer(
    `${node.name} transformed`,
    transformedFloats(spec, winogradTiles(spec)),
  );
  const place = { buffer: transformed, offset: 0 };
  planner.step({
    node,
    part: "transform",
    kernel: transformKernel(spec),
    input: source.place,
    output: place,
    ns: moveNs(2 * transformed.floats),
  });
  planner.step({ ...rest, part: "product", kernel: productKernel(spec), input: place, ns: choice.ns });
}

/** The picture with 2x2 places as channels. */
function placesOf(node: Node<Conv2dAttrs>, shape: ConvShape, choice: WinogradChoice, planner: Planner) {
  const { pads } = node.attrs;
  const [height, width, channels] = shape.input;
  const [rows, columns] = extentOf(winogradSpec(asSpaceToDepth(shape), choice.algorithm));
  const places = planner.privateMap(
    `${node.name} places`,
    [rows, columns, 4 * channels],
    noHalo,
    4 * channels,
  );
  planner.step({
    node,
    part: "lay out",
    kernel: spaceToDepthKernel({
      height,
      width,
      channels,
      top: pads.top,
      left: pads.left,
      output: places.layout,
    }),
    input: planner.picture(node.inputs[0]),
    output: places,
    ns: moveNs(2 * height * width * channels),
  });
  return { place: places, layout: places.layout };
}

function packWinograd(
  node: Node<Conv2dAttrs>,
  spec: WinogradSpec,
  shape: ConvShape,
  choice: WinogradChoice,
  planner: Planner,
): Packed {
  const { algorithm, depth, panels } = spec;
  const { taps, g } = algorithm;
  const [weight] = node.inputs.slice(1);
  const { channels, kernel } = node.attrs;
  const panelShape = {
    kernel: [taps, taps],
    depth,
    channels,
    groups: 1,
    merged: 1,
    panels,
    width: 8,
  } as const;
  const piece = { label: weight.name, panels, width: 8 };
  if (choice.spaceToDepth) {
    // A stem's weights are few: stored as they are needed, they save a function of the module.
    const make = () => {
      const wide = spaceToDepthWeights(planner.values(weight), kernel, shape.input[2], channels);
      return transformPanels(packPanels(wide, panelShape), algorithm, depth, panels);
    };
    const stored = panels * g.length ** 2 * depth * 8;
    return planner.pack({ ...piece, form: "transformed", stored, make });
  }
  const stored = {
    ...piece,
    form: "taps inside" as const,
    stored: panels * taps * taps * depth * 8,
    make: () => packPanels(planner.values(weight), { ...panelShape, tapsInside: true }),
  };
  if (spec.chunk !== undefined) return planner.pack(stored);
  return planner.pack({
    ...stored,
    prepare: {
      kernel: weightsKernel(algorithm, panels, spec.engine),
      extra: depth,
      preparedOfPanel: g.length ** 2 * depth * 8,
    },
  });
}

// ---- dense ------------------------------------------------------------------------------------------

export function planDense(node: Node<DenseAttrs>, planner: Planner): void {
  const { units, epilogue } = node.attrs;
  const { bias, residual } = operandsOf(node);
  const source = planner.view(node.inputs[0]);
  const [, height, width, channels] = node.inputs[0].type.shape;
  const { vectors, panels } = densePanels(units);
  const output = planner.map(node, Math.max(panels * 4 * vectors, lanes(units)));
  const other = residual && planner.view(residual);
  const isRun = isFlat(source) && source.layout.pixelStride === channels;
  // A map without gaps is one long pixel.
  const shape = isRun
    ? { kernel: [1, 1] as const, depth: height * width * channels }
    : { kernel: [height, width] as const, depth: channels };
  const spec: ConvSpec = {
    input: source.layout,
    output: output.layout,
    residual: other?.layout,
    ...shape,
    stride: 1,
    dilation: 1,
    groups: 1,
    panels,
    vectors,
    activation: epilogue.activation,
    engine: planner.options.engine,
    split: "panels",
  };
  const weight = node.inputs[1];
  const stored = height * width * channels * panels * vectors * 4;
  planner.step({
    node,
    kernel: convKernel(spec),
    input: source,
    output,
    residual: other,
    weights: planner.pack({
      label: weight.name,
      form: "panels",
      stored,
      panels,
      width: 4 * vectors,
      make: () =>
        packPanels(planner.values(weight), {
          ...shape,
          channels: units,
          groups: 1,
          merged: 1,
          panels,
          width: 4 * vectors,
        }),
    }),
    bias: planner.vector(node.name, panels * 4 * vectors, bias),
    ns: denseNs(stored),
  });
}

/** One pixel only: a panel as wide as registers allow, that pads little and fills the lanes. */
function densePanels(units: number): { readonly vectors: number; readonly panels: number } {
  let best = { vectors: 2, panels: Math.ceil(units / 8) };
  for (const vectors of [4, 5]) {
    const panels = Math.ceil(units / (4 * vectors));
    if (panels * vectors * 4 <= best.panels * best.vectors * 4 && panels * vectors * 4 >= lanes(units))
      best = { vectors, panels };
  }
  return best;
}

/** Every weight is read once, from memory. */
const denseNs = (weights: number): number => moveNs(0) + (4 * weights) / 20;

export const isConv = (node: Node): node is Node<Conv2dAttrs> => isOp(node, conv2d);
