/** Nearest neighbour: each place becomes scale x scale places of the same value. */
import { i32, v128 } from "../assembler/values.ts";
import { at, bytes, hold, holdVector, type Kernel, type MapLayout, printLayout } from "./kernel.ts";
import { eachBlock, eachRowUnit, range, rowUnits, vectorBytes } from "./walk.ts";

export interface UpsampleSpec {
  readonly input: MapLayout;
  /** `scale` times as high and as wide. */
  readonly output: MapLayout;
  readonly scale: number;
}

/** input > output. */
export function upsampleKernel({ input, output, scale }: UpsampleSpec): Kernel {
  const units = rowUnits(output.height, output.channels);
  return {
    name: `upsample x${scale} ${printLayout(input)}>${printLayout(output)}`,
    units: units.units,
    emit(f, args) {
      eachRowUnit(f, args, units, (row, start) => {
        const from = hold(f, i32.add(at(args.input, i32.div_u(row, scale), input.rowStride), start));
        const to = hold(f, i32.add(at(args.output, row, output.rowStride), start));
        f.for(f.local("i32"), 0, input.width, 1, () => {
          eachBlock(f, units.vectors, 4, (block, count) => {
            const source = hold(f, i32.add(from, block));
            const target = hold(f, i32.add(to, block));
            const values = range(count).map((i) => holdVector(f, v128.load(source, i * vectorBytes)));
            // Whole pixels one after the other: the stores of each are neighbours.
            for (const copy of range(scale)) {
              for (const [i, value] of values.entries())
                f.store(target, value, bytes(copy * output.pixelStride) + i * vectorBytes);
            }
          });
          f.increment(from, bytes(input.pixelStride));
          f.increment(to, bytes(scale * output.pixelStride));
        });
      });
    },
  };
}
