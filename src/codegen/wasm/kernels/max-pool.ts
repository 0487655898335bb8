/** The largest value of each window; places outside the map never win. */
import { f32x4 } from "../assembler/values.ts";
import type { Kernel } from "./kernel.ts";
import { emitSlidingWindow, printWindow, type SlidingWindow } from "./sliding-window.ts";
import { rowUnits } from "./walk.ts";

export type MaxPoolSpec = SlidingWindow;

/** input > output. */
export function maxPoolKernel(spec: MaxPoolSpec): Kernel {
  const units = rowUnits(spec.output.height, spec.output.channels);
  return {
    name: `maxPool ${printWindow(spec)}`,
    units: units.units,
    emit: (f, args) =>
      emitSlidingWindow(f, args, units, spec, { start: Number.NEGATIVE_INFINITY, combine: f32x4.pmax }),
  };
}
