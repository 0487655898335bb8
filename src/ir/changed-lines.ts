/** What a pass changed, as lines of the printed graph. */

export const nothingChanged = "(nothing changed)";

/** Lines that are gone with "-", new ones with "+", in the order of the later text; "" where none changed. */
export function changedLines(before: string, after: string): string {
  const old = before.split("\n");
  const fresh = after.split("\n");
  const kept = new Set(fresh);
  const known = new Set(old);
  const out: string[] = [];
  let at = 0;
  for (const line of fresh) {
    if (known.has(line)) {
      while (at < old.length && old[at] !== line) {
        if (!kept.has(old[at])) out.push(`-${old[at]}`);
        at++;
      }
      at++;
    } else {
      while (at < old.length && !kept.has(old[at])) out.push(`-${old[at++]}`);
      out.push(`+${line}`);
    }
  }
  for (; at < old.length; at++) if (!kept.has(old[at])) out.push(`-${old[at]}`);
  return out.join("\n");
}
