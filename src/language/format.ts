/** Canonical format as one edit: only what differs, with the line breaks that the text has. */
import type { Edit } from "../base/diagnostic.ts";
import { format as formatSource } from "../parser/format.ts";
import type { Document } from "./document.ts";

/** Nothing where the text is canonical or does not parse. */
export function format({ source, text, lineBreak }: Document): readonly Edit[] {
  const canonical = formatSource(source).text;
  if (canonical === undefined) return [];
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  const wanted = mark + canonical.replaceAll("\n", lineBreak);
  if (wanted === text) return [];
  let start = 0;
  while (start < text.length && start < wanted.length && text[start] === wanted[start]) start++;
  let end = 0;
  const most = Math.min(text.length, wanted.length) - start;
  while (end < most && text[text.length - 1 - end] === wanted[wanted.length - 1 - end]) end++;
  const span = { source, start, end: text.length - end };
  return [{ span, text: wanted.slice(start, wanted.length - end) }];
}
