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
      const differing = [...found.rows, ...found.totals].filter(differs);
      const [a, b] = found.names;
      this.#result.replaceChildren(
        make("h2", {}, differing.length === 0 ? "Nothing differs" : `What differs from ${a} to ${b}`),
        ...(differing.length === 0 ? [] : [tableOf(differing)]),
      );
    } catch (error) {
      this.#result.replaceChildren(make("p", { class: "wrong" }, messageOf(error)));
    }
  }
}

const differs = ({ cells }: ComparedRow): boolean => cells.some(({ a, b }) => a !== b);

function tableOf(rows: readonly ComparedRow[]): HTMLElement {
  const lines = rows.flatMap(({ name, cells }) =>
    cells.filter(({ a, b }) => a !== b).map(({ what, a, b }) => [name, what, a || "none", b || "none"]),
  );
  const made = table("Differences", ["where", "what", "editor", "second"], lines);
  return make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Differences" }, made);
}
