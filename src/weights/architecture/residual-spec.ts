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
  readonly smaller: Smaller;
}

/** What makes maps smaller: strides, or pools without tensors behind convolutions of stride 1. */
export type Smaller = "stride" | "average" | "blur";

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

const reductionOf = ({ attention, out }: Stage): number =>
  attention?.kind === "squeeze" ? out / attention.hidden : 1;

const inputsOf = ({ stages, stem }: ResidualFacts, s: number): number =>
  s === 0 ? stem[stem.length - 1].outputs : stages[s - 1].out;

/** RegNetY squeezes behind the 3x3, to a part of what comes into the block. */
const isRegNetY = ({ stages }: ResidualFacts, { entry }: Style): boolean =>
  entry === "strided" && stages.every(({ attention }) => attention?.kind === "squeeze");

const regNetReduction = (facts: ResidualFacts): number => {
  const [{ attention }] = facts.stages;
  return attention?.kind === "squeeze" ? inputsOf(facts, 0) / attention.hidden : 1;
};

/** A path of std with what it needs. */
const attentionOf = (stage: Stage): string =>
  stage.attention?.kind === "eca" ? `eca(${stage.attention.taps})` : `se(reduction = ${reductionOf(stage)})`;

/** timm's group norms have 32 groups, and so has the language's where nothing else is said. */
const normOf = ({ norm }: ResidualFacts): string => (norm === "gn" ? "gn(32)" : norm);

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

/** Whether the stem is `deep_stem` of std. */
function isDeepStem({ stem }: ResidualFacts, { order, entry, activation }: Style): boolean {
  const [, second, last] = stem;
  return (
    stem.length === 3 &&
    order === "post" &&
    entry === "pooled" &&
    activation === "relu" &&
    stem.every(({ height }) => height === 3) &&
    second.outputs * 2 === last.outputs
  );
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
  return { use: framework === "torch" ? "imagenet" : "caffe" };
}

// ---- blocks -----------------------------------------------------------------------------------------

interface Unit {
  /** What the block is called. */
  readonly block: string;
  /** From std. */
  readonly uses: readonly string[];
  /** Declared in the file. */
  readonly declared: readonly string[];
  /** Arguments of every stage. */
  readonly defaults: readonly string[];
  /** Arguments of one. */
  args(stage: Stage): readonly string[];
}

function unitOf(facts: ResidualFacts, style: Style, smaller: Smaller): Unit {
  if (style.order === "pre") return preactUnit(facts, style);
  if (facts.stages.some(({ inner }) => inner)) return innerUnit(facts);
  if (isRegNetY(facts, style)) return regNetUnit(facts);
  return isOfStd(facts, style) ? stdUnit(facts, style, smaller) : ownUnit(facts, style);
}

/** Whether the standard library's blocks are these. */
function isOfStd({ stages }: ResidualFacts, { activatesBasic }: Style): boolean {
  return (
    !(activatesBasic && stages[0].kind === "basic") &&
    stages.every((stage) => stage.first === stage.width && (stage.shortcut?.kernel ?? 1) === 1)
  );
}

/** What the blocks of std are told of norm and activation. */
const pathArguments = (facts: ResidualFacts, { activation }: Style): string[] => [
  ...(facts.norm === "bn" ? [] : [`norm = ${normOf(facts)}`]),
  ...(activation === "relu" ? [] : [`act = ${activation}`]),
];

const hasAverage = ({ stages }: ResidualFacts): boolean => stages.some(({ shortcut }) => shortcut?.average);

/** The attention that std has, by name. */
const attentionUse = ({ stages }: ResidualFacts): string[] => {
  const attention = stages.find((stage) => stage.attention)?.attention;
  return attention ? [attention.kind === "eca" ? "eca" : "se"] : [];
};

/** One argument for all stages where they attend alike, else one for each that does. */
function attentionArguments({ stages }: ResidualFacts): {
  readonly all: readonly string[];
  of(stage: Stage): readonly string[];
} {
  const argument = (stage: Stage) => (stage.attention ? [`attend = ${attentionOf(stage)}`] : []);
  const different = new Set(stages.map((stage) => argument(stage).join()));
  return different.size === 1 ? { all: argument(stages[0]), of: () => [] } : { all: [], of: argument };
}

