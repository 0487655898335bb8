/** The table of names of a residual network's spec. */
import { attentionUse, isDeepStem } from "./residual-blocks.ts";
import type { ResidualFacts, Stage } from "./residual-facts.ts";
import { leaves, namesTable } from "./spec-text.ts";
import { type Style, torchvision } from "./style.ts";

/** The table of names, unless std has the one that is needed. */
export function tableOf(name: string, facts: ResidualFacts, style: Style): string[] {
  if (isInStd(facts, style)) return [];
  return namesTable(name, [...leaves(facts.norm), ...linesOf(facts, style)]);
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
  if (inner.kind === "split") {
    const [ours, theirs] = ["conv{s}.{b}.split_attention", `${block}conv2`];
    return [
      line(`${ours}.paths.conv`, `${theirs}.conv`),
      line(`${ours}.paths.norm`, `${theirs}.bn0`),
      line(`${ours}.squeeze.conv`, `${theirs}.fc1`),
      line(`${ours}.squeeze.norm`, `${theirs}.bn1`),
      line(`${ours}.share.conv`, `${theirs}.fc2`),
    ];
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
