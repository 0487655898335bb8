/** Counts for people: 25,557,032 and 11.514 G. */
export const count = (value: number): string => value.toLocaleString("en");

/** 11.514 G: four digits and the suffix. */
export function short(value: number): string {
  for (const [unit, suffix] of [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "K"],
  ] as const) {
    if (value >= unit) return `${(value / unit).toFixed(value >= 100 * unit ? 1 : 3)} ${suffix}`;
  }
  return String(value);
}

/** 25.6 M, 11.5 G, 999: three digits, as they are enough for a picture or a change. */
export function brief(value: number): string {
  const suffixes = ["", " k", " M", " G", " T"];
  const power = Math.min(suffixes.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(value, 1)) / 3)));
  return `${Number((value / 1000 ** power).toPrecision(3))}${suffixes[power]}`;
}

/** 0.41 %: two digits. */
export const percent = (fraction: number): string => `${Number((100 * fraction).toPrecision(2))} %`;
