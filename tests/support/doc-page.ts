/**
 * Pages of docs/ as tests read them: fenced blocks, the commands in them, what these print, pictures that `draw` made.
 * What a page shows of an output are whole paragraphs of it:
 *
 *     BLESS=1 npx tsx tests/ten-files.test.ts      (all of them: npm run bless)
 *
 * writes what is printed, or drawn, now. A paragraph that is shown is found by its first word, so that of a new one no more need
 * be written.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as assert from "uvu/assert";
import { resnetc } from "./cli.ts";
import { root } from "./nets.ts";

export interface Block {
  readonly language: string;
  /** What stands behind the language. */
  readonly title: string;
  readonly text: string;
}

export const blessed = Boolean(process.env.BLESS) && !process.env.CI;

const fence = /^```(\S+)(?: (.*))?\n([\s\S]*?)^```$/gm;

export const blocksOf = (page: string): readonly Block[] =>
  [...page.matchAll(fence)].map(([, language, title = "", text]) => ({ language, title, text }));

/** The arguments of each `npx resnetc …` in the sh blocks; a block that has anything else fails. */
export function commandsOf(text: string): readonly (readonly string[])[] {
  const lines = text.split("\n").map((line) => line.replace(/\s+#.*$/, "").trim());
  return lines.filter(Boolean).map((line) => {
    const [npx, name, ...args] = line.split(/\s+/);
    assert.equal([npx, name], ["npx", "resnetc"], line);
    return args;
  });
}

/** What a command prints, which ends with this code: its results, or what went wrong where there are none. */
export function printed(args: readonly string[], cwd: string, code = 0): string {
  const ran = resnetc(args, { cwd });
  assert.is(ran.code, code, `resnetc ${args.join(" ")}\n${ran.out}${ran.err}`);
  return ran.out.trim() ? ran.out : ran.err;
}

const paragraphsOf = (text: string): readonly string[] => text.trim().split(/\n(?:[ \t]*\n)+/);
const firstWords = (text: string): string => text.split(/\s{2,}|\n| \(/)[0].trim();

/** The paragraphs of `output` that `shown` shows, as they are now. */
export function shownOf(shown: string, output: string): string {
  const paragraphs = [...paragraphsOf(output)];
  const now = paragraphsOf(shown).map((wanted) => {
    const word = firstWords(wanted).split(" ")[0];
    const whole = firstWords(wanted);
    let at = paragraphs.findIndex((paragraph) => firstWords(paragraph) === whole);
    if (at < 0) at = paragraphs.findIndex((paragraph) => firstWords(paragraph).split(" ")[0] === word);
    assert.ok(at >= 0, `nothing printed begins like\n${wanted}\nin\n${output}`);
    const [found] = paragraphs.splice(0, at + 1).slice(-1);
    return found;
  });
  return `${now.join("\n\n")}\n`;
}

/** A page of docs, of which blocks can be renewed. */
export class DocPage {
  readonly file: string;
  text: string;

  constructor(name: string) {
    this.file = path.join(root, name);
    this.text = readFileSync(this.file, "utf8");
  }

  get blocks(): readonly Block[] {
    return blocksOf(this.text);
  }

  /** A block has this text now: it is written where that is wanted, and held to it where not. */
  expect({ language, title, text }: Block, now: string): void {
    if (now === text) return;
    const head = `\`\`\`${language}${title && ` ${title}`}\n`;
    if (!blessed) assert.is(text, now, `${path.relative(root, this.file)}: npm run bless`);
    this.text = this.text.replace(`${head}${text}\`\`\``, () => `${head}${now}\`\`\``);
    writeFileSync(this.file, this.text);
  }
}

/** A picture is, byte for byte, what was drawn now. */
export function expectPicture(file: string, drawn: string): void {
  const kept = existsSync(file) ? readFileSync(file, "utf8") : undefined;
  if (kept === drawn) return;
  assert.ok(blessed, `${path.relative(root, file)} is not what \`draw\` makes now: npm run bless`);
  writeFileSync(file, drawn);
}
