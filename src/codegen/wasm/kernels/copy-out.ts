/** A map to dense NHWC, as callers want it: no lanes beyond the channels, no gaps. */
import { copyKernel } from "./copy.ts";
import { dense, type Kernel, type MapLayout } from "./kernel.ts";

export interface CopyOutSpec {
  readonly input: MapLayout;
}

/** input > output, dense. */
export const copyOutKernel = ({ input }: CopyOutSpec): Kernel =>
  copyKernel({ input, output: dense(input), before: 0, after: 0 });
