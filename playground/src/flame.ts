/** Where the time of a run goes: the net, its stages, their blocks, their layers, each as wide as it took long. */
import type { Layer } from "../../src/run/layers.ts";
import { make } from "./dom.ts";

interface Part {
  readonly name: string;
  readonly about: string;
  readonly start: number;
  readonly ms: number;
}

/** Bars narrower than this share have no words. */
const wordy = 0.035;

export function flame(layers: readonly Layer[], name: string): HTMLElement {
  const total = layers.reduce((sum, { ms }) => sum + ms, 0);
  const depths = Math.max(...layers.map((layer) => layer.name.split(".").length));
  const rows = [[{ name, about: `${name}: ${total.toFixed(2)} ms`, start: 0, ms: total }]];
  for (let depth = 1; depth <= Math.min(depths - 1, 3); depth++) rows.push(partsOf(layers, depth, total));
  const last = layers.map((layer, i) => ({
    name: layer.what,
    about: aboutLayer(layer, total),
    start: layers.slice(0, i).reduce((sum, { ms }) => sum + ms, 0),
    ms: layer.ms,
  }));
  const about = make("output", { class: "about-bar" });
  const chart = make("div", { class: "flame", role: "list", "aria-label": "Times of the parts" });
  for (const [depth, row] of [...rows, last].entries()) {
    const line = make("div", { class: "flame-row", role: "presentation" });
    for (const part of row) line.append(barOf(part, total, depth));
    chart.append(line);
  }
  const show = ({ target }: Event) => {
    const title = (target as HTMLElement).title;
    if (title) about.textContent = title;
  };
  for (const event of ["pointerover", "focusin", "click"]) chart.addEventListener(event, show);
  return make("div", {}, chart, about);
}

/** Layers in a row whose names begin alike are one part. */
function partsOf(layers: readonly Layer[], depth: number, total: number): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const { name, ms } of layers) {
    const key = name.split(".").slice(0, depth).join(".");
    const before = parts[parts.length - 1];
    const joined = before?.name === key ? parts.pop() : undefined;
    const sum = ms + (joined?.ms ?? 0);
    const about = `${key}: ${sum.toFixed(2)} ms, ${percent(sum, total)}`;
    parts.push({ name: key, about, start: joined?.start ?? at, ms: sum });
    at += ms;
  }
  return parts;
}

const percent = (ms: number, total: number): string => `${((100 * ms) / total).toFixed(1)} %`;

function aboutLayer({ name, what, kernels, ms, macs, predictedMs }: Layer, total: number): string {
  const speed = macs > 0 ? `, ${(macs / ms / 1e6).toFixed(1)} G multiply-adds a second` : "";
  const predicted = predictedMs === undefined ? "" : `, predicted ${predictedMs.toFixed(2)} ms`;
  return `${name}, ${what} (${kernels}): ${ms.toFixed(2)} ms, ${percent(ms, total)}${predicted}${speed}`;
}

function barOf({ name, about, start, ms }: Part, total: number, depth: number): HTMLElement {
  const share = ms / total;
  const bar = make(
    "div",
    {
      class: "flame-bar",
      role: "listitem",
      title: about,
      "aria-label": about,
      tabindex: depth === 1 ? 0 : -1,
    },
    share < wordy ? "" : name,
  );
  bar.style.left = `${(100 * start) / total}%`;
  bar.style.width = `${100 * share}%`;
  bar.dataset.heat = String(Math.min(4, Math.floor(share * 20)));
  return bar;
}
