/**
 * The steps of the module: operations with what PyTorch has in one module taken together (a convolution and its bias),
 * each with the place where it belongs by the names of the state dict.
 */
import { countUses, type Graph, isOp, type Node } from "../../ir/graph.ts";
import { ops } from "../../ir/ops/index.ts";
import { type ParamAttrs, param } from "../../ir/ops/param.ts";
import { type NamesTable, torchNames, translate } from "../../weights/names.ts";
import { conv2d, dense, type Saying, saying } from "./operations.ts";

export interface Unit {
  /** The node whose value the step makes. */
  readonly node: Node;
  /** The values that it reads. */
  readonly inputs: readonly Node[];
  readonly saying: Saying;
  /** Of the module that holds its weights, if one of PyTorch's does. */
  readonly path: readonly string[] | undefined;
  /** Weights that stand in the scope by themselves. */
  readonly loose: readonly Node<ParamAttrs>[];
  /** Whose submodule it is. */
  readonly scope: readonly string[];
  /** The row that runs with the weights of another; "" for every other. */
  readonly call: string;
}

interface Said {
  readonly node: Node;
  readonly inputs: readonly Node[];
  readonly saying: Saying;
}

/** The operations, biases taken together with the layers that they belong to where `isOne` says so. */
function sayAll(graph: Graph, isOne: (kernel: Node, bias: Node) => boolean): readonly Said[] {
  const uses = countUses(graph);
  const biasOf = new Map<Node, Node>();
  for (const node of graph.nodes) {
    if (!isOp(node, ops.bias)) continue;
    const [layer, vector] = node.inputs;
    if (!isOp(layer, ops.conv2d) && !isOp(layer, ops.dense)) continue;
    const { bias, residual, activation } = layer.attrs.epilogue;
    const isBare = !bias && !residual && !activation && uses.get(layer) === 1;
    if (isBare && isOp(vector, param) && isOne(storedOf(layer.inputs[1]), vector)) biasOf.set(layer, node);
  }
  const layers = new Map([...biasOf].map(([layer, bias]) => [bias, layer]));
  return graph.nodes.flatMap((node): Said[] => {
    if (isOp(node, param) || isOp(node, ops.input) || biasOf.has(node)) return [];
    const layer = layers.get(node);
    const values = (from: Node) => from.inputs.filter((each) => !isOp(each, param));
    if (isOp(layer, ops.conv2d))
      return [{ node, inputs: values(layer), saying: conv2d(layer, node.inputs[1]) }];
    if (isOp(layer, ops.dense))
      return [{ node, inputs: values(layer), saying: dense(layer, node.inputs[1]) }];
    return [{ node, inputs: values(node), saying: saying(node) }];
  });
}

/** The loaded weight that a kernel is, or is made of. */
const storedOf = (kernel: Node): Node => (kernel.inputs.length === 1 ? kernel.inputs[0] : kernel);

const parent = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf(".")));
const partsOf = (name: string): readonly string[] => (name === "" ? [] : name.split("."));

export function makeUnits(graph: Graph, nameOf: (param: Node) => string): readonly Unit[] {
  const isOne = (kernel: Node, bias: Node) => {
    const [weight, vector] = [nameOf(kernel), nameOf(bias)];
    return parent(weight) === parent(vector) && weight.endsWith("weight") && vector.endsWith("bias");
  };
  const said = sayAll(graph, isOne).map((each) => ({ ...each, ...placeOf(each, nameOf) }));
  const scopes = new Map<string, readonly string[]>();
  for (const { node, scope } of said) {
    if (!scope) continue;
    for (let own = parent(node.name); ; own = parent(own)) {
      const known = scopes.get(own);
      scopes.set(own, known ? common(known, scope) : scope);
      if (own === "") break;
    }
  }
  const scopeOf = (node: Node): readonly string[] => {
    let own = parent(node.name);
    while (own !== "" && !scopes.has(own)) own = parent(own);
    return scopes.get(own) === undefined || own === "" ? [] : scopes.get(own)!;
  };
  const borrowers = borrowersOf(said);
  const placed = enclosed(said.map((each) => ({ ...each, scope: each.scope ?? scopeOf(each.node) })));
  return placed.map(({ node, inputs, saying, path, loose, scope }) => ({
    ...{ node, inputs, saying, path, loose, scope },
    call: borrowers.find((row) => node.name === row || node.name.startsWith(`${row}.`)) ?? "",
  }));
}

