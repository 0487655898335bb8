/** Networks without residuals that are widely used beside them: VGG, GoogLeNet, DenseNet. */
import type { Architecture } from "./architecture.ts";
import { kerasLeaves, leaves, namesTable, separated } from "./spec-text.ts";
import type { Tensors } from "./tensors.ts";

export function readConvnet(t: Tensors, params: number): Architecture | undefined {
  return readVgg(t, params) ?? readGoogLeNet(t);
}

// ---- VGG --------------------------------------------------------------------------------------------

interface Layer {
  readonly name: string;
  readonly norm: string | undefined;
  readonly width: number;
  /** From 0. */
  readonly stage: number;
}

/** Layers of 3x3 in five stages, three dense layers: torchvision's and Keras' names. */
function readVgg(t: Tensors, params: number): Architecture | undefined {
  const isKeras = t.layout === "tensorflow";
  const layers = isKeras ? kerasLayers(t) : torchLayers(t);
  const heads = isKeras ? ["fc1", "fc2", "predictions"] : ["classifier.0", "classifier.3", "classifier.6"];
  const dense = heads.map((name) => t.kernel(name));
  if (layers.length < 5 || dense.some((kernel) => !kernel)) return undefined;
  const classes = dense[2]!.outputs;
  const normed = layers[0].norm !== undefined;
  const stages = [...new Set(layers.map(({ stage }) => stage))].map((stage) =>
    layers.filter((layer) => layer.stage === stage),
  );
  const depth = layers.length + 3;
  const title = `VGG-${depth}${normed ? " with batch normalisation" : ""}`;
  const name = `vgg${depth}${normed ? "_bn" : ""}`;
  const step = normed
    ? "conv(3x3, width, bias = true) -> bn -> relu"
    : "conv(3x3, width, bias = true) -> relu";
  const line = (from: string, to: string) => `"${from}.{*}" -> "${to}${isKeras ? "/" : "."}{*}"`;
  const text = [
    "resnet 1",
    `use ${isKeras ? "caffe" : "imagenet"} from std`,
    "",
    "## A 3x3 convolution with a bias: all that VGG is made of.",
    "block layer(width) {",
    step,
    "}",
    "",
    `## ${title}.`,
    `net ${name}(classes = ${classes}) {`,
    `input ${isKeras ? "caffe" : "imagenet"}(224x224x3)`,
    "",
    ...stages.flatMap((stage, s) => [
      `conv${s + 1}: layer(${stage[0].width})${stage.length > 1 ? ` x ${stage.length}` : ""}`,
      `pool${s + 1}: maxpool(2x2) /2`,
    ]),
    `fc6: dense(${dense[0]!.outputs}) -> relu`,
    `fc7: dense(${dense[1]!.outputs}) -> relu`,
    "fc8: dense(classes)",
    ...(isKeras ? ["prob: softmax"] : []),
    "",
    `expect params ${separated(params)}`,
    "}",
    ...namesTable(name, [
      ...(isKeras ? kerasLeaves.slice(0, 1) : normed ? leaves() : []),
      ...stages.flatMap((stage, s) =>
        stage.flatMap((layer, b) => {
          // A row of one block has its steps' names without a number of the copy.
          const at = stage.length > 1 ? `conv${s + 1}.${b}` : `conv${s + 1}`;
          return [line(`${at}.conv`, layer.name), ...(layer.norm ? [line(`${at}.bn`, layer.norm)] : [])];
        }),
      ),
      line("fc6.dense", heads[0]),
      line("fc7.dense", heads[1]),
      line("fc8", heads[2]),
    ]),
  ].join("\n");
  return {
    title,
    convention: isKeras ? "Keras" : "torchvision",
    prefix: t.prefix,
    facts: [
      `layers: ${stages.map((stage) => `${stage.length} x ${stage[0].width}`).join(", ")}; all 3x3`,
      `dense layers: ${dense.map((kernel) => kernel!.outputs).join(", ")}`,
      `classes: ${classes}`,
    ],
    open: [],
    spec: { name, text },
  };
}

/** `features.N`: a pool takes a number too, so that a gap of one more than usual starts a stage. */
function torchLayers(t: Tensors): Layer[] {
  const numbers = t.names
    .map((name) => Number(/^features\.(\d+)\.weight$/.exec(name)?.[1] ?? Number.NaN))
    .filter((n) => t.kernel(`features.${n}`)?.height === 3)
    .sort((a, b) => a - b);
  const normed = numbers.length > 0 && t.norm(`features.${numbers[0] + 1}`) !== undefined;
  let stage = 0;
  return numbers.map((n, i) => {
    if (i > 0 && n - numbers[i - 1] > (normed ? 3 : 2)) stage++;
    return {
      name: `features.${n}`,
      norm: normed ? `features.${n + 1}` : undefined,
      width: t.kernel(`features.${n}`)!.outputs,
      stage,
    };
  });
}

