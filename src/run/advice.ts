/** What a profile says in sentences: where the time goes, and what holds it up there. */
import type { Layer, Profile } from "./profile.ts";

/** Layers that take less than this share are not worth a sentence. */
const worth = 0.02;
const most = 5;

export function adviceOn({ layers, ms, threads }: Profile): readonly string[] {
  const sum = layers.reduce((total, layer) => total + layer.ms, 0);
  const best = Math.max(...layers.map(rateOf));
  const slowest = [...layers]
    .sort((a, b) => b.ms - a.ms)
    .filter(({ ms }) => ms / sum >= worth)
    .slice(0, most);
  return [
    ...slowest.map((layer) => sentence(layer, layer.ms / sum, best)),
    ...smallOnes(layers, sum),
    ...(threads.used > 1 ? [] : waits(sum, ms)),
  ];
}

const rateOf = ({ macs, ms }: Layer): number => macs / ms / 1e6;

/** "conv5.0.conv1: 7 %, conv 3x3 /2, 512, 40 GMAC/s of 67, the best here; …" */
function sentence(layer: Layer, share: number, best: number): string {
  const { name, what, macs, bytes, ms } = layer;
  const parts = [`${name}: ${(100 * share).toFixed(0)} %`, what];
  if (macs > 0) parts.push(`${rateOf(layer).toFixed(0)} GMAC/s of ${best.toFixed(0)}, the best here`);
  else parts.push(`${(bytes / ms / 1e6).toFixed(1)} GB/s of maps`);
  return `${parts.join(", ")}${reasonOf(layer, best)}`;
}

/** Multiply-adds for each byte below which memory decides, on processors of the 2020s. */
const memoryBound = 4;

function reasonOf(layer: Layer, best: number): string {
  const { macs, bytes, ms, predictedMs, kernels, what } = layer;
  if (macs > 0 && macs / bytes < memoryBound) return "; few multiply-adds a byte: memory decides";
  if (predictedMs !== undefined && ms > 1.6 * predictedMs)
    return `; ${(ms / predictedMs).toFixed(1)} times what the planner expects`;
  if (macs > 0 && rateOf(layer) < 0.55 * best && kernels === "conv" && /3x3|5x5/.test(what))
    return "; no Winograd form fits this shape";
  return "";
}

/** Many layers that are little each: what fusing or a larger batch would save. */
function smallOnes(layers: readonly Layer[], sum: number): string[] {
  const small = layers.filter(({ macs }) => macs === 0);
  const share = small.reduce((total, { ms }) => total + ms, 0) / sum;
  const count =
    small.length === 1
      ? "1 step without multiply-adds takes"
      : `${small.length} steps without multiply-adds take`;
  return share >= 0.1 ? [`${count} ${(100 * share).toFixed(0)} % of the time`] : [];
}

/** Whole runs that take longer than their layers. */
const waits = (sum: number, whole: number): string[] =>
  whole > 1.1 * sum
    ? [
        `whole runs take ${(100 * (whole / sum - 1)).toFixed(0)} % more than their layers: the machine is busy`,
      ]
    : [];
