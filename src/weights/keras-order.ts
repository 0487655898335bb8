/**
 * Finds a net's weights in a file of Keras by order, where names say nothing: `conv2d_9`, `batch_normalization_12`.
 *
 * Keras numbers the layers of a class in the order of its model's list of layers, and a legacy .h5 has that order
 * too. The list of a functional model is made from the graph: layers further from the output come first, and of
 * those equally far the one that is met first on the way back from the output, through operands in their order.
 * So the list can be made from our graph as well, but for three things that our graph does not say:
 *
 *     which side of a sum is its first operand: a sum has no order here (Keras' ResNets put the shortcut first)
 *     whether an activation is a layer, or an argument of the layer before it
 *     whether padding is a layer, or an argument of the layer behind it
 *
 * Each combination is tried, for the whole net alike: it is how a model was written. Class by class the file's
 * layers must then be the net's in number, weights and shapes. Where one assignment does, it is taken; where two
 * do, nobody can know, and the file is refused. Stages help: in the first stage of ResNet-50 shortcut and last
 * convolution have equal shapes, in the others they have not, and so tell which side of a sum comes first. Where
 * none does, sums that are written at different places may have been written by different hands, and each place
 * has a side of its own.
 */
import { type Graph, isOp, type Node } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import type { ParamAttrs, ParamRole } from "../ir/ops/param.ts";
import type { Shape } from "../ir/tensor.ts";
import { fits } from "./layout.ts";

type LayerClass = "Conv2D" | "DepthwiseConv2D" | "Dense" | "BatchNormalization";

export interface Ordered {
  /** Their name of each weight, by ours. */
  readonly names: ReadonlyMap<string, string>;
  /** How it was found. */
  readonly how: string;
}

interface Stored {
  readonly name: string;
  readonly shape: Shape;
}

/** The file's names for all weights of the graph, or why there is no saying. */
export function matchByOrder(graph: Graph, tensors: ReadonlyMap<string, Stored>): Ordered | string {
  const wanted = layersOf(graph);
  if (typeof wanted === "string") return wanted;
  const hasDepthwise = wanted.some((layer) => layer.class === "DepthwiseConv2D");
  const found = storedLayers(tensors, hasDepthwise);
  if (typeof found === "string") return found;
  for (const each of classes) {
    const [there, here] = [found, wanted].map(
      (layers) => layers.filter((layer) => layer.class === each).length,
    );
    if (there !== here) return `the file has ${there} layers of class ${each}, the net ${here}`;
  }
  const places = [...new Set(graph.nodes.flatMap((node) => (isOp(node, ops.add) ? [placeOf(node)] : [])))];
  const alike = assignAll(graph, wanted, found, [[], places]);
  const mixed = places.length > 1 && places.length <= maxPlaces && alike.assigned.length === 0;
  const { assigned, misfit } = mixed
    ? assignAll(graph, wanted, found, subsetsOf(places).slice(1, -1))
    : alike;
  const [first, second] = assigned;
  if (!first) return `the order of its layers is not the net's: ${alike.misfit ?? misfit}`;
  if (second) return describeDoubt(wanted, first.assignment, second.assignment);
  const names = wanted.flatMap((layer) =>
    [...layer.params].map(([leaf, node]): [string, string] => [
      node.name,
      first.assignment.get(layer)!.tensors.get(leaf)!.name,
    ]),
  );
  const turned = first.customs.secondFirst.size;
  const sums = turned === 0 ? "" : `, the second side of ${mixed ? "some sums" : "a sum"} first`;
  return { names: new Map(names), how: `by the order of layers in each class${sums}` };
}

interface Assigned {
  readonly assignment: Assignment;
  readonly customs: Customs;
}

/** The assignments that fit, each once, for sums that are turned at these places; and why another does not. */
function assignAll(
  graph: Graph,
  wanted: readonly Layer[],
  found: readonly StoredLayer[],
  turned: readonly (readonly string[])[],
): { readonly assigned: readonly Assigned[]; readonly misfit: string | undefined } {
  const assigned = new Map<string, Assigned>();
  let misfit: string | undefined;
  for (const customs of customsOf(turned)) {
    const assignment = assign(inKerasOrder(graph, wanted, customs), found);
    if (typeof assignment === "string") misfit ??= assignment;
    else {
      const key = wanted.map((layer) => assignment.get(layer)!.name).join("\n");
      if (!assigned.has(key)) assigned.set(key, { assignment, customs });
    }
  }
  return { assigned: [...assigned.values()], misfit };
}

