/**
 * What a way round a block does to its map: the options of He et al. 2015, section 4.1. A fills new channels with zeros, B
 * projects where the shape changes, C projects everywhere; D (He et al. 2018) averages before it projects.
 */
import type { Step } from "./steps.ts";

export type Shortcut = "identity" | "A" | "B" | "C" | "D";

/** What stands in the legend. */
export const shortcutWords: Readonly<Record<Shortcut, string>> = {
  identity: "identity",
  A: "A: new channels are zeros",
  B: "B: a projection, where the shape changes",
  C: "C: a projection, where the shape stays",
  D: "D: averages, then projects",
};

/** Of the steps between where the way leaves and the sum; undefined for what is no shortcut, such as an upsampled map. */
export function shortcutOf(from: Step, to: Step, between: readonly Step[]): Shortcut | undefined {
  if (!to.adds) return undefined;
  if (between.length === 0) return "identity";
  const words = between.map(({ label }) => label.split(/[ ,]/)[0]);
  const projects = between.some(({ kind, label }) => kind === "layer" && label.startsWith("conv 1x1"));
  if (between.filter(({ kind }) => kind === "layer").length > 1) return undefined;
  if (projects && words.includes("avgpool")) return "D";
  if (projects) return from.shape.join() === to.shape.join() ? "C" : "B";
  const onlyMoves = words.every((word) => ["pad", "maxpool", "avgpool", "channels"].includes(word));
  return onlyMoves && words.includes("pad") ? "A" : undefined;
}
