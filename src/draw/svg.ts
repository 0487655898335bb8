/** Places ──► SVG text. Everything is in the file: no fonts, scripts or pictures from elsewhere; equal input, equal bytes. */
import { showMap } from "../ir/tensor.ts";
import { about, amount, darkColours, lightColours, type Painter, type Times } from "./colours.ts";
import { escapeXml } from "./escape-xml.ts";
import type { Repeat } from "./fold.ts";
import type { BandPlace, Box, Layout, Track } from "./layout.ts";
import { type Shortcut, shortcutOf, shortcutWords } from "./shortcuts.ts";
import { besideSum, smallLetter } from "./sizes.ts";

const margin = 16;
const headerHeight = 54;
/** From the outermost box to the edge of the bands; at the left are the numbers of blocks. */
const bandLeft = 54;
const bandRight = 14;
/** Of a band's words: at both ends, between name and shape, between these and the costs; a bold letter's width. */
const headRoom = 10 + 8 + 18 + 10;
const bold = 7;
/** The corner of a track, and how far under a box it leaves. */
const corner = 14;
const exit = 6;

export type Theme = "auto" | "light" | "dark";

export interface Drawing {
  readonly title: string;
  readonly facts: string;
  readonly layout: Layout;
  readonly painter: Painter;
  readonly repeats: readonly Repeat[];
  /** Parameters and multiply-adds of whole stages, by name. */
  readonly totals: ReadonlyMap<string, { readonly params: number; readonly macs: number }>;
  readonly theme?: Theme;
  readonly times?: Times | undefined;
}

const common = `text { font: 12px Helvetica, Arial, "Liberation Sans", sans-serif; }
.box text { text-anchor: middle; dominant-baseline: central; }
.title { font-size: 18px; font-weight: bold; }
.extra, .edge, .block { font-size: 10px; }
.stage { font-weight: bold; }
.facts, .legend { font-size: 11px; }
.edge, .right { text-anchor: end; }
.times { font-size: 13px; font-weight: bold; }
.block, .times { text-anchor: middle; dominant-baseline: central; }
.flow, .arc { fill: none; stroke-width: 1.3; }
.a { stroke-dasharray: 1.5 3; }
.b { stroke-dasharray: 6 3; }
.c { stroke-dasharray: 8 2.5 1.5 2.5; }
.d { stroke-dasharray: 6 3 1.5 3 1.5 3; }
.bracket { fill: none; stroke-width: 1.5; }
.heads text { paint-order: stroke; stroke-width: 4; stroke-linejoin: round; }`;

const shades = (
  ink: string,
  muted: string,
  paper: string,
  band: string,
  edge: string,
  line: string,
  colours: string,
) =>
  `text { fill: ${ink}; }
.extra, .edge, .block, .facts, .shape, .legend { fill: ${muted}; }
.paper, .sum { fill: ${paper}; }
.band { fill: ${band}; stroke: ${edge}; }
.heads text { stroke: ${band}; }
.flow, .arc, .bracket, .sum { stroke: ${line}; }
.tip { fill: ${line}; }
${colours}`;

const light = shades("#212529", "#5c636a", "#fff", "#fafbfc", "#dee2e6", "#495057", lightColours);
const dark = shades("#e9ecef", "#adb5bd", "#16181b", "#1c1f23", "#343a40", "#adb5bd", darkColours);

/** On paper the picture is light, whatever the screen is. */
const styles: Readonly<Record<Theme, string>> = {
  light: `${common}\n${light}`,
  dark: `${common}\n${dark}`,
  auto: `${common}\n${light}\n@media screen and (prefers-color-scheme: dark) {\n${dark}\n}`,
};

export function drawSvg(drawing: Drawing): string {
  const { title, facts, layout, theme = "auto" } = drawing;
  const [left, right] = edgesOf(drawing);
  const width = right - left + 2 * margin;
  const legend = drawLegend(drawing, left, right, layout.bottom + 26);
  const top = -headerHeight - margin;
  const height = Math.ceil(legend.bottom + margin - top);
  const arriving = new Map<Box, Box>(layout.flows.map(({ from, to }) => [to, from]));
  const frame = `${round(left - margin)} ${round(top)} ${round(width)} ${height}`;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${round(width)}" height="${height}" viewBox="${frame}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${styles[theme]}</style>`,
    `<defs><marker id="tip" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 .8 8 4 0 7.2z"/></marker></defs>`,
    `<rect class="paper" x="${round(left - margin)}" y="${round(top)}" width="${round(width)}" height="${height}"/>`,
    `<text class="title" x="${round(left)}" y="${-headerHeight + 12}">${escapeXml(title)}</text>`,
    `<text class="facts" x="${round(left)}" y="${-headerHeight + 32}">${escapeXml(facts)}</text>`,
    ...layout.bands.map((band) => drawGround(band, left, right)),
    ...layout.flows.map(drawFlow),
    ...layout.flows.flatMap((flow) => drawShape(flow, arriving.get(flow.from))),
    ...layout.tracks.map(drawTrack),
    ...layout.bands.flatMap((band) => drawBand(band, left, right, drawing.repeats, drawing.totals)),
    ...layout.boxes.map((box) => drawBox(box, drawing)),
    ...legend.lines,
    "</svg>",
  ];
  return `${lines.join("\n")}\n`;
}

