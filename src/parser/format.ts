/**
 * Canonical format (`resnetc fmt`): works on the tokens, not the tree, so that comments and the author's row breaks
 * stay where they are, and formats a file only if it parses.
 *
 * Two spaces a level; one space round operators, none after `/` where it is a stride (parenthesis depth 0 of a
 * row that is no `let` or `expect`); none inside `( )`, one inside `[ ]` and `{ }`; the text after the labels of
 * consecutive rows lines up; at most one blank line; a continuation is one level in; `×` becomes `x`.
 */
import type { IToken, TokenType } from "chevrotain";
import { collect, type Diagnostic } from "../base/diagnostic.ts";
import type { Source } from "../base/source.ts";
import { parse } from "./parse.ts";
import * as t from "./tokens.ts";

export interface Formatted {
  /** Absent where the text does not parse. */
  readonly text?: string;
  readonly diagnostics: readonly Diagnostic[];
}

export function format(source: Source): Formatted {
  const { diagnostics, report, failed } = collect();
  parse(source, report);
  return failed() ? { diagnostics } : { text: layOut(source.text), diagnostics };
}

const openers = new Set<TokenType>(t.brackets.keys());
const closers = new Set<TokenType>(t.brackets.values());
const isOperator = (type: TokenType | undefined) => type !== undefined && t.precedence.has(type);

/** A line of the text as tokens, with how it begins and ends. */
interface Line {
  readonly indent: number;
  readonly text: string;
  /** The label's length with its colon, where the line is a labelled row. */
  readonly label: number;
  /** For lining up: rows of one block only. */
  readonly depth: number;
}

function layOut(text: string): string {
  const lexed = t.lexer.tokenize(text);
  const all = [...lexed.tokens, ...(lexed.groups.comments ?? [])].sort(
    (a, b) => a.startOffset - b.startOffset,
  );
  const lines: (Line | undefined)[] = [];
  const open: { readonly type: TokenType; readonly indent: number }[] = [];
  let parens = 0;
  let rowStart: TokenType | undefined;
  for (const tokens of splitLines(all)) {
    if (tokens.length === 0) {
      if (lines.length > 0) lines.push(undefined);
      continue;
    }
    const first = tokens[0].tokenType;
    let leading = 0;
    while (leading < tokens.length && closers.has(tokens[leading].tokenType)) leading++;
    const isContinuation = leading === 0 && (continuesRow(first) || endsOpen(lines)) && open.length > 0;
    if (!isContinuation && leading === 0 && parens === 0) rowStart = first;
    const outer = open[open.length - leading];
    const base = leading > 0 ? (outer?.indent ?? 0) : open.length > 0 ? open[open.length - 1].indent + 1 : 0;
    const indent = base + (isContinuation && !isOpen(open, t.LeftParen) ? 1 : 0);
    const isLabelled = first === t.Name && tokens[1]?.tokenType === t.Colon && parens === 0;
    const written = writeLine(tokens, { parens, isCount: rowStart === t.Let || rowStart === t.Expect });
    const label = isLabelled ? tokens[0].image.length + 1 : 0;
    lines.push({ indent, text: written, label, depth: open.length });
    let fresh = 0;
    for (const token of tokens) {
      if (openers.has(token.tokenType)) {
        // Several brackets opened on one line indent once.
        open.push({
          type: token.tokenType,
          indent: fresh > 0 && open.length > 0 ? open[open.length - 1].indent : indent,
        });
        fresh++;
        if (token.tokenType === t.LeftParen) parens++;
      } else if (closers.has(token.tokenType)) {
        open.pop();
        if (fresh > 0) fresh--;
        if (token.tokenType === t.RightParen) parens--;
      }
    }
  }
  return finish(lines);
}

const isOpen = (open: readonly { readonly type: TokenType }[], type: TokenType) =>
  open[open.length - 1]?.type === type;

function splitLines(tokens: readonly IToken[]): IToken[][] {
  const lines: IToken[][] = [[]];
  for (const token of tokens) {
    if (token.tokenType === t.Separator && token.image === "\n") lines.push([]);
    else lines[lines.length - 1].push(token);
  }
  return lines;
}

