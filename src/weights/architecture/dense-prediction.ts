/**
 * torchvision's networks for segmentation and detection: a residual backbone whose maps are kept large, and heads that
 * say something of every place (Long et al. 2015, Chen et al. 2017, Ren et al. 2015 with Lin et al. 2017).
 */
import type { Architecture, OpenQuestion } from "./architecture.ts";
import { type ResidualFacts, readResidual, type Stage } from "./residual-facts.ts";
import { leaves, namesTable, separated } from "./spec-text.ts";
import { torchvision } from "./style.ts";
import { countParams, type Tensors } from "./tensors.ts";

export function readDensePrediction(t: Tensors, params: number): Architecture | undefined {
  return readSegmentation(t, params) ?? readDetection(t, params);
}

/** A ResNet or ResNeXt of std's bottlenecks under a prefix. */
function backboneOf(t: Tensors, prefix: string): ResidualFacts | undefined {
  const facts = readResidual(t.under(prefix), torchvision);
  if (!facts || "strange" in facts) return undefined;
  const isPlain = facts.stages.every(
    ({ kind, first, width, groups, attention }) =>
      kind === "bottleneck" && first === width && groups % 1 === 0 && !attention,
  );
  return isPlain && facts.stages.length === 4 && facts.stem.length === 1 && !facts.head ? facts : undefined;
}

const nameOfBackbone = ({ stages }: ResidualFacts): string => {
  const depth = 2 + 3 * stages.reduce((sum, { blocks }) => sum + blocks, 0);
  const [{ groups, width }] = stages;
  return groups > 1 ? `ResNeXt-${depth} ${groups}x${width / groups}d` : `ResNet-${depth}`;
};

/** "resnet50", "resnext101_32x8d". */
const wordOf = (backbone: string): string => backbone.toLowerCase().replace("-", "").replace(" ", "_");

const bottleneck = ({ width, out, groups }: Stage, more = ""): string =>
  `bottleneck(${out === 4 * width ? width : `${width}, ${out}`}${groups > 1 ? `, groups = ${groups}` : ""}${more})`;

const photo = "let photo = image(mean = (0.485, 0.456, 0.406), std = (0.229, 0.224, 0.225))";

const entryRows = ({ stem: [{ height, outputs }] }: ResidualFacts): string[] => [
  `conv1: conv(${height}x${height}, ${outputs}) /2 -> bn -> relu`,
  "pool1: maxpool(3x3) /2",
];

const line = (from: string, to: string): string => `"${from}.{*}" -> "${to}.{*}"`;

const backboneLines = (prefix: string): string[] => [
  line("conv1.conv", `${prefix}conv1`),
  line("conv1.bn", `${prefix}bn1`),
  line("conv{s}.{b}.shortcut.conv", `${prefix}layer{s-1}.{b}.downsample.0`),
  line("conv{s}.{b}.shortcut.norm", `${prefix}layer{s-1}.{b}.downsample.1`),
  line("conv{s}.{b}.norm{k}", `${prefix}layer{s-1}.{b}.bn{k}`),
  line("conv{s}.{b}", `${prefix}layer{s-1}.{b}`),
];

// ---- segmentation ---------------------------------------------------------------------------------------

