/**
 * Weights of an ONNX model: the constants of its graph, as initialisers or as nodes, under torch's names and in
 * torch's layouts. What a constant means is told by the nodes that read it:
 *
 *     Identity, Cast, Transpose      the same weight again: it is read through them
 *     Gemm without transB, MatMul    the matrix is [I, O] and turned to [O, I]
 *     Clip, Reshape, Resize, …       a setting of an operation, no weight
 *
 * Kernels are OIHW in every ONNX model. Models with quantised weights are refused: their numbers mean nothing
 * without the scales, which stand in other tensors.
 */
import type { ReadBeside } from "./beside.ts";
import type { Checkpoint, CheckpointTensor } from "./checkpoint.ts";
import { decodeElements, elementBytes, type Floats, gather, isFloating } from "./elements.ts";
import { toGraphLayout } from "./layout.ts";
import { type OnnxGraph, type OnnxNode, parseOnnx } from "./onnx-model.ts";
import { isGivenName, nameByPlace, type Use } from "./onnx-names.ts";
import type { OnnxTensor } from "./onnx-tensor.ts";
import { ensure, quote, shorten } from "./unreadable.ts";

interface Constant {
  readonly name: string;
  readonly tensor: OnnxTensor;
  /** Which side of the tensor each side is. */
  readonly order: readonly number[];
  /** The constant that it is read from through Identity, Cast or Transpose. */
  readonly root: Constant | undefined;
  readonly uses: Use[];
  /** Whether such a node gives it on. */
  isPassedOn: boolean;
}

export function readOnnx(bytes: Uint8Array, beside: ReadBeside): Checkpoint {
  const graph = parseOnnx(bytes, beside);
  for (const node of graph.nodes) checkNode(node);
  const weights = [...findConstants(graph).values()].filter(isWeight);
  checkTotal(weights, graph.fileBytes);
  const { names, byPlace, nameless } = nameConstants(weights);
  const tensors = new Map<string, CheckpointTensor>();
  for (const [i, name] of names.entries()) tensors.set(name, asTensor(name, weights[i]));
  const of = `of ${weights.length} tensors`;
  const notes: string[] = [];
  if (byPlace > 0) notes.push(`${byPlace} ${of} have no name in the file: named by their place in its graph`);
  if (nameless.length > 0) {
    notes.push(
      `${nameless.length} ${of} have no name and no place that gives them one: ${quote(nameless[0])}`,
    );
  }
  return { format: "onnx", layout: "torch", tensors, notes };
}

/** Blocks that are used several times may share weights; this often none are. */
const maxRepeats = 64;
/** So much is fine in files of any size. */
const freeBytes = 2 ** 20;

/** Constants given on a thousand times, and places in other files that overlap, take no more than this to read. */
function checkTotal(weights: readonly Constant[], fileBytes: number): void {
  const total = weights.reduce((sum, { tensor }) => sum + tensor.bytes, 0);
  ensure(
    total <= freeBytes + maxRepeats * fileBytes,
    `its tensors have ${total} bytes together, its files have ${fileBytes}: they repeat the same values`,
  );
}

const quantised = /^(Q[A-Z]|(Quantize|Dequantize|DynamicQuantize)([A-Z]|$))|Integer$|NBits$/;

function checkNode({ op, domain, attributes }: OnnxNode): void {
  ensure(
    !quantised.test(op),
    `it is quantised (${shorten(op)}), which resnetc does not read: use the model from before that`,
  );
  ensure(
    domain !== "com.microsoft.nchwc",
    "ONNX Runtime has reordered its kernels for one machine: use the model from before that",
  );
  if (op !== "Gemm") return;
  for (const factor of ["alpha", "beta"]) {
    const value = attributes.get(factor)?.float ?? 1;
    ensure(
      value === 1,
      `a dense layer of it multiplies by ${factor} = ${value}, which resnetc does not read`,
    );
  }
}

function findConstants({ nodes, initializers }: OnnxGraph): Map<string, Constant> {
  const constants = new Map<string, Constant>();
  const add = (name: string, tensor: OnnxTensor, order: readonly number[], root?: Constant) => {
    ensure(!constants.has(name), `it has two tensors called ${quote(name)}`);
    constants.set(name, { name, tensor, order, root, uses: [], isPassedOn: false });
  };
  for (const tensor of initializers) add(tensor.name, tensor, [...tensor.shape.keys()]);
  for (const node of nodes) {
    const [output] = node.outputs;
    const value = node.op === "Constant" ? node.attributes.get("value")?.tensor : undefined;
    const source = constants.get(node.inputs[0]);
    const order = source && passedOn(node, source);
    if (value && output) add(output, value, [...value.shape.keys()]);
    else if (order && output) {
      add(output, source.tensor, order, source.root ?? source);
      source.isPassedOn = true;
    } else {
      for (const [index, input] of node.inputs.entries()) constants.get(input)?.uses.push({ node, index });
    }
  }
  return constants;
}

