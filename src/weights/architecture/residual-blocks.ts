/** The blocks of a residual network's spec: those of the standard library where they say it, else one of its own. */
import type { ResidualFacts, Stage } from "./residual-facts.ts";
import type { Style } from "./style.ts";

/** What makes maps smaller: strides, or pools without tensors behind convolutions of stride 1. */
export type Smaller = "stride" | "average" | "blur";

export interface Unit {
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

export function unitOf(facts: ResidualFacts, style: Style, smaller: Smaller): Unit {
  if (style.order === "pre") return preactUnit(facts, style);
  if (facts.stages.some(({ inner }) => inner)) return innerUnit(facts);
  if (isRegNetY(facts, style)) return regNetUnit(facts);
  return isOfStd(facts, style) ? stdUnit(facts, style, smaller) : ownUnit(facts, style);
}

/** Whether the standard library's blocks are these. */
export function isOfStd({ stages }: ResidualFacts, { activatesBasic }: Style): boolean {
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
export const attentionUse = ({ stages }: ResidualFacts): string[] => {
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
      ...(stridesEarly(facts, style) ? ["early = true"] : []),
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
  const { activation, activatesBasic } = style;
  const early = stridesEarly(facts, style);
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
  const part = inner && { selective: "selective", res2: "res2", split: "split_attention" }[inner.kind];
  const average = hasAverage(facts);
  const shortcut = average ? "avg_project" : "project";
  const split = stages.every((stage) => stage.inner?.kind === "selective" && stage.inner.split);
  const selective = `selective(width, hidden${kind === "basic" ? "" : ", groups = groups"}${split ? "" : ", split = false"}) /stride`;
  // The first block of a stage starts each part afresh, one that does not stride too.
  const res2 = "res2(width, scales, groups = groups, fresh = stride > 1 or in.channels != out) /stride";
  const attention = `split_attention(width, hidden, ${inner?.kind === "split" ? inner.radix : 2})`;
  const middle = {
    selective: [selective],
    res2: [res2],
    split: [attention, "if stride > 1 [ avgpool(3x3) /stride ]"],
  }[inner?.kind ?? "selective"];
  const body =
    kind === "basic"
      ? [`[ ${selective}`, "conv(3x3, width) -> norm"]
      : ["[ conv(1x1, first) -> norm -> act", ...middle, "conv(1x1, out) -> norm"];
  const last = part === "res2" ? "scales" : "hidden";
  const parameters = [
    kind === "basic" ? "width, hidden" : `first, width, out, ${last}`,
    "stride = 1",
    ...(kind === "basic" ? [] : ["groups = 1"]),
    `shortcut = ${shortcut}, norm = bn, act = relu`,
  ];
  return {
    block: "unit",
    uses: [shortcut, ...(part ? [part] : [])],
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

// ---- what they are made of --------------------------------------------------------------------------

/** Whether the stem is `deep_stem` of std. */
export function isDeepStem({ stem }: ResidualFacts, { order, entry, activation }: Style): boolean {
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

/** Whether the first 1x1 of a bottleneck strides. */
export function stridesEarly({ stages: [{ kind, groups }] }: ResidualFacts, { early }: Style): boolean {
  return kind === "bottleneck" && (early === "ungrouped" ? groups === 1 : early);
}

export const reductionOf = ({ attention, out }: Stage): number =>
  attention?.kind === "squeeze" ? out / attention.hidden : 1;

export const inputsOf = ({ stages, stem }: ResidualFacts, s: number): number =>
  s === 0 ? stem[stem.length - 1].outputs : stages[s - 1].out;

/** RegNetY squeezes behind the 3x3, to a part of what comes into the block. */
export const isRegNetY = ({ stages }: ResidualFacts, { entry }: Style): boolean =>
  entry === "strided" && stages.every(({ attention }) => attention?.kind === "squeeze");

export const regNetReduction = (facts: ResidualFacts): number => {
  const [{ attention }] = facts.stages;
  return attention?.kind === "squeeze" ? inputsOf(facts, 0) / attention.hidden : 1;
};

/** A path of std with what it needs. */
const attentionOf = (stage: Stage): string =>
  stage.attention?.kind === "eca" ? `eca(${stage.attention.taps})` : `se(reduction = ${reductionOf(stage)})`;

/** timm's group norms have 32 groups. */
export const normOf = ({ norm }: ResidualFacts): string => (norm === "gn" ? "gn(32)" : norm);
