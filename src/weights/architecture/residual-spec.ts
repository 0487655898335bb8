/**
 * A residual network as a .resnet file: blocks of the standard library where they say it, else one of its own, and the
 * table of names that its tensors need.
 */
import type { ResidualFacts, Stage } from "./residual-facts.ts";
import { leaves, separated } from "./spec-text.ts";
import { type Style, torchvision } from "./style.ts";

/** The parts of a spec that depend on what is assumed. */
export interface ResidualSpec {
  readonly name: string;
  readonly title: string;
  /** Values that are trained, as the framework counts them; without them nothing is expected. */
  readonly params?: number;
  /** The side of the picture. */
  readonly side: number;
  /** What makes maps smaller: strides, or pools without tensors behind convolutions of stride 1. */
  readonly smaller: "stride" | "average" | "blur";
}

/** The text, not yet in canonical format; or what the language has no word for. */
export function residualText(
  facts: ResidualFacts,
  style: Style,
  { name, title, params, side, smaller }: ResidualSpec,
): string | { readonly lacking: string } {
  const lacking = smaller === "blur" ? "blur pooling" : lackingWord(facts);
  if (lacking) return { lacking };
  const unit = unitOf(facts, style, smaller === "average");
  const rows = [
    ...defaultRows(facts, style),
    stemRow(facts, style, side),
    ...poolRows(facts, style, smaller === "average"),
    ...facts.stages.map((stage, s) => stageRow(stage, s, facts, style, unit)),
    ...(style.order === "pre" ? [`norm: ${facts.norm} -> ${style.activation}`] : []),
    ...(facts.final
      ? [`final: conv(1x1, ${facts.final.outputs}) -> ${facts.norm} -> ${style.activation}`]
      : []),
    "pool5: avgpool",
    ...(facts.head ? [`fc: dense(classes)`] : []),
    ...(style.framework === "keras" ? ["prob: softmax"] : []),
  ];
  const picture = pictureOf(facts, style, side);
  const parameters = [
    `size = ${side}x${side}x${facts.channels}`,
    ...(facts.head ? [`classes = ${facts.head.classes}`] : []),
  ];
  const uses = [...new Set([...unit.uses, ...(picture.use ? [picture.use] : [])])];
  return [
    "resnet 1",
    ...(uses.length > 0 ? [`use ${uses.join(", ")} from std`] : []),
    ...(picture.declared ? ["", picture.declared] : []),
    ...(unit.blocks.length > 0 ? ["", ...unit.blocks] : []),
    "",
    `## ${title}.`,
    `net ${name}(${parameters.join(", ")}) {`,
    `input ${picture.use ?? (picture.declared ? "picture" : "")}${picture.use || picture.declared ? "(size)" : "size"}`,
    "",
    ...rows,
    ...(params === undefined ? [] : ["", `expect params ${separated(params)}`]),
    "}",
    ...tableOf(name, facts, style, unit),
    "",
  ].join("\n");
}

function lackingWord({ stages, stem }: ResidualFacts): string | undefined {
  for (const stage of stages) {
    const { attention, groups, kind } = stage;
    if (attention?.kind === "squeeze" && reductionOf(stage) % 1 !== 0)
      return `squeeze and excitation of ${attention.hidden} for ${stage.out} channels, which is no whole reduction`;
    if (groups % 1 !== 0) return "groups that do not divide the channels";
    if (kind !== stages[0].kind) return "stages of different blocks";
  }
  if (stem.some(({ height, width }) => height !== width)) return "a stem whose windows are no squares";
  return undefined;
}

const reductionOf = ({ attention, out }: Stage): number =>
  attention?.kind === "squeeze" ? out / attention.hidden : 1;

/** A path of std with what it needs. */
const attentionOf = (stage: Stage): string =>
  stage.attention?.kind === "eca" ? `eca(${stage.attention.taps})` : `se(reduction = ${reductionOf(stage)})`;

// ---- rows -------------------------------------------------------------------------------------------

function defaultRows(facts: ResidualFacts, style: Style): string[] {
  const { biased } = facts;
  if (isBigTransfer(facts, style)) return ["default conv(standardize = 1e-8)"];
  if (style.framework !== "keras") return [];
  return [...(biased ? ["default conv(bias = true)"] : []), "default bn(eps = 1.001e-5)"];
}

/** A row called conv1 would give its own steps other names. */
const stemLabel = (stem: ResidualFacts["stem"]): string => (stem.length > 1 ? "stem" : "conv1");

