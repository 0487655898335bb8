/**
 * The activations on vectors of four floats. What takes an instruction or two is emitted in place, the others are
 * functions of the module. A NaN stays a NaN, and no finite number becomes one.
 */
import { type Activation, type ActivationName, printActivation } from "../../../ir/activation.ts";
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32x4, i32x4, type V128, v128 } from "../assembler/values.ts";
import { holdVector } from "./kernel.ts";
import type { KernelLibrary } from "./library.ts";
import { erfc, exp, expm1 } from "./transcendental.ts";

const number = f32x4.const;

/** Between low and high. pmin and pmax keep a NaN on their left; min and max are several instructions on x86. */
const clamp = (x: V128, low: number, high: number): V128 =>
  f32x4.pmin(f32x4.pmax(x, number(low)), number(high));

/** Those that read their argument once. */
const once: Partial<Record<ActivationName, (x: V128) => V128>> = {
  relu: (x) => f32x4.pmax(x, number(0)),
  relu6: (x) => clamp(x, 0, 6),
  hsigmoid: (x) => f32x4.mul(clamp(f32x4.add(x, number(3)), 0, 6), number(1 / 6)),
};

/** Those short enough for the place where a local is at hand, which can be read again. */
const short: Partial<Record<ActivationName, (x: Local<"v128">, slope: number) => V128>> = {
  // slope x is the larger one below 0 and the smaller one above, or the other way round for steep slopes.
  leaky: (x, slope) => (slope <= 1 ? f32x4.pmax : f32x4.pmin)(x, f32x4.mul(x, number(slope))),
  hswish: (x) => f32x4.mul(x, f32x4.mul(clamp(f32x4.add(x, number(3)), 0, 6), number(1 / 6))),
};

type Long = Exclude<ActivationName, "relu" | "relu6" | "hsigmoid" | "leaky" | "hswish">;

const long: Readonly<Record<Long, (f: FunctionBuilder, x: Local<"v128">) => V128>> = {
  elu: (f, x) => v128.bitselect(expm1(f, f32x4.pmin(x, number(0))), x, f32x4.lt(x, number(0))),
  sigmoid: (f, x) => f32x4.div(number(1), onePlusExpOfMinus(f, x)),
  swish: (f, x) => f32x4.div(x, onePlusExpOfMinus(f, x)),
  tanh(f, x) {
    // With t = e^(-2|x|) - 1, tanh |x| = -t / (2 + t); the sign is put back as a bit.
    const t = holdVector(f, expm1(f, f32x4.abs(x), -2));
    const size = f32x4.abs(f32x4.div(t, f32x4.add(t, number(2))));
    return v128.or(size, v128.and(x, i32x4.const(-(2 ** 31))));
  },
  gelu(f, x) {
    // x Phi(x) = max(x, 0) - |x| Phi(-|x|), and Phi(-|x|) = erfc(|x| / sqrt 2) / 2 without cancellation.
    const size = holdVector(f, f32x4.abs(x));
    const half = f32x4.mul(erfc(f, f32x4.mul(size, number(Math.SQRT1_2))), number(0.5));
    return f32x4.sub(f32x4.pmax(x, number(0)), f32x4.mul(size, half));
  },
  mish(f, x) {
    // With u = e^-|x|: tanh(softplus(x)) is n / d, for x >= 0 n = 1 + 2u, d = n + 2u², below n = u² + 2u, d = n + 2.
    const u = holdVector(f, exp(f, f32x4.abs(x), -1));
    const negative = holdVector(f, f32x4.lt(x, number(0)));
    const below = f32x4.mul(u, f32x4.add(u, number(2)));
    const n = holdVector(f, v128.bitselect(below, f32x4.add(f32x4.add(u, u), number(1)), negative));
    const more = v128.bitselect(number(1), f32x4.mul(u, u), negative);
    return f32x4.mul(x, f32x4.div(n, f32x4.add(n, f32x4.add(more, more))));
  },
};

const onePlusExpOfMinus = (f: FunctionBuilder, x: V128): V128 => f32x4.add(exp(f, x, -1), number(1));

const isLocal = (value: V128): value is Local<"v128"> => "index" in value;

/**
 * activation(value); `value` is evaluated once, unless it is a local. Given the function at hand, the long ones are
 * emitted in place as well: worth it in loops over maps, which keep the constants, and too much in unrolled code.
 */
export function activationVector(
  activation: Activation,
  value: V128,
  library: KernelLibrary,
  f?: FunctionBuilder,
): V128 {
  const { fn, slope = 0 } = activation;
  const apply = once[fn];
  if (apply) return apply(value);
  const build = (g: FunctionBuilder, x: Local<"v128">) => short[fn]?.(x, slope) ?? long[fn as Long](g, x);
  if (f) return build(f, isLocal(value) ? value : holdVector(f, value));
  if (isLocal(value) && short[fn]) return short[fn](value, slope);
  return library
    .vectorFunction(printActivation(activation), (g) => g.return(build(g, g.params[0] as Local<"v128">)))
    .call("v128", value);
}