function kerasLayers(t: Tensors): Layer[] {
  const layers: Layer[] = [];
  for (let stage = 0; t.kernel(`block${stage + 1}_conv1`); stage++) {
    for (let k = 1; t.kernel(`block${stage + 1}_conv${k}`); k++) {
      const name = `block${stage + 1}_conv${k}`;
      layers.push({ name, norm: undefined, width: t.kernel(name)!.outputs, stage });
    }
  }
  return layers;
}

// ---- DenseNet ---------------------------------------------------------------------------------------

interface DenseNames {
  readonly convention: string;
  readonly stem: string;
  readonly head: string;
  /** Convolution `k` of layer `b`, both from 1, of block `s`, from 1. */
  readonly layer: (s: number, b: number, k: number) => string;
  readonly table: readonly string[];
  /** Rows of the net beside those that all have. */
  readonly defaults: readonly string[];
  readonly end: readonly string[];
}

const torchDense: DenseNames = {
  convention: "torchvision and timm",
  stem: "features.conv0",
  head: "classifier",
  layer: (s, b, k) => `features.denseblock${s}.denselayer${b}.conv${k}`,
  table: [
    ...leaves(),
    '"conv0.conv{k}.{*}" -> "features.conv{k-1}.{*}"',
    '"conv0.bn{k}.{*}" -> "features.norm{k-1}.{*}"',
    '"conv0.conv.{*}" -> "features.conv0.{*}"',
    '"conv0.bn.{*}" -> "features.norm0.{*}"',
    '"dense{s}.{b}.bn{k}.{*}" -> "features.denseblock{s}.denselayer{b+1}.norm{k}.{*}"',
    '"dense{s}.{b}.conv{k}.{*}" -> "features.denseblock{s}.denselayer{b+1}.conv{k}.{*}"',
    '"trans{s}.bn.{*}" -> "features.transition{s}.norm.{*}"',
    '"trans{s}.conv.{*}" -> "features.transition{s}.conv.{*}"',
    '"norm5.bn.{*}" -> "features.norm5.{*}"',
    '"fc.{*}" -> "classifier.{*}"',
  ],
  defaults: [],
  end: [],
};

/** Keras' number a block as the stage of its map, from 2. */
const kerasDense: DenseNames = {
  convention: "Keras",
  stem: "conv1_conv",
  head: "predictions",
  layer: (s, b, k) => `conv${s + 1}_block${b}_${k}_conv`,
  table: [
    ...kerasLeaves,
    '"conv0.{op}.{*}" -> "conv1_{op}/{*}"',
    '"dense{s}.{b}.bn{k}.{*}" -> "conv{s+1}_block{b+1}_{k-1}_bn/{*}"',
    '"dense{s}.{b}.conv{k}.{*}" -> "conv{s+1}_block{b+1}_{k}_conv/{*}"',
    '"trans{s}.{op}.{*}" -> "pool{s+1}_{op}/{*}"',
    '"norm5.bn.{*}" -> "bn/{*}"',
    '"fc.{*}" -> "predictions/{*}"',
  ],
  defaults: ["default bn(eps = 1.001e-5)"],
  end: ["prob: softmax"],
};

/** Before residual networks are: Keras' DenseNets call the layers of a block as its ResNets do. */
export function readDenseNet(t: Tensors, params: number): Architecture | undefined {
  const names = t.layout === "tensorflow" ? kerasDense : torchDense;
  const stem = t.kernel(names.stem);
  const head = t.kernel(names.head);
  const layer = (s: number, b: number, k: number) => t.kernel(names.layer(s, b, k));
  const [one, two] = [layer(1, 1, 1), layer(1, 1, 2)];
  if (!stem || !head || !one || !two || layer(1, 1, 3)) return undefined;
  // What a layer gets has grown by what the one before it made; a residual block gets what the first one got.
  const second = layer(1, 2, 1);
  if (second && second.inputs !== one.inputs + two.outputs) return undefined;
  const sizes: number[] = [];
  for (let s = 1; layer(s, 1, 1); s++) sizes.push(t.count((b) => names.layer(s, b, 1), 1));
  // timm's deep stems have two more convolutions, which only their own block of names tells from the layers'.
  const more = ["features.conv1", "features.conv2"].flatMap((name) => t.kernel(name) ?? []);
  const stems = [stem, ...(names === torchDense ? more : [])];
  const growth = two.outputs;
  const depth = 2 * sizes.reduce((sum, size) => sum + size, 0) + sizes.length + 1;
  const name = `densenet${depth}`;
  const text = [
    "resnet 1",
    "use imagenet from std",
    "",
    `## Concatenates what came in with ${growth} new channels.`,
    `block grow(growth = ${growth}) {`,
    `in | [ bn -> relu -> conv(1x1, ${one.outputs / growth} * growth) -> bn -> relu -> conv(3x3, growth) ]`,
    "}",
    "",
    "block transition {",
    "bn -> relu -> conv(1x1, floor(in.channels / 2)) -> avgpool(2x2) /2",
    "}",
    "",
    `## DenseNet-${depth}.`,
    `net ${name}(size = 224x224x${stem.inputs}, classes = ${head.outputs}) {`,
    "input imagenet(size)",
    ...names.defaults,
    "",
    `conv0: ${stems.map(({ height, width, outputs }, i) => `conv(${height}x${width}, ${outputs})${i === 0 ? " /2" : ""} -> bn -> relu`).join(" -> ")}`,
    "pool0: maxpool(3x3) /2",
    ...sizes.flatMap((size, i) => [
      `dense${i + 1}: grow x ${size}`,
      ...(i < sizes.length - 1 ? [`trans${i + 1}: transition`] : []),
    ]),
    "norm5: bn -> relu",
    "pool5: avgpool",
    "fc: dense(classes)",
    ...names.end,
    "",
    `expect params ${separated(params)}`,
    "}",
    ...namesTable(name, names.table),
  ].join("\n");
  return {
    title: `DenseNet-${depth}`,
    convention: names.convention,
    prefix: t.prefix,
    facts: [
      `stem: ${stems.map(({ height, width, outputs }) => `${height}x${width} to ${outputs}`).join(", ")}`,
      `dense blocks: ${sizes.join(", ")} layers that grow by ${growth}`,
      `classes: ${head.outputs}`,
    ],
    open:
      stems.length > 1
        ? [
            {
              what: "the stem's pool",
              assumed: "a maximum that strides",
              others: ["a maximum and a blur that strides (timm's densenetblur121d)"],
              why: "a blur has no tensors",
            },
          ]
        : [],
    spec: { name, text },
  };
}

