/** Places ──► SVG text. Everything is in the file: no fonts, scripts or pictures from elsewhere. */
import { showMap } from "../../ir/tensor.ts";
import type { Card } from "../target.ts";
import type { Box, Layout, StagePlace, Track } from "./layout.ts";
import { besideSum } from "./sizes.ts";
import type { Step } from "./steps.ts";

const margin = 28;
const headerHeight = 64;
/** The corner of a track, and how far under a box it leaves. */
const corner = 14;
const exit = 6;

/** Fill and line by how often the resolution was halved: open-color's second and sixth shades. */
const palette: readonly (readonly [fill: string, line: string])[] = [
  ["#e7f5ff", "#339af0"],
  ["#e3fafc", "#22b8cf"],
  ["#ebfbee", "#51cf66"],
  ["#fff9db", "#fcc419"],
  ["#fff4e6", "#ff922b"],
  ["#fff0f6", "#f06595"],
  ["#f3f0ff", "#845ef7"],
];
const vectorColours = ["#f1f3f5", "#868e96"] as const;

const style = `text { font: 12px Helvetica, Arial, "Liberation Sans", sans-serif; fill: #212529; }
.box text { text-anchor: middle; dominant-baseline: central; }
.extra { font-size: 10px; fill: #5c636a; }
.title { font-size: 20px; font-weight: bold; }
.facts { fill: #5c636a; }
.stage { font-weight: bold; text-anchor: end; }
.shape { font-size: 11px; fill: #5c636a; text-anchor: end; }
.block { font-size: 10px; fill: #868e96; text-anchor: middle; dominant-baseline: central; }
.flow, .arc { fill: none; stroke: #495057; stroke-width: 1.3; }
.dashed { stroke-dasharray: 5 3; }`;

export function drawSvg(layout: Layout, card: Card): string {
  const inputSize = Math.max(
    ...layout.boxes.filter(({ step }) => step.kind === "input").map(({ step }) => step.shape[1]),
  );
  const labels = Math.max(
    0,
    ...layout.stages.map(({ name, last }) => 8 * Math.max(name.length, showMap(last.shape).length)),
  );
  const rule = layout.left - 34;
  const facts = describe(card);
  const left = Math.min(rule - labels - 16, -4 * facts.length) - margin;
  const width = Math.ceil(Math.max(layout.right, 4 * facts.length) + margin - left);
  const height = Math.ceil(layout.bottom + headerHeight + 2 * margin);
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${round(left)} ${-headerHeight - margin} ${width} ${height}" role="img">`,
    `<title>${escapeXml(card.name)}</title>`,
    `<style>${style}</style>`,
    `<defs><marker id="tip" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 .8 8 4 0 7.2z" fill="#495057"/></marker></defs>`,
    `<rect x="${round(left)}" y="${-headerHeight - margin}" width="${width}" height="${height}" fill="#fff"/>`,
    `<text class="title" x="0" y="${-headerHeight + 10}" text-anchor="middle">${escapeXml(card.name)}</text>`,
    `<text class="facts" x="0" y="${-headerHeight + 32}" text-anchor="middle">${escapeXml(facts)}</text>`,
    ...layout.stages.flatMap((stage) => drawStage(stage, rule, inputSize)),
    ...layout.flows.map(drawFlow),
    ...layout.tracks.map(drawTrack),
    ...layout.boxes.map((box) => drawBox(box, inputSize)),
    "</svg>",
  ];
  return `${lines.join("\n")}\n`;
}

function describe({ params, macs, depth }: Card): string {
  return `${count(params)} parameters, ${count(macs)} multiply-adds, ${depth} layers deep`;
}

/** 25.6 M, 4.09 G: three digits. */
function count(value: number): string {
  const units = ["", " k", " M", " G", " T"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(value, 1)) / 3)));
  const scaled = value / 1000 ** power;
  return `${power === 0 ? value : Number(scaled.toPrecision(3))}${units[power]}`;
}

function coloursOf({ shape }: Step, inputSize: number): readonly [fill: string, line: string] {
  const [, h, w] = shape;
  if (h === 1 && w === 1) return vectorColours;
  const halvings = Math.max(0, Math.round(Math.log2(inputSize / h)));
  return palette[Math.min(halvings, palette.length - 1)];
}

function drawStage(
  { name, top, bottom, blocks, last }: StagePlace,
  rule: number,
  inputSize: number,
): string[] {
  const [, line] = coloursOf(last, inputSize);
  const shape = showMap(last.shape);
  const isTall = bottom - top > 40;
  const y = isTall ? top + 11 : (top + bottom) / 2 - 3;
  return [
    `<path d="M${round(rule)} ${round(top)}V${round(bottom)}" stroke="${line}" stroke-width="3" stroke-linecap="round"/>`,
    `<text class="stage" x="${round(rule - 12)}" y="${round(y)}">${escapeXml(name)}</text>`,
    `<text class="shape" x="${round(rule - 12)}" y="${round(y + 14)}">${shape}</text>`,
    ...blocks.map(
      (block) =>
        `<text class="block" x="${round(rule + 14)}" y="${round(block.y)}">${escapeXml(block.name)}</text>`,
    ),
  ];
}

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

function drawTrack({ from, to, x, boxes, returns }: Track): string {
  const isShortcut = to.step.kind === "sum" && returns;
  const name = `${isShortcut ? "arc" : "flow"}${isShortcut && boxes.length > 0 ? " dashed" : ""}`;
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

function drawBox({ step, x, y, width, height }: Box, inputSize: number): string {
  const { kind, label, extras, nodes } = step;
  const [fill, line] = coloursOf(step, inputSize);
  const isRound = kind === "sum" || kind === "product";
  const paint = isRound ? `fill="#fff" stroke="#495057"` : `fill="${fill}" stroke="${line}"`;
  const radius = kind === "layer" ? 4 : kind === "concat" ? 2 : height / 2;
  const place = `x="${round(x - width / 2)}" y="${round(y - height / 2)}" width="${round(width)}" height="${height}"`;
  const words = escapeXml(extras.join(" "));
  const beside = isRound
    ? `<text x="${round(x)}" y="${round(y)}">${label}</text>${words && `<text class="extra" style="text-anchor: end" x="${round(x - besideSum)}" y="${round(y)}">${words}</text>`}`
    : `<text x="${round(x)}" y="${round(y)}">${escapeXml(label)}${words && `<tspan class="extra" dx="8">${words}</tspan>`}</text>`;
  const about = [...nodes.map(({ name }) => name), showMap(step.shape)].join("\n");
  return `<g class="box"><title>${escapeXml(about)}</title><rect ${place} rx="${radius}" ${paint}/>${beside}</g>`;
}

/** Two digits are a hundredth of a pixel; -0 is 0. */
const round = (value: number): number => Math.round(value * 100) / 100 + 0;

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escapeXml = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character]);