/** FCN and DeepLabV3: the last two stages dilate instead of striding. */
function readSegmentation(t: Tensors, params: number): Architecture | undefined {
  const facts = backboneOf(t, "backbone.");
  const isDeepLab = t.kernel("classifier.0.convs.0.0") !== undefined;
  const head = t.kernel(isDeepLab ? "classifier.0.project.0" : "classifier.0");
  const classes = t.kernel("classifier.4")?.outputs;
  if (!facts || !head || classes === undefined) return undefined;
  const aux = t.kernel("aux_classifier.0");
  const backbone = nameOfBackbone(facts);
  const title = `${isDeepLab ? "DeepLabV3" : "FCN"} with ${backbone}`;
  const name = `${isDeepLab ? "deeplabv3" : "fcn"}_${wordOf(backbone)}`;
  const [c2, c3, c4, c5] = facts.stages;
  const headRow = (width: number) => `conv(3x3, ${width}) -> bn -> relu -> conv(1x1, classes, bias = true)`;
  const back = "resize(picture.height x picture.width)";
  const rows = [
    ...entryRows(facts),
    `conv2: ${bottleneck(c2)} x ${c2.blocks}`,
    `conv3: ${bottleneck(c3)} x ${c3.blocks} /2`,
    "# The first block of a stage still has the dilation of the stage before.",
    `conv4: ${bottleneck(c4, ", dilation = if i == 0 [ 1 ] else [ 2 ]")} x ${c4.blocks} as i`,
    `conv5: ${bottleneck(c5, ", dilation = if i == 0 [ 2 ] else [ 4 ]")} x ${c5.blocks} as i`,
    "",
    ...(isDeepLab ? [`pyramid: aspp(${head.outputs})`] : []),
    `head: ${headRow(head.outputs)}`,
    `out: ${back}`,
    ...(aux ? [`aux_head: conv4 -> ${headRow(aux.outputs)}`, `aux: ${back}`] : []),
    `output out${aux ? ", aux" : ""}`,
  ];
  // The rows called conv2 to conv5 take that name from the steps.
  const headLines = (ours: string, [conv, norm, last]: readonly string[]) => [
    line(`${ours}.conv_1`, conv),
    line(`${ours}.bn`, norm),
    line(`${ours}.conv_2`, last),
  ];
  const text = [
    "resnet 1",
    "use bottleneck from std",
    "",
    photo,
    "",
    ...(isDeepLab ? [...pyramidBlock, ""] : []),
    `## ${title}: a map of ${classes} logits, as large as the picture${aux ? ", and that of the auxiliary head" : ""}.`,
    `net ${name}(size = 520x520x3, classes = ${classes}) {`,
    "input picture: photo(size)",
    "",
    ...rows,
    "",
    `expect params ${separated(params)}`,
    "}",
    ...namesTable(name, [
      ...leaves(),
      ...(isDeepLab ? pyramidLines : []),
      ...headLines("head", [
        isDeepLab ? "classifier.1" : "classifier.0",
        isDeepLab ? "classifier.2" : "classifier.1",
        "classifier.4",
      ]),
      ...headLines("aux_head", ["aux_classifier.0", "aux_classifier.1", "aux_classifier.4"]),
      ...backboneLines("backbone."),
    ]),
  ].join("\n");
  return {
    title,
    convention: "torchvision",
    prefix: t.prefix,
    facts: [
      `backbone: ${backbone}, dilated: maps an eighth of the picture`,
      `head: ${isDeepLab ? "pooled at five scales to" : "3x3 to"} ${head.outputs}${aux ? "; an auxiliary one on the third stage" : ""}`,
      `classes: ${classes}`,
    ],
    open: [
      {
        what: "which stages dilate instead of striding",
        assumed: "the last two",
        others: ["the last one", "none"],
        why: "torchvision's do; dilation has no tensors",
      },
      ...(isDeepLab
        ? [
            {
              what: "how far apart the pyramid looks",
              assumed: "dilations of 12, 24 and 36",
              others: ["6, 12 and 18 (at a sixteenth of the picture)"],
              why: "torchvision's are",
            },
          ]
        : []),
    ],
    spec: { name, text },
  };
}

/** Chen et al. 2017, section 3.3, as torchvision builds it. */
const pyramidBlock: readonly string[] = [
  "## Looks at four distances and at the whole map.",
  "block aspp(width) {",
  "here: in -> conv(1x1, width) -> bn -> relu",
  "near: in -> conv(3x3, width, dilation = 12) -> bn -> relu",
  "middle: in -> conv(3x3, width, dilation = 24) -> bn -> relu",
  "far: in -> conv(3x3, width, dilation = 36) -> bn -> relu",
  "all: in -> avgpool -> conv(1x1, width) -> bn -> relu -> resize(in.height x in.width)",
  "project: here | near | middle | far | all -> conv(1x1, width) -> bn -> relu",
  "}",
];

const pyramidLines: readonly string[] = [
  ...["here", "near", "middle", "far"].flatMap((row, i) => [
    line(`pyramid.${row}.conv`, `classifier.0.convs.${i}.0`),
    line(`pyramid.${row}.bn`, `classifier.0.convs.${i}.1`),
  ]),
  line("pyramid.all.conv", "classifier.0.convs.4.1"),
  line("pyramid.all.bn", "classifier.0.convs.4.2"),
  line("pyramid.project.conv", "classifier.0.project.0"),
  line("pyramid.project.bn", "classifier.0.project.1"),
];

// ---- detection ------------------------------------------------------------------------------------------

