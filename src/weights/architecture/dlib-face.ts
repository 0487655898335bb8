/**
 * dlib's face recognition network (King 2017) in face-api's names: a residual network whose shortcuts are averages, filled
 * with zeros wherever the residual is larger.
 *
 *     conv32_down/conv/filters, conv32_down/scale/weights     the stem
 *     conv64_down/conv1/conv/filters                          the first block of a level, which strides
 *     conv64_2/conv2/scale/biases                             one that does not
 *     conv256_down_out/conv1/conv/filters                     a last one, which strides again
 *     fc                                                      the descriptor
 */
import type { Architecture } from "./architecture.ts";
import { separated } from "./spec-text.ts";
import type { Tensors } from "./tensors.ts";

interface Level {
  readonly width: number;
  /** Blocks that do not stride. */
  readonly blocks: number;
}

export function readDlibFace(t: Tensors, params: number): Architecture | undefined {
  const stem = t.shape("conv32_down/conv/filters");
  const head = t.shape("fc");
  if (stem?.length !== 4 || head?.length !== 2) return undefined;
  const levels = readLevels(t);
  const last = levels[levels.length - 1];
  const out = `conv${last.width}_down_out`;
  const isWhole = levels.slice(1).every(({ width }) => hasBlock(t, `conv${width}_down`, width));
  if (levels.length < 2 || !isWhole || !hasBlock(t, out, last.width) || head[0] !== last.width)
    return undefined;
  const [kernel, , channels, first] = stem;
  return {
    title: "dlib's face recognition network",
    convention: "face-api",
    prefix: t.prefix,
    facts: [
      `stem: ${kernel}x${kernel} to ${first}; ${channels} channels come in`,
      `levels: ${levels.map(({ width, blocks }, i) => `${blocks + (i > 0 ? 1 : 0)} x ${width}`).join(", ")}, and one that strides again`,
      "normalisation: a scale and a shift, folded when it was published",
      `descriptor: ${head[1]}`,
    ],
    open: [
      {
        what: "the size of the picture",
        assumed: "150x150",
        others: ["any other"],
        why: "dlib's faces have that",
      },
    ],
    spec: { name: "face", text: textOf(levels, { kernel, channels, size: head[1], params }) },
  };
}

/** Whether there are two convolutions of 3x3 that give `width`. */
const hasBlock = (t: Tensors, name: string, width: number): boolean =>
  [1, 2].every((k) => {
    const shape = t.shape(`${name}/conv${k}/conv/filters`);
    return shape?.length === 4 && shape[0] === 3 && shape[1] === 3 && shape[3] === width;
  });

/** The first is the stem's; each next one has another width. */
function readLevels(t: Tensors): Level[] {
  const widths = t.names.flatMap((name) => /^conv(\d{1,5})_down\//.exec(name)?.[1] ?? []).map(Number);
  return [...new Set(widths)]
    .sort((a, b) => a - b)
    .map((width) => {
      let blocks = 0;
      while (hasBlock(t, `conv${width}_${blocks + 1}`, width)) blocks++;
      return { width, blocks };
    });
}

function textOf(
  levels: readonly Level[],
  { kernel, channels, size, params }: { kernel: number; channels: number; size: number; params: number },
): string {
  const last = levels[levels.length - 1];
  // As dlib counts them: level 0 is the last.
  const label = (i: number) => `level${levels.length - i}`;
  return [
    "resnet 1",
    "use dlib_face from std",
    "",
    "block same(width) {",
    "[ conv(3x3, width) -> affine -> relu",
    "conv(3x3, width) -> affine",
    "] + in",
    "relu",
    "}",
    "",
    "## dlib adds tensors of different sizes by filling the smaller with zeros, at the bottom and right.",
    "block down(width) {",
    "body: conv(3x3, width, pad = 0) /2 -> affine -> relu -> conv(3x3, width) -> affine",
    "skip: in -> avgpool(2x2) /2",
    "let h = max(body.height, skip.height)",
    "let w = max(body.width, skip.width)",
    "[ body -> extend(width, h, w) ] + [ skip -> extend(width, h, w) ]",
    "relu",
    "}",
    "",
    "## dlib's face recognition net: average-pooled shortcuts filled with zeros, no projection anywhere.",
    `net face(size = ${size}) {`,
    channels === 3 ? "input dlib_face(150x150x3)" : `input 150x150x${channels}`,
    "default conv(bias = true)",
    "",
    `conv1: conv(${kernel}x${kernel}, ${levels[0].width}, pad = 0) /2 -> affine -> relu`,
    "pool1: maxpool(3x3, pad = 0) /2",
    ...levels.map(({ width, blocks }, i) => {
      const same = blocks > 0 ? [`same(${width}) x ${blocks}`] : [];
      return `${label(i)}: ${[...(i === 0 ? [] : [`down(${width})`]), ...same].join(" -> ")}`;
    }),
    `level0: down(${last.width})`,
    "pool: avgpool",
    "fc: dense(size, bias = false)",
    "",
    `expect params ${separated(params)}`,
    "}",
    "",
    "names face_names {",
    "weight -> filters",
    "scale -> weights",
    "shift -> biases",
    '"conv1.conv.{*}" -> "conv32_down/conv/{*}"',
    '"conv1.affine.{*}" -> "conv32_down/scale/{*}"',
    ...levels.flatMap(({ width, blocks }, i) => [
      ...(i === 0 ? [] : linesOf(`${label(i)}.down.body`, `conv${width}_down`)),
      ...(blocks === 0 ? [] : linesOf(`${label(i)}${i === 0 ? "" : ".same"}.{b}`, `conv${width}_{b+1}`)),
    ]),
    ...linesOf("level0.body", `conv${last.width}_down_out`),
    '"fc.{*}" -> "fc"',
    "}",
    "",
  ].join("\n");
}

const linesOf = (ours: string, theirs: string): string[] => [
  `"${ours}.conv{k}.{*}" -> "${theirs}/conv{k}/conv/{*}"`,
  `"${ours}.affine{k}.{*}" -> "${theirs}/conv{k}/scale/{*}"`,
];