/** The order of sides in which a node gives its input on; undefined where it does anything else. */
function passedOn(
  { op, attributes }: OnnxNode,
  { name, tensor, order }: Constant,
): readonly number[] | undefined {
  if (op === "Identity") return order;
  // To half or to double: the stored values are the ones that were trained.
  if (op === "Cast") return isFloating(tensor.dtype) ? order : undefined;
  if (op !== "Transpose") return undefined;
  const sides = attributes.get("perm")?.ints ?? [...order.keys()].reverse();
  const isOrder = sides.length === order.length && order.every((_, side) => sides.includes(side));
  ensure(
    isOrder,
    `${quote(name)} is turned by ${JSON.stringify(sides.slice(0, 8))}, which is no order of its sides`,
  );
  return sides.map((side) => order[side]);
}

/** Operations whose further inputs say how they work. */
const settings =
  /^(Clip|Dropout|Expand|Gather\w*|OneHot|Pad|Pow|Range|Reduce\w+|Reshape|Resize|Scatter\w*|Slice|Split\w*|Squeeze|Tile|TopK|Unsqueeze|Upsample|Where)$/;

function isWeight({ name, tensor, uses, root, order, isPassedOn }: Constant): boolean {
  const isGiven = isGivenName(name);
  const isNumbers = isFloating(tensor.dtype) && order.length > 0;
  // The body of an If or a Loop may read what no node of the graph does.
  if (uses.length === 0) return (isGiven || isNumbers) && !root && !isPassedOn;
  if (uses.every(({ node, index }) => settings.test(node.op) && index > 0)) return false;
  // Shapes, axes, indices.
  if (!isFloating(tensor.dtype) && order.length <= 1) return false;
  // Factors of formulas: 0.5 of GELU, epsilons.
  return isGiven || order.length > 0;
}

interface Naming {
  readonly names: readonly string[];
  readonly byPlace: number;
  /** The names of those that keep an invented one. */
  readonly nameless: readonly string[];
}

/** A name for each, no two alike: its own, that of the tensor it is read from, its place, else whatever it is called. */
function nameConstants(weights: readonly Constant[]): Naming {
  const taken = new Set(weights.flatMap(({ name, root }) => (root ? [name, root.name] : [name])));
  const roots = new Set<Constant>();
  const nameless: string[] = [];
  let byPlace = 0;
  const names = weights.map(({ name, root, uses }) => {
    if (isGivenName(name)) return name;
    if (root && isGivenName(root.name) && root.uses.length === 0 && !roots.has(root)) {
      roots.add(root);
      return root.name;
    }
    const place = uses.map(nameByPlace).find((found) => found !== undefined && !taken.has(found));
    if (place === undefined) {
      nameless.push(name);
      return name;
    }
    taken.add(place);
    byPlace++;
    return place;
  });
  return { names, byPlace, nameless };
}

/** Whether a matrix stands as [I, O] where it is used. */
function isTransposed({ order, uses }: Constant): boolean {
  const use = order.length === 2 && uses.find(({ node }) => node.op === "Gemm" || node.op === "MatMul");
  if (!use) return false;
  const { op, attributes } = use.node;
  const isTrue = (flag: string) => (attributes.get(flag)?.int ?? 0) !== 0;
  if (use.index === 1) return op === "MatMul" || !isTrue("transB");
  return use.index === 0 && op === "Gemm" && isTrue("transA");
}

function asTensor(name: string, constant: Constant): CheckpointTensor {
  const { tensor } = constant;
  const order = isTransposed(constant) ? constant.order.toReversed() : constant.order;
  const shape = order.map((side) => tensor.shape[side]);
  return { name, shape, dtype: tensor.dtype, read: () => readTurned(tensor, order) };
}

function readTurned({ shape, dtype, data }: OnnxTensor, order: readonly number[]): Floats {
  const inOrder = order.every((side, i) => side === i);
  if (inOrder) return decodeElements(data(), dtype);
  if (order.length === 2) {
    // What turns torch's matrices into ours turns any.
    const [rows, columns] = shape;
    return toGraphLayout(decodeElements(data(), dtype), [1, 1, columns, rows], "torch");
  }
  const strides = order.map((side) => shape.slice(side + 1).reduce((product, size) => product * size, 1));
  const turned = { shape: order.map((side) => shape[side]), strides, offset: 0 };
  return decodeElements(gather(data(), elementBytes[dtype], turned), dtype);
}
