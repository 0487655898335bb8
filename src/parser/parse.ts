/**
 * Text → AST, with everything that is wrong with the text reported: lexical problems, brackets, then what
 * the grammar stumbled over, at most one a row. The tree holds every row that could be read.
 */
import { type CstNode, EOF, type IToken, MismatchedTokenException, type TokenType } from "chevrotain";
import type { Code, Extra, Report } from "../base/diagnostic.ts";
import type { MessageParams } from "../base/messages.ts";
import { positionAt, type Source, type Span } from "../base/source.ts";
import type { File } from "./ast.ts";
import { buildAst, readText } from "./build-ast.ts";
import { explainNumber, explainSyntax } from "./explain-syntax.ts";
import { ResnetParser } from "./grammar.ts";
import { separate } from "./separators.ts";
import * as t from "./tokens.ts";

/** Bounds on what is parsed at all: beyond them a text is no network but an accident or an attack. */
export const limits = { characters: 2_000_000, nesting: 100, operators: 500 } as const;
export const knownEdition = 1;

export interface Parsed {
  readonly file: File;
  /** Where the first syntax error's row starts; what a checker says from there on may be its consequence. */
  readonly brokenFrom: number;
}

// One instance, reused: building a parser costs more than parsing most files.
let parser: ResnetParser | undefined;

export function parse(source: Source, report: Report): Parsed | undefined {
  const { text } = source;
  const everything: Span = { source, start: 0, end: 0 };
  if (text.length > limits.characters) {
    const params = { what: source.name, size: text.length, limit: limits.characters };
    report("file-too-large", everything, params);
    return undefined;
  }
  const lexed = t.lexer.tokenize(text);
  const comments = lexed.groups.comments ?? [];

  const edition = lexed.tokens.find(({ tokenType }) => tokenType !== t.Separator);
  if (edition?.tokenType === t.Edition && !isKnown(edition)) {
    const found = edition.image.replace(/\D+/, "");
    const span = { source, start: edition.startOffset, end: edition.startOffset + edition.image.length };
    const hint =
      Number(found) > knownEdition
        ? "a newer resnetc reads it; so does this one after `resnet 1`, if nothing newer is used"
        : "write `resnet 1`";
    report("unknown-edition", span, { found, known: knownEdition }, { hint });
    return undefined;
  }

  let brokenFrom = Number.POSITIVE_INFINITY;
  const badRows = new Set<number>();
  const complain = <C extends Code>(code: C, at: IToken, params: MessageParams<C>, extra?: Extra) => {
    const start = Number.isNaN(at.startOffset) ? text.length : at.startOffset;
    const { line, column } = positionAt(source, start);
    if (badRows.has(line)) return;
    badRows.add(line);
    brokenFrom = Math.min(brokenFrom, start - column + 1);
    const end = start + (at.image === "\n" ? 0 : at.image.length);
    report(code, { source, start, end }, params, extra);
  };

  const separated = separate(lexed.tokens, limits.nesting);
  if (separated.tooDeep) {
    complain("nesting-too-deep", separated.tooDeep, { what: "brackets", limit: limits.nesting });
    return undefined;
  }
  checkWords(lexed.tokens, complain);
  // A quote that is never closed swallows the brackets behind it: what they leave open is no news.
  const openQuotes = new Set(
    lexed.tokens
      .filter((token) => token.tokenType === t.BadText)
      .map((token) => positionAt(source, token.startOffset).line),
  );
  for (const { code, token, missing } of separated.problems) {
    if (openQuotes.has(positionAt(source, token.startOffset).line)) continue;
    const hint = missing ? `add \`${missing}\`` : "remove it";
    complain(code, token, { bracket: token.image }, { hint });
  }
  const long = longRow(separated.tokens);
  if (long) {
    complain(
      "row-too-long",
      long,
      { limit: limits.operators },
      { hint: "name parts of it with labels or `let`" },
    );
    return undefined;
  }

  parser ??= new ResnetParser();
  parser.input = separated.tokens;
  const root: CstNode = parser.file();
  reportStumbles(separated.tokens, parser, root, complain);

  return { file: buildAst(source, root, comments), brokenFrom };
}

const isKnown = ({ image }: IToken): boolean => Number(image.replace(/\D+/, "")) === knownEdition;

type Complain = <C extends Code>(code: C, at: IToken, params: MessageParams<C>, extra?: Extra) => void;

