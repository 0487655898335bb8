/** Weights: random ones, or a checkpoint from the reader's disk, which stays in the page. */
import { button, make, messageOf } from "./dom.ts";
import type { CheckpointAnswer, Fit } from "./protocol.ts";
import type { Page, Subject } from "./view.ts";

const random =
  "Random weights (He initialisation, seed 0): answers mean nothing until a checkpoint is loaded.";

export class CheckpointCard {
  readonly element: HTMLElement;
  readonly #page: Page;
  readonly #onChange: () => void;
  readonly #said = make("div", { role: "status" }, make("p", { class: "loud" }, random));
  readonly #fit = make("div");
  readonly #forget = button("Random weights", () => this.#drop());
  #subject: Subject | undefined;
  #loaded: CheckpointAnswer | undefined;
  /** Whether the checkpoint fits the text in the editor. */
  trained = false;

  constructor(page: Page, onChange: () => void) {
    this.#page = page;
    this.#onChange = onChange;
    const input = make("input", { type: "file", multiple: true, class: "file", id: "checkpoint-file" });
    input.addEventListener("change", () => void this.load([...(input.files ?? [])]));
    this.#forget.hidden = true;
    const choose = make("label", { class: "button", for: "checkpoint-file" }, "Load a checkpoint…");
    this.element = make(
      "section",
      { "aria-label": "Weights" },
      make("h2", {}, "Weights"),
      make("div", { class: "bar" }, input, choose, this.#forget),
      this.#said,
      this.#fit,
    );
  }

  /** Another text is in the editor. */
  async show(subject: Subject): Promise<void> {
    this.#subject = subject;
    if (!this.#loaded?.title) return;
    const found = await this.#page.jobs.latest("fit", { text: subject.text, net: subject.net });
    if (found) this.#setFit(found);
  }

  async load(files: readonly File[]): Promise<void> {
    if (files.length === 0) return;
    // A text with mistakes is no reason not to say what a file is.
    const { text, net } = this.#subject ?? { text: "", net: undefined };
    // An index or a manifest is what says which file has what.
    const sorted = files.toSorted(
      (a, b) => Number(b.name.endsWith(".json")) - Number(a.name.endsWith(".json")),
    );
    this.#said.replaceChildren(make("p", {}, `Reading ${sorted[0].name}…`));
    try {
      const read = sorted.map(async (file) => ({ name: file.name, bytes: await file.arrayBuffer() }));
      const all = await Promise.all(read);
      const buffers = all.map(({ bytes }) => bytes);
      this.#take(await this.#page.jobs.ask("checkpoint", { files: all, text, net }, buffers), sorted[0].name);
    } catch (error) {
      this.#said.replaceChildren(make("p", { class: "wrong" }, messageOf(error)));
    }
  }

  #take(found: CheckpointAnswer, file: string): void {
    this.#loaded = found;
    const { title, lines, spec } = found;
    this.#forget.hidden = title === undefined;
    const list = make("ul", {}, ...lines.map((line) => make("li", {}, line)));
    this.#said.replaceChildren(
      make("p", { class: title === undefined ? "wrong" : "what" }, title ?? `${file} cannot be read here.`),
      title === undefined ? list : make("details", {}, make("summary", {}, "What its shapes say"), list),
      ...(spec === undefined
        ? []
        : [button("Write its spec into the editor", () => this.#page.write(spec), { class: "main" })]),
    );
    this.#setFit(found.fit);
  }

  #setFit({ fits, lines }: Fit): void {
    const before = this.trained;
    this.trained = fits;
    const net = this.#subject?.shown.name ?? "the net";
    const words = fits
      ? `It fits ${net}, which runs with it.`
      : `It does not fit ${net}, which runs with random weights: answers mean nothing.`;
    const shown = this.#loaded?.title === undefined;
    this.#fit.replaceChildren(
      ...(shown
        ? [make("p", { class: "loud" }, random)]
        : [
            make("p", { class: fits ? "fine" : "loud" }, words),
            make("ul", { class: "muted" }, ...lines.slice(0, 8).map((line) => make("li", {}, line))),
          ]),
    );
    if (before || fits) this.#onChange();
  }

  #drop(): void {
    this.#loaded = undefined;
    this.trained = false;
    this.#forget.hidden = true;
    this.#fit.replaceChildren();
    this.#said.replaceChildren(make("p", { class: "loud" }, random));
    this.#onChange();
  }
}