// ---- layers of the graph ----------------------------------------------------------------------------

/** What Keras calls the parts of a layer. */
const leaves: Readonly<Record<ParamRole, string>> = {
  weight: "kernel",
  bias: "bias",
  scale: "gamma",
  shift: "beta",
  mean: "moving_mean",
  var: "moving_variance",
};

const classes: readonly LayerClass[] = ["Conv2D", "DepthwiseConv2D", "Dense", "BatchNormalization"];

/** A layer of Keras as our graph has it: a node, and the bias behind it. */
interface Layer {
  readonly class: LayerClass;
  readonly node: Node;
  readonly params: Map<string, Node<ParamAttrs>>;
}

function layersOf(graph: Graph): readonly Layer[] | string {
  const layers = new Map<Node, Layer>();
  const used = new Set<Node>();
  for (const node of graph.nodes) {
    const params = node.inputs.filter((input) => isOp(input, ops.param)) as Node<ParamAttrs>[];
    if (params.length === 0 || isOp(node, ops.param)) continue;
    const shared = params.find((param) => used.has(param));
    if (shared) return `\`${shared.name}\` is used twice, which an order of layers does not show`;
    for (const param of params) used.add(param);
    const of = classOf(node);
    const layer = isOp(node, ops.bias)
      ? layers.get(node.inputs[0])
      : of && { class: of, node, params: new Map() };
    if (!layer) return `\`${node.name}\` is none of ${classes.join(", ")}, whose order is known`;
    if (layer.node === node) layers.set(node, layer);
    for (const param of params) layer.params.set(leaves[param.attrs.role], param);
  }
  return [...layers.values()];
}

function classOf(node: Node): LayerClass | undefined {
  if (isOp(node, ops.dense)) return "Dense";
  if (isOp(node, ops.batchNorm)) return "BatchNormalization";
  if (!isOp(node, ops.conv2d)) return undefined;
  const { groups } = node.attrs;
  return groups > 1 && groups === node.inputs[0].type.shape[3] ? "DepthwiseConv2D" : "Conv2D";
}

/** How a model was written, as far as it decides the order of layers. */
interface Customs {
  /** The sums whose second operand, as we have it, is the first there: by their places in the text. */
  readonly secondFirst: ReadonlySet<string>;
  readonly activationIsLayer: boolean;
  readonly paddingIsLayer: boolean;
}

const either = [false, true];
const customsOf = (turned: readonly (readonly string[])[]): readonly Customs[] =>
  turned.flatMap((places) =>
    either.flatMap((paddingIsLayer) =>
      [true, false].map((activationIsLayer) => ({
        secondFirst: new Set(places),
        paddingIsLayer,
        activationIsLayer,
      })),
    ),
  );

/** Each more doubles the combinations. */
const maxPlaces = 5;

/** Sums of the same row, in whatever copy of its block, were written by the same hand. */
const placeOf = ({ name, span }: Node): string => (span ? `${span.source.name}:${span.start}` : name);

/** All subsets, none first, all last. */
const subsetsOf = (places: readonly string[]): string[][] =>
  Array.from({ length: 2 ** places.length }, (_, bits) => places.filter((_place, i) => bits & (1 << i)));

function inKerasOrder(graph: Graph, layers: readonly Layer[], customs: Customs): readonly Layer[] {
  const depths = new Map<Node, number>();
  for (const node of graph.nodes.toReversed()) {
    const depth = depths.get(node) ?? 0;
    const before = depth + layersIn(node, customs);
    for (const input of node.inputs) depths.set(input, Math.max(depths.get(input) ?? 0, before));
    depths.set(node, depth);
  }
  const met = new Map<Node, number>();
  const waiting = graph.outputs.map(({ node }) => node).reverse();
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (met.has(node)) continue;
    met.set(node, met.size);
    const turned = isOp(node, ops.add) && customs.secondFirst.has(placeOf(node));
    // The last to be pushed is met first.
    waiting.push(...(turned ? node.inputs : node.inputs.toReversed()));
  }
  // Graphs may have nodes that nothing reads: they come last.
  const indexOf = ({ node }: Layer) => met.get(node) ?? met.size;
  return layers.toSorted((a, b) => depths.get(b.node)! - depths.get(a.node)! || indexOf(a) - indexOf(b));
}

