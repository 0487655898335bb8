/** The mean or the sum of each channel. Rows are summed apart, then their sums: roundings grow with height + width only. */
import { f32x4, i32, v128 } from "../assembler/values.ts";
import { bytes, hold, holdVector, type Kernel, type MapLayout, printLayout } from "./kernel.ts";
import { range, vectorBytes, vectorsOf } from "./walk.ts";

export interface GlobalAveragePoolSpec {
  readonly input: MapLayout;
  readonly sum: boolean;
}

/** input > output, a vector of all lanes. Units are blocks of channels. */
export function globalAveragePoolKernel({ input, sum }: GlobalAveragePoolSpec): Kernel {
  const { height, width, channels, pixelStride, rowStride } = input;
  const vectors = vectorsOf(channels);
  // A cache line where the channels allow it.
  const block = vectors % 4 === 0 ? 4 : 2;
  return {
    name: `${sum ? "globalSum" : "globalAveragePool"} ${printLayout(input)}`,
    units: vectors / block,
    emit(f, args) {
      const [unit, row, column] = [f.local("i32"), f.local("i32"), f.local("i32")];
      f.for(unit, args.from, args.to, 1, () =>
        f.scope(() => {
          const start = hold(f, i32.mul(unit, block * vectorBytes));
          const place = hold(f, i32.add(args.input, start));
          const totals = range(block).map(() => holdVector(f, f32x4.const(0)));
          const rowSums = range(block).map(() => f.local("v128"));
          const load = (i: number, pixel = 0) =>
            v128.load(place, bytes(pixel * pixelStride) + i * vectorBytes);
          const sumOf = (pixels: number) => {
            for (const [i, rowSum] of rowSums.entries())
              f.set(rowSum, f32x4.add(rowSum, pixels === 2 ? f32x4.add(load(i), load(i, 1)) : load(i)));
            f.increment(place, bytes(pixels * pixelStride));
          };
          f.for(row, 0, height, 1, () => {
            for (const rowSum of rowSums) f.set(rowSum, f32x4.const(0));
            // Two pixels at a time: the chain of additions is half as long.
            if (width > 1) f.for(column, 0, Math.floor(width / 2), 1, () => sumOf(2));
            if (width % 2) sumOf(1);
            for (const [i, total] of totals.entries()) f.set(total, f32x4.add(total, rowSums[i]));
            f.increment(place, bytes(rowStride - width * pixelStride));
          });
          const to = hold(f, i32.add(args.output, start));
          const share = f32x4.const(sum ? 1 : 1 / (height * width));
          for (const [i, total] of totals.entries()) f.store(to, f32x4.mul(total, share), i * vectorBytes);
        }),
      );
    },
  };
}
