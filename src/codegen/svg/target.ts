/**
 * The svg target: a picture of the network, from top to bottom as in figure 3 of He et al. 2015. It draws the graph
 * as it was written, before any pass, one box for a convolution with all that belongs to it.
 */
import type { Target } from "../target.ts";
import { drawSvg } from "./draw.ts";
import { layOut } from "./layout.ts";
import { stepsOf } from "./steps.ts";

export const svg: Target = {
  name: "svg",
  summary: "a picture of the network",
  passes: [],
  needsWeights: false,
  emit: ({ graph, card, name }) => [{ path: `${name}.svg`, contents: drawSvg(layOut(stepsOf(graph)), card) }],
};
