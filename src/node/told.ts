/** A diagnostic as plain data: what overlays and logs of other tools show, and what a cache can keep. */
import path from "node:path";
import type { Diagnostic } from "../base/diagnostic.ts";
import { renderDiagnostic } from "../base/render-diagnostic.ts";
import { lineText, positionAt } from "../base/source.ts";

export interface Told {
  readonly severity: Diagnostic["severity"];
  /** "shape-mismatch: cannot add 56x56x256 and 56x56x64: the channels differ" */
  readonly message: string;
  /** The place with its lines, the notes and the hint, as a terminal shows them. */
  readonly frame: string;
  /** All of it. */
  readonly text: string;
  readonly place?: Place | undefined;
}

/** Line and column from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** How much of the line is marked, and the line. */
  readonly length: number;
  readonly lineText: string;
}

export function tell(diagnostic: Diagnostic): Told {
  const { code, severity, message, span } = diagnostic;
  const text = renderDiagnostic(diagnostic);
  const lines = text.split("\n");
  const start = lines.findIndex((line) => /^ +(-->|=) /.test(line));
  const frame = start < 0 ? "" : lines.slice(start).join("\n");
  return { severity, message: `${code}: ${message}`, frame, text, place: span && placeOf(span) };
}

function placeOf({ source, start, end }: NonNullable<Diagnostic["span"]>): Place | undefined {
  const { line, column } = positionAt(source, start);
  const text = lineText(source, line);
  const length = Math.max(1, Math.min(end - start, text.length - column + 1));
  return { file: path.resolve(source.name), line, column, length, lineText: text };
}
