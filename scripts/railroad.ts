/**
 * The grammar as railroad diagrams: one page without scripts, fonts or anything from elsewhere. A diagram is read
 * from left to right along the line; boxes with round ends are written as they stand, those with corners are rules.
 *
 *        ╭──────────╮
 *     ○──┴─( item )─┴──○      [ item ]: optional, with a way around it
 *
 *     ○──┬─( item )─┬──○      item { "," item }: a way back below
 *        ╰──( , )───╯
 */
import { ebnf, ruleText } from "./ebnf.ts";
import {
  comparisons,
  operatorLevels,
  partsOf,
  type Syntax,
  type SyntaxRule,
  syntaxRules,
} from "./grammar-model.ts";

/** A piece of track: entered at its left on a base line, left at its right on the same line. */
interface Track {
  readonly width: number;
  /** How far it reaches above and below its base line. */
  readonly up: number;
  readonly down: number;
  /** SVG, with the entry at (x, y). */
  draw(x: number, y: number): string;
}

/** Pixels: radius of bends, distance between tracks, track between two boxes, half the height of a box. */
const bend = 8;
const apart = 9;
const between = 12;
const half = 13;
/** Width of a character of the monospaced font at 14 pixels, generously. */
const character = 8.5;

const path = (d: string): string => `<path d="${d}"/>`;
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

function box(text: string, kind: "word" | "class" | "rule", target?: string): Track {
  const width = Math.ceil(text.length * character) + 2 * 10;
  return {
    width,
    up: half,
    down: half,
    draw(x, y) {
      const round = kind === "rule" ? 3 : half;
      const rect = `<rect x="${x}" y="${y - half}" width="${width}" height="${2 * half}" rx="${round}"/>`;
      const drawn = `<g class="${kind}">${rect}<text x="${x + width / 2}" y="${y + 5}">${escaped(text)}</text></g>`;
      return target ? `<a href="#${target}">${drawn}</a>` : drawn;
    },
  };
}

function line(items: readonly Track[]): Track {
  return {
    width: items.reduce((sum, { width }) => sum + width, between * (items.length - 1)),
    up: Math.max(...items.map(({ up }) => up)),
    down: Math.max(...items.map(({ down }) => down)),
    draw(x, y) {
      let at = x;
      return items
        .map((item, i) => {
          const gap = i > 0 ? path(`M${at} ${y}h${between}`) : "";
          if (i > 0) at += between;
          const drawn = item.draw(at, y);
          at += item.width;
          return gap + drawn;
        })
        .join("");
    },
  };
}

/** Alternatives below each other, the first on the base line. */
function choice(items: readonly Track[]): Track {
  const inner = Math.max(...items.map(({ width }) => width));
  const width = inner + 4 * bend;
  const offsets: number[] = [];
  for (const [i, { up }] of items.entries()) {
    const above = i > 0 ? offsets[i - 1] + items[i - 1].down + apart : 0;
    offsets.push(i === 0 ? 0 : Math.max(above + up, offsets[i - 1] + 2 * bend));
  }
  return {
    width,
    up: items[0].up,
    down: offsets[offsets.length - 1] + items[items.length - 1].down,
    draw: (x, y) =>
      items
        .map((item, i) => {
          const base = y + offsets[i];
          const [left, right] = [x + 2 * bend, x + width - 2 * bend];
          const rest = path(`M${left + item.width} ${base}H${right}`);
          const ways =
            i === 0
              ? path(`M${x} ${y}h${2 * bend}M${right} ${y}h${2 * bend}`)
              : path(
                  `M${x} ${y}a${bend} ${bend} 0 0 1 ${bend} ${bend}V${base - bend}a${bend} ${bend} 0 0 0 ${bend} ${bend}` +
                    `M${right} ${base}a${bend} ${bend} 0 0 0 ${bend} ${-bend}V${y + bend}a${bend} ${bend} 0 0 1 ${bend} ${-bend}`,
                );
          return ways + item.draw(left, base) + rest;
        })
        .join(""),
  };
}

/** An item with a way around it, above. */
function optional(item: Track): Track {
  const rise = Math.max(item.up + apart, 2 * bend);
  const width = item.width + 4 * bend;
  return {
    width,
    up: rise + 1,
    down: item.down,
    draw(x, y) {
      const top = y - rise;
      const around =
        `M${x} ${y}a${bend} ${bend} 0 0 0 ${bend} ${-bend}V${top + bend}a${bend} ${bend} 0 0 1 ${bend} ${-bend}` +
        `H${x + width - 2 * bend}a${bend} ${bend} 0 0 1 ${bend} ${bend}V${y - bend}a${bend} ${bend} 0 0 0 ${bend} ${bend}`;
      const through = `M${x} ${y}h${2 * bend}M${x + width - 2 * bend} ${y}h${2 * bend}`;
      return path(around) + path(through) + item.draw(x + 2 * bend, y);
    },
  };
}

