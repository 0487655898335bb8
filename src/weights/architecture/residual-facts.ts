/** The facts of a residual network that the shapes of its tensors give, in whatever style it is named. */
import type { Pair, Shortcut, Style } from "./style.ts";
import type { Kernel, Tensors } from "./tensors.ts";

export interface ResidualFacts {
  /** Channels of the picture. */
  readonly channels: number;
  readonly stem: readonly Kernel[];
  /** How the style names them. */
  readonly stemNames: readonly Pair[];
  /** A strided convolution stands where others have a max pool (ResNet-RS). */
  readonly pooledByConv: boolean;
  readonly norm: "bn" | "gn";
  /** Convolutions have biases beside their norms, as Keras' do. */
  readonly biased: boolean;
  /** That of the stem has one, and the others perhaps not: Caffe's ResNet-50. */
  readonly biasedStem: boolean;
  readonly stages: readonly Stage[];
  readonly head: { readonly name: string; readonly features: number; readonly classes: number } | undefined;
  /** A 1x1 convolution between the last stage and the head. */
  readonly final: Kernel | undefined;
}

export interface Stage {
  readonly blocks: number;
  readonly kind: "basic" | "bottleneck";
  /** Channels of the first 1x1, of the 3x3, and of what comes out. */
  readonly first: number;
  readonly width: number;
  readonly out: number;
  readonly groups: number;
  /** That of the first block. */
  readonly shortcut: (Shortcut & { readonly kernel: number }) | undefined;
  readonly attention: Attention | undefined;
  /** What stands for its 3x3 convolution, the first one of a basic block. */
  readonly inner: Inner | undefined;
}

export type Inner =
  /** Two paths weighed against each other (SKNet). */
  | {
      readonly kind: "selective";
      /** The number of the convolution that it is in the names. */
      readonly number: number;
      readonly hidden: number;
      /** Each path takes half of the channels. */
      readonly split: boolean;
    }
  /** The channels in so many parts, each convolved with the one before (Res2Net); `width` is that of a part. */
  | { readonly kind: "res2"; readonly scales: number }
  /** So many paths of `width` channels weighed against each other, an average behind them that strides (ResNeSt). */
  | { readonly kind: "split"; readonly width: number; readonly hidden: number; readonly radix: number };

export type Attention =
  | { readonly kind: "squeeze"; readonly names: Pair; readonly hidden: number }
  | { readonly kind: "eca"; readonly name: string; readonly taps: number };

/** What is no plain residual network of basic blocks and bottlenecks, in words. */
export interface Strange {
  readonly strange: string;
  /** What it seems to be. */
  readonly title: string;
}

/** Undefined where the names are of another style. */
export function readResidual(t: Tensors, style: Style): ResidualFacts | Strange | undefined {
  const stemNames = style.stems.find((pairs) => pairs.every(([conv]) => t.kernel(conv)));
  if (!stemNames) return undefined;
  const stem = stemNames.map(([conv]) => t.kernel(conv)!);
  const stages: Stage[] = [];
  for (let s = 0; ; s++) {
    const blocks = countBlocks(t, style, s);
    if (blocks === 0) break;
    const stage = readStage(t, style, s, blocks);
    if ("strange" in stage) return stage;
    stages.push(stage);
  }
  if (stages.length === 0) return undefined;
  const firstNorm = style.block(0, 0) + style.pair(1)[1];
  const headName = style.heads.find((name) => t.kernel(name));
  const head = headName === undefined ? undefined : t.kernel(headName)!;
  return {
    channels: stem[0].inputs,
    stem,
    stemNames,
    pooledByConv: t.kernel("maxpool.0") !== undefined,
    norm: t.norm(firstNorm) ?? "bn",
    biased: t.hasBias(style.block(0, 0) + style.pair(1)[0]),
    biasedStem: t.hasBias(stemNames[0][0]),
    stages,
    head:
      headName === undefined || !head
        ? undefined
        : { name: headName, features: head.inputs, classes: head.outputs },
    final: style.final && t.kernel(style.final[0]),
  };
}

/** Convolution k of a block; of several that stand for one, the first. */
const convolution = (t: Tensors, style: Style, block: string, k: number): Kernel | undefined =>
  t.kernel(block + style.pair(k)[0]) ??
  t.kernel(`${block}conv${k}.paths.0.conv`) ??
  (k === 2 ? (t.kernel(`${block}convs.0`) ?? t.kernel(`${block}conv2.conv`)) : undefined);