/** Group norms behind a stem of one convolution, activations first: Big Transfer (BiT), whose weights are standardised. */
export const isBigTransfer = ({ norm, stem }: ResidualFacts, { order }: Style): boolean =>
  order === "pre" && norm === "gn" && stem.length === 1;

const isSmallPicture = (side: number): boolean => side < 64;

function stemRow({ stem, norm }: ResidualFacts, { order, entry, activation }: Style, side: number): string {
  const steps = stem.flatMap(({ outputs, height }, i) => {
    const isLast = i === stem.length - 1;
    const isStrided = i === 0 ? !isSmallPicture(side) : entry === "tiered" && isLast;
    const conv = `conv(${height}x${height}, ${outputs})${isStrided ? " /2" : ""}`;
    return order === "pre" && isLast ? [conv] : [conv, norm, activation];
  });
  return `${stemLabel(stem)}: ${steps.join(" -> ")}`;
}

function poolRows(facts: ResidualFacts, style: Style, averages: boolean): string[] {
  const { entry, pool } = style;
  const { norm, stem, pooledByConv, stages } = facts;
  if (entry !== "pooled" || stages.length < 4) return [];
  const { outputs } = stem[stem.length - 1];
  if (pooledByConv) return [`pool1: conv(3x3, ${outputs}) /2 -> ${norm} -> relu`];
  if (averages) return ["pool1: avgpool(2x2) /2"];
  // No activation comes before it, so that zeros around the map are something else than a pool's own padding.
  if (isBigTransfer(facts, style))
    return ["pool1: extend(top = 1, left = 1, bottom = 1, right = 1) -> maxpool(3x3, pad = 0) /2"];
  return [`pool1: maxpool(3x3${pool === "ceil" ? ", pad = 0, ceil = true" : ""}) /2`];
}

/** Stages are numbered from 2, as in the paper. */
function stageRow(stage: Stage, s: number, facts: ResidualFacts, style: Style, unit: Unit): string {
  const strided = s > 0 || style.entry === "strided";
  return `conv${s + 2}: ${unit.call(stage, facts)} x ${stage.blocks}${strided ? " /2" : ""}`;
}

function pictureOf(
  { channels, head }: ResidualFacts,
  { framework, order }: Style,
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
  // Everything pre-activated in timm wants 0.5 for mean and deviation.
  if (order === "pre")
    return {
      declared: `let picture = image(mean = 0.5, std = 0.5, resize = 256${labelled(1000, "imagenet-1k")})`,
    };
  return { use: framework === "keras" ? "caffe" : "imagenet" };
}

// ---- blocks -----------------------------------------------------------------------------------------

interface Unit {
  /** From std. */
  readonly uses: readonly string[];
  /** Declared in the file. */
  readonly blocks: readonly string[];
  call(stage: Stage, facts: ResidualFacts): string;
  /** What the block's steps are called: the shortcut, the attention. */
  readonly words: { readonly shortcut: string; readonly attend: string };
}

function unitOf(facts: ResidualFacts, style: Style, averages: boolean): Unit {
  if (style.order === "pre") return preactUnit(facts);
  return isOfStd(facts, style) && !averages ? stdUnit(facts, style) : ownUnit(facts, style, averages);
}

/** Whether the standard library's blocks are these. */
function isOfStd({ norm, stages }: ResidualFacts, { activation, activatesBasic }: Style): boolean {
  return (
    norm === "bn" &&
    !(activatesBasic && stages[0].kind === "basic") &&
    activation === "relu" &&
    stages.every((stage) => stage.first === stage.width && (stage.shortcut?.kernel ?? 1) === 1)
  );
}

function stdUnit({ stages }: ResidualFacts, style: Style): Unit {
  const [{ kind }] = stages;
  const average = stages.some(({ shortcut }) => shortcut?.average);
  // Option A has no tensors: then some stage changes its channels without a shortcut's.
  const padded = stages.every(({ shortcut }) => shortcut === undefined) && stages.length > 1;
  const attention = stages.find((stage) => stage.attention)?.attention;
  return {
    uses: [
      kind,
      ...(average ? ["avg_project"] : []),
      ...(padded ? ["pad"] : []),
      ...(attention ? [attention.kind === "eca" ? "eca" : "se"] : []),
    ],
    blocks: [],
    words: { shortcut: "shortcut", attend: "attend" },
    call(stage) {
      const args = [
        kind === "bottleneck" && stage.out !== 4 * stage.width
          ? `${stage.width}, ${stage.out}`
          : `${stage.width}`,
        ...(stage.groups > 1 ? [`groups = ${stage.groups}`] : []),
        ...(average ? ["shortcut = avg_project"] : []),
        ...(padded ? ["shortcut = pad(center = true)"] : []),
        ...(stage.attention ? [`attend = ${attentionOf(stage)}`] : []),
        ...(style.early && kind === "bottleneck" ? ["early = true"] : []),
      ];
      return `${kind}(${args.join(", ")})`;
    },
  };
}