/** How many layers of Keras a node of ours is, besides what is an argument of its neighbour. */
function layersIn(node: Node, { activationIsLayer, paddingIsLayer }: Customs): number {
  if (isOp(node, ops.bias)) return 0;
  if (isOp(node, ops.activation)) return activationIsLayer ? 1 : 0;
  if (isOp(node, ops.pad)) return paddingIsLayer ? 1 : 0;
  const pads = isOp(node, ops.conv2d) || isOp(node, ops.maxPool) ? Object.values(node.attrs.pads) : [];
  return paddingIsLayer && pads.some((side) => side > 0) ? 2 : 1;
}

// ---- layers of the file -----------------------------------------------------------------------------

interface StoredLayer {
  readonly name: string;
  readonly class: LayerClass;
  readonly tensors: ReadonlyMap<string, Stored>;
}

function storedLayers(
  tensors: ReadonlyMap<string, Stored>,
  hasDepthwise: boolean,
): readonly StoredLayer[] | string {
  const layers = new Map<string, Map<string, Stored>>();
  for (const tensor of tensors.values()) {
    const at = tensor.name.lastIndexOf("/");
    const name = tensor.name.slice(0, Math.max(at, 0));
    const leaf = tensor.name.slice(at + 1).replace(/^depthwise_kernel$/, "kernel");
    const layer = layers.get(name) ?? new Map<string, Stored>();
    layers.set(name, layer.set(leaf, tensor));
  }
  const found: StoredLayer[] = [];
  for (const [name, layer] of layers) {
    const of = classOfStored(name, layer, hasDepthwise);
    if (!of) return `its layer \`${name}\` is none of ${classes.join(", ")}, whose order is known`;
    found.push({ name, class: of, tensors: layer });
  }
  return found;
}

function classOfStored(
  name: string,
  layer: ReadonlyMap<string, Stored>,
  hasDepthwise: boolean,
): LayerClass | undefined {
  const kernel = layer.get("kernel");
  if (!kernel)
    return layer.has("moving_mean") && layer.has("moving_variance") ? "BatchNormalization" : undefined;
  if (kernel.shape.length === 2) return "Dense";
  if (kernel.shape.length !== 4) return undefined;
  const says = kernel.name.endsWith("depthwise_kernel") || /(^|\/)depthwise_conv2d(_\d+)?$/.test(name);
  // Layers with names of their own do not say their class; one output a channel makes no sense of others.
  const looks = hasDepthwise && kernel.shape[2] > 1 && kernel.shape[3] === 1;
  return says || looks ? "DepthwiseConv2D" : "Conv2D";
}

// ---- both -------------------------------------------------------------------------------------------

type Assignment = ReadonlyMap<Layer, StoredLayer>;

/** Class by class the n-th to the n-th, or the first that does not fit. */
function assign(wanted: readonly Layer[], found: readonly StoredLayer[]): Assignment | string {
  const assignment = new Map<Layer, StoredLayer>();
  for (const each of classes) {
    const stored = found.filter((layer) => layer.class === each);
    for (const [i, layer] of wanted.filter((one) => one.class === each).entries()) {
      const problem = misfitOf(layer, stored[i]);
      if (problem) return problem;
      assignment.set(layer, stored[i]);
    }
  }
  return assignment;
}

function misfitOf({ node, params }: Layer, { name, tensors }: StoredLayer): string | undefined {
  for (const [leaf, { shape }] of tensors) {
    const param = params.get(leaf);
    if (!param) return `\`${name}\` has a ${leaf}, \`${node.name}\` has none`;
    if (!fits(shape, param.attrs.shape, "tensorflow"))
      return `\`${name}\` has the ${leaf} [${shape.join(", ")}], \`${node.name}\` wants [${param.attrs.shape.join(", ")}]`;
  }
  const missing = [...params.keys()].find((leaf) => !tensors.has(leaf));
  return missing && `\`${name}\` has no ${missing}, \`${node.name}\` has one`;
}

function describeDoubt(wanted: readonly Layer[], one: Assignment, other: Assignment): string {
  const differing = wanted.filter((layer) => one.get(layer) !== other.get(layer));
  const stored = one.get(differing[0])!;
  const rival = differing.find((layer) => other.get(layer) === stored)!;
  return (
    `the order of its layers fits in more than one way, for shapes are equal: ` +
    `\`${stored.name}\` may be \`${differing[0].node.name}\` or \`${rival.node.name}\``
  );
}
