/**
 * Group normalisation: mean, then variance about it, then the result, each in a pass of its own, which loses no
 * digits where values lie far from 0. Vectors do not care where groups end: sums are of channels, in scratch, and
 * joined to groups there.
 */
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { type F32, f32, f32x4, type I32, i32, type V128, type Value, v128 } from "../assembler/values.ts";
import {
  bytes,
  hold,
  holdVector,
  type Kernel,
  type MapLayout,
  printLayout,
  type StepArguments,
} from "./kernel.ts";
import { eachBlock, range, vectorBytes, vectorsOf } from "./walk.ts";

export interface GroupNormSpec {
  readonly input: MapLayout;
  readonly output: MapLayout;
  readonly groups: number;
  readonly eps: number;
}

/** What a unit computes: whole groups and whole vectors, and at least a cache line of each pixel. */
interface Share {
  readonly vectors: number;
  readonly groups: number;
}

function sharesOf({ input: { channels }, groups }: GroupNormSpec) {
  const own = channels / groups;
  let size = own;
  while (size % 4 || size < 16) size += own;
  const each: Share = { vectors: size / 4, groups: size / own };
  const all = vectorsOf(channels);
  const units = Math.ceil(all / each.vectors);
  const before = units - 1;
  // The lanes beyond the channels are the last unit's, which may have no group at all.
  const last: Share = {
    vectors: all - before * each.vectors,
    groups: Math.max(groups - before * each.groups, 0),
  };
  return { own, units, each, last };
}

/** input > output, which may be the same; scale at `weights`, shift at `bias`. Units are some groups each. */
export function groupNormKernel(spec: GroupNormSpec): Kernel {
  const { input, output, groups, eps } = spec;
  const { units, each, last } = sharesOf(spec);
  return {
    name: `groupNorm ${groups} ${eps} ${printLayout(input)}>${printLayout(output)}`,
    units,
    scratchBytes: 2 * Math.max(each.vectors, last.vectors) * vectorBytes,
    emit(f, args) {
      const unit = f.local("i32");
      f.for(unit, args.from, args.to, 1, () =>
        f.scope(() => {
          const start = hold(f, i32.mul(unit, each.vectors * vectorBytes));
          const emit = (share: Share) => f.scope(() => emitShare(f, args, spec, share, start));
          if (units === 1) return emit(last);
          if (last.vectors === each.vectors && last.groups === each.groups) return emit(each);
          f.if(
            i32.eq(unit, units - 1),
            () => emit(last),
            () => emit(each),
          );
        }),
      );
    },
  };
}

function emitShare(
  f: FunctionBuilder,
  args: StepArguments,
  spec: GroupNormSpec,
  { vectors, groups }: Share,
  start: Local<"i32">,
): void {
  const { input, output, eps } = spec;
  const { own } = sharesOf(spec);
  const [from, to] = [hold(f, i32.add(args.input, start)), hold(f, i32.add(args.output, start))];
  const means = args.scratch;
  const factors = hold(f, i32.add(args.scratch, vectors * vectorBytes));
  const share = f32.const(1 / (input.height * input.width * own));
  const join = (sums: Local<"i32">, finish: (mean: F32) => F32) =>
    joinGroups(f, sums, { vectors, groups }, own, (sum) => finish(f32.mul(sum, share)));

  sumChannels(f, input, from, vectors, means, () => (x) => x);
  join(means, (mean) => mean);
  sumChannels(f, input, from, vectors, factors, (block) => {
    const vectorMeans = loadVectors(f, i32.add(means, block.start), block.count);
    const difference = f.local("v128");
    return (x, i) => {
      f.set(difference, f32x4.sub(x, vectorMeans[i]));
      return f32x4.mul(difference, difference);
    };
  });
  join(factors, (variance) => f32.div(f32.const(1), f32.sqrt(f32.add(variance, f32.const(eps)))));

  eachBlock(f, vectors, 4, (block, count) => {
    const channel = hold(f, i32.add(start, block));
    const vectorMeans = loadVectors(f, i32.add(means, block), count);
    const gains = loadVectors(f, i32.add(factors, block), count);
    const scales = hold(f, i32.add(args.weights, channel));
    for (const [i, gain] of gains.entries()) f.set(gain, f32x4.mul(gain, v128.load(scales, i * vectorBytes)));
    const shifts = loadVectors(f, i32.add(args.bias, channel), count);
    const target = f.let("i32", i32.add(to, block));
    eachPixel(f, input, i32.add(from, block), {
      pixel(source) {
        for (const i of range(count)) {
          const centred = f32x4.sub(v128.load(source, i * vectorBytes), vectorMeans[i]);
          f.store(target, f32x4.add(f32x4.mul(centred, gains[i]), shifts[i]), i * vectorBytes);
        }
        f.increment(target, bytes(output.pixelStride));
      },
      row: () => f.increment(target, bytes(output.rowStride - output.width * output.pixelStride)),
    });
  });
}

