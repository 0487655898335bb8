/**
 * Published networks by the names that torchvision and timm give them, as specs: what `check --against` compares
 * with. The words in the names are the parameters: `resnext101_32x8d`, `seresnet50`, `resnet50d`.
 */
import type { Spec } from "./architecture.ts";
import { mobileNetText } from "./mobilenet.ts";
import type { ResidualFacts, Stage } from "./residual-facts.ts";
import { residualText } from "./residual-spec.ts";
import { formatted } from "./spec-text.ts";
import { type Style, timm, timmV2, torchvision } from "./style.ts";
import type { Kernel } from "./tensors.ts";

interface Depth {
  readonly kind: "basic" | "bottleneck";
  readonly blocks: readonly number[];
}

/** He et al. 2015, Table 1, and timm's. */
const depths: Readonly<Record<number, Depth>> = {
  18: { kind: "basic", blocks: [2, 2, 2, 2] },
  26: { kind: "bottleneck", blocks: [2, 2, 2, 2] },
  34: { kind: "basic", blocks: [3, 4, 6, 3] },
  50: { kind: "bottleneck", blocks: [3, 4, 6, 3] },
  101: { kind: "bottleneck", blocks: [3, 4, 23, 3] },
  152: { kind: "bottleneck", blocks: [3, 8, 36, 3] },
  200: { kind: "bottleneck", blocks: [3, 24, 36, 3] },
};

interface Variant {
  readonly depth: Depth;
  /** Channels of a group's 3x3 where 64 come out of a stage's first 1x1. */
  readonly baseWidth: number;
  readonly groups: number;
  readonly stem: "single" | "deep" | "tiered";
  readonly average: boolean;
  /** Squeeze and excitation: of so many channels, one. */
  readonly reduction: number | undefined;
  readonly order: Style["order"];
}

const plain = {
  baseWidth: 64,
  groups: 1,
  stem: "single",
  average: false,
  reduction: undefined,
  order: "post",
} as const;

/** All that are known, as SOURCE:MODEL. */
export const publishedNames: readonly string[] = [
  ...[18, 34, 50, 101, 152].map((depth) => `torchvision:resnet${depth}`),
  ...["50_32x4d", "101_32x8d", "101_64x4d"].map((words) => `torchvision:resnext${words}`),
  ...[50, 101].map((depth) => `torchvision:wide_resnet${depth}_2`),
  ...[18, 26, 34, 50, 101, 152, 200].map((depth) => `timm:resnet${depth}`),
  ...[50, 101, 152].map((depth) => `timm:resnet${depth}c`),
  ...[18, 26, 34, 50, 101, 152, 200].map((depth) => `timm:resnet${depth}d`),
  ...[26, 50].map((depth) => `timm:resnet${depth}t`),
  ...["50_32x4d", "101_32x4d", "101_32x8d", "101_64x4d"].map((words) => `timm:resnext${words}`),
  ...[50, 101].map((depth) => `timm:wide_resnet${depth}_2`),
  ...[50].map((depth) => `timm:seresnet${depth}`),
  ...[50, 101, 152].map((depth) => `timm:resnetv2_${depth}`),
  ...[50, 101, 152].map((depth) => `timm:resnetv2_${depth}d`),
  "torchvision:mobilenet_v2",
  ...["035", "050", "075", "100", "140"].map((width) => `timm:mobilenetv2_${width}`),
];

/** The spec of SOURCE:MODEL; undefined where it is none of publishedNames. */
export function publishedSpec(name: string): Spec | undefined {
  if (!publishedNames.includes(name)) return undefined;
  const [source, model] = name.split(":");
  if (model.startsWith("mobilenet")) {
    const multiplier = Number(/_(\d{3})$/.exec(model)?.[1] ?? 100) / 100;
    return formatted({ name: model, text: mobileNetText(source, model, multiplier) });
  }
  const variant = variantOf(model);
  const style = variant.order === "pre" ? timmV2 : variant.stem === "single" ? torchvision : timm;
  const facts = factsOf(variant, style);
  // The expectation is what the caller compares, so that none is written.
  const text = residualText(facts, style, {
    name: model,
    title: `${model} of ${source}`,
    side: 224,
    smaller: "stride",
  });
  if (typeof text !== "string") return undefined;
  return formatted({ name: model, text });
}

function variantOf(model: string): Variant {
  const number = (pattern: RegExp) => Number(pattern.exec(model)?.[1]);
  const depth = depths[number(/^[a-z_]*?(?:v2_)?(\d+)/)];
  const suffix = /\d([cdt])$/.exec(model)?.[1];
  const grouped = /_(\d+)x(\d+)d$/.exec(model);
  return {
    ...plain,
    depth,
    ...(grouped ? { groups: Number(grouped[1]), baseWidth: Number(grouped[2]) } : {}),
    ...(model.startsWith("wide") ? { baseWidth: 64 * number(/_(\d+)$/) } : {}),
    ...(suffix && !grouped ? { stem: suffix === "t" ? "tiered" : "deep", average: suffix !== "c" } : {}),
    ...(model.startsWith("se") ? { reduction: 16 } : {}),
    ...(model.includes("v2_") ? { order: "pre" } : {}),
  };
}

function factsOf(
  { depth, baseWidth, groups, stem, average, reduction, order }: Variant,
  style: Style,
): ResidualFacts {
  const conv = (inputs: number, outputs: number, side: number): Kernel => ({
    inputs,
    outputs,
    height: side,
    width: side,
  });
  const [first, second] = stem === "tiered" ? [24, 32] : [32, 32];
  const convs =
    stem === "single" ? [conv(3, 64, 7)] : [conv(3, first, 3), conv(first, second, 3), conv(second, 64, 3)];
  const stages = depth.blocks.map((blocks, s): Stage => {
    const planes = 64 * 2 ** s;
    const width = depth.kind === "basic" ? planes : Math.floor((planes * baseWidth) / 64) * groups;
    const out = depth.kind === "basic" ? planes : 4 * planes;
    const projects = s > 0 || depth.kind === "bottleneck";
    const shortcut = style.shortcuts.find((one) => one.average === (average && order === "post"))!;
    return {
      blocks,
      kind: depth.kind,
      first: width,
      width,
      out,
      groups,
      shortcut: projects ? { ...shortcut, kernel: 1 } : undefined,
      attention:
        reduction === undefined
          ? undefined
          : { kind: "squeeze", names: style.attentions[0], hidden: out / reduction },
      inner: undefined,
    };
  });
  return {
    channels: 3,
    stem: convs,
    stemNames: style.stems.find((pairs) => pairs.length === convs.length)!,
    pooledByConv: false,
    norm: "bn",
    biased: false,
    biasedStem: false,
    stages,
    head: { name: style.heads[0], features: stages[3].out, classes: 1000 },
    final: undefined,
  };
}
