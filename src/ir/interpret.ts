/**
 * Runs a graph by its ops' references, in float64 throughout: the judge of all targets and passes. Slow on
 * purpose; a value is dropped after its last use, so that deep networks fit.
 */
import { invariant } from "../base/invariant.ts";
import { countUses, type Graph, isOp, type Node } from "./graph.ts";
import { input } from "./ops/input.ts";
import { type ParamAttrs, param } from "./ops/param.ts";
import type { Tensor } from "./tensor.ts";

/** Where loaded params get their values: by name, in the graph's layouts (HWIO kernels). */
export interface WeightSource {
  get(name: string): Float32Array | Float64Array;
}

export interface InterpretOptions {
  /** Called with each activation as it is made, for comparing stage by stage. */
  readonly onValue?: (node: Node, value: Tensor) => void;
}

/** In float64, like everything here: one kind of array also keeps the references' loops fast. */
const widen = ({ shape, data }: Tensor): Tensor => ({
  shape,
  data: data instanceof Float64Array ? data : new Float64Array(data),
});

/** The value of a weight: loaded, or computed through its inputs. */
export function paramValue(node: Node<ParamAttrs>, weights: WeightSource): Tensor {
  if (!node.attrs.compute) return { shape: node.attrs.shape, data: weights.get(node.name) };
  const inputs = node.inputs.map((from) => {
    invariant(isOp(from, param), `${node.name} is computed from ${from.name}, which is no param`);
    return paramValue(from, weights);
  });
  return param.reference(inputs, node);
}

/**
 * `inputs` maps each input's name to an NHWC tensor. The batch may be another than the graph was built
 * with: the references take sizes from the values, so any batch runs.
 */
export function interpret(
  graph: Graph,
  inputs: Readonly<Record<string, Tensor>>,
  weights: WeightSource,
  { onValue }: InterpretOptions = {},
): Record<string, Tensor> {
  const values = new Map<Node, Tensor>();
  const uses = new Map(countUses(graph));
  const first = Object.values(inputs)[0];
  for (const node of graph.nodes) {
    if (isOp(node, param)) {
      // Values of weights are made when an operation asks for them, and not kept.
      continue;
    }
    if (isOp(node, input)) {
      const value = inputs[node.name];
      invariant(value, `no value for input ${node.name}`);
      values.set(node, widen(value));
      continue;
    }
    const operands = node.inputs.map((from) => {
      const value = isOp(from, param) ? widen(paramValue(from, weights)) : values.get(from);
      invariant(value, `${node.name} reads ${from.name} before it is made`);
      return value;
    });
    const value = node.op.reference(operands, withBatch(node, first.shape[0]));
    onValue?.(node, value);
    if (uses.has(node)) values.set(node, value);
    for (const from of node.inputs) {
      const left = (uses.get(from) ?? 0) - 1;
      uses.set(from, left);
      if (left === 0) values.delete(from);
    }
  }
  return Object.fromEntries(
    graph.outputs.map(({ name, node }) => {
      const value = values.get(node);
      invariant(value, `output ${name} was not computed`);
      return [name, value];
    }),
  );
}

/** The node with the batch of this run in its type: references size their results by `node.type`. */
function withBatch(node: Node, batch: number): Node {
  if (node.type.shape[0] === batch) return node;
  return { ...node, type: { ...node.type, shape: [batch, ...node.type.shape.slice(1)] } };
}
