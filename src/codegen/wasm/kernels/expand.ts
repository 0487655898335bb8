/**
 * Weights stored in fewer bits become float32 at load: panels of rows, a row having a value for each channel of the
 * panel. Units are panels; `extra` is the rows of a panel.
 */
import { f32x4, i16x8, i32, i32x4, type V128, v128 } from "../assembler/values.ts";
import type { Kernel } from "./kernel.ts";

/** IEEE 754 half precision, finite: 2 bytes a value. */
export function expandHalfKernel(width: number, panels: number): Kernel {
  return {
    name: `expand f16 x${width}`,
    units: panels,
    emit(f, args) {
      // Panels lie one behind the other without heads: one long run.
      const panelBytes = f.let("i32", i32.mul(args.extra, 2 * width));
      const from = f.let("i32", i32.add(args.input, i32.mul(args.from, panelBytes)));
      const to = f.let("i32", i32.add(args.output, i32.mul(i32.mul(args.from, panelBytes), 2)));
      const end = f.let("i32", i32.add(args.output, i32.mul(i32.mul(args.to, panelBytes), 2)));
      f.block((none) => {
        f.branchIf(none, i32.ge_u(to, end));
        f.loop((again) => {
          f.store(to, half(f.let("v128", v128.load16x4_u(from))));
          f.increment(from, 8);
          f.increment(to, 16);
          f.branchIf(again, i32.lt_u(to, end));
        });
      });
    },
  };
}

/** The exponent's bias differs by 112; the product with 2^112 also makes subnormal halves right. */
function half(bits: V128): V128 {
  const sign = i32x4.shl(v128.and(bits, i32x4.const(0x8000)), 16);
  const magnitude = i32x4.shl(v128.and(bits, i32x4.const(0x7fff)), 13);
  return v128.or(f32x4.mul(magnitude, f32x4.const(2 ** 112)), sign);
}

/** A byte a value; before the rows of a panel stand each channel's smallest value and its step. */
export function expandBytesKernel(width: number, panels: number): Kernel {
  return {
    name: `expand u8 x${width}`,
    units: panels,
    emit(f, args) {
      const panel = f.local("i32");
      f.for(panel, args.from, args.to, 1, () =>
        f.scope(() => {
          const rows = args.extra;
          const size = i32.add(i32.mul(rows, width), 8 * width);
          const head = f.let("i32", i32.add(args.input, i32.mul(panel, size)));
          const to = f.let("i32", i32.add(args.output, i32.mul(panel, i32.mul(rows, 4 * width))));
          for (let lane = 0; lane < width; lane += 4) {
            const low = f.let("v128", v128.load(head, 4 * lane));
            const step = f.let("v128", v128.load(head, 4 * (width + lane)));
            const byte = f.let("i32", i32.add(head, 8 * width + lane));
            const place = f.let("i32", i32.add(to, 4 * lane));
            const left = f.let("i32", rows);
            f.loop((again) => {
              const words = i16x8.extend_low_i8x16_u(v128.load32_zero(byte));
              const numbers = f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(words));
              f.store(place, f32x4.add(low, f32x4.mul(numbers, step)));
              f.increment(byte, width);
              f.increment(place, 4 * width);
              f.increment(left, -1);
              f.branchIf(again, left);
            });
          }
        }),
      );
    },
  };
}