/** The edges of the bands: wide enough for what is in them, and for the words above and at their tops. */
function edgesOf({ title, facts, layout, repeats, totals }: Drawing): readonly [number, number] {
  const left = Math.floor(layout.left - (layout.bands.length > 0 ? bandLeft : 0));
  const heads = layout.bands.map((band) => {
    const words = headOf(band, repeats, totals);
    return headRoom + bold * words.name.length + 6.2 * words.shape.length + 5.8 * words.facts.length;
  });
  const words = Math.max(5.8 * facts.length, 10 * title.length, ...heads);
  return [left, Math.ceil(Math.max(layout.right + bandRight, left + words))];
}

// ---- bands --------------------------------------------------------------------------------------

const drawGround = ({ top, bottom }: BandPlace, left: number, right: number): string =>
  `<rect class="band" x="${round(left)}" y="${round(top)}" width="${round(right - left)}" height="${round(bottom - top)}" rx="6"/>`;

/** What is said of a band: its name and shape at the left, what it costs at the right. */
function headOf({ names, blocks, last }: BandPlace, repeats: Drawing["repeats"], totals: Drawing["totals"]) {
  const name = names.join(", ");
  const costs = names.flatMap((stage) => totals.get(stage) ?? []);
  const [params, macs] = [
    costs.reduce((sum, cost) => sum + cost.params, 0),
    costs.reduce((sum, cost) => sum + cost.macs, 0),
  ];
  const folds = new Map(blocks.map((block) => [block.name, foldOf(name, block.name, repeats)]));
  const count = blocks.reduce((sum, block) => sum + (folds.get(block.name)?.count ?? 1), 0);
  const facts = [
    ...(count > 1 ? [`${count} blocks`] : []),
    ...(params > 0 ? [`${amount(params, "params")} params`] : []),
    ...(macs > 0 ? [`${amount(macs, "macs")} MACs`] : []),
  ].join(" · ");
  return { name, shape: showMap(last.shape), facts, count, folds };
}

const foldOf = (stage: string, block: string, repeats: Drawing["repeats"]) =>
  repeats.find((repeat) => repeat.stage === stage && repeat.block === block);

/** Lines that pass leave a gap around the words of a band. */
function drawBand(
  band: BandPlace,
  left: number,
  right: number,
  repeats: Drawing["repeats"],
  totals: Drawing["totals"],
): string[] {
  const { top, blocks } = band;
  const { name, shape, facts, count, folds } = headOf(band, repeats, totals);
  return [
    `<g class="heads" data-stage="${escapeXml(name)}"${count > 1 ? ` data-blocks="${count}"` : ""}>`,
    `<text class="stage" x="${round(left + 10)}" y="${round(top + 16)}">${escapeXml(name)}<tspan class="shape" dx="8" font-weight="normal">${shape}</tspan></text>`,
    `<text class="facts right" x="${round(right - 10)}" y="${round(top + 16)}">${facts}</text>`,
    ...blocks.flatMap((block) => drawBlock(block, left, folds.get(block.name))),
    "</g>",
  ];
}

/** The number of a block; of one that stands for several a bracket and how many they are. */
function drawBlock(
  { name, top, bottom }: BandPlace["blocks"][number],
  left: number,
  repeat: Repeat | undefined,
): string[] {
  const middle = (top + bottom) / 2;
  const [x, tip] = [left + 22, left + 40];
  if (!repeat) return [`<text class="block" x="${round(x)}" y="${round(middle)}">${escapeXml(name)}</text>`];
  const bracket = `M${round(tip)} ${round(top)}h-5V${round(bottom)}h5`;
  return [
    `<path class="bracket" d="${bracket}"/>`,
    `<text class="times" x="${round(x - 4)}" y="${round(middle)}">×${repeat.count}</text>`,
    `<text class="block" x="${round(x - 4)}" y="${round(middle + 15)}">${escapeXml(`${repeat.block}–${repeat.last}`)}</text>`,
  ];
}

// ---- lines --------------------------------------------------------------------------------------

const topOf = ({ y, height }: Box) => y - height / 2;
const bottomOf = ({ y, height }: Box) => y + height / 2;

function drawFlow({ from, to }: Layout["flows"][number]): string {
  const [start, end] = [bottomOf(from), topOf(to)];
  // A concat across its columns is entered straight from above.
  if (from.x === to.x || to.step.kind === "concat") {
    return path("flow", `M${round(from.x)} ${round(start)}V${round(end)}`);
  }
  const turn = start + 24;
  const curve = `C${round(from.x)} ${round(start + 16)} ${round(to.x)} ${round(start + 6)} ${round(to.x)} ${round(turn)}`;
  return path("flow", `M${round(from.x)} ${round(start)}${curve}V${round(end)}`);
}

