/**
 * What a graph costs: parameters, state, multiply-adds, depth, activations, receptive field; for the whole and by
 * the parts of node names. Counts are of the graph before passes: folding changes them, not the network.
 *
 * MACs are torchvision's `_ops`: multiply-adds of convolution and dense layers, nothing else. `timmMacs` is
 * fvcore's total as timm prints it: + 2 per output of a batch norm, 5 per output of a group or layer norm, 1 per input
 * of a global average pool that makes no gate and of a global sum, 1 per output of a resize (4 of a bilinear one), 4 per
 * value of a standardised kernel (timm's batch norm over it).
 */
import { type Graph, isOp, type Node } from "./graph.ts";
import { ops } from "./ops/index.ts";
import { isConstant, isState } from "./ops/param.ts";
import type { ResizeAttrs } from "./ops/resize.ts";
import { elements } from "./tensor.ts";

export interface Counts {
  /** Trainable: weights, biases, scales and shifts. */
  readonly params: number;
  /** Running means and variances, and what is frozen. */
  readonly state: number;
  readonly macs: number;
  readonly timmMacs: number;
  /** Elements of the results of convolution and dense layers (timm's "activations"). */
  readonly activations: number;
}

const nothing: Counts = { params: 0, state: 0, macs: 0, timmMacs: 0, activations: 0 };

const plus = (a: Counts, b: Counts): Counts => ({
  params: a.params + b.params,
  state: a.state + b.state,
  macs: a.macs + b.macs,
  timmMacs: a.timmMacs + b.timmMacs,
  activations: a.activations + b.activations,
});

/** What each node of a graph costs. */
function counter(graph: Pick<Graph, "nodes">): (node: Node) => Counts {
  const squeezes = squeezesOf(graph);
  return (node) => countNode(node, squeezes.has(node));
}

const isVector = ({ type: { shape } }: Node) => shape.length === 4 && shape[1] * shape[2] === 1;

/**
 * The means of whole maps that gates are made from, as in squeeze and excitation: timm writes them as `x.mean((2, 3))`,
 * which fvcore does not count, and the pool before a classifier as `adaptive_avg_pool2d`, which it does.
 */
function squeezesOf(graph: Pick<Graph, "nodes">): ReadonlySet<Node> {
  const inGates = new Set<Node>();
  for (const node of graph.nodes.toReversed()) {
    const gates = isOp(node, ops.mul) && !isVector(node);
    if (!gates && !inGates.has(node)) continue;
    for (const from of node.inputs) if (isVector(from)) inGates.add(from);
  }
  return new Set([...inGates].filter((node) => isOp(node, ops.globalAveragePool)));
}

/** A vector at every place of a map: upstream that is a sum or product that broadcasts, which fvcore does not count. */
const isSpread = (node: Node<ResizeAttrs>): boolean =>
  node.attrs.method === "nearest" && isVector(node.inputs[0]);

function countNode(node: Node, isSqueeze: boolean): Counts {
  if (isOp(node, ops.param)) {
    const size = elements(node.type.shape);
    // Weights that are computed stand for those they were computed from.
    if (node.attrs.compute) return node.attrs.standardised ? { ...nothing, timmMacs: 4 * size } : nothing;
    return isState(node) ? { ...nothing, state: size } : { ...nothing, params: size };
  }
  const macs = node.op.macs(node);
  const size = elements(node.type.shape);
  const multiplies = isOp(node, ops.conv2d) || isOp(node, ops.dense);
  let more = 0;
  if (isOp(node, ops.batchNorm)) more = 2 * size;
  else if (isOp(node, ops.groupNorm)) more = 5 * size;
  // Without a mean to take off it is no operation of torch's that fvcore knows.
  else if (isOp(node, ops.layerNorm) && node.attrs.center) more = 5 * size;
  else if (isOp(node, ops.globalAveragePool) && (!isSqueeze || node.attrs.sum))
    more = elements(node.inputs[0].type.shape);
  else if (isOp(node, ops.resize) && !isSpread(node))
    more = (node.attrs.method === "bilinear" ? 4 : 1) * size;
  return { ...nothing, macs, timmMacs: macs + more, activations: multiplies ? size : 0 };
}

export function countNodes(nodes: readonly Node[]): Counts {
  return nodes.map(counter({ nodes })).reduce(plus, nothing);
}

export function countGraph(graph: Graph): Counts {
  return countNodes(graph.nodes);
}

