/**
 * Op: the datasheet of one operation. Everything the compiler knows about an operation stands in one
 * value in one file under ops/: its shape rule, what it computes, what it costs, how it prints and how each
 * target says it. Adding an op is one file and one line in ops/index.ts.
 */
import type { Problem } from "../base/diagnostic.ts";
import type { OnnxEmitter, TfjsEmitter } from "./emitters.ts";
import type { Node } from "./graph.ts";
import type { Tensor, TensorType } from "./tensor.ts";

export interface Op<A = unknown> {
  readonly name: string;
  /** One line for `resnetc ops` and the reference. */
  readonly summary: string;
  /** The shape rule. */
  infer(inputs: readonly TensorType[], attrs: A): TensorType | Problem;
  /** Multiply-adds for one picture or the batch of the type; convolution and dense only, as torchvision counts. */
  macs(node: Node<A>): number;
  /** What the op means: slow, obvious, float64. */
  reference(inputs: readonly Tensor[], node: Node<A>): Tensor;
  /** The attributes as the IR printer shows them, such as "7x7/2 pad 3 channels 64". */
  print(attrs: A): string;
  readonly emit: Emit<A>;
}

export interface Emit<A> {
  tfjs(node: Node<A>, out: TfjsEmitter): void;
  onnx(node: Node<A>, out: OnnxEmitter): void;
}
