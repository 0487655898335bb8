/**
 * Convolution along the channels. The values of a place go to scratch with zeros before and behind them, so that every
 * tap is a whole, unaligned vector.
 */
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32x4, i32, v128 } from "../assembler/values.ts";
import { bytes, hold, type Kernel, lanes, type MapLayout, printLayout } from "./kernel.ts";
import { eachBlock, eachPlace, firstLanes, vectorBytes, vectorsOf } from "./walk.ts";

export interface ChannelConvSpec {
  readonly input: MapLayout;
  readonly output: MapLayout;
  /** Taps; odd. */
  readonly kernel: number;
}

/** input > output, which may be the same; taps at `weights`. Units are rows. */
export function channelConvKernel(spec: ChannelConvSpec): Kernel {
  const { input, output, kernel } = spec;
  const margin = marginOf(kernel);
  return {
    name: `channelConv ${kernel} ${printLayout(input)}>${printLayout(output)}`,
    units: output.height,
    scratchBytes: bytes(lanes(output.channels) + 2 * margin),
    emit(f, args) {
      const values = hold(f, i32.add(args.scratch, bytes(margin)));
      f.fill(args.scratch, 0, bytes(margin));
      f.fill(i32.add(values, bytes(lanes(output.channels))), 0, bytes(margin));
      eachPlace(f, args, spec, (from, to) => emitPlace(f, spec, from, to, values, args.weights));
    },
  };
}

/** Zeros on either side of the values: half the taps, in whole vectors. */
const marginOf = (kernel: number): number => 4 * Math.ceil((kernel - 1) / 8);

function emitPlace(
  f: FunctionBuilder,
  { output: { channels }, kernel }: ChannelConvSpec,
  from: Local<"i32">,
  to: Local<"i32">,
  values: Local<"i32">,
  taps: Local<"i32">,
): void {
  const whole = Math.floor(channels / 4);
  const rest = channels % 4;
  const zero = f32x4.const(0);
  f.copy(values, from, whole * vectorBytes);
  for (let i = whole; i < vectorsOf(channels); i++) {
    const isTail = i === whole && rest > 0;
    const value = isTail ? firstLanes(v128.load(from, i * vectorBytes), rest, zero) : zero;
    f.store(values, value, i * vectorBytes);
  }
  const first = hold(f, i32.sub(values, bytes((kernel - 1) / 2)));
  const [sum, near, tap] = [f.local("v128"), f.local("i32"), f.local("i32")];
  // Sums beyond the channels are of finite numbers, as lanes there must be.
  eachBlock(f, vectorsOf(channels), 1, (start) => {
    f.set(sum, zero);
    f.set(near, i32.add(first, start));
    f.for(tap, taps, i32.add(taps, bytes(kernel)), bytes(1), () => {
      f.set(sum, f32x4.add(sum, f32x4.mul(v128.load32_splat(tap), v128.load(near))));
      f.increment(near, bytes(1));
    });
    f.store(i32.add(to, start), sum);
  });
}
