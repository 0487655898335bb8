/**
 * Text → AST, with everything that is wrong with the text reported: lexical problems, brackets, then what
 * the grammar stumbled over, at most one a row. The tree holds every row that could be read.
 */
import { type CstNode, EOF, type IToken, MismatchedTokenException, type TokenType } from "chevrotain";
import type { Code, Extra, Report } from "../base/diagnostic.ts";
import { insertAfter, replace, write } from "../base/fix.ts";
import type { MessageParams } from "../base/messages.ts";
import { positionAt, type Source, type Span } from "../base/source.ts";
import type { File } from "./ast.ts";
import { buildAst } from "./build-ast.ts";
import { checkWords } from "./check-words.ts";
import { explainSyntax } from "./explain-syntax.ts";
import { ResnetParser } from "./grammar.ts";
import { reportOtherText } from "./other-texts.ts";
import { type BracketProblem, separate } from "./separators.ts";
import { closerOf, spanOf } from "./token-places.ts";
import * as t from "./tokens.ts";

/** Bounds on what is parsed at all: beyond them a text is no network but an accident or an attack. */
export const limits = { characters: 2_000_000, nesting: 100, operators: 500 } as const;
export const knownEdition = 1;

export interface Parsed {
  readonly file: File;
  /** Where the first syntax error's row starts; what a checker says from there on may be its consequence. */
  readonly brokenFrom: number;
}

/** Reports at a token, or at the span that starts with it; one complaint a line. */
export type Complain = <C extends Code>(
  code: C,
  at: IToken,
  params: MessageParams<C>,
  extra?: Extra,
  span?: Span,
) => void;

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
  if (reportOtherText(source, report)) return undefined;
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
  const complain: Complain = (code, at, params, extra, span = spanOf(source, at)) => {
    const { line, column } = positionAt(source, span.start);
    if (badRows.has(line)) return;
    badRows.add(line);
    brokenFrom = Math.min(brokenFrom, span.start - column + 1);
    report(code, span, params, extra);
  };

  const separated = separate(lexed.tokens, limits.nesting);
  if (separated.tooDeep) {
    complain("nesting-too-deep", separated.tooDeep, { what: "brackets", limit: limits.nesting });
    return undefined;
  }
  checkWords(source, lexed.tokens, complain);
  const rounded = roundBody(lexed.tokens);
  if (rounded) {
    complainOfRoundBody(source, lexed.tokens, rounded, complain);
    return undefined;
  }
  // A quote that is never closed swallows the brackets behind it: what they leave open is no news.
  const openQuotes = new Set(
    lexed.tokens
      .filter((token) => token.tokenType === t.BadText)
      .map((token) => positionAt(source, token.startOffset).line),
  );
  for (const problem of separated.problems) {
    if (openQuotes.has(positionAt(source, problem.token.startOffset).line)) continue;
    complainOfBracket(source, problem, complain);
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
  parser.hasJunk = false;
  const root: CstNode = parser.file();
  reportStumbles(source, separated.tokens, parser, root, complain);

  return { file: buildAst(source, root, comments), brokenFrom };
}

const isKnown = ({ image }: IToken): boolean => Number(image.replace(/\D+/, "")) === knownEdition;

function complainOfBracket(source: Source, problem: BracketProblem, complain: Complain): void {
  const { token } = problem;
  const bracket = token.image;
  switch (problem.code) {
    case "stray-bracket":
      complain(
        "stray-bracket",
        token,
        { bracket },
        { hint: "remove it", fixes: [write(spanOf(source, token), "")] },
      );
      break;
    case "wrong-bracket": {
      const { opener, wanted } = problem;
      const notes = [{ message: `\`${opener.image}\` opens here`, span: spanOf(source, opener) }];
      const fixes = [write(spanOf(source, token), wanted)];
      const params = { opener: opener.image, bracket };
      complain("wrong-bracket", token, params, { hint: `write \`${wanted}\``, notes, fixes });
      break;
    }
    case "unclosed-bracket": {
      const { missing, near, after } = problem;
      const notes = near
        ? [{ message: `\`${missing}\` is missing before this`, span: spanOf(source, near) }]
        : [];
      // Where a body ends is certain: a declaration begins, or the file is over.
      const fixes =
        bracket === "{" && after
          ? [{ title: "add `}`", edits: [insertAfter(spanOf(source, after), near ? "\n}" : "\n}\n")] }]
          : [];
      const hint = near ? `add \`${missing}\`` : `add \`${missing}\` at the end of the file`;
      complain("unclosed-bracket", token, { bracket }, { hint, notes, fixes });
    }
  }
}