/** An item with a way back below, on which the separator stands. */
function repeat(item: Track, separator: Track | undefined): Track {
  const inner = Math.max(item.width, separator?.width ?? 0);
  const width = inner + 4 * bend;
  const fall = Math.max(item.down + apart + (separator?.up ?? 0), 2 * bend);
  return {
    width,
    up: item.up,
    down: fall + (separator?.down ?? 1),
    draw(x, y) {
      const [left, right, bottom] = [x + 2 * bend, x + width - 2 * bend, y + fall];
      const start = left + (inner - item.width) / 2;
      const through = `M${x} ${y}H${start}M${start + item.width} ${y}H${x + width}`;
      const back =
        `M${right} ${y}a${bend} ${bend} 0 0 1 ${bend} ${bend}V${bottom - bend}a${bend} ${bend} 0 0 1 ${-bend} ${bend}` +
        `H${left}a${bend} ${bend} 0 0 1 ${-bend} ${-bend}V${y + bend}a${bend} ${bend} 0 0 1 ${bend} ${-bend}`;
      const sign = separator?.draw(left + (inner - separator.width) / 2, bottom) ?? "";
      return path(through) + path(back) + item.draw(start, y) + sign;
    },
  };
}

function trackOf(syntax: Syntax): Track {
  switch (syntax.kind) {
    case "word":
      return box(syntax.text, "word");
    case "class":
      return box(syntax.name, "class", syntax.name);
    case "rule":
      return box(syntax.name, "rule", syntax.name);
    case "sequence":
      return line(syntax.items.map(trackOf));
    case "choice":
      return choice(syntax.items.map(trackOf));
    case "optional":
      return optional(trackOf(syntax.item));
    case "repeat": {
      const loop = repeat(trackOf(syntax.item), syntax.separator && trackOf(syntax.separator));
      return syntax.least === 0 ? optional(loop) : loop;
    }
  }
}

/** The tracks of a rule, one below the other: only a sequence can be broken into several. */
function linesOf(syntax: Syntax, widest: number): readonly Track[] {
  const whole = trackOf(syntax);
  if (whole.width <= widest || syntax.kind !== "sequence") return [whole];
  const lines: Track[][] = [[]];
  for (const item of syntax.items.map(trackOf)) {
    const last = lines[lines.length - 1];
    if (last.length > 0 && line([...last, item]).width > widest) lines.push([item]);
    else last.push(item);
  }
  return lines.map(line);
}

/** Room at both ends of a diagram, for its marks. */
const margin = 26;

export interface Diagram {
  readonly width: number;
  readonly svg: string;
}

/** A rule as SVG, at most `widest` pixels wide where its sequence can be broken. */
export function diagram({ name, syntax }: SyntaxRule, widest: number): Diagram {
  const lines = linesOf(syntax, widest - 2 * margin);
  const inner = Math.max(...lines.map(({ width }) => width));
  const width = inner + 2 * margin;
  let y = lines[0].up + 4;
  let drawn = `<circle cx="8" cy="${y}" r="4"/>${path(`M12 ${y}H${margin}`)}`;
  for (const [i, track] of lines.entries()) {
    drawn += track.draw(margin, y);
    const end = margin + track.width;
    const next = lines[i + 1];
    if (!next) {
      drawn += `${path(`M${end} ${y}H${width - 12}`)}<circle cx="${width - 8}" cy="${y}" r="4"/>`;
      y += track.down;
      break;
    }
    const middle = y + Math.max(track.down + apart, 2 * bend);
    const below = middle + Math.max(next.up + apart, 2 * bend);
    const edge = width - margin;
    drawn += path(
      `M${end} ${y}H${edge}a${bend} ${bend} 0 0 1 ${bend} ${bend}V${middle - bend}a${bend} ${bend} 0 0 1 ${-bend} ${bend}` +
        `H${margin}a${bend} ${bend} 0 0 0 ${-bend} ${bend}V${below - bend}a${bend} ${bend} 0 0 0 ${bend} ${bend}`,
    );
    y = below;
  }
  const height = y + 4;
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  const said = escaped(`${name}: ${ebnf(syntax, true)}`);
  return { width, svg: `<svg role="img" aria-label="${said}" ${size}>${drawn}</svg>` };
}

/** Pixels that diagrams may take on a screen and on a telephone. */
export const widths = { wide: 760, narrow: 358 } as const;

function figure(rule: SyntaxRule): string {
  const wide = diagram(rule, widths.wide);
  const narrow = diagram(rule, widths.narrow);
  if (wide.svg === narrow.svg) return `<figure>${wide.svg}</figure>`;
  return `<figure class="wide">${wide.svg}</figure><figure class="narrow">${narrow.svg}</figure>`;
}

/** Classes of tokens: what they are, and texts that are some. */
export const tokenClasses: Readonly<Record<string, readonly [what: string, ...examples: string[]]>> = {
  EDITION: ["the first line of a file, or left out", "resnet 1"],
  SEP: ["the end of a row: a semicolon, or a line break where the row does not go on", ";"],
  NAME: ["letters, digits and _, but no word of the language", "conv4", "my_block"],
  NUMBER: ["K, M, G and T are 10^3, 10^6, 10^9 and 10^12", "64", "60_192_808", "1.001e-5", "11.5G"],
  SIZE: ["height first, channels last, no spaces", "3x3", "224x224x3"],
  TEXT: ["on one line, with the escapes of JSON", '"imagenet-1k"'],
};

