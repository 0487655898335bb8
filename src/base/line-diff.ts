/**
 * What differs between two texts, line by line, in the form of `diff -u`. Longest common subsequence by table,
 * after cutting off what is the same at both ends; texts too different for the table are shown one after the other.
 */

type Line = readonly [mark: " " | "-" | "+", text: string];

/** 4 M cells, 16 MB. */
const largestTable = 4e6;
const contextLines = 3;

export function lineDiff(before: string, after: string, beforeName = "before", afterName = "after"): string {
  const lines = compareLines(splitLines(before), splitLines(after));
  return [`--- ${beforeName}`, `+++ ${afterName}`, ...hunks(lines), ""].join("\n");
}

/** A last line without its end counts as another line than one with it. */
const splitLines = (text: string): string[] => {
  const lines = text.split("\n");
  const last = lines.pop();
  return last ? [...lines, `${last}\\ no newline at the end`] : lines;
};

function compareLines(before: readonly string[], after: readonly string[]): readonly Line[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const same = (lines: readonly string[]) => lines.map((text): Line => [" ", text]);
  return [
    ...same(before.slice(0, head)),
    ...compareMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...same(before.slice(before.length - tail)),
  ];
}

function compareMiddle(before: readonly string[], after: readonly string[]): readonly Line[] {
  const removed = (text: string): Line => ["-", text];
  const added = (text: string): Line => ["+", text];
  const width = after.length + 1;
  if ((before.length + 1) * width > largestTable) return [...before.map(removed), ...after.map(added)];
  // common[i][j]: the longest common subsequence of before from i on and after from j on.
  const common = new Int32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const at = i * width + j;
      common[at] =
        before[i] === after[j] ? common[at + width + 1] + 1 : Math.max(common[at + width], common[at + 1]);
    }
  }
  const lines: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length && j < after.length) {
    const at = i * width + j;
    if (before[i] === after[j]) {
      lines.push([" ", before[i++]]);
      j++;
    } else if (common[at + width] >= common[at + 1]) lines.push(removed(before[i++]));
    else lines.push(added(after[j++]));
  }
  return [...lines, ...before.slice(i).map(removed), ...after.slice(j).map(added)];
}

/** The changed lines with three around them, each hunk under its `@@ -from,count +from,count @@`. */
function hunks(lines: readonly Line[]): string[] {
  const shown = new Uint8Array(lines.length);
  lines.forEach(([mark], at) => {
    if (mark !== " ") shown.fill(1, Math.max(0, at - contextLines), at + contextLines + 1);
  });
  const text: string[] = [];
  let before = 1;
  let after = 1;
  for (let at = 0; at < lines.length; at++) {
    if (shown[at] && !shown[at - 1]) {
      const end = shown.indexOf(0, at);
      const hunk = lines.slice(at, end < 0 ? lines.length : end);
      const own = hunk.filter(([mark]) => mark !== "+").length;
      const theirs = hunk.filter(([mark]) => mark !== "-").length;
      text.push(`@@ -${before},${own} +${after},${theirs} @@`);
    }
    const [mark, line] = lines[at];
    if (shown[at]) text.push(`${mark}${line}`);
    if (mark !== "+") before++;
    if (mark !== "-") after++;
  }
  return text;
}
