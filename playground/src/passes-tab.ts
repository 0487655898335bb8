/** A slider over the passes: what each changed, and the picture behind it. */
import { find, make, messageOf, scrolled, svgOf } from "./dom.ts";
import type { PassRow } from "./protocol.ts";
import type { Page, Subject, View } from "./view.ts";

/** More lines than this are only counted. */
const shownLines = 400;

export class PassesTab implements View {
  readonly #page: Page;
  readonly #slider = make("input", { type: "range", min: 0, value: 0, id: "pass" });
  readonly #title = make("h2");
  readonly #summary = make("p");
  readonly #lines = make("pre", { tabindex: 0, role: "region", "aria-label": "Lines that changed" });
  readonly #drawing = scrolled("The picture behind the pass");
  #rows: readonly PassRow[] = [];
  #subject: Subject | undefined;

  constructor(page: Page) {
    this.#page = page;
    find("#passes").append(
      make("div", { class: "bar" }, make("label", { for: "pass" }, "Passes"), this.#slider),
      this.#title,
      this.#summary,
      this.#lines,
      this.#drawing,
    );
    this.#slider.addEventListener("input", () => void this.#draw());
  }

  async show(subject: Subject): Promise<void> {
    try {
      const rows = await this.#page.compiler.latest("passes", subject);
      if (!rows) return;
      this.#rows = rows;
      this.#subject = subject;
      this.#slider.max = String(rows.length - 1);
      await this.#draw();
    } catch (error) {
      this.#summary.textContent = messageOf(error);
    }
  }

  async #draw(): Promise<void> {
    const at = Number(this.#slider.value);
    const row = this.#rows[at];
    if (!row || !this.#subject) return;
    const { name, summary, nodes, changes, ms } = row;
    const before = this.#rows[at - 1];
    this.#slider.setAttribute("aria-valuetext", `${at}, ${name}`);
    this.#title.textContent = `${at}. ${name}`;
    const counts = before ? `${before.nodes} operations before, ${nodes} after` : `${nodes} operations`;
    const gone = changes.filter((line) => line.startsWith("-")).length;
    const lines =
      at === 0 ? "" : `; ${gone} lines gone, ${changes.length - gone} new, in ${ms.toFixed(1)} ms`;
    this.#summary.textContent = `${summary}: ${counts}${lines}.`;
    this.#lines.hidden = changes.length === 0;
    const more = changes.length - shownLines;
    this.#lines.replaceChildren(
      ...changes
        .slice(0, shownLines)
        .map((line) => make("span", { class: line.startsWith("-") ? "gone" : "new" }, `${line}\n`)),
      ...(more > 0 ? [`and ${more} more`] : []),
    );
    const { text, net } = this.#subject;
    try {
      const ask = { text, net, unfold: [], colour: "map" as const, passes: at };
      const svg = await this.#page.compiler.latest("picture", ask);
      if (svg !== undefined) this.#drawing.replaceChildren(svgOf(svg));
    } catch (error) {
      this.#summary.textContent = messageOf(error);
    }
  }
}
