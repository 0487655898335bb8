/**
 * Local response normalisation across channels. The squares of a place go to scratch with zeros before and behind
 * them, so that every sum over neighbouring channels is a sum of whole, unaligned vectors.
 */
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32x4, i32, type V128, v128 } from "../assembler/values.ts";
import { bytes, hold, holdVector, type Kernel, lanes, type MapLayout, printLayout } from "./kernel.ts";
import { exp, log } from "./transcendental.ts";
import { eachBlock, eachPlace, firstLanes, range, vectorBytes, vectorsOf } from "./walk.ts";

export interface LrnSpec {
  readonly input: MapLayout;
  readonly output: MapLayout;
  /** Channels that are summed; odd. */
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;
}

/** Neighbours up to here are summed without a loop. */
const mostUnrolled = 9;

/** input > output, which may be the same. Units are rows. */
export function lrnKernel(spec: LrnSpec): Kernel {
  const { input, output, size, alpha, beta, k } = spec;
  return {
    name: `lrn ${size} ${alpha} ${beta} ${k} ${printLayout(input)}>${printLayout(output)}`,
    units: output.height,
    scratchBytes: bytes(lanes(output.channels) + 2 * marginOf(size)),
    emit(f, args) {
      const squares = hold(f, i32.add(args.scratch, bytes(marginOf(size))));
      f.fill(args.scratch, 0, bytes(marginOf(size)));
      f.fill(i32.add(squares, bytes(lanes(output.channels))), 0, bytes(marginOf(size)));
      eachPlace(f, args, spec, (from, to) => emitPlace(f, spec, from, to, squares));
    },
  };
}

/** Zeros on either side of the squares: half the neighbours, in whole vectors. */
const marginOf = (size: number): number => 4 * Math.ceil((size - 1) / 8);

function emitPlace(
  f: FunctionBuilder,
  { output: { channels }, size, alpha, beta, k }: LrnSpec,
  from: Local<"i32">,
  to: Local<"i32">,
  squares: Local<"i32">,
): void {
  const whole = Math.floor(channels / 4);
  const rest = channels % 4;
  const zero = f32x4.const(0);
  eachBlock(f, whole, 4, (start, count) => {
    const [source, target] = [hold(f, i32.add(from, start)), hold(f, i32.add(squares, start))];
    for (const i of range(count))
      f.store(target, square(f, v128.load(source, i * vectorBytes)), i * vectorBytes);
  });
  for (let i = whole; i < vectorsOf(channels); i++) {
    const isTail = i === whole && rest > 0;
    const value = isTail ? firstLanes(square(f, v128.load(from, i * vectorBytes)), rest, zero) : zero;
    f.store(squares, value, i * vectorBytes);
  }

  const sum = f.local("v128");
  const [first, neighbour] = [hold(f, i32.sub(squares, bytes((size - 1) / 2))), f.local("i32")];
  eachBlock(f, Math.ceil(channels / 4), 1, (start) => {
    const near = hold(f, i32.add(first, start));
    if (size <= mostUnrolled) {
      const squaresNear = range(size).map((i) => v128.load(near, bytes(i)));
      f.set(sum, squaresNear.reduce(f32x4.add));
    } else {
      f.set(sum, zero);
      f.for(neighbour, near, i32.add(near, bytes(size)), bytes(1), () =>
        f.set(sum, f32x4.add(sum, v128.load(neighbour))),
      );
    }
    f.set(sum, f32x4.add(f32x4.mul(sum, f32x4.const(alpha / size)), f32x4.const(k)));
    f.store(i32.add(to, start), divideByPower(f, v128.load(i32.add(from, start)), sum, beta));
  });
  // Beyond the channels there may have been a division by zero.
  for (let i = whole; i < vectorsOf(channels); i++) {
    const isTail = i === whole && rest > 0;
    const value = isTail ? firstLanes(v128.load(to, i * vectorBytes), rest, zero) : zero;
    f.store(to, value, i * vectorBytes);
  }
}

function square(f: FunctionBuilder, value: V128): V128 {
  const x = holdVector(f, value);
  return f32x4.mul(x, x);
}

/** x / base^beta; the usual powers are square roots. */
function divideByPower(f: FunctionBuilder, x: V128, base: Local<"v128">, beta: number): V128 {
  if (beta === 1) return f32x4.div(x, base);
  const root = holdVector(f, f32x4.sqrt(base));
  if (beta === 0.5) return f32x4.div(x, root);
  if (beta === 0.75) return f32x4.div(x, f32x4.mul(root, f32x4.sqrt(root)));
  return f32x4.mul(x, exp(f, log(f, base), -beta));
}
