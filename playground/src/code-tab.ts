/** What the compiler writes: the plan of the wasm target, modules for several targets. */
import { find, make, messageOf } from "./dom.ts";
import type { CodeKind } from "./protocol.ts";
import type { Page, Subject, View } from "./view.ts";

const kinds: Readonly<Record<CodeKind, string>> = {
  plan: "the plan of the wasm target",
  wasm: "NAME.js of the wasm target",
  tfjs: "NAME.js of the tfjs target",
  pytorch: "NAME.py of the pytorch target",
  ir: "the graph",
};

export class CodeTab implements View {
  readonly #page: Page;
  readonly #select = make(
    "select",
    {},
    ...Object.entries(kinds).map(([kind, words]) => make("option", { value: kind }, words)),
  );
  readonly #note = make("p", { role: "status" });
  readonly #text = make("pre", { tabindex: 0, role: "region", "aria-label": "Text" });
  #subject: Subject | undefined;

  constructor(page: Page) {
    this.#page = page;
    const choose = make("label", {}, "Show ", this.#select);
    find("#code").append(make("div", { class: "bar" }, choose), this.#note, this.#text);
    this.#select.addEventListener("change", () => {
      if (this.#subject) void this.show(this.#subject);
    });
  }

  async show(subject: Subject): Promise<void> {
    this.#subject = subject;
    const { text, net } = subject;
    this.#note.textContent = "Compiling…";
    try {
      const kind = this.#select.value as CodeKind;
      const made = await this.#page.jobs.latest("code", { text, net, kind });
      if (made === undefined) return;
      const lines = made.split("\n").length.toLocaleString("en");
      this.#note.textContent = `${lines} lines, ${made.length.toLocaleString("en")} characters`;
      this.#text.textContent = made;
    } catch (error) {
      this.#note.textContent = messageOf(error);
      this.#text.textContent = "";
    }
  }
}
