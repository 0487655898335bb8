/**
 * Keras' ResNetV2: activations first, the stride in the last block of a stage, whose shortcut is subsampled, and biases
 * where no norm follows.
 */
import type { Architecture } from "./architecture.ts";
import { kerasLeaves, namesTable, separated } from "./spec-text.ts";
import type { Tensors } from "./tensors.ts";

export function readKerasV2(t: Tensors, params: number): Architecture | undefined {
  const stem = t.kernel("conv1_conv");
  const head = t.kernel("predictions");
  if (!stem || !head || !t.norm("post_bn") || !t.norm("conv2_block1_preact_bn")) return undefined;
  const at = (s: number, b: number, k: number) => t.kernel(`conv${s}_block${b}_${k}_conv`);
  const stages: { readonly blocks: number; readonly width: number; readonly out: number }[] = [];
  for (let s = 2; at(s, 1, 1); s++) {
    const blocks = t.count((b) => `conv${s}_block${b}_1_conv`, 1);
    stages.push({ blocks, width: at(s, 1, 1)!.outputs, out: at(s, 1, 3)?.outputs ?? 0 });
  }
  if (stages.some(({ blocks, out }) => blocks < 2 || out === 0)) return undefined;
  const depth = 3 * stages.reduce((sum, { blocks }) => sum + blocks, 0) + 2;
  const name = `resnet${depth}v2`;
  const isLast = (i: number) => i === stages.length - 1;
  const text = [
    "resnet 1",
    "",
    "## Keras' preprocessing for V2: from -1 to 1.",
    'let picture = image(mean = 0.5, std = 0.5, resize = 256, labels = "imagenet-1k")',
    "",
    "## Norm and activation come first, and feed the projection too; without one the shortcut is subsampled.",
    "block unit(width, out, stride = 1) {",
    "act: bn -> relu",
    "[ conv(1x1, width) -> bn -> relu",
    "conv(3x3, width) /stride -> bn -> relu",
    "conv(1x1, out, bias = true)",
    "] + if in.channels == out [ in -> maxpool(1x1) /stride ] else [ proj: act -> conv(1x1, out, bias = true) ]",
    "}",
    "",
    `## ResNet-${depth} V2.`,
    `net ${name}(size = 224x224x${stem.inputs}, classes = ${head.outputs}) {`,
    "input picture(size)",
    "default bn(eps = 1.001e-5)",
    "",
    `conv1: conv(${stem.height}x${stem.width}, ${stem.outputs}, bias = true) /2`,
    "# What the pool sees beyond the edges is zero, and not nothing: before it there is no activation.",
    "pool1: extend(top = 1, left = 1, bottom = 1, right = 1) -> maxpool(3x3, pad = 0) /2",
    ...stages.map(({ blocks, width, out }, i) =>
      isLast(i)
        ? `conv${i + 2}: unit(${width}, ${out}) x ${blocks}`
        : `conv${i + 2}: unit(${width}, ${out}, stride = if i == ${blocks - 1} [ 2 ] else [ 1 ]) x ${blocks} as i`,
    ),
    "post: bn -> relu",
    "pool5: avgpool",
    "fc: dense(classes)",
    "prob: softmax",
    "",
    `expect params ${separated(params)}`,
    "}",
    ...namesTable(name, [
      ...kerasLeaves,
      '"conv1.{*}" -> "conv1_conv/{*}"',
      '"conv{s}.{b}.act.bn.{*}" -> "conv{s}_block{b+1}_preact_bn/{*}"',
      '"conv{s}.{b}.proj.conv.{*}" -> "conv{s}_block{b+1}_0_conv/{*}"',
      '"conv{s}.{b}.{op}{k}.{*}" -> "conv{s}_block{b+1}_{k}_{op}/{*}"',
      '"post.bn.{*}" -> "post_bn/{*}"',
      '"fc.{*}" -> "predictions/{*}"',
    ]),
  ].join("\n");
  return {
    title: `ResNet-${depth} V2`,
    convention: "Keras",
    prefix: t.prefix,
    facts: [
      `stem: ${stem.height}x${stem.width} to ${stem.outputs}`,
      `stages: ${stages.map(({ blocks, width, out }) => `${blocks} x ${width} to ${out}`).join(", ")}; bottleneck blocks, activations first`,
      `classes: ${head.outputs}`,
    ],
    open: [
      {
        what: "where a stage strides",
        assumed: "in its last block",
        others: ["in the first of the next, as everybody else's"],
        why: "Keras' ResNetV2 has these names",
      },
    ],
    spec: { name, text },
  };
}
