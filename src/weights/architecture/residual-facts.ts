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
}

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
    const strange = strangeBlock(t, style.block(s, 0));
    if (strange) return strange;
    const blocks = t.count((b) => style.block(s, b) + style.pair(1)[0]);
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
    stages,
    head:
      headName === undefined || !head
        ? undefined
        : { name: headName, features: head.inputs, classes: head.outputs },
    final: style.final && t.kernel(style.final[0]),
  };
}

/** Blocks whose inner paths the language cannot split or join. */
function strangeBlock(t: Tensors, block: string): Strange | undefined {
  if (t.names.some((name) => name.startsWith(block) && name.includes(".paths.")))
    return { title: "SKNet", strange: "selective kernels: a softmax over parallel paths" };
  if (t.kernel(`${block}convs.0`))
    return { title: "Res2Net", strange: "Res2Net's split of channels inside a block" };
  if (t.kernel(`${block}conv2.fc1`))
    return { title: "ResNeSt", strange: "split attention: a softmax over parallel paths" };
  return undefined;
}

function readStage(t: Tensors, style: Style, s: number, blocks: number): Stage | Strange {
  const at = (b: number, k: number) => t.kernel(style.block(s, b) + style.pair(k)[0]);
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
  return {
    blocks,
    kind: three ? "bottleneck" : "basic",
    first: one.outputs,
    width: two.outputs,
    out: last.outputs,
    groups: three ? one.outputs / two.inputs : 1,
    shortcut: shortcut && { ...shortcut, kernel: t.kernel(style.block(s, 0) + shortcut.conv)!.height },
    attention: readAttention(t, style, style.block(s, 0)),
  };
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
