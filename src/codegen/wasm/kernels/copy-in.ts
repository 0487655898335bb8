/** The caller's picture, dense NHWC, into a map. */
import type { Pads } from "../../../ir/tensor.ts";
import { copyKernel } from "./copy.ts";
import { dense, type Kernel, lanes, type MapLayout } from "./kernel.ts";

export interface CopyInSpec {
  readonly output: MapLayout;
  /** What to fill with zeros around the output, which then starts there; nothing when absent. */
  readonly frame?: Pads | undefined;
}

/** input, the dense picture > output. The lanes beyond the channels become zero. */
export function copyInKernel({ output, frame }: CopyInSpec): Kernel {
  const { height, width, channels, pixelStride } = output;
  const after = Math.min(lanes(channels), pixelStride) - channels;
  if (!frame) return copyKernel({ input: dense(output), output, before: 0, after });
  const framed = {
    ...output,
    height: frame.top + height + frame.bottom,
    width: frame.left + width + frame.right,
  };
  return copyKernel({ input: dense(output), output: framed, pads: frame, before: 0, after });
}
