/** What hints say of names: the nearest by edit distance with transpositions if one is near enough, or all. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  return allNearest(name, candidates)[0];
}

/** All that are as near as the nearest: more than one, and a reader has to choose. */
export function allNearest(name: string, candidates: Iterable<string>): readonly string[] {
  const wanted = name.toLowerCase();
  const letters = lettersOf(wanted);
  let best: string[] = [];
  let bestDistance = Math.floor((name.length + 1) / 3);
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) > bestDistance) continue;
    const lower = candidate.toLowerCase();
    if (lettersApart(letters, lettersOf(lower)) > 2 * bestDistance) continue;
    const distance = editDistance(wanted, lower, bestDistance + 1);
    if (distance > bestDistance) continue;
    if (distance < bestDistance) best = [];
    bestDistance = distance;
    best.push(candidate);
  }
  return [...new Set(best)];
}

/** Which of 32 kinds of letters a word has: an edit changes at most two of them, so that most words need no table. */
function lettersOf(word: string): number {
  let letters = 0;
  for (let i = 0; i < word.length; i++) letters |= 1 << (word.charCodeAt(i) & 31);
  return letters;
}

function lettersApart(a: number, b: number): number {
  let differing = a ^ b;
  let count = 0;
  for (; differing !== 0; differing &= differing - 1) count++;
  return count;
}

/** "did you mean `a` or `b`?" */
export function didYouMean(names: readonly string[], quote = "`"): string | undefined {
  if (names.length === 0) return undefined;
  const quoted = names.slice(0, 3).map((name) => quote + name + quote);
  const last = quoted.pop()!;
  return `did you mean ${quoted.length > 0 ? `${quoted.join(", ")} or ` : ""}${last}?`;
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
