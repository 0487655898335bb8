/**
 * What an op may ask of a target: interfaces only, implemented under codegen/. An op says what to emit;
 * codegen says how text and bytes are made.
 */
import type { Node } from "./graph.ts";
import type { Shape, Tensor } from "./tensor.ts";

export interface TfjsEmitter {
  /** A JavaScript expression for the value of a node (an activation's variable or a weight's tensor). */
  ref(node: Node): string;
  /**
   * A JavaScript expression for a weight that the target stores in another shape or order than the
   * graph has it: `change` runs at build, `shape` is what the module's tensor gets. `suffix` names the stored tensor.
   */
  weight(node: Node, suffix: string, shape: Shape, change: (value: Tensor) => Tensor): string;
  /** A constant of the op's own, such as a vector of slopes; stored beside the weights. */
  constant(name: string, value: Tensor): string;
  /** `const t = tf.NAME(args)`, a value that is disposed of as soon as nothing needs it; returns its variable. */
  temp(fn: string, ...args: string[]): string;
  /** The call that makes the node's own value. Each `emit.tfjs` calls this exactly once, last. */
  result(node: Node, fn: string, ...args: string[]): void;
}

/** `{ group: 32 }`, `{ pads: [1, 1, 1, 1] }`, `{ mode: "reflect" }`; a fraction is told from a whole number by `{ float }`. */
export type OnnxAttributes = Readonly<
  Record<string, number | string | readonly number[] | { readonly float: number }>
>;

/** Maps are NCHW there: an op says axes and shapes in that order. */
export interface OnnxEmitter {
  /** The name of a node's value: a map, or a weight in the shape that the graph has it in. */
  ref(node: Node): string;
  /** The name of a weight that is stored in another shape; the values of kernels come by output, input, place. */
  weight(node: Node, shape: Shape): string;
  /** A number, a list of numbers, a list of whole numbers as 64-bit integers. */
  scalar(value: number): string;
  floats(...values: number[]): string;
  ints(...values: number[]): string;
  /** A node whose value only the op itself reads; returns its name. "" stands for an input that is left out. */
  temp(op: string, inputs: readonly string[], attributes?: OnnxAttributes): string;
  /** The node that makes the op's own value. Each `emit.onnx` calls this exactly once, last. */
  result(node: Node, op: string, inputs: readonly string[], attributes?: OnnxAttributes): void;
}
