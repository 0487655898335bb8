/** What the back ends answered, side by side. */
import { best, softmax } from "../../src/pictures/scores.ts";
import type { Running, RunningWasm, Values } from "./backends.ts";
import { make } from "./dom.ts";

/** Runs that are measured, behind one that is not. */
const measuredRuns = 5;
/** No longer than this where a run is slow, in milliseconds. */
const longEnough = 2500;

export interface Measured {
  readonly outputs: Values;
  /** The median. */
  readonly ms: number;
  readonly runs: number;
}

export async function measure(net: Running, inputs: Values): Promise<Measured> {
  let outputs = await net.run(inputs);
  const times: number[] = [];
  const start = performance.now();
  while (times.length < measuredRuns && (times.length === 0 || performance.now() - start < longEnough)) {
    const before = performance.now();
    outputs = await net.run(inputs);
    times.push(performance.now() - before);
  }
  const sorted = times.toSorted((a, b) => a - b);
  return { outputs, ms: sorted[Math.floor(sorted.length / 2)], runs: sorted.length };
}

/** The largest difference of two results, absolute. */
export function difference(a: Values, b: Values): number {
  return Object.keys(a).reduce((most, name) => {
    return a[name].reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[name][i])), most);
  }, 0);
}

/** A card for a back end, which fills as it answers. */
export function cardOf(name: string): HTMLElement {
  return make(
    "section",
    { class: "card", "aria-label": name },
    make("h3", {}, name),
    make("p", {}, "waiting…"),
  );
}

export function fail(card: HTMLElement, why: string): void {
  card.replaceChildren(card.firstElementChild ?? "", make("p", { class: "muted" }, why));
}

export function fill(
  card: HTMLElement,
  { outputs, ms, runs }: Measured,
  net: RunningWasm,
  note: string,
  reference: Values | undefined,
): void {
  const apart = reference && difference(reference, outputs);
  card.replaceChildren(
    card.firstElementChild ?? "",
    make("p", { class: "ms" }, make("strong", {}, `${short(ms)} ms`), ` median of ${runs}`),
    make("p", { class: "muted" }, note),
    make(
      "p",
      { class: "muted" },
      apart === undefined
        ? "the others are compared with this"
        : apart === 0
          ? "the same to the bit"
          : `largest difference ${apart.toExponential(1)}`,
    ),
    net.classifies ? guesses(outputs, net) : shapes(outputs, net),
  );
}

const short = (ms: number): string => (ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : ms.toFixed(0));

function guesses(outputs: Values, { info, labels }: RunningWasm): HTMLElement {
  const [{ name, probabilities }] = info.outputs;
  const scores = probabilities ? Array.from(outputs[name]) : softmax(outputs[name]);
  const items = best(scores, 5, labels).map(({ label, index, score }) => {
    const bar = make("span", { class: "bar-of" });
    bar.style.width = `${(100 * score).toFixed(2)}%`;
    const words = make("span", { class: "guess" }, label ?? `class ${index}`);
    return make("li", {}, bar, words, make("span", {}, `${(100 * score).toFixed(1)} %`));
  });
  return make("ol", { class: "guesses" }, ...items);
}

/** For nets that do not classify. */
function shapes(outputs: Values, { info }: RunningWasm): HTMLElement {
  const lines = info.outputs.map(({ name, shape }) => {
    const values = outputs[name];
    const [least, most] = values.reduce(
      ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    );
    const size = shape.slice(1).join("x");
    return make("li", {}, `${name} ${size}, from ${least.toPrecision(3)} to ${most.toPrecision(3)}`);
  });
  return make("ul", {}, ...lines);
}
