/**
 * Writes grammar/resnet.ebnf from the parser itself: `npx tsx scripts/generate-grammar.ts`. A test fails when the
 * file is stale, so the reference cannot drift from what is parsed.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  Alternation,
  type Alternative,
  type IProduction,
  NonTerminal,
  Option,
  Repetition,
  RepetitionMandatory,
  RepetitionMandatoryWithSeparator,
  RepetitionWithSeparator,
  Terminal,
  type TokenType,
} from "chevrotain";
import { ResnetParser } from "../src/parser/grammar.ts";
import * as t from "../src/parser/tokens.ts";

/** Tokens that exist for the sake of good messages: the lexer's, not the language's. */
const hidden = new Set<TokenType>([t.BadNumber, t.BadText]);

/** Tokens that are no word or sign, by the names of the section on tokens. */
const classes = new Map<TokenType, string>([
  [t.Edition, "EDITION"],
  [t.Separator, "SEP"],
  [t.Name, "NAME"],
  [t.NumberToken, "NUMBER"],
  [t.Size, "SIZE"],
  [t.Text, "TEXT"],
  [t.BinOp, "OP"],
  [t.CmpOp, "CMP"],
]);

/** How tightly a piece of text holds together: alternatives loosest. */
interface Piece {
  readonly text: string;
  readonly isChoice: boolean;
}

const tight = ({ text, isChoice }: Piece): string => (isChoice ? `( ${text} )` : text);

function word(type: TokenType): string {
  // Labels of words and signs are the text itself, in backquotes.
  return classes.get(type) ?? `"${(type.LABEL ?? type.name).replaceAll("`", "")}"`;
}

function isHidden(production: IProduction): boolean {
  return production instanceof Terminal && hidden.has(production.terminalType);
}

function sequence(definition: readonly IProduction[]): Piece {
  const pieces = definition.map(piece);
  const [only] = pieces;
  return pieces.length === 1 ? only : { text: pieces.map(tight).join(" "), isChoice: false };
}

function alternatives(production: Alternation): readonly string[] {
  const shown = (production.definition as Alternative[]).filter(
    ({ definition }) => !definition.every(isHidden),
  );
  return shown.map(({ definition }) => sequence(definition).text);
}

function piece(production: IProduction): Piece {
  const made = (text: string, isChoice = false): Piece => ({ text, isChoice });
  if (production instanceof Terminal) return made(word(production.terminalType));
  if (production instanceof NonTerminal) return made(production.nonTerminalName);
  if (production instanceof Alternation) {
    const all = alternatives(production);
    return made(all.join(" | "), all.length > 1);
  }
  const body = sequence((production as Option).definition);
  if (production instanceof Option) return made(`[ ${body.text} ]`);
  if (production instanceof Repetition) return made(`{ ${body.text} }`);
  if (production instanceof RepetitionMandatory) return made(`${tight(body)} { ${body.text} }`);
  const isOptional = production instanceof RepetitionWithSeparator;
  if (isOptional || production instanceof RepetitionMandatoryWithSeparator) {
    const list = `${tight(body)} { ${word(production.separator)} ${tight(body)} }`;
    return made(isOptional ? `[ ${list} ]` : list);
  }
  throw new Error("a production of an unknown kind");
}

/** The rules that the language has: `junk` and its like are the parser's way of going on after an error. */
function rules(): readonly (readonly [name: string, text: string])[] {
  const productions = new ResnetParser({ strict: true }).getGAstProductions();
  const seen = new Set<string>();
  const found: [string, string][] = [];
  const visit = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    const { definition } = productions[name];
    const [only] = definition;
    const lines =
      definition.length === 1 && only instanceof Alternation
        ? alternatives(only)
        : [sequence(definition).text];
    const text = lines.join(" | ");
    const choice = /^.*?\[ (\( [^)]+ \)) \{ SEP/.exec(text)?.[1];
    if (choice) {
      // What a file is a list of deserves a name, which the parser has no need of.
      found.push([name, text.replaceAll(choice, "item")], ["item", choice.slice(2, -2)]);
    } else found.push([name, text.length <= 95 ? text : lines.join("\n| ")]);
    const inside = (production: IProduction) => {
      if (production instanceof NonTerminal) visit(production.nonTerminalName);
      else if ("definition" in production) for (const part of (production as Option).definition) inside(part);
    };
    definition.forEach(inside);
  };
  visit("file");
  return found;
}

function operators(): string {
  const levels = new Map<number, string[]>();
  for (const [type, level] of t.precedence) levels.set(level, [...(levels.get(level) ?? []), word(type)]);
  return [...levels.values()].map((signs) => signs.join(" | ")).join("\n         | ");
}

export function grammarText(): string {
  const width = 8;
  const shown = rules().map(([name, text]) => {
    const [first, ...rest] = text.split("\n");
    const lines = [
      `${name.padEnd(width)} = ${first}`,
      ...rest.map((line) => `${" ".repeat(width + 1)}${line}`),
    ];
    return lines.join("\n");
  });
  return `(* The grammar of .resnet, edition 1. Written by scripts/generate-grammar.ts from the parser.

   [ a ] is a or nothing, { a } is a any number of times. Words in capitals are classes of tokens; README.md says
   what they look like and which line breaks count as SEP. *)

${shown.join("\n\n")}

(* Operators, the loosest first; those of one line bind equally tight, and all bind to the left. Prefixes bind
   tighter, then calls and members. *)

OP       = ${operators()}

CMP      = ${[...t.precedence.keys()]
    .filter((type) => type.CATEGORIES?.includes(t.CmpOp))
    .map(word)
    .join(" | ")}
`;
}

export const grammarPath = fileURLToPath(new URL("../grammar/resnet.ebnf", import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(grammarPath, grammarText());