/** Faster R-CNN: the pyramid and the region proposals are one net, what looks at the regions another. */
function readDetection(t: Tensors, params: number): Architecture | undefined {
  const facts = backboneOf(t, "backbone.body.");
  const width = t.kernel("backbone.fpn.inner_blocks.0.0")?.outputs;
  const anchors = t.kernel("rpn.head.cls_logits")?.outputs;
  const hidden = ["fc6", "fc7"].map((name) => t.kernel(`roi_heads.box_head.${name}`));
  const classes = t.kernel("roi_heads.box_predictor.cls_score")?.outputs;
  if (!facts || !width || !anchors || !hidden[0] || !hidden[1] || !classes) return undefined;
  // Regions are cut out of the pyramid as squares.
  const side = Math.sqrt(hidden[0].inputs / width);
  if (side % 1 !== 0) return undefined;
  const inBoxes = countParams(t.under("roi_heads."));
  const inAll = params - frozenIn(t.under("backbone.body."));
  const backbone = nameOfBackbone(facts);
  const title = `Faster R-CNN with ${backbone} and a feature pyramid`;
  const name = `fasterrcnn_${wordOf(backbone)}_fpn`;
  const levels = facts.stages.map((_stage, s) => s + 2);
  const merged = (level: number) => {
    const lateral = `m${level}: conv${level} -> conv(1x1, ${width}, bias = true)`;
    if (level === levels[levels.length - 1]) return lateral;
    const size = `conv${level}.height x conv${level}.width`;
    return `${lateral} + [ m${level + 1} -> resize(${size}, method = "nearest") ]`;
  };
  const stages = facts.stages.map(
    (stage, s) => `conv${s + 2}: ${bottleneck(stage)} x ${stage.blocks}${s > 0 ? " /2" : ""}`,
  );
  const last = levels[levels.length - 1] + 1;
  const all = [...levels, last];
  // Older weights have one convolution without a number.
  const shared = t.kernel("rpn.head.conv.0.0") ? "rpn.head.conv.0.0" : "rpn.head.conv";
  const text = [
    "resnet 1",
    "use bottleneck from std",
    "",
    photo,
    "",
    "## For each anchor of a place: how much of a thing there is, and where its box is.",
    "block regions(anchors) {",
    `look: conv(3x3, ${width}, bias = true) -> relu`,
    "scores: look -> conv(1x1, anchors, bias = true)",
    "boxes: look -> conv(1x1, 4 * anchors, bias = true)",
    "}",
    "",
    `## ${title}: the pyramid, and on every level of it the region proposals.`,
    `net ${name}(size = 800x800x3, anchors = ${anchors}) {`,
    "# The norms are frozen, of another eps than torch's usual.",
    "default bn(eps = 0, frozen = true)",
    "input photo(size)",
    "",
    ...entryRows(facts),
    ...stages,
    "",
    ...levels.toReversed().map(merged),
    ...levels.map((level) => `p${level}: m${level} -> conv(3x3, ${width}, bias = true)`),
    `p${last}: p${last - 1} -> maxpool(1x1) /2`,
    "",
    "# One head looks at all levels.",
    ...all.map((level) => `rpn${level}: p${level} -> regions(anchors)${level > 2 ? " @ rpn2" : ""}`),
    `output ${all.map((level) => `p${level}, rpn${level}.scores, rpn${level}.boxes`).join(",\n")}`,
    "",
    `expect params ${separated(inAll - inBoxes)}`,
    "}",
    "",
    `## What is in a region: ${classes} logits, and a box for each class. It comes as ${side}x${side} places cut out of the pyramid.`,
    `net ${name}_boxes(classes = ${classes}) {`,
    `input ${side}x${side}x${width}`,
    `fc6: dense(${hidden[0].outputs}) -> relu`,
    `fc7: dense(${hidden[1].outputs}) -> relu`,
    "scores: dense(classes)",
    "boxes: fc7 -> dense(4 * classes)",
    "output scores, boxes",
    "",
    `expect params ${separated(inBoxes)}`,
    "}",
    ...namesTable(name, [
      ...leaves(),
      ...levels.flatMap((level, i) => [
        line(
          `m${level}.conv`,
          t.kernel(`backbone.fpn.inner_blocks.${i}.0`)
            ? `backbone.fpn.inner_blocks.${i}.0`
            : `backbone.fpn.inner_blocks.${i}`,
        ),
        line(
          `p${level}.conv`,
          t.kernel(`backbone.fpn.layer_blocks.${i}.0`)
            ? `backbone.fpn.layer_blocks.${i}.0`
            : `backbone.fpn.layer_blocks.${i}`,
        ),
      ]),
      line("rpn2.regions.look.conv", shared),
      line("rpn2.regions.scores.conv", "rpn.head.cls_logits"),
      line("rpn2.regions.boxes.conv", "rpn.head.bbox_pred"),
      line("fc6.dense", "roi_heads.box_head.fc6"),
      line("fc7.dense", "roi_heads.box_head.fc7"),
      line("scores", "roi_heads.box_predictor.cls_score"),
      line("boxes.dense", "roi_heads.box_predictor.bbox_pred"),
      ...backboneLines("backbone.body."),
    ]),
  ].join("\n");
  return {
    title,
    convention: "torchvision",
    prefix: t.prefix,
    facts: [
      `backbone: ${backbone}, frozen norms; a pyramid of ${all.length} levels, ${width} channels each`,
      `regions: ${anchors} anchors a place, one head for all levels`,
      `boxes: ${side}x${side} places a region, dense layers of ${hidden.map((kernel) => kernel!.outputs).join(" and ")}`,
      `classes: ${classes}, the background among them`,
      `parameters: ${separated(inAll)}, in two nets`,
    ],
    open: [frozenEps],
    spec: { name, text },
  };
}

/** The scales and shifts of the norms. */
const frozenIn = (t: Tensors): number =>
  t.names
    .filter((name) => name.endsWith(".running_mean"))
    .reduce((sum, name) => sum + 2 * t.vector(name)!, 0);

const frozenEps: OpenQuestion = {
  what: "eps of the frozen norms",
  assumed: "0",
  others: ["1e-5"],
  why: "torchvision sets it to 0 for its COCO_V1 weights",
};
