/**
 * What a constant of an ONNX graph is called. Exporters keep names where they keep tensors; where they fold or
 * turn them they invent some: `onnx::Conv_497`, `497`, `/layer1/Constant_output_0`. Then the node that reads the
 * tensor tells: torch names nodes by the modules they come from,
 *
 *     /layer1/layer1.0/conv1/Conv, input 1  →  layer1.0.conv1.weight
 *
 * where a part of a Sequential repeats the name of the whole.
 */
import type { OnnxNode } from "./onnx-model.ts";

/** A place where a node reads a constant. */
export interface Use {
  readonly node: OnnxNode;
  readonly index: number;
}

const affine = [undefined, "weight", "bias"];

/** What the inputs of operations are, in torch's words. */
const roles: Readonly<Record<string, readonly (string | undefined)[]>> = {
  Conv: affine,
  FusedConv: affine,
  ConvTranspose: affine,
  Gemm: ["weight", "weight", "bias"],
  MatMul: ["weight", "weight"],
  BatchNormalization: [...affine, "running_mean", "running_var"],
  InstanceNormalization: affine,
  GroupNormalization: affine,
  LayerNormalization: affine,
  PRelu: [undefined, "weight"],
  Add: ["bias", "bias"],
  Mul: ["weight", "weight"],
};

const roleOf = ({ node: { op }, index }: Use): string | undefined =>
  Object.hasOwn(roles, op) ? roles[op][index] : undefined;

/** Names that exporters invent: torch's, torch's before scopes, tf2onnx', torch's since 2.5. */
const invented =
  /^onnx::|_output_\d+(:\d+)?$|__\d+(:\d+)?$|^(.*\/)?Constant(_\d+)?$|^(val|v|tensor|initializer)_?\d+$/;

export const isGivenName = (name: string): boolean => /[a-z]{2}/i.test(name) && !invented.test(name);

/** The name that a constant has by the node that reads it; undefined where the node's own name says nothing. */
export function nameByPlace(use: Use): string | undefined {
  const role = roleOf(use);
  const module = role && moduleOf(use.node);
  return module ? `${module}.${role}` : undefined;
}

/** Longer ones are no paths of modules. */
const maxName = 1000;

/** The module that a node comes from, by its name: `/layer1/layer1.0/conv1/Conv` is of `layer1.0.conv1`. */
function moduleOf({ name, op }: OnnxNode): string | undefined {
  if (name.length > maxName) return undefined;
  const parts = name.split("/").filter((part) => part !== "");
  const last = parts.at(-1) ?? "";
  if (last === op || (last.startsWith(`${op}_`) && /^_\d+$/.test(last.slice(op.length)))) parts.pop();
  // Without a scope it may be a name that somebody gave, or a number.
  else if (parts.length === 1 && (!isGivenName(last) || /^node_/i.test(last))) return undefined;
  const path: string[] = [];
  for (const part of parts) {
    const whole = path.at(-1);
    if (whole !== undefined && part.startsWith(`${whole}.`)) path.pop();
    path.push(part);
  }
  return path.length > 0 ? path.join(".") : undefined;
}
