/**
 * Canonical format (`resnetc fmt`): works on the tokens, not the tree, so that comments and the author's row breaks
 * stay where they are, and formats a file only if it parses.
 *
 * Two spaces a level; one space round operators, none after `/` where it is a stride (outside parentheses, in a row
 * that is no `let` or `expect`); none inside `( )`, one inside `[ ]` and `{ }`; the text after the labels of
 * consecutive rows lines up; at most one blank line, none behind an opening bracket or before a closing one; a
 * continuation is one level in; `×` becomes `x`; a `;` or a comma that separates nothing goes.
 */
import type { IToken, TokenType } from "chevrotain";
import { collect, type Diagnostic } from "../base/diagnostic.ts";
import type { Source } from "../base/source.ts";
import { parse } from "./parse.ts";
import { asksForMore, continuesRow, startsRow } from "./separators.ts";
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
const isComment = ({ tokenType }: IToken): boolean => tokenType === t.Comment || tokenType === t.Doc;
const isNewline = ({ tokenType, image }: IToken): boolean => tokenType === t.Separator && image === "\n";

/** A line of the text, written, with what decides where it stands. */
interface Line {
  readonly indent: number;
  readonly text: string;
  /** The label's length with its colon, where the line is a labelled row. */
  readonly label: number;
  /** For lining up: rows of one block only. */
  readonly depth: number;
  /** Whether its first token closes a bracket, and whether its last one opens one. */
  readonly closes: boolean;
  readonly opens: boolean;
}

function layOut(text: string): string {
  const { tokens, groups } = t.lexer.tokenize(text);
  const all = [...tokens, ...(groups.comments ?? [])].sort((a, b) => a.startOffset - b.startOffset);
  const lines = splitLines(withoutSurplus(all));
  const layout = new Layout();
  const written: (Line | undefined)[] = [];
  // What follows a comment decides how far in it stands: the first token of code from each line on.
  const following: (TokenType | undefined)[] = [];
  for (let i = lines.length - 1; i >= 0; i--)
    following[i] = lines[i].find((token) => !isComment(token))?.tokenType ?? following[i + 1];
  for (const [i, line] of lines.entries())
    written.push(line.length > 0 ? layout.line(line, following[i]) : undefined);
  return finish(written);
}

/** Without what separates nothing: `;` beside a bracket, a line break or another, and a comma before `)`. */
function withoutSurplus(tokens: readonly IToken[]): IToken[] {
  const following = followingCode(tokens);
  const kept: IToken[] = [];
  let last: TokenType | undefined;
  for (const [i, token] of tokens.entries()) {
    const next = following[i];
    if (token.tokenType === t.Separator && !isNewline(token)) {
      if (!last || openers.has(last) || last === t.Separator) continue;
      if (!next || closers.has(next.tokenType)) continue;
      // `output a,` may go on with `output` only behind a `;`: at the start of a line the word starts a row.
      if (asksForMore.has(last) && !startsRow.has(next.tokenType)) continue;
      // A line break in its place would join the rows if the next one began with an operator.
      if (next.startLine !== token.startLine && !continuesRow.has(next.tokenType)) continue;
    }
    if (token.tokenType === t.Comma && tokens[i + 1]?.tokenType === t.RightParen) continue;
    kept.push(token);
    if (!isComment(token) && !isNewline(token)) last = token.tokenType;
  }
  return kept;
}

/** For each token the next one that is neither a separator nor a comment. */
function followingCode(tokens: readonly IToken[]): (IToken | undefined)[] {
  const following: (IToken | undefined)[] = [];
  let next: IToken | undefined;
  for (let i = tokens.length - 1; i >= 0; i--) {
    following[i] = next;
    if (!isComment(tokens[i]) && tokens[i].tokenType !== t.Separator) next = tokens[i];
  }
  return following;
}

/** Lines of tokens; an empty one is a blank line. */
function splitLines(tokens: readonly IToken[]): IToken[][] {
  const lines: IToken[][] = [[]];
  for (const token of tokens) {
    if (isNewline(token)) lines.push([]);
    else lines[lines.length - 1].push(token);
  }
  return lines;
}

/** What decides the spaces within a row; rows of brackets have their own. */
interface RowState {
  /** `let` and `expect` rows, with groups in their lines: a slash divides. */
  isCount: boolean;
  /** Behind `expect`, before what is expected: `expect params (n - 1)` is no call. */
  inReference: boolean;
  parens: number;
}
const newRow = (first?: TokenType, isInCount = false): RowState => ({
  isCount: isInCount || first === t.Let || first === t.Expect,
  inReference: first === t.Expect,
  parens: 0,
});

const referenceParts = new Set([t.Output, t.Name, t.NumberToken]);
const joinsReference = new Set<TokenType | undefined>([t.Expect, t.Dot]);
/** What an operand ends in: a `-` behind it subtracts, and a `(` calls. */
const operandEnds = new Set([
  ...[t.Name, t.NumberToken, t.Size, t.Text, t.In, t.None, t.True, t.False],
  ...[t.RightParen, t.RightBracket],
]);

class Layout {
  readonly #open: { readonly type: TokenType; readonly indent: number }[] = [];
  /** The row of the file and one for each open `[` or `{`. */
  readonly #rows: RowState[] = [newRow()];
  /** The tokens of code before: the last one, and the one before it. */
  #last: IToken | undefined;
  #beforeLast: IToken | undefined;

