/**
 * A residual network as a .resnet file: blocks of the standard library where they say it, else one of its own, and the
 * table of names that its tensors need.
 */
import {
  inputsOf,
  isDeepStem,
  isOfStd,
  isRegNetY,
  normOf,
  reductionOf,
  regNetReduction,
  type Smaller,
  type Unit,
  unitOf,
} from "./residual-blocks.ts";
import type { ResidualFacts, Stage } from "./residual-facts.ts";
import { tableOf } from "./residual-names.ts";
import { separated } from "./spec-text.ts";
import type { Style } from "./style.ts";

/** The parts of a spec that depend on what is assumed. */
export interface ResidualSpec {
  readonly name: string;
  readonly title: string;
  /** Values that are trained, as the framework counts them; without them nothing is expected. */
  readonly params?: number;
  /** The side of the picture. */
  readonly side: number;
  readonly smaller: Smaller;
}

/** The text, not yet in canonical format; or what the language has no word for. */
export function residualText(
  facts: ResidualFacts,
  style: Style,
  { name, title, params, side, smaller }: ResidualSpec,
): string | { readonly lacking: string } {
  const lacking =
    smaller !== "stride" && !isOfStd(facts, style) ? "pools in such blocks" : lackingWord(facts, style);
  if (lacking) return { lacking };
  const unit = unitOf(facts, style, smaller);
  const stem = stemOf(facts, style, side);
  const rows = [
    `conv1: ${stem.path}`,
    ...poolRows(facts, style, smaller),
    ...facts.stages.map((stage, s) => stageRow(stage, s, style, unit)),
    ...(style.order === "pre" ? [`norm: ${normOf(facts)} -> ${style.activation}`] : []),
    ...(facts.final
      ? [`final: conv(1x1, ${facts.final.outputs}) -> ${normOf(facts)} -> ${style.activation}`]
      : []),
    "pool5: avgpool",
    ...(facts.head ? [`fc: dense(classes)`] : []),
    ...(style.framework === "torch" ? [] : ["prob: softmax"]),
  ];
  const picture = pictureOf(facts, style, side);
  const parameters = [
    `size = ${side}x${side}x${facts.channels}`,
    ...(facts.head ? [`classes = ${facts.head.classes}`] : []),
  ];
  const uses = [...new Set([...unit.uses, ...stem.uses, ...(picture.use ? [picture.use] : [])])];
  return [
    "resnet 1",
    ...(uses.length > 0 ? [`use ${uses.join(", ")} from std`] : []),
    ...(picture.declared ? ["", picture.declared] : []),
    ...(unit.declared.length > 0 ? ["", ...unit.declared] : []),
    "",
    `## ${title}.`,
    `net ${name}(${parameters.join(", ")}) {`,
    `input ${picture.use ?? (picture.declared ? "picture" : "")}${picture.use || picture.declared ? "(size)" : "size"}`,
    ...defaultRows(facts, style, unit),
    "",
    ...rows,
    ...(params === undefined ? [] : ["", `expect params ${separated(params)}`]),
    "}",
    ...tableOf(name, facts, style),
    "",
  ].join("\n");
}

function lackingWord(facts: ResidualFacts, style: Style): string | undefined {
  const { stages, stem } = facts;
  for (const [s, stage] of stages.entries()) {
    const { attention, groups, kind, inner } = stage;
    const isWhole = isRegNetY(facts, style)
      ? attention?.kind === "squeeze" &&
        attention.hidden === Math.round(inputsOf(facts, s) / regNetReduction(facts))
      : reductionOf(stage) % 1 === 0;
    if (attention?.kind === "squeeze" && !isWhole)
      return `squeeze and excitation of ${attention.hidden} for ${stage.out} channels, which is no whole reduction`;
    if (groups % 1 !== 0) return "groups that do not divide the channels";
    if (kind !== stages[0].kind || inner?.kind !== stages[0].inner?.kind) return "stages of different blocks";
    if (inner && attention) return "attention behind paths";
  }
  if (stem.some(({ height, width }) => height !== width)) return "a stem whose windows are no squares";
  return undefined;
}

// ---- rows -------------------------------------------------------------------------------------------

