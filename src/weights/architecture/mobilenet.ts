/**
 * MobileNetV2 (Sandler et al. 2018, Table 2) of any width, in the names of torchvision, timm and Keras. Strides have no
 * tensors: they are those of the paper's seven stages.
 */
import type { Architecture } from "./architecture.ts";
import { kerasLeaves, leaves, namesTable, separated } from "./spec-text.ts";
import type { Tensors } from "./tensors.ts";

/** What a checkpoint calls a convolution and the normalisation behind it. */
type Pair = readonly [conv: string, norm: string];

/** Of a block; the first stage's does not expand. */
interface BlockNames {
  readonly expand: Pair;
  readonly filter: Pair;
  readonly project: Pair;
}

/** A block by number, or in a table of names whatever `{b}` of a stage is. */
interface Place {
  readonly stage: number;
  /** How many blocks there are before this stage. */
  readonly before: number;
  readonly block: number | "{b}";
}

interface Convention {
  readonly name: string;
  readonly framework: "torch" | "keras";
  readonly stem: Pair;
  /** The layer behind the stages; torchvision's has the number after the last block's. */
  last(blocks: number): Pair;
  block(place: Place): BlockNames;
  /** Whether names say the stage; else blocks are numbered through. */
  readonly saysStage: boolean;
  /** Of Keras, what the kernel of a depthwise convolution is called. */
  readonly filter?: string;
  /** The dense layer behind the pool; Keras' may be several of any names. */
  readonly head: string | undefined;
}

const isFirst = ({ before, block }: Place): boolean => before === 0 && block === 0;

/** The number of a block among all, from `plus` on. */
const numbered = ({ before, block }: Place, plus = 0): string =>
  block === "{b}" ? `{b+${before + plus}}` : String(before + block + plus);

const torchvision: Convention = {
  name: "torchvision",
  framework: "torch",
  stem: ["features.0.0", "features.0.1"],
  last: (blocks) => [`features.${blocks + 1}.0`, `features.${blocks + 1}.1`],
  block(place) {
    const at = `features.${numbered(place, 1)}.conv.`;
    const [filter, project] = isFirst(place) ? [0, 1] : [1, 2];
    return {
      expand: [`${at}0.0`, `${at}0.1`],
      filter: [`${at}${filter}.0`, `${at}${filter}.1`],
      project: [`${at}${project}`, `${at}${project + 1}`],
    };
  },
  saysStage: false,
  head: "classifier.1",
};

const timm: Convention = {
  name: "timm",
  framework: "torch",
  stem: ["conv_stem", "bn1"],
  last: () => ["conv_head", "bn2"],
  block(place) {
    const at = `blocks.${place.stage}.${place.block}.`;
    const expand: Pair = [`${at}conv_pw`, `${at}bn1`];
    if (place.stage === 0)
      return { expand, filter: [`${at}conv_dw`, `${at}bn1`], project: [`${at}conv_pw`, `${at}bn2`] };
    return { expand, filter: [`${at}conv_dw`, `${at}bn2`], project: [`${at}conv_pwl`, `${at}bn3`] };
  },
  saysStage: true,
  head: "classifier",
};

const keras: Convention = {
  name: "Keras",
  framework: "keras",
  stem: ["Conv1", "bn_Conv1"],
  last: () => ["Conv_1", "Conv_1_bn"],
  block(place) {
    const at = isFirst(place) ? "expanded_conv_" : `block_${numbered(place)}_`;
    const pair = (word: string): Pair => [`${at}${word}`, `${at}${word}_BN`];
    return { expand: pair("expand"), filter: pair("depthwise"), project: pair("project") };
  },
  saysStage: false,
  filter: "depthwise_kernel",
  head: undefined,
};

const keras3: Convention = { ...keras, filter: "kernel" };