function stdUnit(facts: ResidualFacts, style: Style, smaller: Smaller): Unit {
  const { stages } = facts;
  const [{ kind }] = stages;
  const average = hasAverage(facts);
  // Option A has no tensors: then some stage changes its channels without a shortcut's.
  const padded = stages.every(({ shortcut }) => shortcut === undefined) && stages.length > 1;
  const attention = attentionArguments(facts);
  return {
    block: kind,
    uses: [kind, ...(average ? ["avg_project"] : []), ...(padded ? ["pad"] : []), ...attentionUse(facts)],
    declared: [],
    defaults: [
      ...(average ? ["shortcut = avg_project"] : []),
      ...(padded ? ["shortcut = pad(center = true)"] : []),
      ...attention.all,
      ...(smaller === "stride" ? [] : [`smooth = ${smaller === "blur" ? "blurpool" : "avgpool(2x2)"}`]),
      ...(style.early && kind === "bottleneck" ? ["early = true"] : []),
      ...pathArguments(facts, style),
    ],
    args: (stage) => [
      kind === "bottleneck" && stage.out !== 4 * stage.width
        ? `${stage.width}, ${stage.out}`
        : `${stage.width}`,
      ...(stage.groups > 1 ? [`groups = ${stage.groups}`] : []),
      ...attention.of(stage),
    ],
  };
}

/** A block of the file's own, with steps called as those of std, so that the same tables of names fit. */
function ownUnit(facts: ResidualFacts, style: Style): Unit {
  const { stages } = facts;
  const { activation, early, activatesBasic } = style;
  const [{ kind }] = stages;
  const end = `norm -> ${activation}`;
  const attention = attentionArguments(facts);
  const attentions = attentionUse(facts);
  const wide = stages.some(({ shortcut }) => shortcut?.kernel === 3);
  const shortcut = wide ? "down" : hasAverage(facts) ? "avg_project" : "project";
  const attend = attentions.length > 0 ? " -> attend" : "";
  const activated = activatesBasic ? ` -> ${activation}` : "";
  const strided = (conv: string, here: boolean) => `${conv}${here ? " /stride" : ""} -> ${end}`;
  const body =
    kind === "basic"
      ? [`[ ${strided("conv(3x3, width)", true)}`, `conv(3x3, width) -> norm${activated}${attend}`]
      : [
          `[ ${strided("conv(1x1, first)", early)}`,
          strided("conv(3x3, width, groups = groups)", !early),
          `conv(1x1, out) -> norm${attend}`,
        ];
  const parameters = [
    ...(kind === "basic" ? ["width"] : ["first, width, out"]),
    "stride = 1",
    ...(kind === "basic" ? [] : ["groups = 1"]),
    `shortcut = ${shortcut}`,
    ...(attentions.length > 0 ? ["attend = none"] : []),
    "norm = bn",
  ];
  return {
    block: "unit",
    uses: [...(wide ? [] : [shortcut]), ...attentions],
    declared: [
      ...(wide
        ? [
            "## A projection where the shapes differ, of 3x3 where it strides.",
            "block down(channels, stride = 1, norm = bn) {",
            "let side = if stride > 1 [ 3 ] else [ 1 ]",
            "if in.channels == channels and stride == 1 [ in ] else [ conv(side, channels) /stride -> norm ]",
            "}",
            "",
          ]
        : []),
      `block unit(${parameters.join(", ")}) {`,
      `default ${shortcut}(norm = norm)`,
      ...body,
      `] + shortcut(${kind === "basic" ? "width" : "out"}) /stride`,
      activation,
      "}",
    ],
    defaults: [...attention.all, ...(facts.norm === "bn" ? [] : [`norm = ${normOf(facts)}`])],
    args: (stage) => [
      kind === "basic" ? `${stage.width}` : `${stage.first}, ${stage.width}, ${stage.out}`,
      ...(stage.groups > 1 ? [`groups = ${stage.groups}`] : []),
      ...attention.of(stage),
    ],
  };
}

