/**
 * Compares numbers and, where they differ, says so as a person needs it: the worst element, its index, and the
 * first five pairs, from which one often sees what kind of wrong it is.
 */
import * as assert from "uvu/assert";

export interface Values {
  readonly shape?: readonly number[];
  readonly data: ArrayLike<number>;
}

/** `tolerance` is relative to the largest expected value (or 1e-30, so that zeros must be zeros). */
export function assertClose(actual: Values, expected: Values, tolerance: number, what = "values"): void {
  if (actual.shape && expected.shape) assert.equal([...actual.shape], [...expected.shape], `${what}: shape`);
  const complaint = compare(actual.data, expected.data, tolerance);
  assert.not(complaint, `${what}: ${complaint}`);
}

/** What differs, or undefined. NaN differs from everything but NaN, infinities only equal themselves. */
export function compare(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} values instead of ${expected.length}`;
  let largest = 1e-30;
  for (let i = 0; i < expected.length; i++) {
    if (Number.isFinite(expected[i])) largest = Math.max(largest, Math.abs(expected[i]));
  }
  let worst = 0;
  let worstError = -1;
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i], expected[i]) || actual[i] === expected[i]) continue;
    const error = Math.abs(actual[i] - expected[i]);
    const size = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    if (size > worstError) [worst, worstError] = [i, size];
  }
  if (worstError <= tolerance * largest) return undefined;
  const pairs = Array.from({ length: Math.min(5, actual.length) }, (_, i) => `${actual[i]} ${expected[i]}`);
  return (
    `element ${worst} is ${actual[worst]} instead of ${expected[worst]} ` +
    `(off by ${worstError.toPrecision(3)}, allowed ${(tolerance * largest).toPrecision(3)}); ` +
    `actual and expected start ${pairs.join(", ")}`
  );
}