/** Blocks and strides of the paper's stages. */
const paper = [
  { blocks: 1, stride: 1 },
  { blocks: 2, stride: 2 },
  { blocks: 3, stride: 2 },
  { blocks: 4, stride: 2 },
  { blocks: 3, stride: 1 },
  { blocks: 3, stride: 2 },
  { blocks: 1, stride: 1 },
] as const;

interface Stage {
  readonly blocks: number;
  readonly width: number;
}

interface MobileFacts {
  /** Channels of the picture. */
  readonly channels: number;
  readonly stem: number;
  readonly stages: readonly Stage[];
  readonly last: number;
  /** Dense layers, the last of which gives the classes; none in a network of features. */
  readonly heads: readonly { readonly name: string; readonly units: number }[];
}

export function readMobileNet(t: Tensors, params: number): Architecture | undefined {
  for (const convention of [torchvision, timm, keras, keras3]) {
    const facts = readFacts(t, convention);
    if (facts) return describe(t, facts, convention, params);
  }
  return undefined;
}

// ---- what the shapes say ------------------------------------------------------------------------------

function readFacts(t: Tensors, convention: Convention): MobileFacts | undefined {
  const stem = t.kernel(convention.stem[0]);
  if (stem?.height !== 3) return undefined;
  const stages = readStages(t, convention, stem.outputs);
  const last = stages && t.kernel(convention.last(countBlocks(stages))[0]);
  const heads = last && readHeads(t, convention, last.outputs);
  if (!stages || !heads) return undefined;
  return { channels: stem.inputs, stem: stem.outputs, stages, last: last.outputs, heads };
}

const countBlocks = (stages: readonly { readonly blocks: number }[]): number =>
  stages.reduce((sum, { blocks }) => sum + blocks, 0);

/** Seven stages, or undefined. Names say the stage, or the paper's numbers of blocks do, or widths that change. */
function readStages(t: Tensors, convention: Convention, stem: number): readonly Stage[] | undefined {
  const blocks: { readonly stage: number; readonly width: number }[] = [];
  let place: Place = { stage: 0, before: 0, block: 0 };
  for (let inputs = stem; ; ) {
    let width = widthOf(t, convention, place, inputs);
    if (width === undefined && convention.saysStage && place.block !== 0) {
      place = { stage: place.stage + 1, before: blocks.length, block: 0 };
      width = widthOf(t, convention, place, inputs);
    }
    if (width === undefined) break;
    blocks.push({ stage: place.stage, width });
    inputs = width;
    place = { ...place, block: Number(place.block) + 1 };
  }
  const isPaper = blocks.length === countBlocks(paper);
  const starts = paper.map((_, s) => countBlocks(paper.slice(0, s)));
  const groups: number[][] = [];
  for (const [i, { stage, width }] of blocks.entries()) {
    const isNext = convention.saysStage
      ? stage !== blocks[i - 1]?.stage
      : isPaper
        ? starts.includes(i)
        : width !== blocks[i - 1]?.width;
    if (isNext) groups.push([]);
    groups[groups.length - 1].push(width);
  }
  const isSound = groups.length === paper.length && groups.every((group) => new Set(group).size === 1);
  return isSound ? groups.map((group) => ({ blocks: group.length, width: group[0] })) : undefined;
}

/** Channels that come out of a block, if it is one: 3x3, a filter a channel, expanded six times after the first. */
function widthOf(t: Tensors, convention: Convention, place: Place, inputs: number): number | undefined {
  const { expand, filter, project } = convention.block(place);
  const hidden = isFirst(place) ? inputs : t.kernel(expand[0])?.outputs;
  const out = t.kernel(project[0]);
  const isSound = hidden === inputs * (isFirst(place) ? 1 : 6) && out?.inputs === hidden && out.height === 1;
  return isSound && channelsOf(t, convention, filter[0]) === hidden ? out.outputs : undefined;
}