type Placed = Pick<Unit, "node" | "inputs" | "saying" | "path" | "loose" | "scope">;

/** What has no weights and stands between steps of one scope belongs there too. */
function enclosed(units: readonly Placed[]): readonly Placed[] {
  const scopes = new Map(units.map(({ node, scope }) => [node, scope]));
  const readers = new Map<Node, Node[]>();
  for (const { node, inputs } of units)
    for (const from of inputs) readers.set(from, [...(readers.get(from) ?? []), node]);
  for (const { node, inputs, path, loose, scope } of units) {
    if (path || loose.length > 0) continue;
    const around = [...inputs, ...(readers.get(node) ?? [])].map((each) => scopes.get(each));
    const isInside = (readers.get(node)?.length ?? 0) > 0 && around.every((each) => each !== undefined);
    const found = isInside ? (around as (readonly string[])[]).reduce(common) : [];
    if (found.length > scope.length) scopes.set(node, found);
  }
  return units.map((unit) => ({ ...unit, scope: scopes.get(unit.node)! }));
}

function placeOf({ node, saying }: Said, nameOf: (param: Node) => string) {
  const leaves = [...(saying.leaves ?? [])];
  if (saying.make && leaves.length > 0) {
    const paths = new Set(leaves.map(([weight]) => parent(nameOf(weight))));
    const path = partsOf([...paths][0]);
    const isOwn = leaves.every(([weight, leaf]) => nameOf(weight) === [...path, leaf].join("."));
    if (isOwn && path.length > 0) return { path, loose: [], scope: path.slice(0, -1) };
  }
  const loose = node.inputs.map(storedOf).filter((each) => isOp(each, param) && !each.attrs.compute);
  if (loose.length === 0) return { path: undefined, loose: [], scope: undefined };
  const scope = loose.map((each) => partsOf(parent(nameOf(each)))).reduce(common);
  return { path: undefined, loose: loose as Node<ParamAttrs>[], scope };
}

/** Rows that run with the weights of others, the outermost first: what differs between a step's name and its weight's. */
function borrowersOf(said: readonly Said[]): readonly string[] {
  const rows = new Set<string>();
  for (const { node } of said) {
    for (const weight of node.inputs) {
      if (!isOp(weight, param) || weight.attrs.compute) continue;
      const own = partsOf(node.name.replace(/\.add_bias$/, ""));
      const theirs = partsOf(parent(weight.name));
      if (own.join(".") === theirs.join(".")) continue;
      let same = 0;
      while (same < own.length - 1 && own.at(-1 - same) === theirs.at(-1 - same)) same++;
      rows.add(own.slice(0, own.length - same).join("."));
    }
  }
  return [...rows].sort((a, b) => a.length - b.length);
}

export function common(a: readonly string[], b: readonly string[]): readonly string[] {
  let same = 0;
  while (same < Math.min(a.length, b.length) && a[same] === b[same]) same++;
  return a.slice(0, same);
}

/** Names for the weights: a table's, unless it gives names that are no paths of modules. */
export function namesBy(graph: Graph, table: NamesTable | undefined): ReadonlyMap<Node, string> | undefined {
  const names = new Map<Node, string>();
  for (const node of graph.nodes) {
    if (!isOp(node, param) || node.attrs.compute) continue;
    const name = translate(table ?? torchNames, node.name);
    const isPath = name.split(".").every((part) => /^\w+$/.test(part));
    names.set(node, name);
    if (!isPath) return undefined;
  }
  return new Set(names.values()).size === names.size ? names : undefined;
}

/** Whether every module's weights have the names that it gives them, and none lies inside of another. */
export function areModules(units: readonly Unit[]): boolean {
  const modules = new Set(units.flatMap(({ path }) => (path ? [path.join(".")] : [])));
  return units.every(({ saying, path, scope }) => {
    const around = scope.map((_, i) => scope.slice(0, i + 1).join("."));
    return (saying.make === undefined || path !== undefined) && !around.some((each) => modules.has(each));
  });
}