// ---- GoogLeNet --------------------------------------------------------------------------------------

/** torchvision's, whose "5x5" branch is a 3x3. */
function readGoogLeNet(t: Tensors): Architecture | undefined {
  const stem = ["conv1", "conv2", "conv3"].map((name) => t.kernel(`${name}.conv`));
  const head = t.kernel("fc");
  const blocks = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"];
  const branches = ["branch1", "branch2.0", "branch2.1", "branch3.0", "branch3.1", "branch4.1"];
  const widths = blocks.map((block) =>
    branches.map((branch) => t.kernel(`inception${block}.${branch}.conv`)?.outputs),
  );
  if (!head || stem.some((kernel) => !kernel) || widths.flat().some((width) => width === undefined))
    return undefined;
  const isLastOfStage = (i: number) => blocks[i][0] !== (blocks[i + 1]?.[0] ?? "5");
  const text = [
    "resnet 1",
    "use cbr, imagenet from std",
    "",
    '## Four branches side by side. (torchvision\'s "5x5" branch is a 3x3, and so is this one.)',
    "block inception(a, b1, b2, c1, c2, d) {",
    "cbr(1x1, a)",
    "| [ cbr(1x1, b1) -> cbr(3x3, b2) ]",
    "| [ cbr(1x1, c1) -> cbr(3x3, c2) ]",
    "| [ maxpool(3x3) -> cbr(1x1, d) ]",
    "}",
    "",
    "## GoogLeNet with batch normalisation.",
    `net googlenet(size = 224x224x${stem[0]!.inputs}, classes = ${head.outputs}) {`,
    "input imagenet(size)",
    "default bn(eps = 1e-3)",
    "",
    `conv1: cbr(${stem[0]!.height}x${stem[0]!.width}, ${stem[0]!.outputs}) /2`,
    "pool1: maxpool(3x3, pad = 0, ceil = true) /2",
    `conv2: cbr(1x1, ${stem[1]!.outputs})`,
    `conv3: cbr(3x3, ${stem[2]!.outputs})`,
    "pool2: maxpool(3x3, pad = 0, ceil = true) /2",
    ...blocks.flatMap((block, i) => [
      `i${block}: inception(${widths[i].join(", ")})`,
      ...(isLastOfStage(i)
        ? [
            block[0] === "3"
              ? "pool3: maxpool(3x3, pad = 0, ceil = true) /2"
              : "pool4: maxpool(2x2, ceil = true) /2",
          ]
        : []),
    ]),
    "pool5: avgpool",
    "fc: dense(classes)",
    "}",
    ...namesTable("googlenet", [
      ...leaves(),
      '"conv{k}.norm.{*}" -> "conv{k}.bn.{*}"',
      ...branches.flatMap((branch, i) => [
        `"i{s}{op}.cbr${i + 1}.norm.{*}" -> "inception{s}{op}.${branch}.bn.{*}"`,
        `"i{s}{op}.cbr${i + 1}.{*}" -> "inception{s}{op}.${branch}.{*}"`,
      ]),
    ]),
  ].join("\n");
  return {
    title: "GoogLeNet with batch normalisation",
    convention: "torchvision",
    prefix: t.prefix,
    facts: [
      `stem: ${stem.map((kernel) => kernel!.outputs).join(", ")}`,
      "nine inception blocks",
      `classes: ${head.outputs}`,
    ],
    open: [],
    spec: { name: "googlenet", text },
  };
}
