/**
 * What frameworks call the parts of a residual network. A style is data: recognition looks for its names, and the
 * table of names of a written spec is made from them.
 */

/** A convolution and the normalisation beside it. */
export type Pair = readonly [conv: string, norm: string];

export interface Style {
  /** For people: whose names they are. */
  readonly convention: string;
  /** Keras' networks take Caffe's pictures, end with a softmax and have an epsilon of their own; Caffe's do the first two. */
  readonly framework: "torch" | "keras" | "caffe";
  /** The stem's convolutions with what normalises them, in the ways that occur; the longest first. */
  readonly stems: readonly (readonly Pair[])[];
  /** Of stage s and block b, both from 0; with the separator behind it. */
  block(stage: number | string, block: number | string): string;
  /** As in a table of names, for our `conv{s}.{b}`. */
  readonly blockPattern: string;
  /** Convolution k of a block, from 1, and its normalisation: behind it, or before it where `order` says so. */
  pair(k: number | string): Pair;
  /** In a table of names, for the numbers that {k} stands for; one line each where names have no number in them. */
  readonly numbered: boolean;
  readonly shortcuts: readonly Shortcut[];
  /** The squeeze and excitation layers of a block: the two convolutions. */
  readonly attentions: readonly Pair[];
  readonly heads: readonly string[];
  readonly order: "post" | "pre";
  /** Strides of the stem's convolutions, and whether a max pool follows. */
  readonly entry: "pooled" | "strided" | "tiered";
  /** Whether the stride of a bottleneck is in its first 1x1, perhaps only where its 3x3 has no groups. */
  readonly early: boolean | "ungrouped";
  readonly activation: "relu" | "swish";
  /** Basic blocks have an activation in front of the attention too. */
  readonly activatesBasic: boolean;
  readonly pool: "padded" | "ceil";
  /** Each convolution of a stem counts for the depth that the name says, and the name says nothing else of it. */
  readonly countsStem: boolean;
  /** What `image` is told of pictures, where they are no framework's usual. */
  readonly picture?: string;
  /** A 1x1 convolution between the last stage and the head. */
  readonly final?: Pair;
  /** Whether the standard library has a table of these names. */
  readonly hasTable: boolean;
}

export interface Shortcut {
  readonly conv: string;
  /** Pre-activation nets have none. */
  readonly norm: string | undefined;
  /** Behind an average pool. */
  readonly average: boolean;
}

const torch = {
  framework: "torch",
  block: (stage, block) => `layer${Number(stage) + 1}.${block}.`,
  blockPattern: "layer{s-1}.{b}.",
  pair: (k) => [`conv${k}`, `bn${k}`],
  numbered: true,
  shortcuts: [
    { conv: "downsample.1", norm: "downsample.2", average: true },
    { conv: "downsample.0", norm: "downsample.1", average: false },
    { conv: "shortcut.0", norm: "shortcut.1", average: false },
  ],
  attentions: [["se.fc1", "se.fc2"]],
  heads: ["fc", "linear", "head", "classifier"],
  order: "post",
  entry: "pooled",
  early: false,
  activation: "relu",
  activatesBasic: false,
  pool: "padded",
  countsStem: false,
  hasTable: true,
} as const satisfies Partial<Style>;

const deepStem: readonly Pair[] = [
  ["conv1.0", "conv1.1"],
  ["conv1.3", "conv1.4"],
  ["conv1.6", "bn1"],
];

export const torchvision: Style = { ...torch, convention: "torchvision", stems: [[["conv1", "bn1"]]] };

export const timm: Style = { ...torch, convention: "timm", stems: [deepStem] };

/** Activations first. */
export const timmV2: Style = {
  ...torch,
  convention: "timm's resnetv2",
  stems: [
    [
      ["stem.conv1", "stem.norm1"],
      ["stem.conv2", "stem.norm2"],
      ["stem.conv3", ""],
    ],
    [["stem.conv", ""]],
  ],
  block: (stage, block) => `stages.${stage}.blocks.${block}.`,
  blockPattern: "stages.{s-2}.blocks.{b}.",
  pair: (k) => [`conv${k}`, `norm${k}`],
  shortcuts: [{ conv: "downsample.conv", norm: undefined, average: false }],
  heads: ["head.fc"],
  order: "pre",
};

