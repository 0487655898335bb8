/** A map mirrored beyond its edges. */
import { type ReflectPadAttrs, reflected } from "../../../ir/ops/reflect-pad.ts";
import { printPads } from "../../../ir/window.ts";
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { i32, select, v128 } from "../assembler/values.ts";
import { at, bytes, hold, type Kernel, type MapLayout, printLayout } from "./kernel.ts";
import { eachBlock, eachRowUnit, range, rowUnits, vectorBytes } from "./walk.ts";

export interface ReflectPadSpec extends ReflectPadAttrs {
  readonly input: MapLayout;
  readonly output: MapLayout;
}

/** input > output. */
export function reflectPadKernel({ input, output, pads }: ReflectPadSpec): Kernel {
  const units = rowUnits(output.height, output.channels);
  return {
    name: `reflect ${printLayout(input)}>${printLayout(output)}${printPads(pads)}`,
    units: units.units,
    emit(f, args) {
      eachRowUnit(f, args, units, (row, start) => {
        const line = hold(f, i32.sub(row, pads.top));
        f.set(line, select(i32.sub(0, line), line, i32.lt_s(line, 0)));
        f.set(line, i32.min_s(line, hold(f, i32.sub(2 * (input.height - 1), line))));
        const from = hold(f, i32.add(at(args.input, line, input.rowStride), start));
        const to = hold(f, i32.add(at(args.output, row, output.rowStride), start));
        const column = (place: number) => bytes(reflected(place, input.width) * input.pixelStride);

        const copy = (source: Local<"i32">) => {
          copyVectors(f, source, to, units.vectors);
          f.increment(to, bytes(output.pixelStride));
        };
        for (const i of range(pads.left)) copy(hold(f, i32.add(from, column(i - pads.left))));
        const source = hold(f, from);
        f.for(f.local("i32"), 0, input.width, 1, () => {
          copy(source);
          f.increment(source, bytes(input.pixelStride));
        });
        for (const i of range(pads.right)) copy(hold(f, i32.add(from, column(input.width + i))));
      });
    },
  };
}

function copyVectors(f: FunctionBuilder, from: Local<"i32">, to: Local<"i32">, vectors: number): void {
  eachBlock(f, vectors, 4, (block, count) => {
    const [source, target] = [hold(f, i32.add(from, block)), hold(f, i32.add(to, block))];
    for (const i of range(count)) f.store(target, v128.load(source, i * vectorBytes), i * vectorBytes);
  });
}