/** Of a depthwise convolution of 3x3. */
function channelsOf(t: Tensors, { framework, filter }: Convention, name: string): number | undefined {
  const shape = t.shape(framework === "torch" ? `${name}.weight` : `${name}/${filter}`);
  if (shape?.length !== 4) return undefined;
  const [channels, one, height, width] =
    framework === "torch" ? shape : [shape[2], shape[3], shape[0], shape[1]];
  return one === 1 && height === 3 && width === 3 ? channels : undefined;
}

/** The dense layers, each of which reads what the one before gives; undefined where that cannot be told. */
function readHeads(t: Tensors, { head }: Convention, features: number): MobileFacts["heads"] | undefined {
  const matrices = t.names.filter((name) => name.endsWith("/kernel") && t.shape(name)?.length === 2);
  const names = head === undefined ? matrices.map((name) => name.slice(0, -"/kernel".length)) : [head];
  const left = new Map(names.flatMap((name) => (t.kernel(name) ? [[name, t.kernel(name)!] as const] : [])));
  const chain: { name: string; units: number }[] = [];
  for (let inputs = features; left.size > 0; ) {
    const next = [...left].filter(([, kernel]) => kernel.inputs === inputs);
    if (next.length !== 1) return undefined;
    const [[name, { outputs }]] = next;
    left.delete(name);
    chain.push({ name, units: outputs });
    inputs = outputs;
  }
  return chain;
}

// ---- the spec -------------------------------------------------------------------------------------------

/** "1.0", "0.35": what the paper multiplies widths by. */
const multiplierOf = ({ stages }: MobileFacts): string =>
  (stages[stages.length - 1].width / 320).toFixed(2).replace(/0$/, "");

function describe(t: Tensors, facts: MobileFacts, convention: Convention, params: number): Architecture {
  const { stem, stages, last, heads } = facts;
  const multiplier = multiplierOf(facts);
  const title = `MobileNetV2 ${multiplier}`;
  const name = `mobilenet_v2${multiplier === "1.0" ? "" : `_${multiplier.replace(".", "")}`}`;
  const classes = heads[heads.length - 1]?.units;
  return {
    title,
    convention: convention.name,
    prefix: t.prefix,
    facts: [
      `stem: 3x3 to ${stem}; ${facts.channels} channels come in`,
      `stages: ${stages.map(({ blocks, width }) => `${blocks} x ${width}`).join(", ")}; inverted residuals that expand six times`,
      `a 1x1 convolution to ${last} before the head`,
      heads.length > 1 ? `dense layers: ${heads.map(({ units }) => units).join(", ")}` : "",
      classes === undefined ? "no head: features only" : `classes: ${classes}`,
    ].filter((fact) => fact !== ""),
    open:
      convention.framework === "keras"
        ? [
            {
              what: "how pictures are prepared",
              assumed: "from -1 to 1",
              others: ["from 0 to 1 (nsfwjs)"],
              why: "Keras' own weights want that",
            },
          ]
        : [],
    spec: { name, text: mobileText(facts, convention, { name, title, params }) },
  };
}

