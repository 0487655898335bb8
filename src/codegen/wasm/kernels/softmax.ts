/** Exponentials over the channels of each place, over parts of them or over the places, shifted by the largest value, scaled to sum 1. */
import type { SoftmaxAttrs } from "../../../ir/ops/softmax.ts";
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32, f32x4, type I32, i32, type V128, v128 } from "../assembler/values.ts";
import {
  bytes,
  hold,
  holdVector,
  type Kernel,
  lanes,
  type MapLayout,
  printLayout,
  type StepArguments,
} from "./kernel.ts";
import { exp } from "./transcendental.ts";
import {
  acrossLanes,
  eachBlock,
  eachPlace,
  firstLanes,
  loadFloats,
  range,
  storeFloats,
  vectorBytes,
  vectorsOf,
} from "./walk.ts";

export interface SoftmaxSpec extends SoftmaxAttrs {
  readonly input: MapLayout;
  readonly output: MapLayout;
}

/** input > output, which may be the same. Units are rows, over places vectors of channels. */
export function softmaxKernel(spec: SoftmaxSpec): Kernel {
  const { input, output, parts } = spec;
  const { channels } = output;
  if (spec.places) {
    return {
      name: `softmax over places ${printLayout(input)}>${printLayout(output)}`,
      units: vectorsOf(channels),
      emit(f, args) {
        const unit = f.local("i32");
        f.for(unit, args.from, args.to, 1, () => f.scope(() => emitPlaces(f, spec, args, unit)));
      },
    };
  }
  const isWhole = parts === 0 || parts === channels;
  return {
    name: `softmax${isWhole ? "" : ` of ${parts}`} ${printLayout(input)}>${printLayout(output)}`,
    units: output.height,
    emit(f, args) {
      eachPlace(f, args, spec, (from, to) => {
        if (isWhole) emitPlace(f, channels, from, to);
        else emitParts(f, channels, parts, from, to);
      });
    },
  };
}

function emitPlace(f: FunctionBuilder, channels: number, from: Local<"i32">, to: Local<"i32">): void {
  const whole = Math.floor(channels / 4);
  const rest = channels % 4;
  const tail = whole * vectorBytes;
  const zero = f32x4.const(0);

  const largest = holdVector(f, f32x4.const(Number.NEGATIVE_INFINITY));
  eachBlock(f, whole, 4, (start, count) => {
    const source = hold(f, i32.add(from, start));
    for (const i of range(count)) f.set(largest, f32x4.pmax(largest, v128.load(source, i * vectorBytes)));
  });
  if (rest > 0) f.set(largest, f32x4.pmax(largest, firstLanes(v128.load(from, tail), rest, largest)));
  f.set(largest, acrossLanes(f, largest, f32x4.pmax));

  const sum = holdVector(f, zero);
  const exponential = (address: Local<"i32">, offset: number) =>
    holdVector(f, exp(f, f32x4.sub(v128.load(address, offset), largest)));
  eachBlock(f, whole, 4, (start, count) => {
    const [source, target] = [hold(f, i32.add(from, start)), hold(f, i32.add(to, start))];
    const values = range(count).map((i) => exponential(source, i * vectorBytes));
    for (const [i, value] of values.entries()) f.store(target, value, i * vectorBytes);
    // A block is summed apart: fewer roundings for each value.
    f.set(sum, f32x4.add(sum, values.reduce<V128>(f32x4.add, zero)));
  });
  if (rest > 0) {
    const value = holdVector(f, firstLanes(exponential(from, tail), rest, zero));
    f.store(to, value, tail);
    f.set(sum, f32x4.add(sum, value));
  }
  f.set(sum, f32x4.div(f32x4.const(1), acrossLanes(f, sum)));

  const used = Math.ceil(channels / 4);
  eachBlock(f, used, 4, (start, count) => {
    const target = hold(f, i32.add(to, start));
    for (const i of range(count))
      f.store(target, f32x4.mul(v128.load(target, i * vectorBytes), sum), i * vectorBytes);
  });
  for (let i = used; i < vectorsOf(channels); i++) f.store(to, zero, i * vectorBytes);
}

/** Four channels of each part at a time. */
function emitParts(
  f: FunctionBuilder,
  channels: number,
  parts: number,
  from: Local<"i32">,
  to: Local<"i32">,
): void {
  const step = channels / parts;
  const emitLanes = (start: I32, count: number) => {
    const [source, target] = [hold(f, i32.add(from, start)), hold(f, i32.add(to, start))];
    const part = f.local("i32");
    const eachPart = (body: () => void) => f.for(part, 0, bytes(channels), bytes(step), () => f.scope(body));
    const load = (address: Local<"i32">) => loadFloats(hold(f, i32.add(address, part)), count);

    const largest = holdVector(f, f32x4.const(Number.NEGATIVE_INFINITY));
    eachPart(() => f.set(largest, f32x4.pmax(largest, load(source))));
    const sum = holdVector(f, f32x4.const(0));
    eachPart(() => {
      const value = holdVector(f, exp(f, f32x4.sub(load(source), largest)));
      storeFloats(f, hold(f, i32.add(target, part)), value, count);
      f.set(sum, f32x4.add(sum, value));
    });
    f.set(sum, f32x4.div(f32x4.const(1), sum));
    eachPart(() => {
      const value = holdVector(f, f32x4.mul(load(target), sum));
      storeFloats(f, hold(f, i32.add(target, part)), value, count);
    });
  };
  const whole = Math.floor(step / 4);
  eachBlock(f, whole, 1, (start) => emitLanes(start, 4));
  if (step % 4) f.scope(() => emitLanes(whole * vectorBytes, step % 4));
  const beyond = lanes(channels) - channels;
  for (const i of range(beyond)) f.store(to, f32.const(0), bytes(channels + i));
}

/** Four channels over the whole map. Lanes beyond the channels are finite and stay so. */
function emitPlaces(
  f: FunctionBuilder,
  { input, output }: SoftmaxSpec,
  args: StepArguments,
  unit: Local<"i32">,
): void {
  const { height, width } = input;
  const startOf = (address: Local<"i32">) => i32.add(address, i32.mul(unit, vectorBytes));
  const from = hold(f, startOf(args.input));
  const to = hold(f, startOf(args.output));
  const [source, target] = [f.local("i32"), f.local("i32")];
  const eachPixel = (body: () => void) => {
    f.set(source, from);
    f.set(target, to);
    f.for(f.local("i32"), 0, height, 1, () => {
      f.for(f.local("i32"), 0, width, 1, () => {
        f.scope(body);
        f.increment(source, bytes(input.pixelStride));
        f.increment(target, bytes(output.pixelStride));
      });
      f.increment(source, bytes(input.rowStride - width * input.pixelStride));
      f.increment(target, bytes(output.rowStride - width * output.pixelStride));
    });
  };
  const largest = holdVector(f, f32x4.const(Number.NEGATIVE_INFINITY));
  eachPixel(() => f.set(largest, f32x4.pmax(largest, v128.load(source))));
  const [sum, value] = [holdVector(f, f32x4.const(0)), f.local("v128")];
  eachPixel(() => {
    f.set(value, exp(f, f32x4.sub(v128.load(source), largest)));
    f.store(target, value);
    f.set(sum, f32x4.add(sum, value));
  });
  f.set(sum, f32x4.div(f32x4.const(1), sum));
  eachPixel(() => f.store(target, f32x4.mul(v128.load(target), sum)));
}
