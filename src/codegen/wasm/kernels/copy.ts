/**
 * Copies a map into another layout: the operands of concat into their channels of the wider map, a map into its
 * padded form, pictures and results from and to dense NHWC. Of each pixel exactly `before` zeros, the input's
 * channels and `after` zeros are written, so neighbours in the same pixel stay as they are.
 */
import { noPads, type Pads } from "../../../ir/tensor.ts";
import { printPads } from "../../../ir/window.ts";
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32, f32x4, i32, v128 } from "../assembler/values.ts";
import { at, bytes, hold, type Kernel, type MapLayout, printLayout } from "./kernel.ts";
import { eachBlock, loadFloats, range, vectorBytes } from "./walk.ts";

export interface CopySpec {
  readonly input: MapLayout;
  /** Its height and width are the input's and the pads; its channels are not looked at. */
  readonly output: MapLayout;
  /** Places of zeros around the input; none when absent. */
  readonly pads?: Pads;
  /** Floats of zeros in front of the input's channels in each pixel, and behind them. */
  readonly before: number;
  readonly after: number;
}

/** input > output. Units are rows of the output. */
export function copyKernel(spec: CopySpec): Kernel {
  const { input, output, pads = noPads, before, after } = spec;
  const around = before || after ? ` zeros ${before},${after}` : "";
  return {
    name: `copy ${printLayout(input)}>${printLayout(output)}${printPads(pads)}${around}`,
    units: output.height,
    emit(f, args) {
      const row = f.local("i32");
      f.for(row, args.from, args.to, 1, () =>
        f.scope(() => {
          const to = hold(f, at(args.output, row, output.rowStride));
          const inputRow = i32.sub(row, pads.top);
          const copyRow = () => emitRow(f, spec, to, hold(f, at(args.input, inputRow, input.rowStride)));
          if (output.height === input.height) return copyRow();
          f.if(
            i32.lt_u(inputRow, input.height),
            () => f.scope(copyRow),
            () => zeroPixels(f, spec, to, output.width),
          );
        }),
      );
    },
  };
}

/** One row of the output; `to` and `from` move along. */
function emitRow(f: FunctionBuilder, spec: CopySpec, to: Local<"i32">, from: Local<"i32">): void {
  const { input, output, pads = noPads, before, after } = spec;
  const { width, channels } = input;
  zeroPixels(f, spec, to, pads.left);
  if (!before && !after && channels === input.pixelStride && channels === output.pixelStride) {
    copyRun(f, to, from, width * channels, 0);
    f.increment(to, bytes(width * channels));
  } else {
    f.for(f.local("i32"), 0, width, 1, () => {
      zeroFloats(f, to, 0, before);
      copyRun(f, before ? hold(f, i32.add(to, bytes(before))) : to, from, channels, after);
      f.increment(to, bytes(output.pixelStride));
      f.increment(from, bytes(input.pixelStride));
    });
  }
  zeroPixels(f, spec, to, pads.right);
}

/** So many floats and zeros behind them; a vector that both share is stored as one. */
function copyRun(
  f: FunctionBuilder,
  to: Local<"i32">,
  from: Local<"i32">,
  count: number,
  zeros: number,
): void {
  const whole = Math.floor(count / 4);
  eachBlock(f, whole, 4, (start, vectors) => {
    const [source, target] = [hold(f, i32.add(from, start)), hold(f, i32.add(to, start))];
    for (const i of range(vectors)) f.store(target, v128.load(source, i * vectorBytes), i * vectorBytes);
  });
  const rest = count % 4;
  const offset = whole * vectorBytes;
  if (rest > 0 && rest + zeros >= 4) {
    f.store(to, loadFloats(from, rest, offset), offset);
    zeroFloats(f, to, 4 * whole + 4, rest + zeros - 4);
  } else {
    for (const i of range(rest)) f.store(to, f32.load(from, offset + bytes(i)), offset + bytes(i));
    zeroFloats(f, to, count, zeros);
  }
}

/** Zeros into so many pixels; `to` moves behind them. */
function zeroPixels(f: FunctionBuilder, spec: CopySpec, to: Local<"i32">, count: number): void {
  if (count === 0) return;
  const { pixelStride } = spec.output;
  const floats = spec.before + spec.input.channels + spec.after;
  if (floats === pixelStride) {
    f.fill(to, 0, bytes(count * floats));
    f.increment(to, bytes(count * pixelStride));
    return;
  }
  f.for(f.local("i32"), 0, count, 1, () => {
    zeroFloats(f, to, 0, floats);
    f.increment(to, bytes(pixelStride));
  });
}

/** Zeros into so many floats, the first being `start` floats behind the address. */
function zeroFloats(f: FunctionBuilder, address: Local<"i32">, start: number, count: number): void {
  const whole = Math.floor(count / 4);
  eachBlock(f, whole, 8, (block, vectors) => {
    const to = hold(f, i32.add(address, block));
    for (const i of range(vectors)) f.store(to, f32x4.const(0), bytes(start) + i * vectorBytes);
  });
  for (let i = 4 * whole; i < count; i++) f.store(address, f32.const(0), bytes(start + i));
}
