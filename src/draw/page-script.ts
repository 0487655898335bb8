/** What runs in the page that `resnetc draw` writes: it redraws by the same code. */
import type { Colouring } from "./colours.ts";
import type { PageData } from "./page.ts";
import { drawPicture } from "./picture.ts";
import type { Step } from "./steps.ts";

const find = <E extends Element>(selector: string): E => document.querySelector<E>(selector)!;
const data = JSON.parse(find("script[type='application/json']").textContent ?? "") as PageData;
const steps: Step[] = [];
for (const step of data.steps) steps.push({ ...step, sources: step.sources.map((place) => steps[place]) });
const times = data.times && new Map(data.times);
const open = new Set(data.unfold === "all" ? [] : data.unfold);
const [main, select, all, output] = [
  find<HTMLElement>("main"),
  find<HTMLSelectElement>("select"),
  find<HTMLButtonElement>("#all"),
  find<HTMLOutputElement>("output"),
];
const isAll = () => all.getAttribute("aria-pressed") === "true";

const bandOf = (stage: string) =>
  main.querySelector<SVGGElement>(`.heads[data-stage="${CSS.escape(stage)}"]`);

/** The stage that was chosen stays where it is on the screen. */
function draw(stage?: string): void {
  const before = stage && bandOf(stage)?.getBoundingClientRect().top;
  const view = { unfold: isAll() ? ("all" as const) : open, colour: select.value as Colouring, times };
  main.innerHTML = drawPicture(steps, data, view);
  prepare();
  if (stage === undefined || before === undefined) return;
  const band = bandOf(stage);
  scrollBy(0, (band?.getBoundingClientRect().top ?? 0) - Number(before));
  band?.focus({ preventScroll: true });
}

/** Stages of several blocks are buttons, so the picture is no mere image any more. */
function prepare(): void {
  main.querySelector("svg")?.setAttribute("role", "group");
  for (const band of main.querySelectorAll<SVGGElement>(".heads[data-blocks]")) {
    band.setAttribute("role", "button");
    band.setAttribute("tabindex", "0");
    band.setAttribute("aria-expanded", String(isAll() || open.has(band.dataset.stage!)));
  }
}

function toggle(stage: string): void {
  if (isAll()) {
    all.setAttribute("aria-pressed", "false");
    for (const band of main.querySelectorAll<SVGGElement>(".heads[data-blocks]"))
      open.add(band.dataset.stage!);
  }
  if (!open.delete(stage)) open.add(stage);
  draw(stage);
}

const stageAt = (target: EventTarget | null) =>
  (target as Element | null)?.closest<SVGGElement>(".heads[data-blocks]")?.dataset.stage;

main.addEventListener("click", ({ target }) => {
  const stage = stageAt(target);
  if (stage !== undefined) return toggle(stage);
  output.textContent = (target as Element).closest(".box")?.querySelector("title")?.textContent ?? "";
});
main.addEventListener("keydown", (event) => {
  const stage = stageAt(event.target);
  if (stage === undefined || (event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  toggle(stage);
});
select.addEventListener("change", () => draw());
all.addEventListener("click", () => {
  all.setAttribute("aria-pressed", String(!isAll()));
  draw();
});
prepare();
