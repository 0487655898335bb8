/**
 * Graph ──► what a picture shows: a convolution with its bias, norm and activation is one step.
 *
 *     %1 = conv2d 3x3/2 channels 64 %x          ──►     [ conv 3x3, 64 /2   bn relu ]
 *     %2 = batchNorm %1
 *     %3 = activation relu %2
 *
 * The words are those of the language, so that a reader of the source recognises its rows.
 */
import { printActivation } from "../ir/activation.ts";
import type { Epilogue } from "../ir/epilogue.ts";
import { countUses, type Graph, isOp, type Node } from "../ir/graph.ts";
import type { Conv2dAttrs } from "../ir/ops/conv2d.ts";
import { ops } from "../ir/ops/index.ts";
import { isState } from "../ir/ops/param.ts";
import type { ResizeAttrs } from "../ir/ops/resize.ts";
import { elements, type Shape, showMap } from "../ir/tensor.ts";
import { printPads } from "../ir/window.ts";
import { removeDead } from "../passes/remove-dead.ts";

export interface Step {
  /** `layer` has weights and a map of its own; `small` is everything else that has a box. */
  readonly kind: "input" | "output" | "layer" | "small" | "concat" | "sum" | "product";
  /** The name of its first node. */
  readonly name: string;
  readonly label: string;
  /** What happens to the result before anything reads it: `bn`, `relu`. */
  readonly extras: readonly string[];
  /** What it reads, in operand order; the same step may come twice. */
  readonly sources: readonly Step[];
  readonly shape: Shape;
  /** The names of its operations. */
  readonly names: readonly string[];
  /** Whether it adds a map that it reads: a sum, or a layer that sums are fused into. */
  readonly adds: boolean;
  /** Trainable parameters; what others read too counts where it is read first. */
  readonly params: number;
  readonly macs: number;
  /** What it reads of weights and writes of maps, in float32. */
  readonly bytes: number;
}

interface Draft extends Step {
  readonly extras: string[];
  readonly names: string[];
  shape: Shape;
  params: number;
  macs: number;
  bytes: number;
}

/**
 * The steps that outputs need, each after those it reads; inputs and outputs are steps too. What changes nothing,
 * such as an option A shortcut that has nothing to do, is none.
 */
export function stepsOf(whole: Graph): readonly Step[] {
  const graph = removeDead.run(whole);
  const uses = countUses(graph);
  const weights = new Weights();
  const steps: Draft[] = [];
  const madeBy = new Map<Node, Draft>();
  for (const node of graph.nodes) {
    if (isOp(node, ops.param)) continue;
    const [x] = node.inputs;
    const before = x && uses.get(x) === 1 ? madeBy.get(x) : undefined;
    const extra = extraWord(node);
    const joined = before && extra !== undefined && joins(node, before) ? before : undefined;
    const step = joined ?? makeStep(node, madeBy);
    if (joined && extra) joined.extras.push(extra);
    if (!joined) steps.push(step);
    step.names.push(node.name);
    step.shape = node.type.shape;
    const { params, floats } = weights.of(node);
    step.params += params;
    step.macs += node.op.macs(node);
    step.bytes += 4 * floats;
    madeBy.set(node, step);
  }
  for (const step of steps) step.bytes += 4 * elements(step.shape);
  for (const { name, node } of graph.outputs) steps.push(outputStep(name, node, madeBy.get(node)!));
  return steps;
}

const free = { params: 0, macs: 0, bytes: 0 };

function makeStep(node: Node, madeBy: ReadonlyMap<Node, Draft>): Draft {
  const sources = node.inputs.flatMap((from) => madeBy.get(from) ?? []);
  const { type, name } = node;
  const layer = isOp(node, ops.conv2d) || isOp(node, ops.dense) ? node.attrs.epilogue : undefined;
  const adds = isOp(node, ops.add) || layer?.residual === true;
  const extras = layer ? epilogueWords(layer) : [];
  return { ...describe(node), ...free, name, extras, sources, shape: type.shape, names: [], adds };
}

function outputStep(name: string, node: Node, source: Draft): Draft {
  const { shape } = node.type;
  const label = `${name} ${showMap(shape)}`;
  return {
    ...free,
    kind: "output",
    name,
    label,
    extras: [],
    sources: [source],
    shape,
    names: [],
    adds: false,
  };
}

/** What passes have fused. */
const epilogueWords = ({ bias, residual, activation }: Epilogue): string[] => [
  ...(bias ? ["bias"] : []),
  ...(residual ? ["+"] : []),
  ...(activation ? [printActivation(activation)] : []),
];

