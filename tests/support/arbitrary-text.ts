/** Broken texts for properties: good ones with mistakes put in, and soups of tokens and characters. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { stdText } from "../../src/std/std.generated.ts";
import { root } from "./nets.ts";

/** Texts that are right: every example, and std. */
export const goodTexts: ReadonlyMap<string, string> = new Map([
  ...readdirSync(path.join(root, "examples"))
    .filter((name) => name.endsWith(".resnet"))
    .map((name): [string, string] => [name, readFileSync(path.join(root, "examples", name), "utf8")]),
  ["std.resnet", stdText],
]);

const small = [...goodTexts.values()].map((text) => text.slice(0, 6000));

/** The language's own words and signs, names that mean something, and things that look like them. */
export const tokenSoup: readonly string[] = [
  ..."net block names use from let input output default expect if else in none true false and or not x".split(
    " ",
  ),
  ..."-> | == != <= >= < > + - * / % ( ) [ ] { } , : = . ; \n ×".split(" "),
  ..."conv bn relu basic maxpool a b conv2 x3 X stride params imagenet std image in.channels".split(" "),
  ...'3 64 3x3 224x224x3 3X3 3x 64k 11.5G 1e-3 1_000 0 0x0 99999999999 "text" "open " "{s-1}" # ## // resnet'.split(
    " ",
  ),
  ..."resnet\u00a01 \u{1F600} ' \\ @ $ & \0 \uFEFF \u2028 \t".split(" "),
];

/** Tokens of a text, spaces and all: joined they are the text. */
export const splitTokens = (text: string): string[] =>
  text.match(/\s+|[A-Za-z_]\w*|\d[\w.]*|"[^"\n]*"|#[^\n]*|->|[=!<>]=|./gsu) ?? [];

interface Edit {
  readonly kind: "delete" | "insert" | "replace" | "duplicate" | "swap";
  /** Where, as a part of the length. */
  readonly at: number;
  readonly other: string;
}

const edit = (others: fc.Arbitrary<string>): fc.Arbitrary<Edit> =>
  fc.record({
    kind: fc.constantFrom("delete", "insert", "replace", "duplicate", "swap"),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    other: others,
  });

export function applyEdits(parts: readonly string[], edits: readonly Edit[]): string[] {
  const edited = [...parts];
  for (const { kind, at, other } of edits) {
    const i = Math.floor(at * edited.length);
    if (kind === "delete") edited.splice(i, 1);
    else if (kind === "insert") edited.splice(i, 0, other);
    else if (kind === "replace") edited.splice(i, 1, other);
    else if (kind === "duplicate") edited.splice(i, 0, edited[i] ?? "");
    else edited.splice(i, 2, ...edited.slice(i, i + 2).reverse());
  }
  return edited;
}

const soup = fc.constantFrom(...tokenSoup);
const character = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  fc.constantFrom(...'()[]{},:=.->+*/%|"#;x3\n '),
);
const base = fc.constantFrom(...small);

const editedTokens = fc
  .tuple(base, fc.array(edit(soup), { minLength: 1, maxLength: 4 }))
  .map(([text, edits]) => applyEdits(splitTokens(text), edits).join(""));
const editedCharacters = fc
  .tuple(base, fc.array(edit(character), { minLength: 1, maxLength: 4 }))
  .map(([text, edits]) => applyEdits([...text], edits).join(""));
const cutText = fc
  .tuple(base, fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([text, at]) => text.slice(0, Math.floor(at * text.length)));

/** Good texts with a few mistakes, cut short, or nothing but soup. */
export const brokenText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: editedTokens },
  { weight: 3, arbitrary: editedCharacters },
  { weight: 2, arbitrary: cutText },
  { weight: 2, arbitrary: fc.array(soup, { maxLength: 60 }).map((tokens) => tokens.join(" ")) },
  {
    weight: 2,
    arbitrary: fc
      .array(soup, { maxLength: 40 })
      .map((tokens) => `net m {\n  input 8x8x3\n  ${tokens.join(" ")}\n}\n`),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 200 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => new TextDecoder().decode(bytes)) },
);

/** Good texts with lines put in, left out, doubled or swapped, the new ones from any other text. */
const editedLines: fc.Arbitrary<string> = fc
  .tuple(
    base,
    fc.array(edit(fc.constantFrom(...new Set(small.flatMap((text) => text.split("\n"))))), {
      minLength: 1,
      maxLength: 4,
    }),
  )
  .map(([text, edits]) => applyEdits(text.split("\n"), edits).join("\n"));

/** Any edit of any good text: of tokens, characters or lines, or cut anywhere. */
export const editedText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: editedTokens },
  { weight: 3, arbitrary: editedCharacters },
  { weight: 3, arbitrary: editedLines },
  { weight: 2, arbitrary: cutText },
);

/** A row of a good text, alone on its line and in no group, and what it is replaced by. */
export interface BrokenRow {
  readonly name: string;
  readonly text: string;
  /** The line, counted from 1. */
  readonly line: number;
  readonly broken: string;
}

