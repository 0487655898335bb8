/**
 * The names of Big Transfer's published .npz files (Kolesnikov et al. 2020), turned into those of timm's resnetv2, which is
 * the same network:
 *
 *     resnet/block2/unit01/a/standardized_conv2d/kernel      stages.1.blocks.0.conv1.weight
 *     resnet/block2/unit01/a/group_norm/gamma                stages.1.blocks.0.norm1.weight
 *     resnet/block2/unit01/a/proj/standardized_conv2d/kernel stages.1.blocks.0.downsample.conv.weight
 *     resnet/head/conv2d/kernel                              head.fc.weight
 *
 * std's table `bit` has the same names for a written spec.
 */
import type { Shape } from "../../ir/tensor.ts";
import { Tensors } from "./tensors.ts";

const letters = ["a", "b", "c"];

/** Undefined where no tensor has such a name. */
export function asTimm(t: Tensors): Tensors | undefined {
  if (!t.has("resnet/root_block/standardized_conv2d/kernel")) return undefined;
  const renamed = new Map<string, { readonly shape: Shape }>();
  for (const name of t.names) {
    const theirs = timmName(name);
    const shape = t.shape(name)!;
    // Kernels are HWIO here.
    if (theirs)
      renamed.set(theirs, { shape: shape.length === 4 ? [shape[3], shape[2], shape[0], shape[1]] : shape });
  }
  return new Tensors(renamed, "torch");
}

function timmName(name: string): string | undefined {
  const part = /^resnet\/(.*)\/(kernel|bias|gamma|beta)$/.exec(name);
  if (!part) return undefined;
  const [, layer, leaf] = part;
  const ending = leaf === "kernel" || leaf === "gamma" ? "weight" : "bias";
  if (layer === "root_block/standardized_conv2d") return `stem.conv.${ending}`;
  if (layer === "group_norm") return `norm.${ending}`;
  if (layer === "head/conv2d") return `head.fc.${ending}`;
  const inner = /^block(\d+)\/unit(\d+)\/([abc])\/(proj\/)?(standardized_conv2d|group_norm)$/.exec(layer);
  if (!inner) return undefined;
  const [, stage, unit, letter, projection, kind] = inner;
  const block = `stages.${Number(stage) - 1}.blocks.${Number(unit) - 1}.`;
  if (projection) return `${block}downsample.conv.${ending}`;
  return `${block}${kind === "group_norm" ? "norm" : "conv"}${letters.indexOf(letter) + 1}.${ending}`;
}
