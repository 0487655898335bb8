/** What people call a residual network of these facts, and what its shapes leave open. */
import type { Architecture, OpenQuestion } from "./architecture.ts";
import { stridesEarly } from "./residual-blocks.ts";
import type { ResidualFacts, Stage } from "./residual-facts.ts";
import { isBigTransfer, type ResidualSpec, residualText } from "./residual-spec.ts";
import { type Style, torchvision } from "./style.ts";
import type { Tensors } from "./tensors.ts";

interface Hints {
  readonly params: number;
  readonly path: string;
}

export function describeResidual(
  t: Tensors,
  facts: ResidualFacts,
  style: Style,
  { params, path }: Hints,
): Architecture {
  const title = titleOf(facts, style);
  const file = path.replace(/^.*[\\/]/, "");
  const smaller = /blur/i.test(file) ? "blur" : /aa\d/i.test(file) ? "average" : "stride";
  const side = isForCifar(facts) ? 32 : 224;
  // ResNet-50-D is resnet50d to those who made it.
  const name = title
    .toLowerCase()
    .replace(/(net|next|rs)-(\d)/, "$1$2")
    .replace(/(\d)-([a-z]+)\b/, "$1$2")
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^_|_$/g, "");
  const text = residualText(facts, style, { name, title, params, side, smaller });
  return {
    title,
    convention: conventionOf(facts, style),
    prefix: t.prefix,
    facts: factsOf(facts, style),
    open: openQuestions(facts, style, smaller, file),
    spec: typeof text === "string" ? { name, text } : text,
  };
}

const isForCifar = ({ stem, stages }: ResidualFacts): boolean =>
  stem.length === 1 && stem[0].height === 3 && stages.length === 3;

/** Plain names are torchvision's; timm has them too. */
function conventionOf({ head, stages, norm, pooledByConv }: ResidualFacts, style: Style): string {
  if (style !== torchvision) return style.convention;
  if (head?.name === "linear") return "akamaster's CIFAR nets";
  const isTimm =
    norm === "gn" || pooledByConv || stages.some(({ attention, shortcut }) => attention || shortcut?.average);
  return isTimm ? "timm" : "torchvision and timm";
}

// ---- the name ---------------------------------------------------------------------------------------

function titleOf(facts: ResidualFacts, style: Style): string {
  const { stages, norm, stem, pooledByConv } = facts;
  const blocks = stages.reduce((sum, stage) => sum + stage.blocks, 0);
  const [first] = stages;
  // Those who count a stem of three convolutions as three say so in the name.
  const counted = style.countsStem || style.entry === "tiered" ? stem.length + 1 : 2;
  const depth = (first.kind === "basic" ? 2 : 3) * blocks + counted - (style.entry === "tiered" ? 1 : 0);
  if (style.entry === "strided") return `RegNet${first.attention ? "Y" : "X"} of ${blocks} blocks`;
  if (isBigTransfer(facts, style)) return `ResNetV2-${depth}x${first.width / 64} (Big Transfer, BiT)`;
  if (style.order === "pre")
    return `ResNetV2-${depth}${stem.length > 1 ? "-D" : ""}${norm === "gn" ? " with group normalisation" : ""}`;
  const attention = stages.find((stage) => stage.attention)?.attention;
  const squeezed =
    first.inner?.kind === "selective"
      ? "SK-"
      : attention?.kind === "squeeze"
        ? "SE-"
        : attention
          ? "ECA-"
          : "";
  if (squeezed && first.first !== first.width) return `SENet-${depth}`;
  if (first.inner?.kind === "res2") {
    const groups = first.groups > 1 ? ` of ${first.groups} groups` : "";
    return `Res2Net-${depth}${stemSuffix(facts, style)} ${first.width}w ${first.inner.scales}s${groups}`;
  }
  if (first.inner?.kind === "split") return `ResNeSt-${depth}${stemSuffix(facts, style)}`;
  const wide = first.width / 64;
  const body =
    first.groups > 1
      ? `ResNeXt-${depth} ${first.groups}x${first.width / first.groups}d`
      : first.kind === "bottleneck" && wide > 1
        ? `Wide ResNet-${depth}-${wide}`
        : `ResNet-${pooledByConv ? "RS-" : ""}${depth}`;
  const suffix = pooledByConv ? "" : stemSuffix(facts, style);
  const ending = norm === "gn" ? " with group normalisation" : isForCifar(facts) ? " for CIFAR" : "";
  return `${pooledByConv ? "" : squeezed}${body}${suffix}${ending}`;
}

/** Bags of tricks (He et al. 2018): C has a stem of three convolutions, D averages in the shortcut too; timm's T. */
function stemSuffix({ stem, stages }: ResidualFacts, { countsStem, entry }: Style): string {
  if (stem.length === 1 || countsStem) return "";
  const isTiered = stem[0].outputs < stem[1].outputs;
  if (isTiered) return entry === "tiered" ? "-TS" : "-T";
  return stages.some(({ shortcut }) => shortcut?.average) ? "-D" : "-C";
}