/** Where the map changes, its shape stands beside the line. */
function drawShape({ from, to }: Layout["flows"][number], before: Box | undefined): string[] {
  const shape = from.step.shape.join();
  const says = from.step.kind === "input" || to.step.kind === "output" || from.x !== to.x;
  if (says || before?.step.shape.join() === shape) return [];
  const y = bottomOf(from) + Math.min(12, (topOf(to) - bottomOf(from)) / 2 + 3.5);
  return [`<text class="edge" x="${round(from.x - 6)}" y="${round(y)}">${showMap(from.step.shape)}</text>`];
}

const shortcutOfTrack = ({ from, to, boxes, returns, isLateral }: Track): Shortcut | undefined =>
  returns && !isLateral
    ? shortcutOf(
        from.step,
        to.step,
        boxes.map(({ step }) => step),
      )
    : undefined;

function drawTrack(track: Track): string {
  const { from, to, x, boxes, returns } = track;
  const kind = shortcutOfTrack(track);
  const name = kind === undefined ? "flow" : kind === "identity" ? "arc" : `arc ${kind.toLowerCase()}`;
  const start = from === boxes[0] ? `M${round(x)} ${round(from.y)}` : leave(from, x);
  if (!returns) return path(name, `${start}V${round(topOf(to))}`);
  const side = to.x + to.width / 2;
  const turn = Math.min(corner, x - side);
  const curve = `Q${round(x)} ${round(to.y)} ${round(x - turn)} ${round(to.y)}`;
  return path(name, `${start}V${round(to.y - turn)}${curve}H${round(side)}`);
}

/** From the line under a box to the track, round the corner. */
function leave(from: Box, x: number): string {
  const y = bottomOf(from) + exit;
  const before = x - Math.sign(x - from.x) * corner;
  return `M${round(from.x)} ${round(y)}H${round(before)}Q${round(x)} ${round(y)} ${round(x)} ${round(y + corner)}`;
}

const path = (name: string, d: string): string => `<path class="${name}" d="${d}" marker-end="url(#tip)"/>`;

// ---- boxes --------------------------------------------------------------------------------------

function drawBox({ step, x, y, width, height }: Box, { painter, times }: Drawing): string {
  const { kind, label, extras } = step;
  const isRound = kind === "sum" || kind === "product";
  const paint = isRound ? "sum" : painter.colourOf(step);
  const radius = kind === "layer" ? 4 : kind === "concat" ? 2 : height / 2;
  const place = `x="${round(x - width / 2)}" y="${round(y - height / 2)}" width="${round(width)}" height="${height}"`;
  const words = escapeXml(extras.join(" "));
  const beside = isRound
    ? `<text x="${round(x)}" y="${round(y)}">${label}</text>${words && `<text class="extra" style="text-anchor: end" x="${round(x - besideSum)}" y="${round(y)}">${words}</text>`}`
    : `<text x="${round(x)}" y="${round(y)}">${escapeXml(label)}${words && `<tspan class="extra" dx="7">${words}</tspan>`}</text>`;
  return `<g class="box"><title>${escapeXml(about(step, times))}</title><rect class="${paint}" ${place} rx="${radius}"/>${beside}</g>`;
}

// ---- legend -------------------------------------------------------------------------------------

interface Entry {
  readonly width: number;
  readonly draw: (x: number, y: number) => string;
}

const sample = 30;

function drawLegend({ layout, painter }: Drawing, left: number, right: number, top: number) {
  const kinds = new Set(layout.tracks.flatMap((track) => shortcutOfTrack(track) ?? []));
  const arcs = (Object.keys(shortcutWords) as Shortcut[]).filter((kind) => kinds.has(kind));
  const colours = painter.swatches.map(
    ({ colour, words }): Entry => ({
      width: 20 + smallLetter * 1.1 * words.length,
      draw: (x, y) =>
        `<rect class="${colour}" x="${round(x)}" y="${round(y - 9)}" width="14" height="11" rx="2"/><text class="legend" x="${round(x + 19)}" y="${round(y)}">${words}</text>`,
    }),
  );
  const ways = arcs.map(
    (kind): Entry => ({
      width: sample + 6 + smallLetter * 1.1 * shortcutWords[kind].length,
      draw: (x, y) =>
        `<path class="arc ${kind === "identity" ? "" : kind.toLowerCase()}" d="M${round(x)} ${round(y - 4)}h${sample}"/><text class="legend" x="${round(x + sample + 6)}" y="${round(y)}">${shortcutWords[kind]}</text>`.replace(
          'class="arc "',
          'class="arc"',
        ),
    }),
  );
  const lines: string[] = [];
  let y = top;
  for (const entries of [colours, ways]) {
    let x = left;
    for (const [i, { width, draw }] of entries.entries()) {
      if (i > 0 && x + width > right) {
        x = left;
        y += 17;
      }
      lines.push(draw(x, y));
      x += width + 14;
    }
    if (entries.length > 0) y += 19;
  }
  return { lines, bottom: y - 12 };
}

/** Two digits are a hundredth of a pixel; -0 is 0. */
const round = (value: number): number => Math.round(value * 100) / 100 + 0;
