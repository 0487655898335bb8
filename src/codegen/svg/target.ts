/**
 * The svg target: a picture of the network, from top to bottom as in figure 3 of He et al. 2015. It draws the graph
 * as it was written, before any pass, one box for a convolution with all that belongs to it, equal blocks once.
 */
import { amount } from "../../draw/colours.ts";
import { drawPicture, type Heading } from "../../draw/picture.ts";
import { stepsOf } from "../../draw/steps.ts";
import type { Card, Target } from "../target.ts";

export const svg: Target = {
  name: "svg",
  summary: "a picture of the network",
  passes: [],
  needsWeights: false,
  emit: ({ graph, card, name }) => [
    { path: `${name}.svg`, contents: drawPicture(stepsOf(graph), headingOf(card)) },
  ],
};

/** What stands above the picture. */
export const headingOf = ({ name, params, macs, depth }: Card): Heading => ({
  title: name,
  facts: `${amount(params, "params")} parameters, ${amount(macs, "macs")} multiply-adds, ${depth} layers deep`,
});