// ---- what the shapes say ------------------------------------------------------------------------------

function factsOf(
  { stem, stages, norm, head, channels, pooledByConv, biased, biasedStem, final }: ResidualFacts,
  style: Style,
): string[] {
  const sizes = stem.map(({ height, width, outputs }) => `${height}x${width} to ${outputs}`);
  const [first] = stages;
  const shortcut = stages.find((stage) => stage.shortcut)?.shortcut;
  const attention = stages.find((stage) => stage.attention);
  const kernel = Math.max(...stages.map((stage) => stage.shortcut?.kernel ?? 1));
  return [
    `stem: ${sizes.join(", ")}${pooledByConv ? ", then a strided convolution for the pool" : ""}; ${channels} channels come in`,
    `stages: ${stages.map(({ blocks, width, out }) => `${blocks} x ${width === out ? width : `${width} to ${out}`}`).join(", ")}; ${first.kind} blocks${first.groups > 1 ? ` of ${first.groups} groups` : ""}${style.order === "pre" ? ", activations first" : ""}`,
    shortcut
      ? `shortcuts: ${kernel}x${kernel} projections where shapes differ${shortcut.average ? ", behind an average" : ""}`
      : "shortcuts: without tensors (option A, or none)",
    `normalisation: ${norm === "bn" ? "batch" : "group, for there are no running statistics"}${biased ? "; convolutions have biases" : biasedStem ? "; the first convolution has a bias" : ""}`,
    ...(attention?.attention
      ? [
          attention.attention.kind === "eca"
            ? `attention: efficient channel attention of ${attention.attention.taps} taps`
            : `attention: squeeze and excitation, ${attention.attention.hidden} of ${attention.out}`,
        ]
      : []),
    ...innerFacts(first),
    ...(final ? [`a 1x1 convolution to ${final.outputs} before the head`] : []),
    head ? `classes: ${head.classes}` : "no head: features only",
  ];
}

function innerFacts({ inner, width }: Stage): string[] {
  if (!inner) return [];
  if (inner.kind === "res2")
    return [`inside a block: ${inner.scales} parts of ${width} channels, one after the other`];
  if (inner.kind === "split")
    return [`inside a block: ${inner.radix} paths, weighed by ${inner.hidden} hidden channels`];
  return [
    `inside a block: two paths${inner.split ? " of half the channels" : ""}, weighed by ${inner.hidden} hidden channels`,
  ];
}

function openQuestions(
  facts: ResidualFacts,
  style: Style,
  smaller: ResidualSpec["smaller"],
  file: string,
): OpenQuestion[] {
  const { stages, norm } = facts;
  const open: OpenQuestion[] = [];
  const [first] = stages;
  const isPost = style.order === "post" && !first.inner;
  if (isPost && style.entry === "pooled" && first.kind === "bottleneck") {
    const early = stridesEarly(facts, style);
    open.push({
      what: "which convolution of a bottleneck strides",
      assumed: early ? "the first 1x1" : "the 3x3",
      others: [early ? "the 3x3 (torchvision's v1.5)" : "the first 1x1 (He et al. 2015, Caffe)"],
      why: `names are those of ${style.convention}`,
    });
  }
  if (isPost && style.framework === "torch" && style.entry === "pooled" && stages.length === 4) {
    const says = smaller === "stride" ? "says nothing else" : `says ${smaller === "blur" ? "blur" : "aa"}`;
    open.push({
      what: "what makes maps smaller",
      assumed: {
        stride: "strides",
        average: "average pools behind convolutions of stride 1",
        blur: "blur pools",
      }[smaller],
      others: ["strides", "average pools (timm's resnetaa)", "blur pools (timm's resnetblur)"].filter(
        (other) => !other.startsWith(smaller),
      ),
      why: `pools have no tensors, and the file's name${file ? ` (${file})` : ""} ${says}`,
    });
  }
  if (stages.length > 1 && stages.every(({ shortcut }) => !shortcut)) {
    open.push({
      what: "where a shortcut puts its zeros",
      assumed: "half in front, half behind",
      others: ["all behind (pad)", "no shortcuts at all (none)"],
      why: "akamaster's CIFAR nets, the most used with such names, do so",
    });
  }
  if (norm === "gn")
    open.push({
      what: "groups of the normalisation",
      assumed: "32",
      others: ["any that divide the channels"],
      why: "timm's are 32",
    });
  if (isBigTransfer(facts, style)) {
    open.push({
      what: "whether weights are standardised",
      assumed: "they are, with eps 1e-8",
      others: ["as they are"],
      why: "a stem of one convolution with group norms and activations first is Big Transfer's",
    });
  }
  if (style.activation === "swish") {
    open.push({
      what: "the activation",
      assumed: "swish (SiLU)",
      others: ["relu"],
      why: "timm's byobnets of such names (resnet33ts) have it",
    });
  }
  return open;
}
