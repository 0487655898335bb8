/** What hints say of names: the nearest by edit distance with transpositions if one is near enough, or all. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = 1 + Math.floor((name.length + 1) / 3);
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

/** Optimal string alignment distance (Levenshtein plus transposition of neighbours); from `enough` on, any such. */
export function editDistance(a: string, b: string, enough = Number.POSITIVE_INFINITY): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
      }
    }
    // Transpositions look two rows back, so both must be hopeless.
    if (Math.min(...row) >= enough && Math.min(...last) >= enough) return enough;
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}

/** "a, b, c": names for a sentence, the first two dozen where there are many. */
export function listNames(names: Iterable<string>): string {
  const all = [...names];
  const most = 24;
  if (all.length <= most) return all.join(", ");
  return `${all.slice(0, most).join(", ")} and ${(all.length - most).toLocaleString("en")} more`;
}