/** A block of the file's own around a part of std that stands for a convolution. */
function innerUnit(facts: ResidualFacts): Unit {
  const { stages } = facts;
  const [{ kind, inner }] = stages;
  const isRes2 = inner?.kind === "res2";
  const average = hasAverage(facts);
  const shortcut = average ? "avg_project" : "project";
  const split = stages.every((stage) => stage.inner?.kind === "selective" && stage.inner.split);
  const selective = `selective(width, hidden${kind === "basic" ? "" : ", groups = groups"}${split ? "" : ", split = false"}) /stride`;
  // The first block of a stage starts each part afresh, one that does not stride too.
  const res2 = "res2(width, scales, groups = groups, fresh = stride > 1 or in.channels != out) /stride";
  const body =
    kind === "basic"
      ? [`[ ${selective}`, "conv(3x3, width) -> norm"]
      : ["[ conv(1x1, first) -> norm -> act", isRes2 ? res2 : selective, "conv(1x1, out) -> norm"];
  const parameters = [
    kind === "basic" ? "width, hidden" : isRes2 ? "first, width, out, scales" : "first, width, out, hidden",
    "stride = 1",
    ...(kind === "basic" ? [] : ["groups = 1"]),
    `shortcut = ${shortcut}, norm = bn, act = relu`,
  ];
  const part = isRes2 ? "res2" : "selective";
  return {
    block: "unit",
    uses: [shortcut, part],
    declared: [
      `block unit(${parameters.join(", ")}) {`,
      `default ${shortcut}(norm = norm), ${part}(norm = norm, act = act)`,
      ...body,
      `] + shortcut(${kind === "basic" ? "width" : "out"}) /stride`,
      "act",
      "}",
    ],
    defaults: facts.norm === "bn" ? [] : [`norm = ${normOf(facts)}`],
    args: (stage) => [
      ...(kind === "basic" ? [`${stage.width}`] : [`${stage.first}, ${stage.width}, ${stage.out}`]),
      `${stage.inner?.kind === "res2" ? stage.inner.scales : stage.inner?.hidden}`,
      ...(stage.groups > 1 ? [`groups = ${stage.groups}`] : []),
    ],
  };
}

/** RegNetY's: attention between the last two convolutions. */
function regNetUnit(facts: ResidualFacts): Unit {
  return {
    block: "unit",
    uses: ["project"],
    declared: [
      "## Squeeze and excitation with so many channels inside.",
      "block squeeze(hidden) {",
      "in * [",
      "avgpool",
      "conv(1x1, hidden, bias = true) -> relu",
      "conv(1x1, in.channels, bias = true) -> sigmoid",
      "]",
      "}",
      "",
      "block unit(width, stride = 1, groups = 1, shortcut = project, attend = squeeze, norm = bn) {",
      `let hidden = round(in.channels / ${regNetReduction(facts)})`,
      "[ conv(1x1, width) -> norm -> relu",
      "conv(3x3, width, groups = groups) /stride -> norm -> relu -> attend(hidden)",
      "conv(1x1, width) -> norm",
      "] + shortcut(width) /stride",
      "relu",
      "}",
    ],
    defaults: [],
    args: ({ width, groups }) => [`${width}`, ...(groups > 1 ? [`groups = ${groups}`] : [])],
  };
}

function preactUnit(facts: ResidualFacts, style: Style): Unit {
  const [{ kind }] = facts.stages;
  // timm averages in the shortcut wherever the stem is deep; the average has no tensors.
  const average = facts.stem.length > 1;
  const block = `preact_${kind}`;
  return {
    block,
    uses: [block, ...(average ? ["avg_project"] : [])],
    declared: [],
    defaults: [
      ...(average ? ["shortcut = avg_project"] : []),
      ...(kind === "bottleneck" ? ["early = false"] : []),
      ...pathArguments(facts, style),
    ],
    args: ({ width, out }) => [kind === "bottleneck" && out !== 4 * width ? `${width}, ${out}` : `${width}`],
  };
}

// ---- names ------------------------------------------------------------------------------------------

/** The table of names, unless std has the one that is needed. */
function tableOf(name: string, facts: ResidualFacts, style: Style): string[] {
  if (isInStd(facts, style)) return [];
  return ["", `names ${name}_names {`, ...leaves(facts.norm), ...linesOf(facts, style), "}"];
}