/** Counts of the nodes whose name starts with a path of labels: `conv4`, `body.conv4`. */
export function countUnder(graph: Graph, prefix: string): Counts | undefined {
  const own = graph.nodes.filter(({ name }) => name === prefix || name.startsWith(`${prefix}.`));
  return own.length > 0 ? own.map(counter(graph)).reduce(plus, nothing) : undefined;
}

/** Most convolution and dense layers on one path from input to output: the paper's count of layers. */
export function depthOf(graph: Graph): number {
  const depth = new Map<Node, number>();
  for (const node of graph.nodes) {
    const before = node.inputs.reduce((most, from) => Math.max(most, depth.get(from) ?? 0), 0);
    depth.set(node, before + (isLayer(node) ? 1 : 0));
  }
  return graph.outputs.reduce((most, { node }) => Math.max(most, depth.get(node) ?? 0), 0);
}

/** A convolution or dense layer that has weights of its own: a blur pool has none. */
const isLayer = (node: Node): boolean =>
  (isOp(node, ops.conv2d) || isOp(node, ops.dense)) && !isConstant(node.inputs[1]);

/** How far apart neighbouring places are in the input, and how much of it one place sees. */
export interface Field {
  readonly jump: number;
  readonly size: number;
}

/** Receptive field of each node, the widest over its inputs: size += (kernel - 1) * jump; jump *= stride. */
export function receptiveFields(graph: Graph): ReadonlyMap<Node, Field> {
  const fields = new Map<Node, Field>();
  for (const node of graph.nodes) {
    if (!isOp(node, ops.param))
      fields.set(
        node,
        receptiveField(node, (input) => fields.get(input)),
      );
  }
  return fields;
}

/** The receptive field of one node, from those of its inputs; weights have none. */
export function receptiveField(node: Node, fieldOf: (input: Node) => Field | undefined): Field {
  const from = node.inputs.flatMap((input) => fieldOf(input) ?? []);
  const size = from.reduce((most, field) => Math.max(most, field.size), 1);
  const jump = from.reduce((most, field) => Math.max(most, field.jump), 1);
  return grow(node, { jump, size });
}

function grow(node: Node, { jump, size }: Field): Field {
  if (isOp(node, ops.conv2d)) {
    const { kernel, stride, dilation } = node.attrs;
    return { jump: jump * stride, size: size + (Math.max(...kernel) - 1) * dilation * jump };
  }
  if (isOp(node, ops.maxPool) || isOp(node, ops.averagePool)) {
    const { kernel, stride } = node.attrs;
    return { jump: jump * stride, size: size + (Math.max(...kernel) - 1) * jump };
  }
  if (isOp(node, ops.globalAveragePool) || isOp(node, ops.dense)) {
    return { jump, size: size + (Math.max(...node.inputs[0].type.shape.slice(1, 3)) - 1) * jump };
  }
  if (isOp(node, ops.resize)) {
    const reach = node.attrs.method === "bilinear" ? size + jump : size;
    return { jump: (jump * node.inputs[0].type.shape[1]) / node.attrs.height, size: reach };
  }
  return { jump, size };
}

/** One row of the table of a network: a labelled row of the net. */
export interface Stage extends Counts {
  readonly name: string;
  /** The result of the last operation of the stage, without the batch. */
  readonly shape: readonly number[];
  readonly nodes: readonly Node[];
  readonly field: Field;
}

/** The nodes by the first `depth` parts of their names, in the order in which they first occur. */
export function stagesOf(graph: Graph, depth = 1): readonly Stage[] {
  const fields = receptiveFields(graph);
  const countOf = counter(graph);
  const groups = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    if (isOp(node, ops.input)) continue;
    // A weight's own name ends in its role, and a bias belongs to the layer it is added to.
    const isPart = isOp(node, ops.param) || isOp(node, ops.bias);
    const parts = (isPart ? node.name.slice(0, node.name.lastIndexOf(".")) : node.name).split(".");
    const key = parts.slice(0, depth).join(".");
    const group = groups.get(key);
    if (group) group.push(node);
    else groups.set(key, [node]);
  }
  return [...groups].map(([name, nodes]) => {
    const last = nodes.findLast((node) => !isOp(node, ops.param)) ?? nodes[nodes.length - 1];
    const counts = nodes.map(countOf).reduce(plus, nothing);
    return {
      name,
      nodes,
      shape: last.type.shape.slice(1),
      field: fields.get(last) ?? { jump: 1, size: 1 },
      ...counts,
    };
  });
}
