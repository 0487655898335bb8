/** The picture of the net: stages unfold by a click, boxes say what they are, colours say sizes or costs. */
import { type Colouring, colourings, colouringWords } from "../../src/draw/colours.ts";
import { button, find, make, messageOf, scrolled, svgOf } from "./dom.ts";
import type { Page, Subject, View } from "./view.ts";

export type Times = readonly (readonly [string, number])[];

export class PictureTab implements View {
  readonly #page: Page;
  readonly #home = scrolled("The picture");
  readonly #about = make("output", { class: "about" });
  readonly #select = make("select");
  readonly #every = button("Show every block", () => this.#toggleAll(), { "aria-pressed": "false" });
  readonly #open = new Set<string>();
  #subject: Subject | undefined;
  #times: Times | undefined;

  constructor(page: Page) {
    this.#page = page;
    const save = button("Save as SVG", () => this.#save());
    this.#listColourings();
    find("#picture").append(
      make("div", { class: "bar" }, make("label", {}, "Colour by ", this.#select), this.#every, save),
      this.#home,
      this.#about,
    );
    this.#select.addEventListener("change", () => void this.#draw());
    this.#home.addEventListener("click", ({ target }) => this.#click(target as Element));
    this.#home.addEventListener("keydown", (event) => {
      const stage = stageAt(event.target as Element);
      if (stage === undefined || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      void this.#toggle(stage);
    });
  }

  show(subject: Subject): Promise<void> {
    // What was measured is of one net.
    if (subject.text !== this.#subject?.text || subject.net !== this.#subject?.net) this.#setTimes(undefined);
    this.#subject = subject;
    return this.#draw();
  }

  /** Colours the picture of this text by what its layers took. */
  async colourBy(times: Times, subject: Subject): Promise<void> {
    this.#subject = subject;
    this.#setTimes(times);
    this.#select.value = "ms";
    await this.#draw();
  }

  #setTimes(times: Times | undefined): void {
    if (times === this.#times) return;
    this.#times = times;
    this.#listColourings();
  }

  #listColourings(): void {
    const { value } = this.#select;
    const offered = colourings.filter((colouring) => colouring !== "ms" || this.#times);
    this.#select.replaceChildren(
      ...offered.map((colouring) => make("option", { value: colouring }, colouringWords[colouring])),
    );
    this.#select.value = offered.includes(value as Colouring) ? value : "map";
  }

  get #isAll(): boolean {
    return this.#every.getAttribute("aria-pressed") === "true";
  }

  async #draw(stage?: string): Promise<void> {
    if (!this.#subject) return;
    const { text, net } = this.#subject;
    const unfold = this.#isAll ? ("all" as const) : [...this.#open];
    const colour = this.#select.value as Colouring;
    try {
      const svg = await this.#page.compiler.latest("picture", {
        text,
        net,
        unfold,
        colour,
        times: this.#times,
      });
      if (svg === undefined) return;
      const drawn = svgOf(svg);
      // No longer a mere picture: it has buttons.
      drawn.setAttribute("role", "group");
      this.#home.replaceChildren(drawn);
      for (const band of drawn.querySelectorAll<SVGGElement>(".heads[data-blocks]")) this.#prepare(band);
      if (stage !== undefined)
        find<SVGGElement>(`.heads[data-stage="${CSS.escape(stage)}"]`, drawn).focus({ preventScroll: true });
    } catch (error) {
      this.#home.replaceChildren(make("p", { class: "wrong" }, messageOf(error)));
    }
  }

  /** Stages of several blocks are buttons; their words are their names. */
  #prepare(band: SVGGElement): void {
    const { stage = "" } = band.dataset;
    const isOpen = this.#isAll || this.#open.has(stage);
    band.setAttribute("role", "button");
    band.setAttribute("tabindex", "0");
    band.setAttribute("aria-expanded", String(isOpen));
  }

  #click(target: Element): void {
    const stage = stageAt(target);
    if (stage !== undefined) void this.#toggle(stage);
    else this.#about.textContent = target.closest(".box")?.querySelector("title")?.textContent ?? "";
  }

  #toggle(stage: string): Promise<void> {
    if (this.#isAll) {
      this.#every.setAttribute("aria-pressed", "false");
      for (const band of this.#home.querySelectorAll<SVGGElement>(".heads[data-blocks]"))
        this.#open.add(band.dataset.stage ?? "");
    }
    if (!this.#open.delete(stage)) this.#open.add(stage);
    return this.#draw(stage);
  }

  #toggleAll(): Promise<void> {
    this.#every.setAttribute("aria-pressed", String(!this.#isAll));
    return this.#draw();
  }

  #save(): void {
    const svg = this.#home.querySelector("svg");
    if (!svg) return;
    const blob = new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" });
    const link = make("a", {
      href: URL.createObjectURL(blob),
      download: `${this.#subject?.shown.name ?? "net"}.svg`,
    });
    link.click();
    URL.revokeObjectURL(link.href);
  }
}

const stageAt = (target: Element): string | undefined =>
  target.closest<SVGGElement>(".heads[data-blocks]")?.dataset.stage;
