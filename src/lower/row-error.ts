/**
 * RowError unwinds from the depths of an expansion to the row of the net that is at fault: one error a row.
 * It never leaves this layer. On the way up each block adds where it was used, so that a mistake that shows
 * inside a library block is blamed on the row that used it, with the inner place as a note.
 */
import type { Code, Extra, Note, Report } from "../base/diagnostic.ts";
import type { MessageParams } from "../base/messages.ts";
import { positionAt, type Source, type Span } from "../base/source.ts";

/** Makes the report at a place that may have moved since, with the notes gathered on the way. */
type Replay = (report: Report, span: Span | undefined, notes: readonly Note[]) => void;

export class RowError {
  /** What it is about; undefined where it was reported before. */
  readonly code: Code | undefined;
  /** Where it happened, however far out it is blamed. */
  readonly origin: Span | undefined;
  readonly #replay: Replay;
  #span: Span | undefined;
  #notes: readonly Note[];

  constructor(code: Code | undefined, span: Span | undefined, notes: readonly Note[], replay: Replay) {
    this.code = code;
    this.origin = span;
    this.#span = span;
    this.#notes = notes;
    this.#replay = replay;
  }

  /** Called as block `name` is left, which was used at `use`; `home` is the file the user is compiling. */
  leave(name: string, use: Span, home: Source): void {
    const inner = this.#span;
    if (!inner || inner === use) return;
    if (inner.source === home) {
      // An argument of the use itself needs no pointer to where it stands.
      if (use.source === home && inner.start >= use.start && inner.end <= use.end) return;
      const used = this.#notes.some(({ message }) => message === usedHere);
      if (!used) this.#notes = [...this.#notes, { message: usedHere, span: use }];
      return;
    }
    // Columns say little about a file the reader has not open: the line is enough.
    const { line } = positionAt(inner.source, inner.start);
    this.#notes = [...this.#notes, { message: `in \`${name}\`, ${inner.source.name}:${line}` }];
    this.#span = use;
  }

  /** Whether it happened in a file from an offset on. */
  isIn(source: Source, from: number): boolean {
    return this.#span?.source === source && this.#span.start >= from;
  }

  reportTo(report: Report): void {
    this.#replay(report, this.#span, this.#notes);
  }
}

const usedHere = "used here";

/** Ends a row without a word: what is wrong was reported where it happened. */
export function failSilently(): never {
  throw new RowError(undefined, undefined, [], () => {});
}

export function fail<C extends Code>(
  code: C,
  span: Span | undefined,
  params: MessageParams<C>,
  extra: Extra = {},
): never {
  throw new RowError(code, span, extra.notes ?? [], (report, at, notes) =>
    report(code, at, params, { ...extra, notes }),
  );
}
