/**
 * Source texts and places in them.
 *
 * A span names its source because one program spans several files: a block of the standard library
 * is blamed at its own lines while the row that used it stands in the user's file. Offsets are UTF-16
 * code units with the end exclusive, as in the Language Server Protocol.
 */

export interface Source {
  /** What people see: the path as they gave it, or `std.resnet`. */
  readonly name: string;
  readonly text: string;
}

export interface Span {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

/** A position for people: both numbers start at 1; the column counts UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

const lineStartsOf = new WeakMap<Source, readonly number[]>();

/** The offset at which every line starts; the first entry is 0. */
export function lineStarts(source: Source): readonly number[] {
  let starts = lineStartsOf.get(source);
  if (!starts) {
    const found = [0];
    for (let at = source.text.indexOf("\n"); at >= 0; at = source.text.indexOf("\n", at + 1))
      found.push(at + 1);
    starts = found;
    lineStartsOf.set(source, starts);
  }
  return starts;
}

export function positionAt(source: Source, offset: number): Position {
  const starts = lineStarts(source);
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - starts[low] + 1 };
}

/** The text of a line (first is 1), without its line break. */
export function lineText(source: Source, line: number): string {
  const starts = lineStarts(source);
  const end = line < starts.length ? starts[line] - 1 : source.text.length;
  return source.text.slice(starts[line - 1], end);
}

/** A source as the compiler wants it: no byte-order mark, lines end in "\n". */
export function makeSource(name: string, text: string): Source {
  return { name, text: text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n") };
}