/** What is wrong with single words: numbers, quotes, characters. */
function checkWords(tokens: readonly IToken[], complain: Complain): void {
  for (const token of tokens) {
    const { tokenType, image } = token;
    if (tokenType === t.BadNumber) {
      const { text, hint } = explainNumber(image);
      complain("bad-number", token, { text }, { hint });
    } else if (tokenType === t.BadText) {
      complain("bad-text", token, {}, { hint: 'text ends with " on the same line' });
    } else if (tokenType === t.Text && readText(image) === undefined) {
      complain(
        "bad-escape",
        token,
        { text: image },
        { hint: 'write \\\\ for a backslash and \\" for a quote' },
      );
    } else if (tokenType === t.Unknown) {
      complain("bad-character", token, { text: image }, { hint: characterHint(image) });
    }
  }
}

function characterHint(image: string): string {
  if (image === "'" || image === "\u201C" || image === "\u201D" || image === "\u2019")
    return 'text stands in straight double quotes: "..."';
  if (image === "!" || image === "&") return `the words are \`not\`, \`and\`, \`or\``;
  if (image === "\u2192") return "an arrow is written `->`";
  return "remove it";
}

const deepening = new Set<TokenType>([...t.precedence.keys(), t.Not, t.Dot, t.If, t.LeftParen]);
const openers = new Set<TokenType>(t.brackets.keys());
const closers = new Set<TokenType>(t.brackets.values());

/**
 * The first token of a row with too many operators: expression trees are walked recursively. Those of the rows
 * around it count as well, as the tree is that much deeper.
 */
function longRow(tokens: readonly IToken[]): IToken | undefined {
  const rows = [{ count: 0, first: tokens[0] }];
  let total = 0;
  for (const [i, token] of tokens.entries()) {
    const { tokenType } = token;
    const row = rows[rows.length - 1];
    if (tokenType === t.Separator) {
      total -= row.count;
      rows[rows.length - 1] = { count: 0, first: tokens[i + 1] };
    } else if (deepening.has(tokenType)) {
      row.count++;
      if (++total > limits.operators) return row.first;
    }
    if (openers.has(tokenType)) rows.push({ count: 0, first: tokens[i + 1] ?? token });
    else if (closers.has(tokenType) && rows.length > 1) {
      const inner = rows.pop()!;
      // What stands in brackets stays part of the row it is in.
      rows[rows.length - 1].count += inner.count;
    }
  }
  return undefined;
}

/** Parser errors and leftovers of rows, in the order of the text. */
function reportStumbles(
  tokens: readonly IToken[],
  parser: ResnetParser,
  root: CstNode,
  complain: Complain,
): void {
  const indexOf = new Map(tokens.map((token, i) => [token, i]));
  const stumbles: { index: number; rules: readonly string[]; isTail: boolean }[] = [];
  for (const error of parser.errors) {
    const { token, context } = error;
    let index = token.tokenType === EOF ? tokens.length : (indexOf.get(token) ?? tokens.length);
    if (error instanceof MismatchedTokenException && index < tokens.length && tokens[index].image === "")
      index++;
    stumbles.push({ index, rules: context.ruleStack, isTail: false });
  }
  for (const {
    tokens: [first],
    rules,
  } of leftovers(root)) {
    stumbles.push({ index: indexOf.get(first) ?? tokens.length, rules, isTail: true });
  }
  stumbles.sort((a, b) => a.index - b.index);
  for (const stumble of stumbles) {
    const { code, params, hint, at } = explainSyntax({ tokens, ...stumble });
    if (at) complain(code, at, params as never, hint ? { hint } : {});
  }
}

/** The `junk` of a tree: tokens in order, with the rules around them. */
function leftovers(root: CstNode): { tokens: IToken[]; rules: string[] }[] {
  const found: { tokens: IToken[]; rules: string[] }[] = [];
  const visit = (node: CstNode, rules: string[]) => {
    if (node.name === "junk") {
      const tokens = flatten(node).sort((a, b) => a.startOffset - b.startOffset);
      if (tokens.length > 0) found.push({ tokens, rules });
      return;
    }
    for (const children of Object.values(node.children)) {
      for (const child of children) if ("children" in child) visit(child, [...rules, node.name]);
    }
  };
  visit(root, []);
  return found;
}

function flatten(node: CstNode): IToken[] {
  return Object.values(node.children).flatMap((children) =>
    children.flatMap((child) => ("children" in child ? flatten(child) : [child])),
  );
}
