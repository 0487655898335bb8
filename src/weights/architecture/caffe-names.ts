/**
 * The names of Caffe's published ResNets (He et al. 2015), turned into torchvision's:
 *
 *     conv1/weight, bn_conv1/mean, scale_conv1/scale    conv1.weight, bn1.running_mean, bn1.weight
 *     res2a_branch2a/weight                             layer1.0.conv1.weight
 *     res3a_branch1/weight                              layer2.0.downsample.0.weight
 *     res3b7_branch2a/weight                            layer2.7.conv1.weight
 *     bn4b_branch2c/var, scale4b_branch2c/shift         layer3.1.bn3.running_var, layer3.1.bn3.bias
 *     fc1000/weight                                     fc.weight
 *
 * Blocks are a, b, c; in the long stages of ResNet-101 and 152 they are a, b1, b2. std's tables `caffe50` and
 * `caffe101` have the same names for a written spec.
 */
import type { Shape } from "../../ir/tensor.ts";
import { Tensors } from "./tensors.ts";

/** Undefined where no tensor has such a name. */
export function asTorchvision(t: Tensors): Tensors | undefined {
  if (!t.has("res2a_branch2a/weight")) return undefined;
  const renamed = new Map<string, { readonly shape: Shape }>();
  for (const name of t.names) {
    const theirs = torchvisionName(name);
    if (theirs) renamed.set(theirs, { shape: t.shape(name)! });
  }
  return new Tensors(renamed, "torch");
}

const leaves: Readonly<Record<string, string>> = {
  weight: "weight",
  bias: "bias",
  mean: "running_mean",
  var: "running_var",
  scale: "weight",
  shift: "bias",
};

function torchvisionName(name: string): string | undefined {
  const part = /^(.*)\/(weight|bias|mean|var|scale|shift)$/.exec(name);
  if (!part) return undefined;
  const [, layer, role] = part;
  const leaf = leaves[role];
  if (layer === "conv1" || layer === "fc1000") return `${layer === "conv1" ? layer : "fc"}.${leaf}`;
  if (layer === "bn_conv1" || layer === "scale_conv1") return `bn1.${leaf}`;
  const inner = /^(res|bn|scale)(\d)([a-z])(\d*)_branch(?:1|2([abc]))$/.exec(layer);
  if (!inner) return undefined;
  const [, kind, stage, letter, number, branch] = inner;
  const block = `layer${Number(stage) - 1}.${number === "" ? letterIndex(letter) : Number(number)}.`;
  const isConv = kind === "res";
  if (branch === undefined) return `${block}downsample.${isConv ? 0 : 1}.${leaf}`;
  return `${block}${isConv ? "conv" : "bn"}${letterIndex(branch) + 1}.${leaf}`;
}

const letterIndex = (letter: string): number => letter.charCodeAt(0) - 97;
