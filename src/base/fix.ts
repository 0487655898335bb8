/** Edits that mend a text: how they are made and applied. */
import type { Edit, Fix } from "./diagnostic.ts";
import type { Source, Span } from "./source.ts";

/** Puts a text in the place of a span. */
export const replace = (span: Span, text: string): Edit => ({ span, text });

export const insertBefore = ({ source, start }: Span, text: string): Edit => ({
  span: { source, start, end: start },
  text,
});

export const insertAfter = ({ source, end }: Span, text: string): Edit => ({
  span: { source, start: end, end },
  text,
});

/** "write `conv`": another word in the place of this one. */
export const write = (span: Span, text: string): Fix => ({
  title: text === "" ? "remove it" : `write \`${text}\``,
  edits: [replace(span, text)],
});

/** A fix for each word that may be meant. */
export const writeOneOf = (span: Span, texts: readonly string[]): readonly Fix[] =>
  texts.map((text) => write(span, text));

/** `use NAME from std`: in the row of the file that does so already, or in a row of its own. */
export function useFromStd(source: Source, name: string): Fix {
  const title = `add \`use ${name} from std\``;
  const { text } = source;
  const there = /^[ \t]*use\b[^\n"#]*?(?=[ \t]+from[ \t]+std\b)/m.exec(text);
  if (there) {
    const end = there.index + there[0].length;
    return { title, edits: [{ span: { source, start: end, end }, text: `, ${name}` }] };
  }
  const edition = /^\s*resnet[ \t]+\d+[ \t]*(?:#[^\n]*)?(?:\n|$)/.exec(text)?.[0].length ?? 0;
  const span: Span = { source, start: edition, end: edition };
  return {
    title,
    edits: [{ span, text: `${edition > 0 && text[edition - 1] !== "\n" ? "\n" : ""}use ${name} from std\n` }],
  };
}

/**
 * The text after some edits; undefined where two of them touch the same place. Equal edits count once: several
 * mistakes may want the same `use`.
 */
export function applyEdits(text: string, edits: readonly Edit[]): string | undefined {
  const sorted = distinct(edits).sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end);
  let result = "";
  let at = 0;
  for (const [i, { span, text: inserted }] of sorted.entries()) {
    if (span.start < at || (i > 0 && span.start === at && sorted[i - 1].span.start === at)) return undefined;
    result += text.slice(at, span.start) + inserted;
    at = span.end;
  }
  return result + text.slice(at);
}

function distinct(edits: readonly Edit[]): Edit[] {
  const seen = new Map(edits.map((edit) => [`${edit.span.start}:${edit.span.end}:${edit.text}`, edit]));
  return [...seen.values()];
}
