/**
 * The names of Caffe's published residual networks, turned into those of torch's. He et al. 2015, into torchvision's:
 *
 *     conv1/weight, bn_conv1/mean, scale_conv1/scale    conv1.weight, bn1.running_mean, bn1.weight
 *     res2a_branch2a/weight                             layer1.0.conv1.weight
 *     res3a_branch1/weight                              layer2.0.downsample.0.weight
 *     res3b7_branch2a/weight                            layer2.7.conv1.weight
 *     bn4b_branch2c/var, scale4b_branch2c/shift         layer3.1.bn3.running_var, layer3.1.bn3.bias
 *     fc1000/weight                                     fc.weight
 *
 * Blocks are a, b, c; in the long stages of ResNet-101 and 152 they are a, b1, b2. Hu et al. 2017, into timm's legacy_senet:
 *
 *     conv1/7x7_s2/weight, conv1_2/3x3/bn/mean          layer0.conv1.weight, layer0.bn2.running_mean
 *     conv2_1_1x1_reduce/weight                         layer1.0.conv1.weight
 *     conv2_1_3x3/bn/scale/shift                        layer1.0.bn2.bias
 *     conv2_1_1x1_proj/weight, conv2_1_1x1_up/bias      layer1.0.downsample.0.weight, layer1.0.se_module.fc2.bias
 *     classifier/weight                                 last_linear.weight
 *
 * std's tables `caffe50`, `caffe101` and `caffe_senet` have the same names for a written spec.
 */
import type { Shape } from "../../ir/tensor.ts";
import { Tensors } from "./tensors.ts";

/** Undefined where no tensor has such a name. */
export const asTorchvision = (t: Tensors): Tensors | undefined =>
  t.has("res2a_branch2a/weight") ? renamed(t, torchvisionLayer) : undefined;

/** Undefined where no tensor has such a name. */
export const asLegacySenet = (t: Tensors): Tensors | undefined =>
  t.has("conv2_1_1x1_reduce/weight") ? renamed(t, senetLayer) : undefined;

const leaves: Readonly<Record<string, string>> = {
  weight: "weight",
  bias: "bias",
  mean: "running_mean",
  var: "running_var",
  scale: "weight",
  shift: "bias",
};

function renamed(t: Tensors, nameOf: (layer: string) => string | undefined): Tensors {
  const tensors = new Map<string, { readonly shape: Shape }>();
  for (const name of t.names) {
    const part = /^(.*)\/(weight|bias|mean|var|scale|shift)$/.exec(name);
    const layer = part && nameOf(part[1]);
    if (layer) tensors.set(`${layer}.${leaves[part[2]]}`, { shape: t.shape(name)! });
  }
  return new Tensors(tensors, "torch");
}

function torchvisionLayer(layer: string): string | undefined {
  if (layer === "conv1") return layer;
  if (layer === "fc1000") return "fc";
  if (layer === "bn_conv1" || layer === "scale_conv1") return "bn1";
  const inner = /^(res|bn|scale)(\d)([a-z])(\d*)_branch(?:1|2([abc]))$/.exec(layer);
  if (!inner) return undefined;
  const [, kind, stage, letter, number, branch] = inner;
  const block = `layer${Number(stage) - 1}.${number === "" ? letterIndex(letter) : Number(number)}.`;
  const isConv = kind === "res";
  if (branch === undefined) return `${block}downsample.${isConv ? 0 : 1}`;
  return `${block}${isConv ? "conv" : "bn"}${letterIndex(branch) + 1}`;
}

const letterIndex = (letter: string): number => letter.charCodeAt(0) - 97;

const senetConvolutions: Readonly<Record<string, number>> = { "1x1_reduce": 1, "3x3": 2, "1x1_increase": 3 };

function senetLayer(layer: string): string | undefined {
  if (layer === "classifier") return "last_linear";
  const at = /^(.*?)(\/bn(?:\/scale)?)?$/.exec(layer)!;
  const [, conv, norm] = at;
  const kind = norm ? "bn" : "conv";
  const stem = /^conv1(?:_([123]))?\/(?:7x7_s2|3x3|3x3_s2)$/.exec(conv);
  if (stem) return `layer0.${kind}${stem[1] ?? 1}`;
  const inner = /^conv(\d)_(\d+)_(1x1_reduce|3x3|1x1_increase|1x1_proj|1x1_down|1x1_up)$/.exec(conv);
  if (!inner) return undefined;
  const [, stage, number, part] = inner;
  const block = `layer${Number(stage) - 1}.${Number(number) - 1}.`;
  if (part === "1x1_proj") return `${block}downsample.${norm ? 1 : 0}`;
  if (part === "1x1_down" || part === "1x1_up") return `${block}se_module.fc${part === "1x1_down" ? 1 : 2}`;
  return `${block}${kind}${senetConvolutions[part]}`;
}
