/** Bars with their names and numbers, as an SVG that follows the reader's light or dark screen. */
import { escapeXml } from "./escape-xml.ts";

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** What stands behind the bar: "36.1 ms, 3.2 times as long". */
  readonly words: string;
  /** The one that others are compared with. */
  readonly isOurs: boolean;
}

const rowHeight = 30;
const barLength = 300;

export function drawBars(title: string, facts: string, bars: readonly Bar[]): string {
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const names = Math.max(...bars.map(({ name }) => 7 * name.length)) + 12;
  const words = Math.max(...bars.map((bar) => 6.6 * bar.words.length)) + 16;
  const width = Math.ceil(Math.max(16 + names + barLength + words, 7 * facts.length + 32));
  const height = 64 + rowHeight * bars.length + 12;
  const rows = bars.flatMap(({ name, value, words: text, isOurs }, i) => {
    const y = 64 + rowHeight * i;
    const length = Math.max(2, (barLength * value) / most);
    const x = 16 + names;
    return [
      `<text x="${x - 8}" y="${y + 15}" text-anchor="end">${escapeXml(name)}</text>`,
      `<rect class="${isOurs ? "ours" : "theirs"}" x="${x}" y="${y + 2}" width="${Math.round(length * 100) / 100}" height="18" rx="3"/>`,
      `<text class="facts" x="${Math.round((x + length + 8) * 100) / 100}" y="${y + 15}">${escapeXml(text)}</text>`,
    ];
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="title" x="16" y="26">${escapeXml(title)}</text>`,
    `<text class="facts" x="16" y="46">${escapeXml(facts)}</text>`,
    ...rows,
    "</svg>",
  ].join("\n")}\n`;
}

const style = `text { font: 13px Helvetica, Arial, "Liberation Sans", sans-serif; fill: #212529; }
.title { font-size: 16px; font-weight: bold; }
.facts { font-size: 12px; fill: #5c636a; }
.paper { fill: #fff; }
.ours { fill: #1c7ed6; }
.theirs { fill: #adb5bd; }
@media screen and (prefers-color-scheme: dark) {
text { fill: #e9ecef; }
.facts { fill: #adb5bd; }
.paper { fill: #16181b; }
.ours { fill: #4dabf7; }
.theirs { fill: #5c636a; }
}`;