function mobileText(
  facts: MobileFacts,
  convention: Convention,
  { name, title, params }: { readonly name: string; readonly title: string; readonly params?: number },
): string {
  const { channels, stem, stages, last, heads } = facts;
  const isKeras = convention.framework === "keras";
  const classes = heads[heads.length - 1]?.units;
  const labels = classes === 1000 ? ', labels = "imagenet-1k"' : "";
  const picture = isKeras ? [`let picture = image(mean = 0.5, std = 0.5, resize = 256${labels})`] : [];
  const kind = channels !== 3 ? "size" : isKeras ? "picture(size)" : "imagenet(size)";
  const uses = ["inverted", ...(kind === "imagenet(size)" ? ["imagenet"] : [])];
  return [
    "resnet 1",
    `use ${uses.join(", ")} from std`,
    ...(kind === "picture(size)" ? ["", "## Keras' preprocessing: from -1 to 1.", ...picture] : []),
    "",
    `## ${title}: Inverted Residuals and Linear Bottlenecks, Table 2.`,
    `net ${name}(size = 224x224x${channels}${classes === undefined ? "" : `, classes = ${classes}`}) {`,
    `input ${kind}`,
    ...(isKeras ? ['default conv(pad = "tf"), bn(eps = 1e-3)'] : []),
    "",
    `conv1: conv(3x3, ${stem}) /2 -> bn -> relu6`,
    ...stages.map(({ blocks, width }, s) => {
      const stride = paper[s].stride > 1 ? ` /${paper[s].stride}` : "";
      return `conv${s + 2}: inverted(${width}${s === 0 ? ", expand = 1" : ""}) x ${blocks}${stride}`;
    }),
    `conv${stages.length + 2}: conv(1x1, ${last}) -> bn -> relu6`,
    "pool: avgpool",
    ...heads.slice(0, -1).map(({ units }, i) => `fc${i + 1}: dense(${units}) -> relu`),
    ...(classes === undefined ? [] : ["fc: dense(classes)"]),
    ...(isKeras && classes !== undefined ? ["prob: softmax"] : []),
    ...(params === undefined ? [] : ["", `expect params ${separated(params)}`]),
    "}",
    ...namesTable(name, [...namesOf(facts, convention)]),
  ].join("\n");
}

/** Blocks are numbered through in torchvision and Keras, so that each stage has lines of its own. */
function namesOf({ stages, heads }: MobileFacts, convention: Convention): string[] {
  const isKeras = convention.framework === "keras";
  const line = (from: string, to: string) => `"${from}.{*}" -> "${to}${isKeras ? "/" : "."}{*}"`;
  const pair = ([conv, norm]: Pair, ours: string, [ourConv, ourNorm] = ["conv", "bn"]) => [
    line(`${ours}.${ourConv}`, conv),
    line(`${ours}.${ourNorm}`, norm),
  ];
  const blocks = stages.flatMap((_, s) => {
    const place: Place = { stage: s, before: countBlocks(stages.slice(0, s)), block: s === 0 ? 0 : "{b}" };
    const { expand, filter, project } = convention.block(place);
    const ours = `conv${s + 2}.${place.block}.body`;
    return [
      ...(s === 0 ? [] : pair(expand, ours, ["conv1", "norm1"])),
      ...(isKeras && convention.filter !== "kernel"
        ? [`"${ours}.conv2.kernel" -> "${filter[0]}/${convention.filter}"`]
        : []),
      ...pair(filter, ours, ["conv2", "norm2"]),
      ...pair(project, ours, ["conv3", "norm3"]),
    ];
  });
  return [
    ...(isKeras ? kerasLeaves : leaves()),
    ...pair(convention.stem, "conv1"),
    ...pair(convention.last(countBlocks(stages)), `conv${stages.length + 2}`),
    ...blocks,
    ...heads.map(({ name }, i) => line(i === heads.length - 1 ? "fc" : `fc${i + 1}.dense`, name)),
  ];
}

// ---- published ------------------------------------------------------------------------------------------

/** MobileNetV2 with the paper's widths times a multiplier, as torchvision or timm has it. */
export function mobileNetText(source: string, name: string, multiplier: number): string {
  const convention = source === "timm" ? timm : torchvision;
  const widths = [16, 24, 32, 64, 96, 160, 320].map((width) => rounded(width * multiplier));
  const facts: MobileFacts = {
    channels: 3,
    stem: rounded(32 * multiplier),
    stages: paper.map(({ blocks }, s) => ({ blocks, width: widths[s] })),
    last: Math.max(1280, rounded(1280 * multiplier)),
    heads: [{ name: convention.head ?? "", units: 1000 }],
  };
  return mobileText(facts, convention, { name, title: `${name} of ${source}` });
}

/** Channels come in eights, and rounding takes away no more than a tenth. */
function rounded(channels: number): number {
  const eights = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return eights < 0.9 * channels ? eights + 8 : eights;
}