/** The `(` of `net m (`, where rows follow on lines of their own and no body does; else undefined. */
function roundBody(tokens: readonly IToken[]): number | undefined {
  const found = tokens.findIndex((token, i) => {
    const isDeclared = i >= 2 && (tokens[i - 2].tokenType === t.Net || tokens[i - 2].tokenType === t.Block);
    if (token.tokenType !== t.LeftParen || !isDeclared) return false;
    const closer = closerOf(tokens, i);
    const inside = closer ? tokens.slice(i + 1, tokens.indexOf(closer)) : [];
    const behind = closer && tokens[tokens.indexOf(closer) + 1]?.tokenType;
    const isAlone = behind === undefined || behind === t.Separator;
    return isAlone && inside[0]?.tokenType === t.Separator;
  });
  return found < 0 ? undefined : found;
}

function complainOfRoundBody(
  source: Source,
  tokens: readonly IToken[],
  index: number,
  complain: Complain,
): void {
  const [what, name] = tokens.slice(index - 2, index);
  const edits = [tokens[index], closerOf(tokens, index)!].map((token, i) =>
    replace(spanOf(source, token), "{}"[i]),
  );
  const hint = `\`${what.image} ${name.image} { ... }\``;
  complain(
    "body-brackets",
    tokens[index],
    { what: what.image },
    { hint, fixes: [{ title: "write `{ ... }`", edits }] },
  );
}

const deepening = new Set<TokenType>([...t.precedence.keys(), t.Not, t.Dot, t.If, t.LeftParen]);
const openers = new Set<TokenType>(t.brackets.keys());

/**
 * The first token of a row with too many operators: expression trees are walked recursively. Those of the rows
 * around it count as well, as the tree is that much deeper.
 */
function longRow(tokens: readonly IToken[]): IToken | undefined {
  const rows = [{ count: 0, first: tokens[0] }];
  let total = 0;
  for (let i = 0; i < tokens.length; i++) {
    const { tokenType } = tokens[i];
    const row = rows[rows.length - 1];
    if (tokenType === t.Separator) {
      total -= row.count;
      rows[rows.length - 1] = { count: 0, first: tokens[i + 1] };
    } else if (deepening.has(tokenType)) {
      row.count++;
      if (++total > limits.operators) return row.first;
    }
    if (openers.has(tokenType)) rows.push({ count: 0, first: tokens[i + 1] ?? tokens[i] });
    else if (t.closers.has(tokenType) && rows.length > 1) {
      const inner = rows.pop()!;
      // What stands in brackets stays part of the row it is in.
      rows[rows.length - 1].count += inner.count;
    }
  }
  return undefined;
}

/** Parser errors and leftovers of rows, in the order of the text. */
function reportStumbles(
  source: Source,
  tokens: readonly IToken[],
  parser: ResnetParser,
  root: CstNode,
  complain: Complain,
): void {
  if (parser.errors.length === 0 && !parser.hasJunk) return;
  const indexOf = new Map(tokens.map((token, i) => [token, i]));
  const stumbles: { index: number; rules: readonly string[]; isTail: boolean }[] = [];
  for (const error of parser.errors) {
    const { token, context } = error;
    let index = token.tokenType === EOF ? tokens.length : (indexOf.get(token) ?? tokens.length);
    if (error instanceof MismatchedTokenException && index < tokens.length && tokens[index].image === "")
      index++;
    stumbles.push({ index, rules: context.ruleStack, isTail: false });
  }
  for (const { tokens: left, rules, isTail } of leftovers(root))
    stumbles.push({ index: indexOf.get(left[0]) ?? tokens.length, rules, isTail });
  stumbles.sort((a, b) => a.index - b.index);
  for (const stumble of stumbles) {
    const { code, params, hint, at, span, notes, fixes } = explainSyntax({ source, tokens, ...stumble });
    if (at) complain(code, at, params as never, { hint, notes, fixes }, span);
  }
}

/** The `junk` of a tree, and what is `stray` among parameters: tokens in order, with the rules around them. */
function leftovers(root: CstNode): { tokens: IToken[]; rules: string[]; isTail: boolean }[] {
  const found: { tokens: IToken[]; rules: string[]; isTail: boolean }[] = [];
  const rules: string[] = [];
  const visit = (node: CstNode) => {
    if (node.name === "junk" || node.name === "stray") {
      const tokens = flatten(node).sort((a, b) => a.startOffset - b.startOffset);
      if (tokens.length > 0) found.push({ tokens, rules: [...rules], isTail: node.name === "junk" });
      return;
    }
    rules.push(node.name);
    for (const key in node.children) {
      for (const child of node.children[key]) if ("children" in child) visit(child);
    }
    rules.pop();
  };
  visit(root);
  return found;
}

function flatten(node: CstNode): IToken[] {
  return Object.values(node.children).flatMap((children) =>
    children.flatMap((child) => ("children" in child ? flatten(child) : [child])),
  );
}
