/** What hints say of names: the nearest by edit distance with transpositions if one is near enough, or all. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  return allNearest(name, candidates)[0];
}

/** Of many that are as near only so many are offered. */
const mostOffered = 3;

/** Those that are as near as the nearest: more than one, and a reader has to choose. */
export function allNearest(name: string, candidates: Iterable<string>): readonly string[] {
  const wanted = name.toLowerCase();
  const isShort = wanted.length > 0 && wanted.length <= 31 && isAscii(wanted);
  if (isShort) mark(wanted, 1);
  const best = new Set<string>();
  let bestDistance = Math.floor((name.length + 1) / 3);
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) > bestDistance) continue;
    const distance = isShort
      ? shortDistance(wanted.length, candidate)
      : editDistance(wanted, candidate.toLowerCase(), bestDistance + 1);
    if (distance > bestDistance) continue;
    if (distance < bestDistance) best.clear();
    bestDistance = distance;
    if (best.size < mostOffered) best.add(candidate);
  }
  if (isShort) mark(wanted, 0);
  return [...best];
}

/** For each character the places in the name that is being looked for; all 0 between two searches. */
const places = new Int32Array(128);

function mark(name: string, bit: 0 | 1): void {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    places[code] = bit === 0 ? 0 : places[code] | (1 << i);
  }
}

/**
 * The distance to the marked name, without case. A file may have thousands of names that mean nothing among thousands that
 * do, so that a column of the table is one machine word: Hyyrö 2003, "A bit-vector algorithm for computing Levenshtein and
 * Damerau edit distances", with transpositions of neighbours.
 */
function shortDistance(length: number, candidate: string): number {
  const last = 1 << (length - 1);
  let positive = -1;
  let negative = 0;
  let diagonal = 0;
  let before = 0;
  let distance = length;
  for (let i = 0; i < candidate.length; i++) {
    const code = lowerCode(candidate, i);
    const same = code < 128 ? places[code] : 0;
    const turned = ((~diagonal & same) << 1) & before;
    diagonal = ((((same & positive) + positive) | 0) ^ positive) | same | negative | turned;
    const up = negative | ~(diagonal | positive);
    const down = diagonal & positive;
    if (up & last) distance++;
    if (down & last) distance--;
    const shifted = (up << 1) | 1;
    positive = (down << 1) | ~(diagonal | shifted);
    negative = shifted & diagonal;
    before = same;
  }
  return distance;
}

const isAscii = (text: string): boolean => /^[\0-\x7F]*$/.test(text);

function lowerCode(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 65 && code <= 90 ? code + 32 : code;
}

/** "did you mean `a` or `b`?" */
export function didYouMean(names: readonly string[], quote = "`"): string | undefined {
  if (names.length === 0) return undefined;
  const quoted = names.slice(0, mostOffered).map((name) => quote + name + quote);
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
