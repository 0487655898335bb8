/** The Markdown that hovers are written in: paragraphs, lists, fenced code, `code`, emphasis. Nothing is read as HTML. */
import { make } from "./dom.ts";

export function markdown(text: string): HTMLElement {
  const made = make("div", { class: "markdown" });
  const parts = text.split(/^```\w*\n([\s\S]*?)\n```$/m);
  for (const [i, part] of parts.entries()) {
    if (i % 2 === 1) made.append(make("pre", {}, part));
    else for (const block of part.split(/\n{2,}/)) if (block.trim()) made.append(paragraph(block.trim()));
  }
  return made;
}

function paragraph(text: string): HTMLElement {
  const lines = text.split("\n");
  if (!lines.every((line) => /^[-*] /.test(line))) return make("p", {}, ...inline(text));
  return make("ul", {}, ...lines.map((line) => make("li", {}, ...inline(line.slice(2)))));
}

function inline(text: string): (Node | string)[] {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (/^`.*`$/s.test(part)) return make("code", {}, part.slice(1, -1));
    return part.startsWith("**") && part.endsWith("**") ? make("strong", {}, part.slice(2, -2)) : part;
  });
}