function ownUnit(
  { norm, stages }: ResidualFacts,
  { activation, early, activatesBasic }: Style,
  averages: boolean,
): Unit {
  const [{ kind }] = stages;
  const end = `${norm} -> ${activation}`;
  const attention = stages.find((stage) => stage.attention)?.attention;
  const average = stages.some(({ shortcut }) => shortcut?.average);
  const kernels = [...new Set(stages.flatMap(({ shortcut }) => shortcut?.kernel ?? []))];
  const attend = attention ? " -> attend" : "";
  const activated = activatesBasic ? ` -> ${activation}` : "";
  const strided = (conv: string, here: boolean) => `${conv}${here && !averages ? " /stride" : ""} -> ${end}`;
  const averaged = averages ? ["if stride > 1 [ avgpool(2x2) /stride ]"] : [];
  const body =
    kind === "basic"
      ? [
          `[ ${strided("conv(3x3, width)", true)}`,
          ...averaged,
          `conv(3x3, width) -> ${norm}${activated}${attend}`,
        ]
      : [
          `[ ${strided("conv(1x1, first)", early)}`,
          strided("conv(3x3, width, groups = groups)", !early),
          ...averaged,
          `conv(1x1, out) -> ${norm}${attend}`,
        ];
  const parameters = [
    ...(kind === "basic" ? ["width"] : ["first, width, out"]),
    "stride = 1",
    ...(kind === "basic" ? [] : ["groups = 1"]),
    ...(attention ? ["attend = none"] : []),
  ];
  const wide = kernels.includes(3);
  const conv = wide ? "conv(side, channels) /stride" : `conv(1x1, channels)${average ? "" : " /stride"}`;
  return {
    uses: attention ? [attention.kind === "eca" ? "eca" : "se"] : [],
    blocks: [
      `## ${wide ? "A projection, of 3x3 where it strides" : average ? "An average, then a projection" : "A projection"}, where the shapes differ.`,
      "block down(channels, stride = 1) {",
      ...(wide ? ["let side = if stride > 1 [ 3 ] else [ 1 ]"] : []),
      "if in.channels == channels and stride == 1 [ in ] else [",
      ...(average ? ["if stride > 1 [ avgpool(2x2, ceil = true) /stride ]"] : []),
      `${conv} -> ${norm}`,
      "]",
      "}",
      "",
      `block unit(${parameters.join(", ")}) {`,
      ...body,
      `] + down(${kind === "basic" ? "width" : "out"}) /stride`,
      activation,
      "}",
    ],
    words: { shortcut: "down", attend: "attend" },
    call(stage) {
      const args = [
        kind === "basic" ? `${stage.width}` : `${stage.first}, ${stage.width}, ${stage.out}`,
        ...(stage.groups > 1 ? [`groups = ${stage.groups}`] : []),
        ...(stage.attention ? [`attend = ${attentionOf(stage)}`] : []),
      ];
      return `unit(${args.join(", ")})`;
    },
  };
}

function preactUnit({ norm, stages, stem }: ResidualFacts): Unit {
  const [{ kind }] = stages;
  // timm averages in the shortcut wherever the stem is deep; the average has no tensors.
  const average = stem.length > 1;
  const end = `${norm} -> relu`;
  const out = kind === "basic" ? "width" : "out";
  const project = average
    ? `if stride > 1 [ avgpool(2x2, ceil = true) /stride ] -> conv(1x1, ${out})`
    : `conv(1x1, ${out}) /stride`;
  const body =
    kind === "basic"
      ? [`[ conv(3x3, width) /stride -> ${end}`, "conv(3x3, width)"]
      : [`[ conv(1x1, width) -> ${end}`, `conv(3x3, width) /stride -> ${end}`, "conv(1x1, out)"];
  return {
    uses: [],
    blocks: [
      "## Norm and activation come first, and feed the projection too.",
      `block unit(${kind === "basic" ? "width" : "width, out"}, stride = 1) {`,
      `act: ${end}`,
      ...body,
      `] + if in.channels == ${out} and stride == 1 [ in ] else [ proj: act -> ${project} ]`,
      "}",
    ],
    words: { shortcut: "proj", attend: "attend" },
    call: (stage) => `unit(${kind === "basic" ? stage.width : `${stage.width}, ${stage.out}`})`,
  };
}

