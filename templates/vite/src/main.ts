/** A page that says what is on a picture. The network is src/__NET__.resnet; the plugin in vite.config.ts compiles it. */
import { type Guess, load } from "./__NET__.resnet";

const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const [facts, status, guesses] = [find("facts"), find("status"), find("guesses")];
const progress = find<HTMLProgressElement>("progress");
const photo = find<HTMLImageElement>("photo");
const input = find<HTMLInputElement>("file");

// In a worker, so that the page stays smooth while the network thinks.
const loading = load({
  worker: true,
  onProgress: ({ loaded, total }) => {
    progress.value = loaded / total;
  },
});

loading.then(
  ({ info }) => {
    const millions = (info.params / 1e6).toLocaleString(undefined, { maximumFractionDigits: 1 });
    facts.textContent = `${info.name}: ${millions} million parameters, weights: ${info.weights}`;
    progress.hidden = true;
    find("untrained").hidden = !info.weights.startsWith("He initialisation");
  },
  (error: Error) => {
    facts.textContent = `The network does not load: ${error.message}`;
    progress.hidden = true;
  },
);

/** A newer picture takes over from one that is still being looked at. */
let latest = 0;

async function show(file: Blob): Promise<void> {
  const turn = ++latest;
  URL.revokeObjectURL(photo.src);
  photo.src = URL.createObjectURL(file);
  photo.hidden = false;
  find("choose").textContent = "Choose another picture";
  find("ways").hidden = true;
  guesses.replaceChildren();
  status.textContent = "Looking …";
  try {
    const net = await loading;
    const start = performance.now();
    const found = await net.classify(file, { top: 5 });
    if (turn !== latest) return;
    status.textContent = `${nameOf(found[0])}, ${percent(found[0])}. That took ${Math.round(performance.now() - start)} ms.`;
    guesses.replaceChildren(...found.map(barOf));
  } catch (error) {
    if (turn === latest) status.textContent = (error as Error).message;
  }
}

/** Nets without labels have numbers only. */
const nameOf = ({ index, label }: { readonly index: number; readonly label?: string }) =>
  label ?? `class ${index}`;
const percent = ({ score }: Guess) =>
  score.toLocaleString(undefined, { style: "percent", maximumFractionDigits: 1 });

function barOf(guess: Guess): HTMLLIElement {
  const item = document.createElement("li");
  const [name, value, bar] = ["span", "span", "i"].map((tag) => document.createElement(tag));
  name.textContent = nameOf(guess);
  value.textContent = percent(guess);
  bar.style.setProperty("--share", String(guess.score));
  item.append(name, value, bar);
  return item;
}

input.addEventListener("change", () => {
  const [file] = input.files ?? [];
  if (file) show(file);
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => take(event, event.dataTransfer));
addEventListener("paste", (event) => take(event, event.clipboardData));

function take(event: Event, data: DataTransfer | null): void {
  const file = [...(data?.files ?? [])].find(({ type }) => type.startsWith("image/"));
  event.preventDefault();
  if (file) show(file);
  else status.textContent = "That is no picture.";
}
