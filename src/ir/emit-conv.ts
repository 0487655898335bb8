/**
 * How convolutions and dense layers are said in tfjs 4.22, which has no grouped convolution, no dilation
 * together with stride, and no residual epilogue. Paddings are always explicit: tfjs's "same" puts the odd
 * row elsewhere than PyTorch. What a call cannot fuse follows it as calls of its own.
 */
import { type Call, finishEpilogue, fusedActivation, leakySlopes, tfjsPads } from "./emit-tfjs.ts";
import type { TfjsEmitter } from "./emitters.ts";
import type { Epilogue } from "./epilogue.ts";
import type { Node } from "./graph.ts";
import type { Conv2dAttrs } from "./ops/conv2d.ts";
import type { DenseAttrs } from "./ops/dense.ts";
import { elements, type Shape, type Tensor } from "./tensor.ts";
import { reach } from "./window.ts";

/**
 * From this many input channels a group on, groups are convolutions of their own: one depthwise call makes a
 * map that many times the result's size. 2 groups of 128 at 27x27 on wasm: 100 ms and 230 MB of heap that way,
 * 19 ms and 17 MB apart; below 64 channels one call is faster (32 groups of 8 at 28x28: 11 ms against 17).
 */
const wideGroup = 64;

export function emitConv2d(node: Node<Conv2dAttrs>, out: TfjsEmitter): void {
  const { groups } = node.attrs;
  const perGroup = node.inputs[0].type.shape[3] / groups;
  if (groups === 1) emitPlain(node, out);
  else if (perGroup === 1) emitDepthwise(node, out);
  else if (perGroup < wideGroup) emitGrouped(node, out);
  else emitSplit(node, out);
}

export function emitDense(node: Node<DenseAttrs>, out: TfjsEmitter): void {
  const { units, epilogue } = node.attrs;
  const [x, kernel] = node.inputs;
  const size = elements(kernel.type.shape) / units;
  const matrix = out.weight(kernel, "matrix", [size, units], ({ data }) => ({ shape: [size, units], data }));
  // Rank 2 and no transposes: everything else goes through a wasm kernel that gets bias and relu wrong.
  const rows = out.temp("reshape", out.ref(x), `[-1, ${size}]`);
  const { words, rest } = fuse(epilogue, operands(node).bias, units, out);
  const product = out.temp("fused.matMul", record([`a: ${rows}`, `b: ${matrix}`, ...words]));
  finish(node, rest, ["reshape", product, `[-1, 1, 1, ${units}]`], out);
}

function emitPlain(node: Node<Conv2dAttrs>, out: TfjsEmitter): void {
  const filter = isStuffed(node)
    ? out.weight(node.inputs[1], "spread", stuffedShape(node), (value) => stuff(value, node))
    : out.ref(node.inputs[1]);
  emitFused(node, "fused.conv2d", filter, out);
}

/** One input channel a group: tfjs's filter is [height, width, groups, outputs a group], HWIO's bytes. */
function emitDepthwise(node: Node<Conv2dAttrs>, out: TfjsEmitter): void {
  const { groups, channels } = node.attrs;
  const [height, width] = stuffedShape(node);
  const shape = [height, width, groups, channels / groups];
  const filter = out.weight(node.inputs[1], "depthwise", shape, (value) => ({
    shape,
    data: stuff(value, node).data,
  }));
  emitFused(node, "fused.depthwiseConv2d", filter, out);
}

/** A call that takes bias and activation with it. */
function emitFused(node: Node<Conv2dAttrs>, fn: string, filter: string, out: TfjsEmitter): void {
  const { epilogue, channels } = node.attrs;
  const { words, rest } = fuse(epilogue, operands(node).bias, channels, out);
  const x = out.ref(node.inputs[0]);
  finish(node, rest, [fn, record([`x: ${x}`, `filter: ${filter}`, ...geometry(node), ...words])], out);
}

/**
 * Groups of a few channels: every input channel makes the outputs of its group by itself (a depthwise
 * convolution), then the inputs of a group are summed.
 *
 *     [n, h, w, groups * in * outs]  ->  [n * h * w * groups, in, outs]  ->  sum over `in`
 */
function emitGrouped(node: Node<Conv2dAttrs>, out: TfjsEmitter): void {
  const { epilogue, groups, channels } = node.attrs;
  const [, h, w] = node.type.shape;
  const [height, width, perGroup] = stuffedShape(node);
  const outs = channels / groups;
  const shape = [height, width, perGroup * groups, outs];
  const filter = out.weight(node.inputs[1], "depthwise", shape, (value) =>
    byInput(stuff(value, node), groups),
  );
  const x = out.ref(node.inputs[0]);
  const { strides, pad, dilations } = windowOf(node);
  const apart = out.temp("depthwiseConv2d", x, filter, strides, pad, '"NHWC"', dilations);
  const sum = out.temp("sum", out.temp("reshape", apart, `[-1, ${perGroup}, ${outs}]`), "1");
  finish(node, epilogue, ["reshape", sum, `[-1, ${h}, ${w}, ${channels}]`], out);
}

