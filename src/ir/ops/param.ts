/**
 * param: a weight. Either loaded from the checkpoint under its node's name, or computed at build from other
 * params, its inputs (folding a batch norm makes such). Values are made on demand, so passes work
 * without weights and nothing is held twice.
 */
import { invariant } from "../../base/invariant.ts";
import { isOp, type Node } from "../graph.ts";
import type { Op } from "../op.ts";
import type { Shape, Tensor } from "../tensor.ts";

/** The part a weight plays; name tables translate it, initialisation and counting depend on it. */
export type ParamRole = "weight" | "bias" | "scale" | "shift" | "mean" | "var";

export interface ParamAttrs {
  readonly role: ParamRole;
  readonly shape: Shape;
  /** Stored and loaded, but never trained. */
  readonly frozen?: true;
  /** How a computed param follows from its inputs; absent for a loaded one. */
  readonly compute?: (inputs: readonly Tensor[]) => Float64Array | Float32Array;
  /** Of a computed one: the eps with which a kernel was standardised, which fvcore counts. */
  readonly standardised?: number;
}

export const param: Op<ParamAttrs> = {
  name: "param",
  summary: "a weight, loaded or computed from others at build",
  infer: (_inputs, { shape }) => ({ dtype: "f32", shape }),
  macs: () => 0,
  reference(inputs, node) {
    const { compute, shape } = node.attrs;
    invariant(compute, `${node.name} is loaded, not computed`);
    return { shape, data: compute(inputs) };
  },
  print: ({ role, compute, frozen }) => (compute ? `computed ${role}` : frozen ? `frozen ${role}` : role),
  emit: {
    // Weights are constants of the module or initialisers of the model: `ref` names them, nothing is computed at run time.
    tfjs: () => {},
    onnx: () => {},
  },
};

/** Running mean and variance and what is frozen are state: stored and loaded, but not counted as parameters. */
export const isState = ({ attrs: { role, frozen } }: Node<ParamAttrs>): boolean =>
  role === "mean" || role === "var" || frozen === true;

/** Computed from nothing: the kernel of a blur pool. */
export const isConstant = (node: Node): node is Node<ParamAttrs> =>
  isOp(node, param) && node.attrs.compute !== undefined && node.inputs.length === 0;
