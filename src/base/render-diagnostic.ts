/**
 * Diagnostics → text: the code frame for people, one line for editors and logs. Colours come in as a
 * `paint` function, so that this stays pure and tests see plain text.
 *
 *     error shape-mismatch: cannot add 56x56x256 and 56x56x64: the channels differ
 *       --> model.resnet:8:10
 *     8 |   conv2: bottleneck(64, shortcut = identity) x 3
 *       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 *       = in `bottleneck`, std.resnet:81
 *       = hint: a shortcut across a change of shape needs `project` (option B) or `pad` (option A)
 */
import type { Diagnostic } from "./diagnostic.ts";
import { lineText, positionAt, type Span } from "./source.ts";

export type Paint = (style: "error" | "warning" | "info" | "code" | "faint" | "bold", text: string) => string;

export const noPaint: Paint = (_style, text) => text;

export function renderDiagnostic(diagnostic: Diagnostic, paint: Paint = noPaint): string {
  const { code, severity, message, span, notes, hint } = diagnostic;
  const lines = wrap(message, `${severity} ${code}: `.length, 2).map((line) => paint("bold", line));
  lines[0] = `${paint(severity, `${severity} ${code}`)}: ${lines[0]}`;
  const width = span ? String(positionAt(span.source, span.start).line).length : 1;
  const margin = " ".repeat(width);
  if (span) lines.push(...frame(span, severity, paint, width));
  const add = (text: string) => {
    const [first, ...rest] = wrap(text, width + 3, width + 3);
    lines.push(`${margin} ${paint("faint", "=")} ${first}`, ...rest);
  };
  for (const note of notes) add(`${note.message}${note.span ? `, ${describePlace(note.span)}` : ""}`);
  if (hint) add(`hint: ${hint}`);
  return lines.join("\n");
}

/** Breaks a sentence at its spaces: the first line starts at column `first`, the others are indented. */
export function wrap(text: string, first: number, indent: number): string[] {
  const lines: string[] = [];
  let line = "";
  let start = first;
  for (const word of text.split(" ")) {
    if (line && start + line.length + 1 + word.length > widest) {
      lines.push(line);
      line = " ".repeat(indent) + word;
      start = 0;
    } else line = line || lines.length > 0 ? `${line} ${word}` : word;
  }
  return [...lines, line];
}

/** GNU style: `file:line:column: error: message [code]`. */
export function renderGnu({ code, severity, message, span }: Diagnostic): string {
  return `${span ? `${describePlace(span)}: ` : ""}${severity}: ${message} [${code}]`;
}

export function describePlace({ source, start }: Span): string {
  const { line, column } = positionAt(source, start);
  return `${source.name}:${line}:${column}`;
}

/** Wider lines are cut around the place, so that frames fit a terminal. */
const widest = 100;

function frame(span: Span, severity: Diagnostic["severity"], paint: Paint, width: number): string[] {
  const { source, start, end } = span;
  const { line, column } = positionAt(source, start);
  const margin = " ".repeat(width);
  const text = lineText(source, line);
  const from = column - 1;
  const to = Math.max(from + 1, Math.min(from + (end - start), text.length));
  const room = widest - width - 3;
  const cut = to >= room ? wholeCharacter(text, Math.max(0, from - 20)) : 0;
  const lead = cut > 0 ? "\u2026" : "";
  const left = text.length - cut;
  const stop = left + lead.length <= room ? text.length : wholeCharacter(text, cut + room - lead.length - 1);
  const shown = `${lead}${text.slice(cut, stop)}${stop < text.length ? "\u2026" : ""}`;
  // What stands before the place keeps its tabs, so that the mark lines up under any tab width.
  const before = [...text.slice(cut, from)].map((character) =>
    character === "\t" ? "\t" : " ".repeat(columns(character)),
  );
  const marks = "^".repeat(Math.max(1, columns(text.slice(from, Math.min(to, stop)))));
  return [
    `${margin} ${paint("faint", "-->")} ${describePlace(span)}`,
    `${paint("faint", `${line} |`)} ${shown}`.trimEnd(),
    `${paint("faint", `${margin} |`)} ${" ".repeat(lead.length)}${before.join("")}${paint(severity, marks)}`,
  ];
}

/** The offset, or the one before where it would cut a character of two code units in half. */
const wholeCharacter = (text: string, at: number): number =>
  /[\uDC00-\uDFFF]/.test(text[at] ?? "") ? at - 1 : at;

/** How many terminal columns a text takes: wide characters count two, combining ones none. */
function columns(text: string): number {
  let count = 0;
  for (const character of text) {
    if (/\p{Mark}|\u200D|\uFE0F/u.test(character)) continue;
    count +=
      /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Extended_Pictographic}/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return count;
}
