/** A layer as tfjs asks for it, and the graph of that one layer, which the planner of the wasm target takes. */
import { InternalError } from "../base/invariant.ts";
import type { Activation } from "../ir/activation.ts";
import { GraphBuilder } from "../ir/build.ts";
import type { Epilogue } from "../ir/epilogue.ts";
import type { Graph, Node } from "../ir/graph.ts";
import type { Op } from "../ir/op.ts";
import { conv2d } from "../ir/ops/conv2d.ts";
import { dense } from "../ir/ops/dense.ts";
import { input } from "../ir/ops/input.ts";
import { prelu } from "../ir/ops/prelu.ts";
import { type Pads, sameShape } from "../ir/tensor.ts";

type MapShape = readonly [height: number, width: number, channels: number];

/** Of one picture. */
export interface Layer {
  readonly input: MapShape;
  readonly output: MapShape;
  /** Windows that slide, or all of the map at once. */
  readonly window: Window | "whole";
  readonly bias: boolean;
  /** Behind the bias; `prelu` has a slope for each channel. */
  readonly activation?: Activation | "prelu" | undefined;
}

export interface Window {
  readonly kernel: readonly [height: number, width: number];
  readonly stride: number;
  readonly dilation: number;
  readonly pads: Pads;
  /** Each channel by windows of its own: as many groups as channels come in. */
  readonly depthwise: boolean;
}

/** Equal for layers that one program serves. */
export const keyOf = ({ input, output, window, bias, activation }: Layer): string =>
  `${input}>${output} ${typeof window === "string" ? window : Object.values(window).map(wordOf)} ${bias} ${wordOf(activation)}`;

const wordOf = (value: unknown): string =>
  typeof value === "object" ? Object.values(value as object).join() : String(value);

/** What tells layers apart as to how their filter is stored, other than the algorithm. */
export const filterKeyOf = ({ input, output, window }: Layer): string =>
  window === "whole"
    ? `${input}>${output[2]}`
    : `${window.kernel} ${window.depthwise ? "depthwise " : ""}${input[2]}>${output[2]}`;

/** The names of the graph's weights. */
export type WeightName = "filter" | "bias" | "slopes";

/** Throws for what is no layer: windows that do not fit, an output of another size. */
export function graphOf(layer: Layer): Graph {
  const builder = new GraphBuilder((code) => {
    throw new InternalError(`not a layer: ${code}`);
  });
  const add = <A>(op: Op<A>, name: string, inputs: readonly Node[], attrs: A): Node => {
    const node = builder.add(op, name, inputs, attrs);
    if (!node) throw new InternalError(`no ${name}`);
    return node;
  };
  const param = (name: WeightName, role: "weight" | "bias", shape: readonly number[]): Node => {
    const node = builder.param(name, role, shape);
    if (!node) throw new InternalError(`no ${name}`);
    return node;
  };
  const { window, bias, activation } = layer;
  const [, , channels] = layer.output;
  const epilogue: Epilogue = {
    bias,
    residual: false,
    activation: activation === "prelu" ? undefined : activation,
  };
  const x = add(input, "input", [], { shape: [1, ...layer.input] });
  const filter = param("filter", "weight", filterShape(layer));
  const operands = [x, filter, ...(bias ? [param("bias", "bias", [channels])] : [])];
  let y: Node;
  if (window === "whole") y = add(dense, "layer", operands, { units: channels, epilogue });
  else {
    const { kernel, stride, dilation, pads, depthwise } = window;
    const groups = depthwise ? layer.input[2] : 1;
    y = add(conv2d, "layer", operands, { kernel, channels, stride, dilation, groups, pads, epilogue });
  }
  if (activation === "prelu") y = add(prelu, "prelu", [y, param("slopes", "weight", [channels])], null);
  if (!sameShape(y.type.shape, [1, ...layer.output])) throw new InternalError("an output of another size");
  return builder.graph("layer", [{ name: "output", node: y }]);
}

function filterShape({ input, output, window }: Layer): readonly number[] {
  if (window === "whole") return [...input, output[2]];
  return [...window.kernel, window.depthwise ? 1 : input[2], output[2]];
}
