/**
 * The grammar as a value, read off the parser itself: what scripts/generate-grammar.ts prints as EBNF and
 * scripts/railroad.ts draws. Without what the parser has for the sake of good messages only.
 */
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

export type Syntax =
  /** A word or sign of the language. */
  | { readonly kind: "word"; readonly text: string }
  /** A class of tokens, such as NAME. */
  | { readonly kind: "class"; readonly name: string }
  | { readonly kind: "rule"; readonly name: string }
  | { readonly kind: "sequence"; readonly items: readonly Syntax[] }
  | { readonly kind: "choice"; readonly items: readonly Syntax[] }
  | { readonly kind: "optional"; readonly item: Syntax }
  /** Any number of times, from `least` up. */
  | {
      readonly kind: "repeat";
      readonly item: Syntax;
      readonly separator: Syntax | undefined;
      readonly least: 0 | 1;
    };

export interface SyntaxRule {
  readonly name: string;
  readonly syntax: Syntax;
}

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

function terminal(type: TokenType): Syntax {
  const name = classes.get(type);
  // Labels of words and signs are the text itself, in backquotes.
  return name
    ? { kind: "class", name }
    : { kind: "word", text: (type.LABEL ?? type.name).replaceAll("`", "") };
}

const isHidden = (production: IProduction): boolean =>
  production instanceof Terminal && hidden.has(production.terminalType);

function sequence(definition: readonly IProduction[]): Syntax {
  const items = definition.map(syntaxOf);
  return items.length === 1 ? items[0] : { kind: "sequence", items };
}

function syntaxOf(production: IProduction): Syntax {
  if (production instanceof Terminal) return terminal(production.terminalType);
  if (production instanceof NonTerminal) return { kind: "rule", name: production.nonTerminalName };
  if (production instanceof Alternation) {
    const shown = (production.definition as Alternative[]).filter(
      ({ definition }) => !definition.every(isHidden),
    );
    const items = shown.map(({ definition }) => sequence(definition));
    return items.length === 1 ? items[0] : { kind: "choice", items };
  }
  const item = sequence((production as Option).definition);
  if (production instanceof Option) return { kind: "optional", item };
  if (production instanceof Repetition) return { kind: "repeat", item, separator: undefined, least: 0 };
  if (production instanceof RepetitionMandatory)
    return { kind: "repeat", item, separator: undefined, least: 1 };
  if (production instanceof RepetitionWithSeparator)
    return { kind: "repeat", item, separator: terminal(production.separator), least: 0 };
  if (production instanceof RepetitionMandatoryWithSeparator)
    return { kind: "repeat", item, separator: terminal(production.separator), least: 1 };
  throw new Error("a production of an unknown kind");
}

/** The syntax directly inside another. */
export function partsOf(syntax: Syntax): readonly Syntax[] {
  if ("items" in syntax) return syntax.items;
  if (syntax.kind === "repeat") return syntax.separator ? [syntax.item, syntax.separator] : [syntax.item];
  return syntax.kind === "optional" ? [syntax.item] : [];
}

/** The rules, each before those that it is the first to use. */
export function syntaxRules(): readonly SyntaxRule[] {
  const productions = new ResnetParser({ strict: true }).getGAstProductions();
  const found: SyntaxRule[] = [];
  const add = (rule: SyntaxRule) => {
    found.push(rule);
    const visit = (syntax: Syntax) => {
      if (syntax.kind === "rule" && !found.some(({ name }) => name === syntax.name))
        add({ name: syntax.name, syntax: sequence(productions[syntax.name].definition) });
      partsOf(syntax).forEach(visit);
    };
    visit(rule.syntax);
  };
  // What a file is a list of deserves a name, which the parser has no need of.
  const file = sequence(productions.file.definition) as Extract<Syntax, { kind: "sequence" }>;
  const list = file.items[file.items.length - 1];
  if (list.kind !== "repeat") throw new Error("A file no longer ends in a list of items.");
  const item: Syntax = { kind: "rule", name: "item" };
  found.push({
    name: "file",
    syntax: { ...file, items: [...file.items.slice(0, -1), { ...list, item }] },
  });
  add({ name: "item", syntax: list.item });
  return found;
}

/** Operators by how tightly they bind, the loosest first. */
export function operatorLevels(): readonly (readonly Syntax[])[] {
  const levels = new Map<number, Syntax[]>();
  for (const [type, level] of t.precedence) levels.set(level, [...(levels.get(level) ?? []), terminal(type)]);
  return [...levels].sort(([a], [b]) => a - b).map(([, signs]) => signs);
}

export const comparisons = (): readonly Syntax[] =>
  [...t.precedence.keys()].filter((type) => type.CATEGORIES?.includes(t.CmpOp)).map(terminal);
