/** The gallery: examples and published networks, found by words. */
import { button, find, make, messageOf } from "./dom.ts";
import type { Gallery } from "./protocol.ts";
import type { Page } from "./view.ts";

/** More hits than this are only counted. */
const shownHits = 80;

export function prepareGallery({ jobs, write }: Page): void {
  const dialog = find<HTMLDialogElement>("#gallery");
  const search = make("input", {
    type: "search",
    "aria-label": "Search",
    placeholder: "resnet 50, convnext, …",
  });
  const list = make("ul");
  const count = make("p", { role: "status" });
  let known: Gallery | undefined;

  const take = async (name: string) => {
    try {
      write(await jobs.ask("galleryText", { name }));
      dialog.close();
    } catch (error) {
      count.textContent = messageOf(error);
    }
  };
  const render = () => {
    if (!known) return;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (text: string) => words.every((word) => text.toLowerCase().includes(word));
    const hits = [
      ...known.examples.filter(({ name, doc }) => fits(`${name} ${doc}`)),
      ...known.zoo.filter(fits).map((name) => ({ name, doc: "published" })),
    ];
    count.textContent = `${hits.length} networks${hits.length > shownHits ? `, the first ${shownHits} are shown` : ""}`;
    list.replaceChildren(
      ...hits.slice(0, shownHits).map(({ name, doc }) => {
        const one = button(name, () => take(name));
        one.append(make("small", {}, doc));
        return make("li", {}, one);
      }),
    );
  };
  search.addEventListener("input", render);
  search.addEventListener("keydown", ({ key }) => {
    if (key === "Enter") list.querySelector("button")?.click();
  });
  const close = button("Close", () => dialog.close());
  dialog.append(make("div", { class: "bar" }, search, close), count, list);

  find("#open-gallery").addEventListener("click", async () => {
    dialog.showModal();
    search.focus();
    if (known) return;
    count.textContent = "Reading the catalogue…";
    try {
      known = await jobs.ask("gallery", undefined);
      render();
    } catch (error) {
      count.textContent = messageOf(error);
    }
  });
}