function defaultRows(facts: ResidualFacts, style: Style, unit: Unit): string[] {
  const args = unit.defaults.length > 0 ? [`${unit.block}(${unit.defaults.join(", ")})`] : [];
  if (isBigTransfer(facts, style)) args.unshift("conv(standardize = 1e-8)");
  if (style.framework === "keras")
    args.unshift(...(facts.biased ? ["conv(bias = true)"] : []), "bn(eps = 1.001e-5)");
  return args.length > 0 ? [`default ${args.join(", ")}`] : [];
}

/** Group norms behind a stem of one convolution, activations first: Big Transfer (BiT), whose weights are standardised. */
export const isBigTransfer = ({ norm, stem }: ResidualFacts, { order }: Style): boolean =>
  order === "pre" && norm === "gn" && stem.length === 1;

const isSmallPicture = (side: number): boolean => side < 64;

/** What the row `conv1` says, with what it needs of std. */
function stemOf(
  facts: ResidualFacts,
  style: Style,
  side: number,
): { readonly path: string; readonly uses: readonly string[] } {
  const { stem, norm, biased, biasedStem } = facts;
  const { order, entry, activation } = style;
  if (isDeepStem(facts, style)) {
    const [first, , last] = stem.map(({ outputs }) => outputs);
    const args = [
      `${last}`,
      ...(first === last / 2 ? [] : [`first = ${first}`]),
      ...(norm === "bn" ? [] : [`norm = ${normOf(facts)}`]),
    ];
    return { path: `deep_stem(${args.join(", ")})`, uses: ["deep_stem"] };
  }
  const steps = stem.flatMap(({ outputs, height }, i) => {
    const isLast = i === stem.length - 1;
    const isStrided = i === 0 ? !isSmallPicture(side) : entry === "tiered" && isLast;
    const bias = biasedStem && !biased ? ", bias = true" : "";
    const conv = `conv(${height}x${height}, ${outputs}${bias})${isStrided ? " /2" : ""}`;
    return order === "pre" && isLast ? [conv] : [conv, normOf(facts), activation];
  });
  return { path: steps.join(" -> "), uses: [] };
}

function poolRows(facts: ResidualFacts, style: Style, smaller: Smaller): string[] {
  const { entry, pool } = style;
  const { stem, pooledByConv, stages } = facts;
  if (entry !== "pooled" || stages.length < 4) return [];
  const { outputs } = stem[stem.length - 1];
  if (pooledByConv) return [`pool1: conv(3x3, ${outputs}) /2 -> ${normOf(facts)} -> relu`];
  if (smaller === "average") return ["pool1: avgpool(2x2) /2"];
  if (smaller === "blur") return ["pool1: maxpool(3x3) -> blurpool"];
  // No activation comes before it, so that zeros around the map are something else than a pool's own padding.
  if (isBigTransfer(facts, style))
    return ["pool1: extend(top = 1, left = 1, bottom = 1, right = 1) -> maxpool(3x3, pad = 0) /2"];
  return [`pool1: maxpool(3x3${pool === "ceil" ? ", pad = 0, ceil = true" : ""}) /2`];
}

/** Stages are numbered from 2, as in the paper. */
function stageRow(stage: Stage, s: number, style: Style, unit: Unit): string {
  const strided = s > 0 || style.entry === "strided";
  const call = `${unit.block}(${unit.args(stage).join(", ")})`;
  return `conv${s + 2}: ${call} x ${stage.blocks}${strided ? " /2" : ""}`;
}

function pictureOf(
  { channels, head }: ResidualFacts,
  { framework, order, picture }: Style,
  side: number,
): { use?: string; declared?: string } {
  if (channels !== 3) return {};
  const labelled = (classes: number, name: string) =>
    head?.classes === classes ? `, labels = "${name}"` : "";
  if (isSmallPicture(side)) {
    // ImageNet's mean and deviation, which akamaster's trained weights want.
    const statistics = "mean = (0.485, 0.456, 0.406), std = (0.229, 0.224, 0.225)";
    return { declared: `let picture = image(${statistics}${labelled(10, "cifar-10")})` };
  }
  if (picture) return { declared: `let picture = image(${picture}${labelled(1000, "imagenet-1k")})` };
  // Everything pre-activated in timm wants 0.5 for mean and deviation.
  if (order === "pre")
    return {
      declared: `let picture = image(mean = 0.5, std = 0.5, resize = 256${labelled(1000, "imagenet-1k")})`,
    };
  return { use: framework === "torch" ? "imagenet" : "caffe" };
}