function plainRows(text: string): readonly number[] {
  const rows: number[] = [];
  let depth = 0;
  let isHead = false;
  for (const [i, line] of text.split("\n").entries()) {
    const code = line.replace(/"[^"]*"/g, "").replace(/#.*/, "");
    const before = depth;
    depth += (code.match(/[([{]/g)?.length ?? 0) - (code.match(/[)\]}]/g)?.length ?? 0);
    // Parameters on lines of their own are no rows.
    if (/^(net|block) /.test(code)) isHead = true;
    if (before === 1 && depth === 1 && !isHead && /\w/.test(code) && !/^\s*(\||\+|->)/.test(code))
      rows.push(i + 1);
    if (/[{=]\s*$|\}/.test(code)) isHead = false;
  }
  return rows;
}

const part = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** A text with one of its lines edited. */
function breakRow(text: string, line: number, edits: readonly Edit[]): string {
  const lines = text.split("\n");
  lines[line - 1] = `  ${applyEdits(splitTokens(lines[line - 1].trim()), edits).join("")}`;
  return lines.join("\n");
}

// A `{` belongs to no row, and the words that start a declaration end the one that they stand in.
const rowSoup = fc.constantFrom(...tokenSoup.filter((token) => !/^(net|block|use|names|\{|\n)$/.test(token)));

export const brokenRow: fc.Arbitrary<BrokenRow> = fc
  .tuple(fc.constantFrom(...goodTexts), part, fc.array(edit(rowSoup), { minLength: 1, maxLength: 3 }))
  .map(([[name, text], at, edits]) => {
    const rows = plainRows(text);
    const line = rows[Math.floor(at * rows.length)];
    return { name, text, line, broken: breakRow(text, line, edits) };
  });

/** Two rows of a text, broken each by itself and both: by anything but brackets and quotes, which reach further. */
export interface TwoBrokenRows {
  readonly text: string;
  readonly lines: readonly [number, number];
  readonly first: string;
  readonly second: string;
  readonly both: string;
}

const flatSoup = fc.constantFrom(
  ...tokenSoup.filter((token) => !/^(net|block|use|names|\n)$|[()[\]{}"]/.test(token)),
);
const flatEdits = fc.array(edit(flatSoup), { minLength: 1, maxLength: 3 });

export const twoBrokenRows: fc.Arbitrary<TwoBrokenRows> = fc
  .tuple(fc.constantFrom(...goodTexts.values()), part, part, flatEdits, flatEdits)
  .map(([text, a, b, edits, otherEdits]) => {
    const all = plainRows(text);
    // What has brackets or quotes may lose one of them to an edit.
    const rows = all.filter((line) => !/[()[\]{}"]/.test(text.split("\n")[line - 1]));
    const [one, other] = [a, b].map((at) => rows[Math.floor(at * rows.length)]).sort((x, y) => x - y);
    const first = breakRow(text, one, edits);
    const second = breakRow(text, other, otherEdits);
    const both = breakRow(first, other, otherEdits);
    return {
      text,
      lines: [one, other] as const,
      first,
      second,
      both,
      apart: all.indexOf(other) - all.indexOf(one),
    };
  })
  // Neighbours may become one row.
  .filter(({ apart }) => apart > 2);

/** A good text with other spaces, blank lines and spellings, and the same meaning. */
export const mangled: fc.Arbitrary<{ readonly text: string; readonly mangled: string }> = fc
  .tuple(
    fc.constantFrom(...small.filter((text) => text.length < 6000)),
    fc.array(fc.nat(99), { minLength: 50, maxLength: 400 }),
  )
  .map(([text, choices]) => {
    let at = 0;
    const choose = () => choices[at++ % choices.length];
    const out: string[] = [];
    const tokens = splitTokens(text);
    for (const [i, token] of tokens.entries()) {
      const isBlank = /^\s+$/.test(token);
      const [before, after] = [tokens[i - 1] ?? "", tokens[i + 1] ?? ""];
      if (token.startsWith("#")) out.push(token + [" ", "", "\t"][choose() % 3]);
      else if (isBlank && token.includes("\n")) {
        const lines = token.replaceAll("\n", choose() % 3 === 0 ? "\n \t\n\n" : "\n");
        out.push(choose() % 2 === 0 ? lines : `${lines}\t  `);
      } else if (token === "x" && isTimes(before, after)) out.push(choose() % 2 === 0 ? "×" : "x");
      else if (isBlank) {
        // Words need their space, signs do not; `resnet 1` is one token and keeps its kind of space.
        const needed = /\w$/.test(before) && /^\w/.test(after);
        const dropped = !needed && choose() % 2 === 0 && !after.startsWith("#");
        if (!dropped) out.push([" ", "  ", "\t", " \t "][choose() % 4]);
      } else {
        const spaced = /^[,:=()[\]{}]$|^->$|^[|+*]$/.test(token) && choose() % 3 === 0;
        out.push(spaced ? ` ${token}  ` : token);
      }
    }
    return { text, mangled: out.join("") };
  });

const isTimes = (before: string, after: string): boolean => /^\s+$/.test(before) && /^\s+$/.test(after);
