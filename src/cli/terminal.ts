/**
 * The only file that writes to a terminal. Results go to stdout; diagnostics, progress and prose to stderr.
 * Colours follow NO_COLOR, FORCE_COLOR, TERM=dumb and whether the stream is a terminal.
 */
import { writeSync } from "node:fs";
import type { Diagnostic } from "../base/diagnostic.ts";
import { noPaint, type Paint, renderDiagnostic, renderGnu } from "../base/render-diagnostic.ts";
import { positionAt } from "../base/source.ts";

/** JSON output names its schema, so that readers can tell versions apart. */
export const schema = "resnetc/1";

export type DiagnosticFormat = "pretty" | "gnu" | "json";

function wantsColour(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR && FORCE_COLOR !== "0") return true;
  return stream.isTTY === true && TERM !== "dumb";
}

const styles: Readonly<Record<Parameters<Paint>[0], string>> = {
  error: "31;1",
  warning: "33;1",
  info: "36;1",
  code: "36",
  faint: "2",
  bold: "1",
};

const ansi: Paint = (style, text) => `\u001B[${styles[style]}m${text}\u001B[0m`;

export function paintFor(stream: NodeJS.WriteStream): Paint {
  return wantsColour(stream) ? ansi : noPaint;
}

let isQuiet = false;

/** Of a thread that helps the command: what there is to say, the command says. */
export function beQuiet(): void {
  isQuiet = true;
}

/** Waits until the pipe took it: `process.exit` must not cut a long table. */
function write(fd: number, text: string): void {
  if (isQuiet) return;
  let bytes: Uint8Array = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") return;
      if (code !== "EAGAIN") throw error;
    }
  }
}

export const print = (text: string): void => write(1, `${text}\n`);
export const printJson = (value: object): void => print(JSON.stringify({ schema, ...value }, null, 2));
export const note = (text: string): void => {
  clearProgress();
  write(2, `${text}\n`);
};

/** At most 80 columns, what goes on is indented. */
export function wrapped(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines[lines.length - 1];
    if (line.length + 1 + word.length > 80) lines.push(`  ${word}`);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join("\n");
}

/** Diagnostics as the user asked for them; the JSON form goes to stdout, for programs. */
export function printDiagnostics(
  diagnostics: readonly Diagnostic[],
  format: DiagnosticFormat = "pretty",
): void {
  if (format === "json") {
    printJson({ diagnostics: diagnostics.map(diagnosticToJson) });
    return;
  }
  const paint = paintFor(process.stderr);
  const render = format === "gnu" ? renderGnu : (d: Diagnostic) => renderDiagnostic(d, paint);
  for (const diagnostic of diagnostics) note(render(diagnostic));
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (format !== "pretty" || errors.length === 0) return;
  if (errors.length > 1) note(`${errors.length} errors`);
  note(paint("faint", `\`resnetc explain ${errors[0].code}\` says more`));
}

/** Lines and columns from 1, columns in UTF-16 code units. */
export function diagnosticToJson({ code, severity, message, span, notes, hint, fixes }: Diagnostic) {
  const place = (at: typeof span) => {
    if (!at) return {};
    const { line, column } = positionAt(at.source, at.start);
    const end = positionAt(at.source, at.end);
    return { file: at.source.name, line, column, endLine: end.line, endColumn: end.column };
  };
  return {
    code,
    severity,
    message,
    ...place(span),
    ...(notes.length > 0 ? { notes: notes.map((n) => ({ message: n.message, ...place(n.span) })) } : {}),
    ...(hint ? { hint } : {}),
    ...(fixes
      ? {
          fixes: fixes.map(({ title, edits }) => ({
            title,
            edits: edits.map((edit) => ({ ...place(edit.span), text: edit.text })),
          })),
        }
      : {}),
  };
}

// ---- progress ---------------------------------------------------------------------------------------

const started = performance.now();
let shown = false;
let lastShown = 0;
let lastText = "";

/**
 * Says on stderr what takes long: nothing in the first second, then a line that rewrites itself on a terminal and
 * a line a phase elsewhere. `share` is how much of it is done, 0 to 1.
 */
export function progress(text: string, share?: number): void {
  const now = performance.now();
  if (now - started < 1000) return;
  if (process.stderr.isTTY) {
    if (now - lastShown < 80) return;
    const percent = share === undefined ? "" : ` ${String(Math.floor(share * 100)).padStart(3)} %`;
    write(2, `\r\u001B[K${text}${percent}`);
    shown = true;
  } else if (text !== lastText) {
    write(2, `${text} …\n`);
  }
  lastShown = now;
  lastText = text;
}

function clearProgress(): void {
  if (shown) write(2, "\r\u001B[K");
  shown = false;
}

// ---- sizes and tables --------------------------------------------------------------------------------

export function fileSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} KB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  /** Longer texts are cut with "…". */
  readonly widest?: number;
}

/** An aligned table, two spaces between columns, no lines. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint = noPaint,
): string {
  const cut = (text: string, { widest }: Column) =>
    widest !== undefined && text.length > widest ? `${text.slice(0, widest - 1)}…` : text;
  const cells = rows.map((row) => row.map((text, i) => cut(text, columns[i])));
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((text, i) => (columns[i].align === "left" ? text.padEnd(widths[i]) : text.padStart(widths[i])))
      .join("  ")
      .trimEnd();
  return [paint("faint", line(columns.map(({ title }) => title))), ...cells.map(line)].join("\n");
}