  /** `following`: the first token of code in this line or, where it has comments only, in the next that has any. */
  line(tokens: readonly IToken[], following: TokenType | undefined): Line {
    const first = tokens[0].tokenType;
    let leading = 0;
    while (leading < tokens.length && closers.has(tokens[leading].tokenType)) leading++;
    const innermost = this.#open[this.#open.length - 1];
    const inParens = innermost?.type === t.LeftParen;
    const goesOn =
      leading === 0 &&
      !inParens &&
      ((following !== undefined && continuesRow.has(following) && !closers.has(following)) ||
        (this.#last !== undefined && asksForMore.has(this.#last.tokenType)));
    const outer = this.#open[this.#open.length - leading];
    const base = leading > 0 ? (outer?.indent ?? 0) : innermost ? innermost.indent + 1 : 0;
    const indent = base + (goesOn ? 1 : 0);
    const isRow = leading === 0 && !inParens && !goesOn;
    if (isRow) this.#rows[this.#rows.length - 1] = newRow(first);
    const isLabelled = isRow && first === t.Name && tokens[1]?.tokenType === t.Colon;
    const depth = this.#open.length;
    const text = this.#write(tokens, indent);
    return {
      indent,
      text,
      label: isLabelled ? tokens[0].image.length + 1 : 0,
      depth,
      closes: leading > 0,
      opens: openers.has(tokens[tokens.length - 1].tokenType),
    };
  }

  #write(tokens: readonly IToken[], indent: number): string {
    let text = "";
    /** Brackets that this line has opened and not closed: several indent once. */
    let fresh = 0;
    for (const [i, token] of tokens.entries()) {
      if (isComment(token)) {
        text += `${i > 0 ? "  " : ""}${image(token)}`;
        continue;
      }
      const startsInLine =
        this.#last?.tokenType === t.Separator || (this.#last && openers.has(this.#last.tokenType));
      if (i > 0 && startsInLine && this.#open[this.#open.length - 1]?.type !== t.LeftParen)
        this.#rows[this.#rows.length - 1] = newRow(
          token.tokenType,
          this.#rows[this.#rows.length - 2]?.isCount,
        );
      if (i > 0 && !this.#isGlued(token, tokens[i + 1])) text += " ";
      text += image(token);
      fresh = this.#enter(token, indent, fresh);
    }
    return text;
  }

  /** Whether there is no space between a token and the one before it in its line. */
  #isGlued({ tokenType: type }: IToken, next: IToken | undefined): boolean {
    const row = this.#rows[this.#rows.length - 1];
    const before = this.#last?.tokenType;
    if (!before) return false;
    switch (type) {
      case t.Comma:
      case t.RightParen:
      case t.Colon:
      case t.Separator:
        return true;
      case t.Dot:
        // `3 .0` is a part of 3, `3.0` a number.
        return !(
          before === t.NumberToken &&
          next?.tokenType === t.NumberToken &&
          this.#beforeLast?.tokenType !== t.Dot
        );
      case t.LeftParen:
        if (operandEnds.has(before) && !row.inReference) return true;
        break;
      case t.RightBracket:
        if (before === t.LeftBracket) return true;
        break;
      case t.RightBrace:
        if (before === t.LeftBrace) return true;
        break;
    }
    if (before === t.LeftParen || before === t.Dot) return true;
    if (before === t.Slash) return row.parens === 0 && !row.isCount;
    return before === t.Minus && this.#isPrefix();
  }

  /** Whether the `-` that was read last is a sign. */
  #isPrefix(): boolean {
    return (
      !this.#beforeLast ||
      this.#rows[this.#rows.length - 1].inReference ||
      !operandEnds.has(this.#beforeLast.tokenType)
    );
  }

  /** Takes note of a token that was written; gives how many brackets this line has opened by now. */
  #enter(token: IToken, indent: number, fresh: number): number {
    const type = token.tokenType;
    const row = this.#rows[this.#rows.length - 1];
    // A name or number that no dot joins to the reference is what is expected.
    const isPart = type === t.Dot || (referenceParts.has(type) && joinsReference.has(this.#last?.tokenType));
    if (type !== t.Minus && type !== t.Expect && !isPart) row.inReference = false;
    this.#beforeLast = this.#last;
    this.#last = token;
    if (openers.has(type)) {
      const outer = this.#open[this.#open.length - 1];
      this.#open.push({ type, indent: fresh > 0 && outer ? outer.indent : indent });
      if (type === t.LeftParen) row.parens++;
      else this.#rows.push(newRow(undefined, row.isCount));
      return fresh + 1;
    }
    if (!closers.has(type)) return fresh;
    this.#open.pop();
    if (type === t.RightParen) row.parens--;
    else this.#rows.pop();
    return Math.max(0, fresh - 1);
  }
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
  let before: Line | undefined;
  let isBlank = false;
  for (const [i, line] of lines.entries()) {
    if (!line) {
      isBlank = true;
      continue;
    }
    if (isBlank && before && !before.opens && !line.closes) out.push("");
    const { text, label, indent } = line;
    const padded = label > 0 ? text.slice(0, label).padEnd(widths[i]) + text.slice(label) : text;
    out.push("  ".repeat(indent) + padded);
    before = line;
    isBlank = false;
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