// ---- names ------------------------------------------------------------------------------------------

/** The table of names, unless std has the one that is needed. */
function tableOf(name: string, facts: ResidualFacts, style: Style, unit: Unit): string[] {
  if (style.framework === "keras") return [];
  if (style.tableLines) return ["", `names ${name}_names {`, ...style.tableLines(facts), "}"];
  if (isOfStdTable(facts, style, unit)) return [];
  return ["", `names ${name}_names {`, ...leaves(facts.norm), ...linesOf(facts, style, unit), "}"];
}

/** The tables `torchvision` and `cifar` of std. */
function isOfStdTable(
  { stem, norm, stages, head, pooledByConv, final }: ResidualFacts,
  style: Style,
  unit: Unit,
): boolean {
  const shortcut = stages.find((stage) => stage.shortcut)?.shortcut;
  const isPlain = style === torchvision && stem.length === 1 && norm === "bn" && !pooledByConv && !final;
  const same =
    shortcut === undefined || shortcut.conv === (head?.name === "linear" ? "shortcut.0" : "downsample.0");
  const known = head === undefined || head.name === "fc" || head.name === "linear";
  return (
    isPlain &&
    same &&
    known &&
    unit.words.shortcut === "shortcut" &&
    !stages.some(({ attention }) => attention)
  );
}

function linesOf(facts: ResidualFacts, style: Style, { words }: Unit): string[] {
  const { stem, stemNames, stages, norm, pooledByConv, head, final } = facts;
  const line = (from: string, to: string) => `"${from}.{*}" -> "${to}.{*}"`;
  const isPre = style.order === "pre";
  const lines: string[] = [];
  stemNames.forEach(([conv, itsNorm], i) => {
    const number = stem.length > 1 ? i + 1 : "";
    const at = stemLabel(stem);
    // A row of one step has that step's name. conv2 is a row, so that steps are conv_1, conv_2.
    const step = stem.length > 1 ? `conv_${number}` : "conv";
    lines.push(line(stem.length === 1 && isPre ? at : `${at}.${step}`, conv));
    if (itsNorm && !(isPre && i === stem.length - 1)) lines.push(line(`${at}.${norm}${number}`, itsNorm));
  });
  if (pooledByConv) lines.push(line("pool1.conv", "maxpool.0"), line(`pool1.${norm}`, "maxpool.1"));
  if (final) lines.push(line("final.conv", "final_conv.conv"), line(`final.${norm}`, "final_conv.bn"));
  const block = style.blockPattern;
  const shortcut = stages.find((stage) => stage.shortcut)?.shortcut;
  if (shortcut) {
    lines.push(line(`conv{s}.{b}.${words.shortcut}.conv`, block + shortcut.conv));
    if (shortcut.norm) lines.push(line(`conv{s}.{b}.${words.shortcut}.${norm}`, block + shortcut.norm));
  }
  const attention = stages.find((stage) => stage.attention)?.attention;
  if (attention?.kind === "eca")
    lines.push(line(`conv{s}.{b}.${words.attend}.channelconv`, block + attention.name));
  if (attention?.kind === "squeeze") {
    attention.names.forEach((theirs, i) => {
      lines.push(line(`conv{s}.{b}.${words.attend}.conv${i + 1}`, block + theirs));
    });
  }
  if (isPre) lines.push(line(`conv{s}.{b}.act.${norm}`, block + style.pair(1)[1]));
  const numbers = style.numbered ? ["{k}"] : ["1", "2", "3"];
  for (const k of numbers) {
    const [conv] = style.pair(style.numbered ? k : Number(k));
    // In front of a convolution, a norm has the number of the next.
    const [, itsNorm] = style.pair(isPre ? "{k+1}" : style.numbered ? k : Number(k));
    lines.push(line(`conv{s}.{b}.conv${k}`, block + conv), line(`conv{s}.{b}.${norm}${k}`, block + itsNorm));
  }
  if (isPre) lines.push(line(`norm.${norm}`, "norm"));
  if (head) lines.push(line("fc", head.name));
  return lines;
}
