/** What several ops say to tfjs in the same words: padding, activations and epilogues. */
import type { Activation } from "./activation.ts";
import type { TfjsEmitter } from "./emitters.ts";
import type { Epilogue } from "./epilogue.ts";
import type { Node } from "./graph.ts";
import type { Pads } from "./tensor.ts";

/** `[[0, 0], [top, bottom], [left, right], [before, after]]`, what tf.pad, convolutions and pools take. */
export function tfjsPads({ top, bottom, left, right }: Pads, before = 0, after = 0): string {
  return `[[0, 0], [${top}, ${bottom}], [${left}, ${right}], [${before}, ${after}]]`;
}

/** The name tfjs's fused kernels have for an activation; undefined where they have none. */
export function fusedActivation(activation: Activation | undefined): string | undefined {
  switch (activation?.fn) {
    case undefined:
      return "linear";
    case "relu":
    case "relu6":
    case "elu":
    case "sigmoid":
      return activation.fn;
    default:
      return undefined;
  }
}

/**
 * The slopes of a leaky relu as prelu takes them: tfjs's wasm leakyRelu is scalar (4.1 ms for 0.8 M elements
 * against prelu's 0.12).
 */
export function leakySlopes(slope: number, channels: number, out: TfjsEmitter): string {
  const data = new Float32Array(channels).fill(slope);
  return out.constant(`slopes_${slope}_${channels}`, { shape: [channels], data });
}

/** One call of a chain: the last becomes the node's result, those before are temporaries. */
export type Call = readonly [fn: string, ...args: string[]];

/** The calls that compute an activation; "$" stands for the result of the call before, "x" for the input. */
function activationCalls({ fn, slope }: Activation, channels: number, out: TfjsEmitter): readonly Call[] {
  switch (fn) {
    case "relu":
    case "relu6":
    case "elu":
    case "sigmoid":
    case "tanh":
      return [[fn, "x"]];
    case "leaky":
      return [["prelu", "x", leakySlopes(slope ?? 0, channels, out)]];
    case "swish":
      return [
        ["sigmoid", "x"],
        ["mul", "x", "$"],
      ];
    case "hswish":
      return [
        ["add", "x", "3"],
        ["relu6", "$"],
        ["mul", "x", "$"],
        ["div", "$", "6"],
      ];
    case "hsigmoid":
      return [
        ["add", "x", "3"],
        ["relu6", "$"],
        ["div", "$", "6"],
      ];
    case "gelu":
      return [
        ["mul", "x", String(Math.SQRT1_2)],
        ["erf", "$"],
        ["add", "$", "1"],
        ["mul", "x", "$"],
        ["mul", "$", "0.5"],
      ];
    case "mish":
      return [
        ["softplus", "x"],
        ["tanh", "$"],
        ["mul", "x", "$"],
      ];
  }
}

/** `node` = activation(x). */
export function emitActivation(node: Node, activation: Activation, x: string, out: TfjsEmitter): void {
  const channels = node.type.shape[node.type.shape.length - 1];
  const calls = activationCalls(activation, channels, out);
  let last = x;
  calls.forEach(([fn, ...args], i) => {
    const given = args.map((arg) => (arg === "x" ? x : arg === "$" ? last : arg));
    if (i === calls.length - 1) out.result(node, fn, ...given);
    else last = out.temp(fn, ...given);
  });
}

/** What is left of an epilogue after a fused call did bias and perhaps the activation. */
export function finishEpilogue(
  node: Node,
  { residual, activation }: Epilogue,
  value: string,
  residualNode: Node | undefined,
  out: TfjsEmitter,
): void {
  if (!residual || !residualNode) {
    if (activation) emitActivation(node, activation, value, out);
    return;
  }
  if (!activation) out.result(node, "add", value, out.ref(residualNode));
  else emitActivation(node, activation, out.temp("add", value, out.ref(residualNode)), out);
}
