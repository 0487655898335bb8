/** What is made of measured times: the least, the median, and ratios of two runtimes by either. */
export interface Summary {
  readonly min: number;
  readonly median: number;
}

export function summarise(values: readonly number[]): Summary {
  return { min: Math.min(...values), median: median(values) };
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error("There is no median of nothing.");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** How many times as long `a` takes as `b`, by each figure. */
export function ratio(a: Summary, b: Summary): Summary {
  return { min: a.min / b.min, median: a.median / b.median };
}

/** The largest difference of two results, as a part of the largest magnitude of the first; NaN where one has a NaN. */
export function difference(expected: ArrayLike<number>, found: ArrayLike<number>): number {
  let largest = 0;
  let apart = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]));
    apart = Math.max(apart, Math.abs(expected[i] - found[i]));
  }
  return apart / largest;
}