/** Groups of many channels: a convolution each, side by side. */
function emitSplit(node: Node<Conv2dAttrs>, out: TfjsEmitter): void {
  const { epilogue, groups, channels } = node.attrs;
  const [x, kernel] = node.inputs;
  const [, h, w] = x.type.shape;
  const [height, width, perGroup] = stuffedShape(node);
  const outs = channels / groups;
  const { bias } = operands(node);
  const maps: string[] = [];
  let rest: Epilogue = epilogue;
  for (let group = 0; group < groups; group++) {
    const part = out.temp(
      "slice",
      out.ref(x),
      `[0, 0, 0, ${group * perGroup}]`,
      `[-1, ${h}, ${w}, ${perGroup}]`,
    );
    const filter = out.weight(kernel, `group${group}`, [height, width, perGroup, outs], (value) =>
      columns(stuff(value, node), group * outs, outs),
    );
    const own =
      bias && out.weight(bias, `group${group}`, [outs], (value) => columns(value, group * outs, outs));
    const fused = fuse(epilogue, own, outs, out);
    rest = fused.rest;
    const call = [`x: ${part}`, `filter: ${filter}`, ...geometry(node), ...fused.words];
    maps.push(out.temp("fused.conv2d", record(call)));
  }
  finish(node, rest, ["concat", `[${maps.join(", ")}]`, "3"], out);
}

const record = (words: readonly string[]): string => `{ ${words.join(", ")} }`;

/** The last call of a kernel and, after it, what is left of the epilogue. */
function finish(
  node: Node<Conv2dAttrs> | Node<DenseAttrs>,
  left: Epilogue,
  call: Call,
  out: TfjsEmitter,
): void {
  const { bias, residual } = operands(node);
  if (!left.bias && !left.residual && !left.activation) out.result(node, ...call);
  else if (!bias || !left.bias) finishEpilogue(node, left, out.temp(...call), residual, out);
  else finish(node, { ...left, bias: false }, ["add", out.temp(...call), out.ref(bias)], out);
}

/** The operands of the epilogue, where it has them. */
function operands({ inputs, attrs }: Node<Conv2dAttrs> | Node<DenseAttrs>): { bias?: Node; residual?: Node } {
  const { bias, residual } = attrs.epilogue;
  return { ...(bias ? { bias: inputs[2] } : {}), ...(residual ? { residual: inputs[bias ? 3 : 2] } : {}) };
}

/** What of the epilogue the call does itself, as its arguments, and what is left to do after it. */
function fuse(
  { residual, activation }: Epilogue,
  bias: Node | string | undefined,
  channels: number,
  out: TfjsEmitter,
): { words: readonly string[]; rest: Epilogue } {
  const vector = typeof bias === "object" ? out.ref(bias) : bias;
  const words = vector ? [`bias: ${vector}`] : [];
  // What comes before the activation cannot be added after it.
  if (residual || !activation) return { words, rest: { bias: false, residual, activation } };
  const rest: Epilogue = { bias: false, residual: false };
  if (activation.fn === "leaky") {
    const slopes = `preluActivationWeights: ${leakySlopes(activation.slope ?? 0, channels, out)}`;
    return { words: [...words, 'activation: "prelu"', slopes], rest };
  }
  const fn = fusedActivation(activation);
  if (fn === undefined) return { words, rest: { ...rest, activation } };
  return { words: [...words, `activation: "${fn}"`], rest };
}

/** The window of a convolution as tfjs takes it: strides and dilations, one of which is 1, and pads. */
function windowOf(node: Node<Conv2dAttrs>): { strides: string; pad: string; dilations: string } {
  const { stride, dilation, pads } = node.attrs;
  return { strides: String(stride), pad: tfjsPads(pads), dilations: String(isStuffed(node) ? 1 : dilation) };
}

function geometry(node: Node<Conv2dAttrs>): string[] {
  const { strides, pad, dilations } = windowOf(node);
  return [`strides: ${strides}`, `pad: ${pad}`, ...(dilations === "1" ? [] : [`dilations: ${dilations}`])];
}

/** tfjs-core 4.22 refuses stride and dilation together, so the holes are written into the kernel as zeros. */
const isStuffed = ({ attrs }: Node<Conv2dAttrs>): boolean => attrs.stride > 1 && attrs.dilation > 1;

function stuffedShape(node: Node<Conv2dAttrs>): readonly number[] {
  const [height, width, ins, outs] = node.inputs[1].type.shape;
  if (!isStuffed(node)) return [height, width, ins, outs];
  return [reach(height, node.attrs.dilation), reach(width, node.attrs.dilation), ins, outs];
}

/** The kernel with dilation - 1 zeros between its places, where the node needs that. */
function stuff(kernel: Tensor, node: Node<Conv2dAttrs>): Tensor {
  if (!isStuffed(node)) return kernel;
  const shape = stuffedShape(node);
  const { dilation } = node.attrs;
  const [height, width, ins, outs] = kernel.shape;
  const place = ins * outs;
  const data = new Float32Array(elements(shape));
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = (row * width + column) * place;
      const to = (row * dilation * shape[1] + column * dilation) * place;
      data.set(kernel.data.subarray(from, from + place), to);
    }
  }
  return { shape, data };
}

/** HWIO with groups -> [height, width, all inputs, outputs of a group]. */
function byInput({ shape: [height, width, ins, channels], data }: Tensor, groups: number): Tensor {
  const outs = channels / groups;
  const shape: Shape = [height, width, groups * ins, outs];
  const y = new Float32Array(elements(shape));
  let to = 0;
  for (let place = 0; place < height * width; place++) {
    for (let group = 0; group < groups; group++) {
      for (let k = 0; k < ins; k++) {
        const from = (place * ins + k) * channels + group * outs;
        for (let o = 0; o < outs; o++) y[to++] = data[from + o];
      }
    }
  }
  return { shape, data: y };
}

/** The last dimension from `start` on, `count` of it. */
function columns({ shape, data }: Tensor, start: number, count: number): Tensor {
  const all = shape[shape.length - 1];
  const rows = data.length / all;
  const y = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < count; k++) y[row * count + k] = data[row * all + start + k];
  }
  return { shape: [...shape.slice(0, -1), count], data: y };
}
