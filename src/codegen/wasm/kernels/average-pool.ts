/** The mean of each window, with the two ways to count that ops/average-pool.ts tells apart. */
import { noPads } from "../../../ir/tensor.ts";
import { f32x4 } from "../assembler/values.ts";
import type { Kernel } from "./kernel.ts";
import { emitSlidingWindow, printWindow, type SlidingWindow } from "./sliding-window.ts";
import { rowUnits } from "./walk.ts";

export interface AveragePoolSpec extends SlidingWindow {
  /** Whether the zeros of the pads count as values. What rounding up adds behind them never does. */
  readonly countPads: boolean;
}

/** input > output. */
export function averagePoolKernel(spec: AveragePoolSpec): Kernel {
  const { output, pads, countPads } = spec;
  const units = rowUnits(output.height, output.channels);
  return {
    name: `averagePool ${printWindow(spec)}${countPads ? " counting pads" : ""}`,
    units: units.units,
    emit: (f, args) =>
      emitSlidingWindow(f, args, units, spec, {
        start: 0,
        combine: f32x4.add,
        counted: countPads ? pads : noPads,
      }),
  };
}
