/** The mistakes as a list under the editor, with what can be done about them. */
import { button, find, make } from "./dom.ts";
import type { Editor } from "./editor.ts";
import type { Problem } from "./protocol.ts";

export function showProblems(problems: readonly Problem[], editor: Editor): void {
  const home = find("#problems");
  home.tabIndex = 0;
  const { text } = editor;
  if (problems.length === 0) {
    home.replaceChildren(make("p", { class: "fine" }, "No problems."));
    return;
  }
  home.replaceChildren(
    make("p", {}, countsOf(problems)),
    make("ul", {}, ...problems.map((problem) => itemOf(problem, editor, text))),
  );
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

function countsOf(problems: readonly Problem[]): string {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  return [
    ...(errors > 0 ? [plural(errors, "error")] : []),
    ...(warnings > 0 ? [plural(warnings, "warning")] : []),
  ].join(", ");
}

function itemOf(problem: Problem, editor: Editor, text: string): HTMLElement {
  const { severity, line, message, hint, notes, fixes, from } = problem;
  const place = button(`line ${line}`, () => editor.goTo(from), { class: "place" });
  const words = hint ? `${message}: ${hint}` : message;
  return make(
    "li",
    { class: severity },
    ...[make("strong", {}, severity), " ", place, " ", words],
    ...notes.map((note) => make("p", { class: "note" }, note)),
    ...fixes.map(({ title, changes }) => button(title, () => editor.apply(changes, text), { class: "fix" })),
  );
}
