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
