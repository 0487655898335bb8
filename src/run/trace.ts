/**
 * A profile as a trace that Perfetto and Chrome's DevTools open: the JSON of Google's "Trace Event Format", complete events in
 * microseconds, a layer behind the other, stages above them.
 */
import type { Layer, Profile } from "./profile.ts";

export function traceOf(net: string, { layers, ms }: Profile): string {
  let now = 0;
  const timed = layers.map((layer) => {
    const start = now;
    now += 1000 * layer.ms;
    return { layer, start };
  });
  const stages: { name: string; start: number; end: number }[] = [];
  for (const { layer, start } of timed) {
    const name = layer.name.split(".")[0];
    const last = stages[stages.length - 1];
    const end = start + 1000 * layer.ms;
    if (last?.name === name) last.end = end;
    else stages.push({ name, start, end });
  }
  const events = [
    { name: "process_name", ph: "M", pid: 1, tid: 1, args: { name: net } },
    { name: "thread_name", ph: "M", pid: 1, tid: 1, args: { name: "layers" } },
    event(net, "net", 0, now, { wholeMs: round(ms) }),
    ...stages.map(({ name, start, end }) => event(name, "stage", start, end - start, {})),
    ...timed.map(({ layer, start }) =>
      event(layer.name, "layer", start, 1000 * layer.ms, argumentsOf(layer)),
    ),
  ];
  return `${JSON.stringify({ displayTimeUnit: "ms", traceEvents: events }, null, 1)}\n`;
}

const event = (name: string, cat: string, ts: number, dur: number, args: object) => ({
  ...{ name, cat, ph: "X", ts: round(ts), dur: round(dur), pid: 1, tid: 1, args },
});

const argumentsOf = ({ what, kernels, macs, bytes, ms, predictedMs }: Layer) => ({
  ...{ operation: what, kernels, macs, bytes },
  ...(macs > 0 ? { "GMAC/s": round(macs / ms / 1e6) } : {}),
  ...(predictedMs === undefined ? {} : { predictedMs: round(predictedMs) }),
});

/** Nanoseconds are enough. */
const round = (value: number): number => Math.round(value * 1000) / 1000;