function usersOf(name: string, rules: readonly SyntaxRule[]): string {
  const uses = (syntax: Syntax): boolean =>
    (syntax.kind === "rule" && syntax.name === name) || partsOf(syntax).some(uses);
  const users = rules.filter(({ syntax }) => uses(syntax));
  if (users.length === 0) return "";
  return `<p class="users">used in ${users.map((rule) => `<a href="#${rule.name}">${rule.name}</a>`).join(", ")}</p>`;
}

export function railroadPage(): string {
  const rules = syntaxRules();
  const levels = operatorLevels()
    .map(
      (signs) =>
        `<li>${signs.map((sign) => `<code>${escaped(ebnf(sign).slice(1, -1))}</code>`).join(" ")}</li>`,
    )
    .join("\n");
  const section = (rule: SyntaxRule) => `<section id="${rule.name}">
<h2>${rule.name}</h2>
${figure(rule)}
<pre>${escaped(
    ruleText(rule)
      .replace(/^(\w+) +=/, "$1 =")
      .replace(/^ {9}/gm, "  "),
  )}</pre>
${usersOf(rule.name, rules)}
</section>`;
  const tokens = Object.entries(tokenClasses).map(
    ([name, [what, ...examples]]) =>
      `<tr id="${name}"><th>${name}</th><td>${examples.map((one) => `<code>${escaped(one)}</code>`).join(" ")}</td><td>${escaped(what)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The grammar of .resnet</title>
<!-- Written by scripts/generate-grammar.ts from the parser. -->
<style>
${style}</style>
<main>
<h1>The grammar of .resnet, edition 1</h1>
<p>Follow the line from left to right. What has <span class="word">round ends</span> is written as it stands,
<span class="class">CAPITALS</span> are <a href="#tokens">classes of tokens</a>, <span class="rule">corners</span> lead to
another rule. Two tokens tell every way apart. README.md beside this page explains what it all means.</p>
<nav>${rules.map(({ name }) => `<a href="#${name}">${name}</a>`).join(" ")} <a href="#OP">OP</a> <a href="#tokens">tokens</a></nav>
${rules.map(section).join("\n")}
<section id="OP">
<h2>OP</h2>
<p>Operators, the loosest first; those of one line bind equally tight, and all bind to the left. The prefixes
<code>-</code> and <code>not</code> bind tighter, then calls and members.</p>
<ol>
${levels}
</ol>
</section>
<section id="CMP">
<h2>CMP</h2>
${figure({ name: "CMP", syntax: { kind: "choice", items: comparisons() } })}
</section>
<section id="tokens">
<h2>Tokens</h2>
<table>
${tokens.join("\n")}
</table>
</section>
</main>
</html>
`;
}

const style = `:root { color-scheme: light dark; --ink: #1d2733; --faint: #66707c; --line: #7d8894; --paper: #ffffff;
  --word: #e6f1e4; --class: #e3edf8; --rule: #f4ecdc; --link: #1f5fa8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e8ee; --faint: #97a1ad; --line: #76818d; --paper: #14181d;
  --word: #22361f; --class: #1c3049; --rule: #3a3120; --link: #8ab8ee; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 760px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 24px; line-height: 1.25; }
h2 { margin: 0 0 4px; font: 600 17px/1.4 ui-monospace, monospace; }
a { color: var(--link); }
nav { font: 14px/1.9 ui-monospace, monospace; }
nav a { margin-right: 10px; text-decoration: none; }
section { margin-top: 36px; }
figure { margin: 0; overflow-x: auto; }
figure.narrow { display: none; }
@media (max-width: 800px) { figure.wide { display: none; } figure.narrow { display: block; } }
svg { display: block; }
svg path { fill: none; stroke: var(--line); stroke-width: 1.5; }
svg circle { fill: var(--line); }
svg rect { stroke: var(--line); }
svg text { fill: var(--ink); font: 14px ui-monospace, monospace; text-anchor: middle; }
svg a text { fill: var(--link); }
.word rect { fill: var(--word); }
.class rect { fill: var(--class); }
.rule rect { fill: var(--rule); }
p .word, p .class, p .rule { padding: 1px 8px; border-radius: 10px; font: 14px ui-monospace, monospace; }
p .word { background: var(--word); }
p .class { background: var(--class); }
p .rule { background: var(--rule); border-radius: 3px; }
pre { margin: 8px 0 0; color: var(--faint); font: 13px/1.5 ui-monospace, monospace; white-space: pre-wrap; }
.users { margin: 4px 0 0; color: var(--faint); font-size: 13px; }
code { font: 14px ui-monospace, monospace; }
table { border-collapse: collapse; }
th, td { padding: 3px 16px 3px 0; text-align: left; vertical-align: top; }
th { font: 600 14px/1.7 ui-monospace, monospace; }
`;
