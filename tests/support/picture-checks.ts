/** What must hold of every picture: good XML, nothing collides, every link is drawn once. */
import type { Box, Layout } from "../../src/draw/layout.ts";
import type { Step } from "../../src/draw/steps.ts";

/** The first thing that is no XML; enough of a parser for a file without comments and CDATA. */
export function xmlProblem(text: string): string | undefined {
  const open: string[] = [];
  const token = /<(\/?)([a-zA-Z]+)((?:\s+[a-zA-Z:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  let end = 0;
  for (let found = token.exec(text); found; found = token.exec(text)) {
    end = token.lastIndex;
    const [all, closing, tag, attributes = "", empty, words] = found;
    const names = [...attributes.matchAll(/([a-zA-Z:-]+)=/g)].map(([, name]) => name);
    if (new Set(names).size < names.length) return `${all} has an attribute twice`;
    if (/&(?!(amp|lt|gt|quot);)/.test(all)) return `a bare & in ${all}`;
    if (words !== undefined) {
      if (words.trim() && open.length === 0) return `text outside: ${words}`;
    } else if (closing) {
      if (open.pop() !== tag) return `${all} closes nothing`;
    } else if (!empty) open.push(tag);
  }
  if (end < text.length) return `no XML: ${text.slice(end, end + 60)}`;
  return open.length > 0 ? `${open.join(", ")} is not closed` : undefined;
}

/** Two boxes that share ground, a box outside the picture, or a line through a box that is not its own. */
export function collision({ boxes, tracks, left, right, bottom }: Layout): string | undefined {
  const name = ({ step }: Box) => `${step.kind} ${step.name}`;
  const byRow = new Map<number, Box[]>();
  for (const box of boxes) {
    if (box.x - box.width / 2 < left - 1e-6 || box.x + box.width / 2 > right + 1e-6)
      return `${name(box)} is outside`;
    if (box.y - box.height / 2 < 0 || box.y + box.height / 2 > bottom) return `${name(box)} is outside`;
    byRow.set(box.row, [...(byRow.get(box.row) ?? []), box]);
  }
  const sorted = [...boxes].sort((a, b) => a.y - b.y);
  for (let i = 0; i < sorted.length; i++) {
    for (let j = i + 1; j < sorted.length && sorted[j].y - sorted[i].y < 40; j++) {
      const [a, b] = [sorted[i], sorted[j]];
      const apart = Math.abs(a.x - b.x) >= (a.width + b.width) / 2 || b.y - a.y >= (a.height + b.height) / 2;
      if (!apart) return `${name(a)} and ${name(b)} overlap`;
    }
  }
  for (const track of tracks) {
    const { from, to, x, returns } = track;
    if (returns && (x <= from.x || x <= to.x + to.width / 2)) {
      return `the track from ${name(from)} to ${name(to)} comes from the wrong side`;
    }
    for (let row = track.from.row + 1; row <= track.to.row; row++) {
      const hit = byRow.get(row)?.find((box) => {
        const own = track.boxes.includes(box) || box === track.to;
        return !own && Math.abs(box.x - track.x) < box.width / 2;
      });
      if (hit) return `the track from ${name(track.from)} to ${name(track.to)} runs through ${name(hit)}`;
    }
  }
  return undefined;
}

/** Every way that is drawn, as "from > to", sorted. */
export function drawnLinks({ flows, tracks }: Layout): readonly string[] {
  const link = (from: Step, to: Step) => `${from.kind} ${from.name} > ${to.kind} ${to.name} ${to.label}`;
  const ways = tracks.flatMap(({ from, to, boxes, returns }) => {
    const stops = [...(from === boxes[0] ? [] : [from]), ...boxes, ...(returns ? [to] : [])];
    return stops.slice(1).map((stop, i) => link(stops[i].step, stop.step));
  });
  return [...flows.map(({ from, to }) => link(from.step, to.step)), ...ways].sort();
}

export function wantedLinks(steps: readonly Step[]): readonly string[] {
  const link = (from: Step, to: Step) => `${from.kind} ${from.name} > ${to.kind} ${to.name} ${to.label}`;
  return steps.flatMap((to) => to.sources.map((from) => link(from, to))).sort();
}