function countBlocks(t: Tensors, style: Style, s: number): number {
  let blocks = 0;
  while (convolution(t, style, style.block(s, blocks), 1)) blocks++;
  return blocks;
}

function readStage(t: Tensors, style: Style, s: number, blocks: number): Stage | Strange {
  const at = (b: number, k: number) => convolution(t, style, style.block(s, b), k);
  const [one, two, three] = [at(0, 1), at(0, 2), at(0, 3)];
  if (!one || !two)
    return { title: "a residual network", strange: `stage ${s + 1} has blocks of one convolution` };
  const last = three ?? two;
  for (let b = 1; b < blocks; b++) {
    const same = [1, 2, 3].every(
      (k) => at(b, k)?.outputs === at(0, k)?.outputs && at(b, k)?.height === at(0, k)?.height,
    );
    if (!same)
      return {
        title: "a pruned residual network",
        strange: `block ${b + 1} of stage ${s + 1} has other widths than the first`,
      };
  }
  const shortcut = style.shortcuts.find(({ conv }) => isMap(t, style.block(s, 0) + conv));
  const inner = readInner(t, style.block(s, 0), one, three && two);
  if (inner && "strange" in inner) return inner;
  // Of the channels that come in, a path of two may take half, a part of several its share.
  const halves = inner?.kind === "selective" && inner.split;
  const comeIn = inner?.kind === "res2" ? two.outputs : halves ? one.outputs / 2 : one.outputs;
  return {
    blocks,
    kind: three ? "bottleneck" : "basic",
    first: one.outputs,
    width: inner?.kind === "split" ? inner.width : two.outputs,
    out: last.outputs,
    groups: three && inner?.kind !== "split" ? comeIn / two.inputs : 1,
    shortcut: shortcut && { ...shortcut, kernel: t.kernel(style.block(s, 0) + shortcut.conv)!.height },
    attention: readAttention(t, style, style.block(s, 0)),
    inner,
  };
}

/** `path` is the first path of a bottleneck's, which takes what `one` makes. */
function readInner(
  t: Tensors,
  block: string,
  one: Kernel,
  path: Kernel | undefined,
): Inner | Strange | undefined {
  if (t.kernel(`${block}convs.0`)) {
    return { kind: "res2", scales: 1 + t.count((part) => `${block}convs.${part}`) };
  }
  const [squeeze, share] = ["fc1", "fc2"].map((name) => t.kernel(`${block}conv2.${name}`));
  if (squeeze && share && path) {
    const radix = share.outputs / squeeze.inputs;
    // With groups of their own the paths are mixed in another order.
    if (path.inputs * radix !== one.outputs || radix < 2)
      return { title: "ResNeSt", strange: "split attention in groups, or of one path" };
    return { kind: "split", width: squeeze.inputs, hidden: squeeze.outputs, radix };
  }
  const number = [1, 2].find((k) => t.kernel(`${block}conv${k}.paths.0.conv`));
  if (number === undefined) return undefined;
  const at = `${block}conv${number}.`;
  const hidden = t.kernel(`${at}attn.fc_reduce`)?.outputs;
  const paths = [0, 1].map((p) => t.kernel(`${at}paths.${p}.conv`));
  if (!hidden || t.kernel(`${at}paths.2.conv`) || paths.some((kernel) => kernel?.height !== 3)) {
    return { title: "SKNet", strange: "selective kernels of other paths than two of 3x3" };
  }
  // Grouped convolutions take everything; without groups, half of the channels is a half.
  return { kind: "selective", number, hidden, split: !path || path.inputs * 2 === one.outputs };
}

/** A vector of a norm has the same name as a kernel in another dialect; kernels have four sides. */
const isMap = (t: Tensors, name: string): boolean =>
  t.shape(t.layout === "torch" ? `${name}.weight` : `${name}/kernel`)?.length === 4;

function readAttention(t: Tensors, style: Style, block: string): Attention | undefined {
  const taps = t.shape(`${block}se.conv.weight`);
  if (taps?.length === 3) return { kind: "eca", name: "se.conv", taps: taps[2] };
  for (const names of style.attentions) {
    const hidden = t.kernel(block + names[0])?.outputs;
    if (hidden !== undefined) return { kind: "squeeze", names, hidden };
  }
  return undefined;
}
