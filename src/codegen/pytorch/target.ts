/**
 * The pytorch target: Python source of the network as a module of torch.nn, to train it and come back. The names in its
 * state dict are those of a names table, or our own.
 */
import { type Graph, isOp, type Node } from "../../ir/graph.ts";
import { ops } from "../../ir/ops/index.ts";
import { toTorchLayout } from "../../weights/layout.ts";
import type { NamesTable } from "../../weights/names.ts";
import { type NamedValues, writeSafetensors } from "../../weights/write-safetensors.ts";
import type { Artifact, EmitRequest, Target } from "../target.ts";
import { blockFinder } from "./blocks.ts";
import { BodyWriter } from "./body.ts";
import { Classes } from "./classes.ts";
import { helpers } from "./helpers.ts";
import { moduleText } from "./module.ts";
import { Scopes } from "./scopes.ts";
import { className, identifier } from "./text.ts";
import { areModules, makeUnits, namesBy, type Unit } from "./units.ts";

export const pytorch: Target = {
  name: "pytorch",
  summary: "Python source of a torch.nn.Module, and its weights as safetensors",
  passes: [],
  needsWeights: false,
  takesWeights: true,
  emit,
};

function emit(request: EmitRequest): readonly Artifact[] {
  const { graph, card, name, weights, names: table, hasWeights = false, onNote } = request;
  const asked = table && unitsBy(graph, table);
  const { units, nameOf, names } = asked ?? unitsBy(graph, undefined)!;
  if (table && !asked)
    onNote?.(`names of ${table.name} are not those of modules; the state dict has our own`);
  const scopes = new Scopes(units, graph.outputs, nameOf, blockFinder(request.blocks ?? new Map(), units));
  const inputs = graph.nodes.filter((node) => isOp(node, ops.input));
  const labels = inputs.length === 1 ? ["x"] : inputs.map(({ name: label }) => identifier(label));
  const outputs = graph.outputs.map(({ node }) => node);
  const { body } = new BodyWriter(scopes, [], scopes.itemsOf([], units), inputs, outputs).write(labels);
  const title = className(card.name);
  const classes = new Classes(body, [title, ...Object.keys(helpers), "Nn", "F"]);
  const text = moduleText({
    hasWeights,
    title,
    name,
    card,
    body,
    classes,
    units,
    table: asked ? table?.name : undefined,
  });
  const artifacts: Artifact[] = [{ path: `${name}.py`, contents: text }];
  if (hasWeights) {
    const contents = writeSafetensors(stateDict(graph, units, weights, names));
    artifacts.push({ path: `${name}.safetensors`, contents });
  }
  return artifacts;
}

/** The steps under the names of a table; undefined where its names are none that PyTorch's modules can have. */
function unitsBy(graph: Graph, table: NamesTable | undefined) {
  const names = namesBy(graph, table);
  if (!names) return undefined;
  const nameOf = (param: Node) => names.get(param) ?? param.name;
  const units = makeUnits(graph, nameOf);
  return areModules(units) ? { units, names, nameOf } : undefined;
}

/** The weights with the names and shapes that the module has. */
function* stateDict(
  graph: Graph,
  units: readonly Unit[],
  weights: EmitRequest["weights"],
  names: ReadonlyMap<Node, string>,
): Generator<NamedValues> {
  const kernels = new Set<Node>(
    graph.nodes.flatMap((node) => (isOp(node, ops.dense) ? [node.inputs[1]] : [])),
  );
  const shapes = new Map(units.flatMap(({ saying }) => [...(saying.shapes ?? [])]));
  for (const node of graph.nodes) {
    const name = names.get(node);
    if (!isOp(node, ops.param) || name === undefined) continue;
    const stored = toTorchLayout(weights.get(node.name), node.attrs.shape, kernels.has(node));
    yield { name, ...stored, shape: shapes.get(node) ?? stored.shape };
  }
}
