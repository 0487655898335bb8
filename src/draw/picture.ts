/** A picture of a network from its steps: what to fold, how to colour. The pages that draw have this code too. */
import { showMap } from "../ir/tensor.ts";
import { type Colouring, painter, type Times } from "./colours.ts";
import { foldSteps } from "./fold.ts";
import { layOut } from "./layout.ts";
import { stageOf } from "./stages.ts";
import type { Step } from "./steps.ts";
import { drawSvg, type Theme } from "./svg.ts";

export interface Heading {
  readonly title: string;
  readonly facts: string;
}

export interface View {
  /** The stages whose blocks are all shown; "all" of them, none unless given. */
  readonly unfold?: ReadonlySet<string> | "all" | undefined;
  /** By the size of maps unless given. */
  readonly colour?: Colouring | undefined;
  /** As the reader's screen is, unless given. */
  readonly theme?: Theme | undefined;
  /** For the colouring by time, and for what is said of each box. */
  readonly times?: Times | undefined;
}

export function drawPicture(
  steps: readonly Step[],
  { title, facts }: Heading,
  { unfold = new Set(), colour = "map", theme = "auto", times }: View = {},
): string {
  const { steps: shown, repeats } = foldSteps(steps, (stage) => unfold === "all" || unfold.has(stage));
  return drawSvg({
    ...{ title, facts, theme, repeats, times },
    layout: layOut(shown),
    painter: painter(steps, colour, times),
    totals: totalsOf(steps),
  });
}

/** What each stage costs, and the map that it makes, in the order in which they begin. */
export function totalsOf(steps: readonly Step[]) {
  const totals = new Map<string, { params: number; macs: number; shape: string }>();
  for (const step of steps) {
    const stage = stageOf(step)?.name;
    if (stage === undefined) continue;
    const total = totals.get(stage) ?? { params: 0, macs: 0, shape: "" };
    total.params += step.params;
    total.macs += step.macs;
    total.shape = showMap(step.shape);
    totals.set(stage, total);
  }
  return totals;
}