/** Whether a table of std has all these names. */
function isInStd(facts: ResidualFacts, style: Style): boolean {
  const { head, final, stages } = facts;
  if (!style.hasTable || final || stages.some(({ inner }) => inner)) return false;
  const shortcut = stages.find((stage) => stage.shortcut)?.shortcut?.conv;
  const isCifar = head?.name === "linear" && style === torchvision && attentionUse(facts).length === 0;
  if (isCifar) return shortcut === undefined || shortcut === "shortcut.0";
  return (head === undefined || head.name === style.heads[0]) && shortcut !== "shortcut.0";
}

function linesOf(facts: ResidualFacts, style: Style): string[] {
  const { stem, stemNames, stages, norm, pooledByConv, head, final } = facts;
  const lines: string[] = [];
  stemNames.forEach(([conv, itsNorm], i) => {
    // `conv1` is what a row is called, so that steps are conv_1, conv_2.
    const number = stem.length > 1 ? i + 1 : "";
    const step = isDeepStem(facts, style) ? `conv${number}` : stem.length > 1 ? `conv_${number}` : "conv";
    const itsWord = isDeepStem(facts, style) ? "norm" : norm;
    lines.push(line(`conv1.${step}`, conv), line(`conv1.${itsWord}${number}`, itsNorm));
  });
  if (pooledByConv) lines.push(line("pool1.conv", "maxpool.0"), line(`pool1.${norm}`, "maxpool.1"));
  if (final && style.final)
    lines.push(line("final.conv", style.final[0]), line(`final.${norm}`, style.final[1]));
  const block = style.blockPattern;
  const shortcut = stages.find((stage) => stage.shortcut)?.shortcut;
  if (shortcut) {
    const inner = shortcut.average ? "shortcut.proj" : "shortcut";
    lines.push(line(`conv{s}.{b}.${inner}.conv`, block + shortcut.conv));
    lines.push(line(`conv{s}.{b}.${inner}.norm`, block + shortcut.norm));
  }
  const attention = stages.find((stage) => stage.attention)?.attention;
  if (attention?.kind === "eca") lines.push(line("conv{s}.{b}.attend.channelconv", block + attention.name));
  if (attention?.kind === "squeeze") {
    attention.names.forEach((theirs, i) => {
      lines.push(line(`conv{s}.{b}.attend.conv${i + 1}`, block + theirs));
    });
  }
  lines.push(...innerLines(stages[0], block));
  for (const [ours, theirs] of numbersOf(stages[0], style)) {
    const [conv, itsNorm] = style.pair(theirs);
    lines.push(
      line(`conv{s}.{b}.conv${ours}`, block + conv),
      line(`conv{s}.{b}.norm${ours}`, block + itsNorm),
    );
  }
  if (head) lines.push(line("fc", head.name));
  return lines;
}

const line = (from: string, to: string): string => `"${from}.{*}" -> "${to}.{*}"`;

/** The numbers of a block's convolutions, ours and theirs; a part that stands for one has none of ours. */
function numbersOf({ kind, inner }: Stage, { numbered }: Style): (readonly [string, number | string])[] {
  if (inner && kind === "basic") return [["", 2]];
  if (inner) {
    return [
      ["1", 1],
      ["2", 3],
    ];
  }
  return numbered ? [["{k}", "{k}"]] : [1, 2, 3].map((k) => [`${k}`, k] as const);
}

function innerLines({ inner }: Stage, block: string): string[] {
  if (!inner) return [];
  if (inner.kind === "res2") {
    const part = "conv{s}.{b}.res2.parts.{k}.made";
    return [line(`${part}.conv`, `${block}convs.{k}`), line(`${part}.norm`, `${block}bns.{k}`)];
  }
  const [ours, theirs] = ["conv{s}.{b}.selective", `${block}conv${inner.number}`];
  return [
    ...["near", "far"].flatMap((path, p) => [
      line(`${ours}.${path}.conv`, `${theirs}.paths.${p}.conv`),
      line(`${ours}.${path}.norm`, `${theirs}.paths.${p}.bn`),
    ]),
    line(`${ours}.share.conv1`, `${theirs}.attn.fc_reduce`),
    line(`${ours}.share.norm`, `${theirs}.attn.bn`),
    line(`${ours}.share.conv2`, `${theirs}.attn.fc_select`),
  ];
}
