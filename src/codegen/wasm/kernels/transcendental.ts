/**
 * exp, expm1, log and erfc on vectors of four floats: range reduction and a polynomial each, emitted into the
 * function at hand. But for log, a NaN stays a NaN.
 *
 * The coefficients of exp and log are those of Cephes (Moshier, `exp2f.c` and `logf.c`, single precision).
 */
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32x4, i32x4, type V128 } from "../assembler/values.ts";
import { holdVector } from "./kernel.ts";

/** ln 2 in two parts: the first has few bits, so its products with whole numbers are exact. */
const ln2High = 0.693359375;
const ln2Low = -2.1219444e-4;

/** Adding this to a small number rounds it to a whole n and leaves n + 127 in the lowest bits of the float. */
const rounder = 1.5 * 2 ** 23 + 127;

/**
 * c[0] + c[1] x + c[2] x² + …, by Estrin's scheme: neighbours are joined pair by pair. The chain of dependent
 * operations is half as long as in Horner's, and it is what such code waits for.
 */
function polynomial(f: FunctionBuilder, x: Local<"v128">, coefficients: readonly number[]): V128 {
  let terms: V128[] = coefficients.map(f32x4.const);
  for (let power = x; terms.length > 1; ) {
    const joined = terms.flatMap((term, i) => {
      if (i % 2) return [];
      const next = terms[i + 1];
      return next ? [f32x4.add(f32x4.mul(next, power), term)] : [term];
    });
    terms = joined;
    if (terms.length > 1) power = holdVector(f, f32x4.mul(power, power));
  }
  return terms[0];
}

/** The same one term after the other: high powers of what may be tiny would be subnormal numbers, which are slow. */
const horner = (x: Local<"v128">, coefficients: readonly number[]): V128 =>
  coefficients.map(f32x4.const).reduceRight((sum, c) => f32x4.add(f32x4.mul(sum, x), c));

/** e^(factor x) = scale (1 + rest): scale a power of two, 0 below 2^-127 and infinite from 2^127.5; |rest| < 0.42. */
function reducedExp(f: FunctionBuilder, x: V128, factor: number) {
  const exponent = f32x4.mul(x, f32x4.const(factor * Math.LOG2E));
  const clamped = f32x4.pmin(f32x4.pmax(exponent, f32x4.const(-127)), f32x4.const(128));
  const t = holdVector(f, clamped);
  const rounded = holdVector(f, f32x4.add(t, f32x4.const(rounder)));
  // 2^r - 1 for what is left.
  const r = holdVector(f, f32x4.sub(t, f32x4.sub(rounded, f32x4.const(rounder))));
  const p = polynomial(
    f,
    r,
    [
      6.931472028550421e-1, 2.402264791363012e-1, 5.550332471162809e-2, 9.61843735767464e-3,
      1.339887440266574e-3, 1.5353361883195e-4,
    ],
  );
  return { scale: i32x4.shl(rounded, 23), rest: f32x4.mul(p, r) };
}

/** e^(factor x). */
export function exp(f: FunctionBuilder, x: V128, factor = 1): V128 {
  const { scale, rest } = reducedExp(f, x, factor);
  return f32x4.mul(scale, f32x4.add(rest, f32x4.const(1)));
}

/** e^(factor x) - 1 where that is not above 0, without cancellation near 0. */
export function expm1(f: FunctionBuilder, x: V128, factor = 1): V128 {
  const reduced = reducedExp(f, x, factor);
  const scale = holdVector(f, reduced.scale);
  return f32x4.add(f32x4.mul(scale, reduced.rest), f32x4.sub(scale, f32x4.const(1)));
}

/** The natural logarithm of positive normal numbers. */
export function log(f: FunctionBuilder, value: V128): V128 {
  // The bits of sqrt(1/2): what is left of x after its power of two lies in [sqrt(1/2), sqrt(2)).
  const bits = holdVector(f, value);
  const exponent = holdVector(f, i32x4.shr_s(i32x4.sub(bits, i32x4.const(0x3f3504f3)), 23));
  const n = holdVector(f, f32x4.convert_i32x4_s(exponent));
  const x = holdVector(f, f32x4.sub(i32x4.sub(bits, i32x4.shl(exponent, 23)), f32x4.const(1)));
  const square = holdVector(f, f32x4.mul(x, x));
  const p = horner(
    x,
    [
      3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1, 1.4249322787e-1, -1.2420140846e-1,
      1.167699874e-1, -1.151461031e-1, 7.0376836292e-2,
    ],
  );
  const cubic = f32x4.mul(f32x4.mul(p, x), square);
  const low = f32x4.add(cubic, f32x4.mul(n, f32x4.const(ln2Low)));
  const small = f32x4.sub(low, f32x4.mul(square, f32x4.const(0.5)));
  return f32x4.add(f32x4.add(small, x), f32x4.mul(n, f32x4.const(ln2High)));
}

/** erfc(x) for x >= 0, to 1.5e-7: Abramowitz and Stegun 1964, 7.1.26 (Hastings 1955). */
export function erfc(f: FunctionBuilder, value: V128): V128 {
  const x = holdVector(f, value);
  const t = holdVector(
    f,
    f32x4.div(f32x4.const(1), f32x4.add(f32x4.mul(x, f32x4.const(0.3275911)), f32x4.const(1))),
  );
  const p = holdVector(
    f,
    f32x4.mul(polynomial(f, t, [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]), t),
  );
  return f32x4.mul(p, exp(f, f32x4.mul(x, x), -1));
}