const loadVectors = (f: FunctionBuilder, address: I32, count: number): Local<"v128">[] => {
  const from = f.let("i32", address);
  return range(count).map((i) => f.let("v128", v128.load(from, i * vectorBytes)));
};

/** The pixels of a map, from an address on; `row` behind each row. */
function eachPixel(
  f: FunctionBuilder,
  { height, width, pixelStride, rowStride }: MapLayout,
  from: Value<"i32">,
  { pixel, row }: { readonly pixel: (source: Local<"i32">) => void; readonly row: () => void },
): void {
  const source = f.let("i32", from);
  f.for(f.local("i32"), 0, height, 1, () => {
    f.for(f.local("i32"), 0, width, 1, () => {
      pixel(source);
      f.increment(source, bytes(pixelStride));
    });
    f.increment(source, bytes(rowStride - width * pixelStride));
    row();
  });
}

/** The sum over the map of what `term` makes of each value, by channel. Rows are summed apart: fewer roundings. */
function sumChannels(
  f: FunctionBuilder,
  input: MapLayout,
  from: Local<"i32">,
  vectors: number,
  sums: Local<"i32">,
  terms: (block: { readonly start: I32; readonly count: number }) => (x: V128, i: number) => V128,
): void {
  const zero = f32x4.const(0);
  eachBlock(f, vectors, 4, (start, count) => {
    const term = terms({ start, count });
    const totals = range(count).map(() => holdVector(f, zero));
    const rowSums = range(count).map(() => holdVector(f, zero));
    eachPixel(f, input, i32.add(from, start), {
      pixel(source) {
        for (const [i, sum] of rowSums.entries())
          f.set(sum, f32x4.add(sum, term(v128.load(source, i * vectorBytes), i)));
      },
      row() {
        for (const [i, sum] of rowSums.entries()) {
          f.set(totals[i], f32x4.add(totals[i], sum));
          f.set(sum, zero);
        }
      },
    });
    const target = hold(f, i32.add(sums, start));
    for (const [i, total] of totals.entries()) f.store(target, total, i * vectorBytes);
  });
}

/** Replaces the sums of a group's channels by what `finish` makes of their sum; those of no group by zero. */
function joinGroups(
  f: FunctionBuilder,
  sums: Local<"i32">,
  { vectors, groups }: Share,
  own: number,
  finish: (sum: F32) => F32,
): void {
  const [group, channel] = [f.let("i32", sums), f.local("i32")];
  const sum = f.local("f32");
  const end = hold(f, i32.add(sums, bytes(groups * own)));
  f.for(group, sums, end, bytes(own), () => {
    f.set(sum, f32.const(0));
    const groupEnd = i32.add(group, bytes(own));
    f.for(channel, group, groupEnd, bytes(1), () => f.set(sum, f32.add(sum, f32.load(channel))));
    f.set(sum, finish(sum));
    f.for(channel, group, groupEnd, bytes(1), () => f.store(channel, sum));
  });
  const rest = bytes(4 * vectors - groups * own);
  if (rest > 0) f.fill(end, 0, rest);
}