/** Parameters, each once; those that others are computed from count where these are read. */
class Weights {
  readonly #seen = new Set<Node>();

  of(node: Node): { readonly params: number; readonly floats: number } {
    let params = 0;
    let floats = 0;
    for (const from of node.inputs) {
      if (!isOp(from, ops.param) || this.#seen.has(from)) continue;
      this.#seen.add(from);
      const size = elements(from.type.shape);
      const inner = this.of(from);
      floats += from.attrs.compute ? inner.floats : size;
      params += from.attrs.compute || isState(from) ? inner.params : size;
    }
    return { params, floats };
  }
}

/** An activation joins what it follows; a norm only a layer, since behind a sum or concat it is the next block's. */
function joins(node: Node, { kind }: Step): boolean {
  return isOp(node, ops.activation) ? kind !== "input" : kind === "layer";
}

/** The word for a node that can join the step before it, "" for one not worth a word; undefined if it cannot. */
function extraWord(node: Node): string | undefined {
  if (isOp(node, ops.bias)) return "";
  if (isOp(node, ops.batchNorm)) return "bn";
  if (isOp(node, ops.affine)) return "scale";
  if (isOp(node, ops.groupNorm)) return "groupnorm";
  if (isOp(node, ops.layerNorm)) return node.attrs.center ? "ln" : "rms";
  if (isOp(node, ops.prelu)) return "prelu";
  return isOp(node, ops.activation) ? printActivation(node.attrs) : undefined;
}

function describe(node: Node): Pick<Step, "kind" | "label"> {
  const channels = node.type.shape[3];
  if (isOp(node, ops.input)) return { kind: "input", label: `${node.name} ${showMap(node.type.shape)}` };
  if (isOp(node, ops.conv2d)) return { kind: "layer", label: describeConv(node) };
  if (isOp(node, ops.dense)) return { kind: "layer", label: `dense ${node.attrs.units}` };
  if (isOp(node, ops.add)) return { kind: "sum", label: "+" };
  if (isOp(node, ops.mul)) return { kind: "product", label: "×" };
  if (isOp(node, ops.concat)) return { kind: "concat", label: `concat, ${channels}` };
  return { kind: "small", label: describeSmall(node) };
}

const slash = (stride: number): string => (stride === 1 ? "" : ` /${stride}`);

function describeConv({ attrs, inputs: [x] }: Node<Conv2dAttrs>): string {
  const { kernel, channels, stride, dilation, groups } = attrs;
  const words = [`conv ${kernel.join("x")}`, String(channels)];
  if (groups > 1) words.push(groups === x.type.shape[3] ? "depthwise" : `${groups} groups`);
  if (dilation > 1) words.push(`dilation ${dilation}`);
  return words.join(", ") + slash(stride);
}

function describeSmall(node: Node): string {
  if (isOp(node, ops.maxPool) || isOp(node, ops.averagePool)) {
    const { kernel, stride } = node.attrs;
    return `${isOp(node, ops.maxPool) ? "maxpool" : "avgpool"} ${kernel.join("x")}${slash(stride)}`;
  }
  if (isOp(node, ops.globalAveragePool)) return node.attrs.sum ? "sumpool" : "avgpool";
  if (isOp(node, ops.softmax) && node.attrs.places) return "softmax of places";
  if (isOp(node, ops.resize)) return describeResize(node);
  if (isOp(node, ops.slice))
    return `channels ${node.attrs.first} to ${node.attrs.first + node.attrs.channels - 1}`;
  if (isOp(node, ops.reflectPad)) return `mirror${printPads(node.attrs.pads).replace(" pad", "")}`;
  if (isOp(node, ops.pad)) {
    const { pads, before, after } = node.attrs;
    // Where zeros go is what tells one option A from another.
    const zeros = [
      ...(before > 0 ? [`+${before} channels in front`] : []),
      ...(after > 0 ? [`+${after}${before > 0 ? "" : " channels"} behind`] : []),
    ].join(", ");
    return `pad${printPads(pads).replace(" pad", "")} ${zeros}`.trim();
  }
  return extraWord(node) || node.op.name;
}

function describeResize({ attrs: { height, width, method }, inputs: [x] }: Node<ResizeAttrs>): string {
  const [, h, w] = x.type.shape;
  const isMultiple = method === "nearest" && height % h === 0 && height / h === width / w;
  return isMultiple ? `upsample x${height / h}` : `${method} ${height}x${width}`;
}
