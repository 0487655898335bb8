/** The text in the editor beside another one: what differs, stage by stage. */

import { find, make, messageOf, table } from "./dom.ts";
import { Editor } from "./editor.ts";
import type { ComparedRow } from "./protocol.ts";
import type { Page, Subject, View } from "./view.ts";

const pause = 150;

export class CompareTab implements View {
  readonly #page: Page;
  readonly #result = make("div");
  readonly #host = make("div", { class: "second" });
  readonly #nets = make("select");
  #editor: Editor | undefined;
  #subject: Subject | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(page: Page) {
    this.#page = page;
    const words = make("span", { class: "muted" }, "A second text; it starts as a copy of the first.");
    const bar = make("div", { class: "bar" }, words, make("label", {}, "Its net ", this.#nets));
    find("#compare").append(bar, this.#host, this.#result);
    this.#nets.addEventListener("change", () => void this.#compare());
  }

  async show(subject: Subject): Promise<void> {
    this.#subject = subject;
    this.#editor ??= new Editor({
      parent: this.#host,
      label: "The other network, as text",
      text: subject.text,
      compiler: this.#page.compiler,
      onChange: () => {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => void this.#compare(), pause);
      },
    });
    await this.#compare();
  }

  async #compare(): Promise<void> {
    if (!this.#subject || !this.#editor) return;
    const { text, net } = this.#subject;
    try {
      const found = await this.#page.compiler.latest("compare", {
        a: { text, net },
        b: { text: this.#editor.text, net: this.#nets.value || net },
      });
      if (!found) return;
      if ([...this.#nets.options].map(({ value }) => value).join() !== found.nets.join())
        this.#nets.replaceChildren(...found.nets.map((name) => make("option", { value: name }, name)));
      this.#nets.value = found.names[1];
      const { words, rows } = found;
      const [a, b] = found.names;
      this.#result.replaceChildren(
        make("h2", {}, words.length === 0 ? "Nothing differs" : `From ${a} to ${b}`),
        make("ul", {}, ...words.map((line) => make("li", {}, line))),
        ...(rows.length === 0 ? [] : [tableOf(rows)]),
      );
    } catch (error) {
      this.#result.replaceChildren(make("p", { class: "wrong" }, messageOf(error)));
    }
  }
}

function tableOf(rows: readonly ComparedRow[]): HTMLElement {
  const lines = rows.map(({ name, what, a, b, change }) => [name, what, a, b, change]);
  const made = table("Counts that differ", ["where", "what", "editor", "second", "change"], lines);
  return make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Differences" }, made);
}