function continuesRow(first: TokenType): boolean {
  return isOperator(first) || first === t.Else || first === t.From || first === t.Dot || first === t.Assign;
}

/** Whether the line before ends in something that asks for more. */
function endsOpen(lines: readonly (Line | undefined)[]): boolean {
  const last = lines[lines.length - 1];
  return (
    last !== undefined &&
    / (->|\||or|and|==|!=|<|<=|>|>=|\+|-|\*|\/|%|x|=)$/.test(` ${last.text.replace(/\s*#.*$/, "")}`)
  );
}

function writeLine(
  tokens: readonly IToken[],
  start: { readonly parens: number; readonly isCount: boolean },
): string {
  let text = "";
  let parens = start.parens;
  let previous: IToken | undefined;
  let isStride = false;
  let isPrefix = false;
  for (const token of tokens) {
    const type = token.tokenType;
    const before = previous?.tokenType;
    const glued =
      previous === undefined ||
      type === t.Comma ||
      type === t.RightParen ||
      type === t.Dot ||
      type === t.Colon ||
      type === t.Separator ||
      before === t.LeftParen ||
      before === t.Dot ||
      isStride ||
      isPrefix ||
      (type === t.LeftParen && (before === t.Name || before === t.RightParen)) ||
      (type === t.RightBracket && before === t.LeftBracket) ||
      (type === t.RightBrace && before === t.LeftBrace);
    const isComment = type === t.Comment || type === t.Doc;
    text += glued ? "" : isComment && previous ? "  " : " ";
    text += image(token);
    if (type === t.LeftParen) parens++;
    if (type === t.RightParen) parens--;
    isStride = type === t.Slash && parens === 0 && !start.isCount;
    isPrefix =
      type === t.Minus &&
      (before === undefined ||
        isOperator(before) ||
        before === t.LeftParen ||
        before === t.Comma ||
        before === t.Assign ||
        before === t.Not ||
        before === t.Minus);
    previous = token;
  }
  return text.trimEnd();
}

function image({ tokenType, image: text }: IToken): string {
  if (tokenType === t.Times) return "x";
  if (tokenType === t.Edition) return text.replace(/\s+/, " ");
  if (tokenType === t.Doc) return `## ${text.slice(2).trim()}`.trim();
  if (tokenType === t.Comment)
    // Rules and banners keep their shape.
    return /^#(\s*-{3,}|#)/.test(text) || text.trim() === "#" ? text.trim() : `# ${text.slice(1).trim()}`;
  return text;
}

/** Lines up labels, drops surplus blank lines, joins. */
function finish(lines: readonly (Line | undefined)[]): string {
  const out: string[] = [];
  const widths = alignments(lines);
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    if (!line) {
      const before = out[out.length - 1];
      const next = lines[i + 1];
      const atOpening = before === undefined || before === "" || before.endsWith("{") || before.endsWith("[");
      // Of several blank lines the last one counts.
      if (!atOpening && next && !/^[\])}]/.test(next.text)) out.push("");
      continue;
    }
    const width = widths[i];
    const padded =
      line.label > 0 ? line.text.slice(0, line.label).padEnd(width) + line.text.slice(line.label) : line.text;
    out.push(`${"  ".repeat(line.indent)}${padded}`.trimEnd());
  }
  return `${out.join("\n")}\n`;
}

/** For each line the widest label in the run of labelled lines that it belongs to; 0 outside one. */
function alignments(lines: readonly (Line | undefined)[]): readonly number[] {
  const widths = new Array<number>(lines.length).fill(0);
  let from = 0;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    const start = lines[from];
    if (!line || line.label === 0) from = i + 1;
    else if (start && (line.depth !== start.depth || line.indent !== start.indent)) from = i;
    const next = lines[i + 1];
    const ends = !next || next.label === 0 || next.depth !== line?.depth || next.indent !== line.indent;
    if (!line || from > i || !ends) continue;
    let widest = 0;
    for (let at = from; at <= i; at++) widest = Math.max(widest, lines[at]!.label);
    widths.fill(widest, from, i + 1);
    from = i + 1;
  }
  return widths;
}
