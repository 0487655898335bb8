/** What a pass is: named data, run by runPasses; it never prints or times itself. */
import type { Graph } from "../ir/graph.ts";

export interface Pass {
  /** Kebab-case, like its file and its golden folder: `--print-after fold-batch-norm`. */
  readonly name: string;
  readonly summary: string;
  /** The lowest -O that runs it. */
  readonly level: 0 | 1 | 2;
  /** `exact`: the same numbers to the bit. `reassociates`: the same function, another order of rounding. */
  readonly numerics: "exact" | "reassociates";
  run(graph: Graph): Graph;
  /** A postcondition: what is still left to do, or undefined. Checked in every test. */
  ensures?(graph: Graph): string | undefined;
}

export interface PassEvent {
  readonly pass: Pass;
  readonly before: Graph;
  readonly after: Graph;
  readonly ms: number;
}