/** Hu et al. 2017, as Cadene's pretrained-models turned it. */
export const legacySenet: Style = {
  ...torch,
  convention: "timm's legacy_senet (Cadene)",
  stems: [
    [
      ["layer0.conv1", "layer0.bn1"],
      ["layer0.conv2", "layer0.bn2"],
      ["layer0.conv3", "layer0.bn3"],
    ],
    [["layer0.conv1", "layer0.bn1"]],
  ],
  attentions: [["se_module.fc1", "se_module.fc2"]],
  heads: ["last_linear"],
  activatesBasic: true,
  pool: "ceil",
  countsStem: true,
  early: "ungrouped",
};

export const styles: readonly Style[] = [
  // Its stem is torchvision's, whose blocks it has not.
  {
    ...torch,
    convention: "timm's sknet",
    stems: [deepStem, [["conv1", "bn1"]]],
    pair: (k) => [`conv${k}.conv`, `conv${k}.bn`],
    hasTable: false,
  },
  torchvision,
  timm,
  legacySenet,
  timmV2,
  {
    ...torch,
    convention: "timm's byobnet",
    stems: [
      [
        ["stem.conv1.conv", "stem.conv1.bn"],
        ["stem.conv2.conv", "stem.conv2.bn"],
        ["stem.conv3.conv", "stem.conv3.bn"],
      ],
    ],
    block: (stage, block) => `stages.${stage}.${block}.`,
    blockPattern: "stages.{s-2}.{b}.",
    pair: (k) => {
      const name = `conv${k}_${k === 2 ? "kxk" : "1x1"}`;
      return [`${name}.conv`, `${name}.bn`];
    },
    numbered: false,
    shortcuts: [{ conv: "shortcut.conv", norm: "shortcut.bn", average: false }],
    heads: ["head.fc"],
    final: ["final_conv.conv", "final_conv.bn"],
    entry: "tiered",
    activation: "swish",
    hasTable: false,
  },
  {
    ...torch,
    convention: "timm's regnet",
    stems: [[["stem.conv", "stem.bn"]]],
    block: (stage, block) => `s${Number(stage) + 1}.b${Number(block) + 1}.`,
    blockPattern: "s{s-1}.b{b+1}.",
    pair: (k) => [`conv${k}.conv`, `conv${k}.bn`],
    shortcuts: [{ conv: "downsample.conv", norm: "downsample.bn", average: false }],
    heads: ["head.fc"],
    entry: "strided",
    hasTable: false,
  },
  {
    ...torch,
    convention: "torchvision's regnet",
    stems: [[["stem.0", "stem.1"]]],
    block: (stage, block) => `trunk_output.block${Number(stage) + 1}.block${Number(stage) + 1}-${block}.`,
    blockPattern: "trunk_output.block{s-1}.block{s-1}-{b}.",
    pair: (k) => {
      const letter = "abc"[Number(k) - 1];
      return [`f.${letter}.0`, `f.${letter}.1`];
    },
    numbered: false,
    shortcuts: [{ conv: "proj.0", norm: "proj.1", average: false }],
    attentions: [["f.se.fc1", "f.se.fc2"]],
    heads: ["fc"],
    entry: "strided",
    hasTable: false,
  },
  {
    ...torch,
    convention: "Keras",
    framework: "keras",
    stems: [[["conv1_conv", "conv1_bn"]]],
    block: (stage, block) => `conv${Number(stage) + 2}_block${Number(block) + 1}_`,
    blockPattern: "conv{s}_block{b+1}_",
    pair: (k) => [`${k}_conv`, `${k}_bn`],
    shortcuts: [{ conv: "0_conv", norm: "0_bn", average: false }],
    attentions: [],
    heads: ["predictions"],
    early: true,
  },
];
