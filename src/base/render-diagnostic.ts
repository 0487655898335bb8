/**
 * Diagnostics → text: the code frame for people, one line for editors and logs. Colours come in as a
 * `paint` function, so that this stays pure and tests see plain text.
 *
 *     error shape-mismatch: cannot add 56x56x64 and 28x28x64: heights and widths differ
 *       --> model.resnet:8:24
 *     8 |   pair: conv(3x3, 64) + maxpool(3x3) /2
 *       |                       ^
 *       = 56x56x64 is made here, model.resnet:8:9
 *     8 |   pair: conv(3x3, 64) + maxpool(3x3) /2
 *       |         -------------
 *       = hint: give both sides the same stride
 */
import type { Diagnostic } from "./diagnostic.ts";
import { lineText, positionAt, type Span } from "./source.ts";

export type Paint = (style: "error" | "warning" | "info" | "code" | "faint" | "bold", text: string) => string;

export const noPaint: Paint = (_style, text) => text;

export function renderDiagnostic(diagnostic: Diagnostic, paint: Paint = noPaint): string {
  const { code, severity, message, span, notes, hint } = diagnostic;
  const lines = wrap(message, `${severity} ${code}: `.length, 2).map((line) => paint("bold", line));
  lines[0] = `${paint(severity, `${severity} ${code}`)}: ${lines[0]}`;
  const places = [span, ...notes.map((note) => note.span)].filter((place) => place !== undefined);
  const width = Math.max(1, ...places.map(({ source, start }) => `${positionAt(source, start).line}`.length));
  const margin = " ".repeat(width);
  const add = (text: string) => {
    const [first, ...rest] = wrap(text, width + 3, width + 3);
    lines.push(`${margin} ${paint("faint", "=")} ${first}`, ...rest);
  };
  if (span) {
    const marked = frame(span, "^", (marks) => paint(severity, marks), width, paint);
    lines.push(`${margin} ${paint("faint", "-->")} ${describePlace(span)}`, ...marked);
  }
  for (const note of notes) {
    add(`${note.message}${note.span ? `, ${describePlace(note.span)}` : ""}`);
    if (note.span) lines.push(...frame(note.span, "-", (marks) => paint("code", marks), width, paint));
  }
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

/** A terminal of 80 columns: wider lines are cut around the place. */
const widest = 80;

/** The line of a place and the marks under it: `width` columns are for line numbers. */
function frame(
  { source, start, end }: Span,
  mark: "^" | "-",
  paintMarks: (marks: string) => string,
  width: number,
  paint: Paint,
): string[] {
  const { line, column } = positionAt(source, start);
  const characters = charactersOf(lineText(source, line));
  const from = characters.findIndex(({ at }) => at >= column - 1);
  const first = from < 0 ? characters.length : from;
  const behind = characters.findIndex(({ at }) => at >= column - 1 + end - start);
  const last = Math.max(first + 1, behind < 0 ? characters.length : behind);
  const [left, right] = cutToFit(characters, first, last, widest - width - 3);
  const shown = characters.slice(left, right);
  const lead = left > 0 ? "\u2026" : "";
  const tail = right < characters.length ? "\u2026" : "";
  // What stands before the place keeps its tabs, so that the mark lines up under any tab width.
  const before = characters
    .slice(left, first)
    .map(({ text, columns }) => (text === "\t" ? "\t" : " ".repeat(columns)));
  const marked = characters.slice(first, Math.min(last, right));
  const marks = mark.repeat(Math.max(1, columnsOf(marked)));
  const number = String(line).padStart(width);
  return [
    `${paint("faint", `${number} |`)} ${lead}${shown.map(({ text }) => text).join("")}${tail}`.trimEnd(),
    `${paint("faint", `${" ".repeat(width)} |`)} ${" ".repeat(lead.length)}${before.join("")}${paintMarks(marks)}`,
  ];
}

/** Of characters that may take more than `room` columns, the first and the one behind the last to show. */
function cutToFit(
  characters: readonly Character[],
  first: number,
  last: number,
  room: number,
): readonly [left: number, right: number] {
  // A place near the end of a long line is shown with what stands before it.
  let left = columnsOf(characters.slice(0, last)) < room ? 0 : first;
  for (let used = 0; left > 0 && left > first - context; left--) {
    used += characters[left - 1].columns;
    if (used > context) break;
  }
  if (columnsOf(characters.slice(left)) + Number(left > 0) <= room) return [left, characters.length];
  let right = left;
  let used = left > 0 ? 2 : 1; // the dots
  while (right < characters.length && used + characters[right].columns <= room)
    used += characters[right++].columns;
  return [left, right];
}

/** So many columns before a place say where in its row it stands. */
const context = 20;

/** A character as people see it, where it starts in its line, and the columns that it takes in a terminal. */
interface Character {
  readonly text: string;
  readonly at: number;
  readonly columns: number;
}

function charactersOf(line: string): readonly Character[] {
  let at = 0;
  return [...line].map((text) => {
    const character = { text, at, columns: text === "\t" ? tabWidth : terminalColumns(text) };
    at += text.length;
    return character;
  });
}

const columnsOf = (characters: readonly Character[]): number =>
  characters.reduce((sum, { columns }) => sum + columns, 0);

/** What a tab takes at most. */
const tabWidth = 8;

/** Wide characters take two columns, combining ones none. */
function terminalColumns(character: string): number {
  if (/\p{Mark}|\u200D|\uFE0F/u.test(character)) return 0;
  const isWide =
    /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u;
  return isWide.test(character) ? 2 : 1;
}
