/**
 * Layer normalisation over the channels of each place: mean, then variance about it, then the result, each in a pass of
 * its own, which loses no digits where values lie far from 0. A place's channels stay in the first-level cache.
 */
import type { LayerNormAttrs } from "../../../ir/ops/layer-norm.ts";
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32x4, i32, type V128, v128 } from "../assembler/values.ts";
import { hold, holdVector, type Kernel, type MapLayout, printLayout, type StepArguments } from "./kernel.ts";
import { acrossLanes, eachBlock, eachPlace, firstLanes, range, vectorBytes, vectorsOf } from "./walk.ts";

export interface LayerNormSpec extends LayerNormAttrs {
  readonly input: MapLayout;
  readonly output: MapLayout;
}

/** input > output, which may be the same; scale at `weights`, shift, if there is one, at `bias`. Units are rows. */
export function layerNormKernel(spec: LayerNormSpec): Kernel {
  const { input, output, eps, center, shift } = spec;
  const words = ["layerNorm", eps, ...(center ? [] : ["uncentred"]), ...(shift ? [] : ["unshifted"])];
  return {
    name: `${words.join(" ")} ${printLayout(input)}>${printLayout(output)}`,
    units: output.height,
    emit(f, args) {
      eachPlace(f, args, spec, (from, to) => emitPlace(f, spec, args, from, to));
    },
  };
}

function emitPlace(
  f: FunctionBuilder,
  { output: { channels }, eps, center, shift }: LayerNormSpec,
  args: StepArguments,
  from: Local<"i32">,
  to: Local<"i32">,
): void {
  const zero = f32x4.const(0);
  const share = f32x4.const(1 / channels);
  /** The sum over the channels of what `term` makes of each, in every lane. */
  const sumOf = (term: (x: V128) => V128) => {
    const sums = range(4).map(() => holdVector(f, zero));
    eachBlock(f, Math.floor(channels / 4), 4, (start, count) => {
      const source = hold(f, i32.add(from, start));
      for (const i of range(count))
        f.set(sums[i], f32x4.add(sums[i], term(v128.load(source, i * vectorBytes))));
    });
    const tail = Math.floor(channels / 4) * vectorBytes;
    if (channels % 4)
      f.set(sums[0], f32x4.add(sums[0], firstLanes(term(v128.load(from, tail)), channels % 4, zero)));
    const [a, b, c, d] = sums;
    return acrossLanes(f, f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
  };
  const mean = center
    ? holdVector(
        f,
        f32x4.mul(
          sumOf((x) => x),
          share,
        ),
      )
    : undefined;
  const centred = (x: V128): V128 => (mean ? f32x4.sub(x, mean) : x);
  const squares = sumOf((x) => {
    const difference = holdVector(f, centred(x));
    return f32x4.mul(difference, difference);
  });
  const variance = f32x4.add(f32x4.mul(squares, share), f32x4.const(eps));
  const gain = holdVector(f, f32x4.div(f32x4.const(1), f32x4.sqrt(variance)));
  eachBlock(f, vectorsOf(channels), 4, (start, count) => {
    const source = hold(f, i32.add(from, start));
    const target = hold(f, i32.add(to, start));
    const [scales, shifts] = [args.weights, args.bias].map((vector) => hold(f, i32.add(vector, start)));
    const results = range(count).map((i) => {
      const at = i * vectorBytes;
      const scaled = f32x4.mul(f32x4.mul(centred(v128.load(source, at)), gain), v128.load(scales, at));
      return holdVector(f, shift ? f32x4.add(scaled, v128.load(shifts, at)) : scaled);
    });
    for (const [i, result] of results.entries()) f.store(target, result, i * vectorBytes);
  });
}
