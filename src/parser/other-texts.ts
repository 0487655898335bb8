/**
 * Texts that are no .resnet file at all, or one with a merge in it: told in one message, where reading on would give one
 * for every line.
 */
import type { Report } from "../base/diagnostic.ts";
import { replace } from "../base/fix.ts";
import { lineText, positionAt, type Source, type Span } from "../base/source.ts";

/** Whether the text is of such a kind, which was reported then. */
export function reportOtherText(source: Source, report: Report): boolean {
  return reportConflict(source, report) || reportFences(source, report) || reportLanguage(source, report);
}

/** A text that was copied with the fences of its Markdown block. */
function reportFences(source: Source, report: Report): boolean {
  const spans = [...source.text.matchAll(/^[ \t]*```[^\n]*(?:\n|$)/gm)].map(({ index, 0: line }): Span => {
    return { source, start: index, end: index + line.length };
  });
  const [first] = spans;
  if (!first) return false;
  const mark = { ...first, start: first.start + source.text.slice(first.start).indexOf("`") };
  const hint = "the fences of a Markdown block are no part of the file: remove their lines";
  const edits = spans.map((span) => replace(span, ""));
  const fixes = [{ title: "remove the fences", edits }];
  report("bad-character", { ...mark, end: mark.start + 3 }, { text: "`" }, { hint, fixes });
  return true;
}

function reportConflict(source: Source, report: Report): boolean {
  const marks = [...source.text.matchAll(/^(?:<{7} |={7}$|>{7} ).*$/gm)];
  const [first] = marks;
  if (!first || !/^[<>]/.test(first[0])) return false;
  const spanAt = ({ index, 0: mark }: RegExpExecArray): Span => ({
    source,
    start: index,
    end: index + mark.length,
  });
  const notes = marks.slice(1, 3).map((mark) => {
    const message = mark[0].startsWith("=") ? "the other side begins here" : "and ends here";
    return { message, span: spanAt(mark) };
  });
  report(
    "merge-conflict",
    spanAt(first),
    {},
    { notes, hint: "keep one of the two sides and remove the marks" },
  );
  return true;
}

/** Whatever has one of our declarations is read as ours. */
const ours = /^[ \t]*(?:net|block|names|use|let)\b(?![ \t]*:)|^[ \t]*resnet[ \t]+\d/m;

// Signs that may stand in any line begin with its spaces only: over line breaks they would take quadratic time.
const languages: readonly (readonly [language: string, sign: RegExp])[] = [
  ["a prototxt of Caffe", /^[ \t]*(?:name|input|layers?)\s*(?::\s*"|\{)/m],
  [
    "a configuration of Darknet",
    /^[ \t]*\[(?:net|network|convolutional|shortcut|route|maxpool|avgpool|connected|softmax|yolo)\]/m,
  ],
  ["JSON", /^\s*[[{]\s*(?:"|\{)/],
  ["Python", /^(?:import \w+|from [\w.]+ import |class \w+.*:\s*$|def \w+\(.*:\s*$)/m],
  ["XML", /^\s*<[?!A-Za-z]/],
  ["an ONNX model as text", /^\s*(?:ir_version|graph)\s*[:{]/],
];

function reportLanguage(source: Source, report: Report): boolean {
  const { text } = source;
  if (ours.test(text)) return false;
  const found =
    languages.find(([, sign]) => sign.test(text)) ?? (isYaml(text) ? (["YAML"] as const) : undefined);
  if (!found) return false;
  const start = text.search(/\S/);
  const { line, column } = positionAt(source, start);
  const end = start + lineText(source, line).length - column + 1;
  const hint =
    "a net is `net name { ... }`, see grammar/README.md; `resnetc weights CHECKPOINT --write x.resnet` makes one of trained weights";
  report("other-language", { source, start, end }, { language: found[0] }, { hint });
  return true;
}

/** Keys with values, and none of the brackets that a net cannot do without. */
const isYaml = (text: string): boolean =>
  !/[(){}]/.test(text) && /^\s*(?:---\s*\n\s*)?[\w-]+:(?:\s|$)/.test(text);
