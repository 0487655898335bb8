/** How convolutions and dense layers are said in tfjs, which has no grouped convolution and no residual epilogue. */
import type { TfjsEmitter } from "./emitters.ts";
import { finishEpilogue, fusedActivation, tfjsPads } from "./emit-tfjs.ts";
import type { Node } from "./graph.ts";
import type { Conv2dAttrs } from "./ops/conv2d.ts";
import type { DenseAttrs } from "./ops/dense.ts";

export function emitConv2d(_node: Node<Conv2dAttrs>, _out: TfjsEmitter): void {}
export function emitDense(_node: Node<DenseAttrs>, _out: TfjsEmitter): void {}
void [finishEpilogue, fusedActivation, tfjsPads];
