/**
 * The pipeline: an array of passes and the function that runs it. -O1 runs what keeps every bit, -O2 also
 * what rounds in another order; -O0 runs only what a target cannot do without (passes of level 0).
 */
import { InternalError } from "../base/invariant.ts";
import type { Graph } from "../ir/graph.ts";
import { verify } from "../ir/verify.ts";
import { flattenConcat } from "./flatten-concat.ts";
import { foldBatchNorm } from "./fold-batch-norm.ts";
import { foldBias } from "./fold-bias.ts";
import { foldPadding } from "./fold-padding.ts";
import { foldSlice } from "./fold-slice.ts";
import { fuseActivation } from "./fuse-activation.ts";
import { fuseResidual } from "./fuse-residual.ts";
import { lowerBatchNorm } from "./lower-batch-norm.ts";
import type { Pass, PassEvent } from "./pass.ts";
import { removeDead } from "./remove-dead.ts";

export { fuseResidual };

export const standardPasses: readonly Pass[] = [
  removeDead, //      first: a no-op between two operations hides one from the other
  foldSlice, //       before concats are flattened: a slice keeps one alive
  flattenConcat, //   after slices; nothing else looks at concats
  foldPadding, //     any time: it looks at pads and convolutions only
  foldBias, //        before batch norms, which a bias in between would hide from their convolution
  foldBatchNorm, //   before activations: behind one, a convolution is no longer linear
  lowerBatchNorm, //  after folding, which leaves nothing to compute at run time; this takes the rest
  fuseActivation, //  after everything that needs an empty epilogue
];

/** Every pass there is, by name in `--print-after` and `--help`. */
export const allPasses: readonly Pass[] = [
  ...standardPasses,
  fuseResidual, //    last, by targets that can: an epilogue with a residual takes nothing but an activation
];

export interface RunPassesOptions {
  /** The -O: passes above it are skipped. */
  readonly level?: Pass["level"];
  /** Sees every pass that ran; passes never print or time themselves. */
  readonly onPass?: ((event: PassEvent) => void) | undefined;
  /** Whether to verify after each pass; RESNETC_CHECK=1 unless told. */
  readonly check?: boolean;
}

export function runPasses(
  graph: Graph,
  passes: readonly Pass[],
  { level = 2, onPass, check = wantsCheck() }: RunPassesOptions = {},
): Graph {
  if (check) complain("before the first pass", verify(graph));
  let now = graph;
  for (const pass of passes) {
    if (pass.level > level) continue;
    const before = now;
    const start = performance.now();
    now = pass.run(before);
    onPass?.({ pass, before, after: now, ms: performance.now() - start });
    if (check) complain(`after pass ${pass.name}`, verify(now) ?? pass.ensures?.(now));
  }
  return now;
}

function complain(when: string, problem: string | undefined): void {
  if (problem !== undefined) throw new InternalError(`${when}: ${problem}`);
}

/** A page has no `process`. */
const wantsCheck = (): boolean => typeof process !== "undefined" && process.env?.RESNETC_CHECK === "1";
