/** Tabs as the ARIA practices have them: one is in the order of Tab, arrows go to the others. */
import { find } from "./dom.ts";

export function tabs(onChoose: (name: string) => void): (name: string) => void {
  const all = [...find("[role=tablist]").querySelectorAll<HTMLButtonElement>("[role=tab]")];
  const nameOf = (tab: HTMLElement) => tab.getAttribute("aria-controls") ?? "";
  const choose = (tab: HTMLButtonElement) => {
    for (const other of all) {
      const isChosen = other === tab;
      other.setAttribute("aria-selected", String(isChosen));
      other.tabIndex = isChosen ? 0 : -1;
      find(`#${nameOf(other)}`).hidden = !isChosen;
    }
    onChoose(nameOf(tab));
  };
  // What is only read is scrolled by the keyboard, too.
  for (const tab of all) find(`#${nameOf(tab)}`).tabIndex = 0;
  const steps: Readonly<Record<string, (at: number) => number>> = {
    ArrowRight: (at) => (at + 1) % all.length,
    ArrowLeft: (at) => (at + all.length - 1) % all.length,
    Home: () => 0,
    End: () => all.length - 1,
  };
  for (const [i, tab] of all.entries()) {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      const next = all[step(i)];
      choose(next);
      next.focus();
    });
  }
  choose(all[0]);
  return (name) => choose(all.find((tab) => nameOf(tab) === name) ?? all[0]);
}
