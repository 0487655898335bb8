/**
 * `check --fix`: the certain fixes of a file, applied until none is left. A fix is certain that stands alone; where a reader has
 * to choose between several, nothing is done. What is written keeps the byte-order mark and the line ends that it had.
 */
import { readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type Code, type Diagnostic, type Edit, type Fix, makeDiagnostic } from "../base/diagnostic.ts";
import { applyEdits } from "../base/fix.ts";
import { lineDiff } from "../base/line-diff.ts";
import { makeSource, positionAt, type Source } from "../base/source.ts";
import { whyNot } from "../node/files.ts";

export interface AppliedFix {
  readonly code: Code;
  readonly title: string;
  /** Where it was in the text as it stood then, from 1. */
  readonly line: number;
  readonly column: number;
}

export interface FixedFile {
  readonly before: string;
  /** With its line ends and its byte-order mark; as it was where nothing is certain, or more would be wrong. */
  readonly after: string;
  readonly applied: readonly AppliedFix[];
  /** Errors with the fixes, where they would be more than without: then nothing was done. */
  readonly wouldBe?: { readonly errors: number; readonly instead: number };
}

/** What each round brings to light may be fixed in the next. */
const mostRounds = 30;

/** Fixes a text, given what is said of a source. */
export function fixText(
  file: string,
  before: string,
  diagnose: (source: Source) => readonly Diagnostic[],
): FixedFile {
  let text = before;
  const applied: AppliedFix[] = [];
  const first = diagnose(makeSource(file, before));
  let found = first;
  for (let round = 0; round < mostRounds; round++) {
    const source = makeSource(file, text);
    const { edits, fixes } = certainFixes(found, source);
    const mended = fixes.length > 0 ? applyToRaw(text, edits) : text;
    if (mended === text) break;
    text = mended;
    applied.push(...fixes);
    found = diagnose(makeSource(file, text));
  }
  const [errors, instead] = [found, first].map(countErrors);
  if (errors > instead) return { before, after: before, applied: [], wouldBe: { errors, instead } };
  return { before, after: text, applied };
}

const countErrors = (diagnostics: readonly Diagnostic[]): number =>
  diagnostics.filter(({ severity }) => severity === "error").length;

/** The fixes that stand alone and change only this source, those left out that meet another. */
function certainFixes(
  diagnostics: readonly Diagnostic[],
  source: Source,
): { readonly edits: readonly Edit[]; readonly fixes: readonly AppliedFix[] } {
  let edits: readonly Edit[] = [];
  const fixes: AppliedFix[] = [];
  for (const { code, span, fixes: [fix, another] = [] } of diagnostics) {
    if (!fix || another || !span || !isOf(fix, source)) continue;
    const together = [...edits, ...fix.edits];
    if (applyEdits(source.text, together) === undefined) continue;
    edits = together;
    fixes.push({ code, title: fix.title, ...positionAt(span.source, span.start) });
  }
  return { edits, fixes };
}

const isOf = ({ edits }: Fix, source: Source): boolean =>
  edits.every(({ span }) => span.source.name === source.name && span.source.text === source.text);

/** Edits of the text as the compiler sees it, made in the text as it is on disk. */
function applyToRaw(raw: string, edits: readonly Edit[]): string {
  const offsets = rawOffsets(raw);
  const lineEnd = raw.includes("\r\n") ? "\r\n" : "\n";
  const source: Source = { name: "", text: raw };
  const moved = edits.map(({ span, text }) => {
    const place = { source, start: offsets[span.start], end: offsets[span.end] };
    return { span: place, text: text.replaceAll("\n", lineEnd) };
  });
  return applyEdits(raw, moved) ?? raw;
}

/** Where each character of makeSource's text stands in the text on disk, and its end. */
function rawOffsets(raw: string): readonly number[] {
  const offsets: number[] = [];
  for (let at = raw.startsWith("\uFEFF") ? 1 : 0; at < raw.length; at++) {
    offsets.push(at);
    if (raw[at] === "\r" && raw[at + 1] === "\n") at++;
  }
  offsets.push(raw.length);
  return offsets;
}

/** What would change, as `diff -u` shows it. */
export const showDiff = (file: string, { before, after }: FixedFile): string =>
  lineDiff(before.replaceAll("\r", ""), after.replaceAll("\r", ""), file, `${file}, fixed`).trimEnd();

/** The text of a file, with its line ends. */
export function readRaw(file: string): string | Diagnostic {
  try {
    // TextDecoder would swallow the byte-order mark.
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(readFileSync(file));
  } catch (error) {
    return makeDiagnostic("unreadable-file", undefined, { path: file, why: whyNot(error) });
  }
}

/** Writes beside the file and renames: nobody sees half of it. What is a link stays one, and modes stay. */
export function writeWhole(file: string, text: string): Diagnostic | undefined {
  const target = realpathSync(file);
  const staging = `${target}.${process.pid}.tmp`;
  try {
    writeFileSync(staging, text, { mode: statSync(target).mode });
    renameSync(staging, target);
    return undefined;
  } catch (error) {
    rmSync(staging, { force: true });
    return makeDiagnostic("unwritable-output", undefined, { path: file, why: whyNot(error) });
  }
}
