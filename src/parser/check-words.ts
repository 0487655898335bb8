/**
 * What is wrong with single words, before any grammar: numbers, quotes, characters, and the signs of other languages.
 */
import type { IToken, TokenType } from "chevrotain";
import type { Extra, Fix } from "../base/diagnostic.ts";
import { replace, write, writeOneOf } from "../base/fix.ts";
import type { Source } from "../base/source.ts";
import { readText } from "./build-ast.ts";
import type { Complain } from "./parse.ts";
import { spanFrom, spanOf, touches } from "./token-places.ts";
import * as t from "./tokens.ts";

export function checkWords(source: Source, tokens: readonly IToken[], complain: Complain): void {
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    const { tokenType, image } = token;
    if (tokenType === t.BadNumber) {
      const { hint, meant } = explainNumber(image, tokens[i + 1]);
      const isName = startsName(tokens[i + 1]);
      const fixes = meant === undefined ? [] : [write(spanOf(source, token), meant)];
      if (isName) complain("bad-name", token, { text: image }, { hint, fixes });
      else complain("bad-number", token, { text: image }, { hint, fixes });
    } else if (tokenType === t.BadText) {
      complain("bad-text", token, {}, { hint: 'text ends with " on the same line' });
    } else if (tokenType === t.Text && readText(image) === undefined) {
      const hint = 'write \\\\ for a backslash and \\" for a quote';
      complain(
        "bad-escape",
        token,
        { text: image },
        { hint, fixes: [write(spanOf(source, token), escaped(image))] },
      );
    } else if (isSign(tokenType)) {
      const run = signsFrom(tokens, i);
      const sign = run.map((part) => part.image).join("");
      const foreign = foreignSign(sign, tokens, i);
      if (sign === "/*")
        complain(
          "slash-comment",
          token,
          { sign },
          { hint: "comments start with #" },
          spanFrom(source, token, run[1]),
        );
      if (foreign) complainOfSign(source, run, sign, foreign, complain);
      else if (tokenType === t.Unknown) {
        complain("bad-character", token, { text: image }, explainCharacter(source, tokens, i));
        continue;
      }
      i += run.length - 1;
    }
  }
}

/** A backslash before what is no escape becomes two. */
const escaped = (image: string): string =>
  image.replace(/\\(?:(["\\/bfnrt]|u[\dA-Fa-f]{4})|)/g, (all, known?: string) => (known ? all : "\\\\"));

// ---- numbers ----------------------------------------------------------------------------------------

/** What makes a word that starts with a digit a name: it labels a row or is called. */
const startsName = (next: IToken | undefined): boolean =>
  next?.tokenType === t.Colon || next?.tokenType === t.LeftParen;

/** Why `3X3`, `3x`, `64k` or `1000d` is no number, and what was meant where that is certain. */
function explainNumber(
  text: string,
  next: IToken | undefined,
): { readonly hint: string; readonly meant?: string } {
  if (startsName(next)) return { hint: `a name starts with a letter or \`_\`: \`_${text}\`` };
  if (/^\d+(?:[xX]\d+)+$/.test(text)) {
    const meant = text.replaceAll("X", "x");
    return { hint: `sizes use a small x: ${meant}`, meant };
  }
  if (/^\d+[xX]$/.test(text))
    return { hint: `repetition comes after the block: \`block x ${text.slice(0, -1)}\`` };
  if (/^[\d_.]+[kmgt]$/.test(text)) {
    const meant = text.slice(0, -1) + text.slice(-1).toUpperCase();
    return { hint: `the suffixes are capital: ${meant}`, meant };
  }
  const withUnit = /^(\d[\d_]*(?:\.\d[\d_]*)?[KMGT]?)[A-Za-z]+$/.exec(text);
  if (withUnit) {
    const [, meant] = withUnit;
    return { hint: `numbers have no units, only the suffixes K, M, G and T: ${meant}`, meant };
  }
  return { hint: "a number is such as 64, 0.5, 1e-5, 60_192_808 or 11.5G" };
}

// ---- signs of other languages -----------------------------------------------------------------------

interface ForeignSign {
  readonly hint: string;
  /** What is written here instead; several where the reader has to choose. */
  readonly meant: readonly string[];
}

const arrow: ForeignSign = { hint: "steps are joined with `->`", meant: ["->"] };

const foreignSigns: ReadonlyMap<string, ForeignSign> = new Map([
  ["=>", arrow],
  ["==>", arrow],
  ["-->", arrow],
  ["|>", arrow],
  [">>", arrow],
  ["\u2192", arrow],
  ["\u21D2", arrow],
  ["&&", { hint: "both is `and`", meant: ["and"] }],
  ["&", { hint: "both is `and`", meant: ["and"] }],
  ["||", { hint: "one of two is `or`; branches side by side are joined with one `|`", meant: ["or", "|"] }],
  ["!", { hint: "the opposite is `not`", meant: ["not "] }],
  ["===", { hint: "equal is `==`", meant: ["=="] }],
  ["!==", { hint: "unequal is `!=`", meant: ["!="] }],
  ["<>", { hint: "unequal is `!=`", meant: ["!="] }],
  ["\u2260", { hint: "unequal is `!=`", meant: ["!="] }],
  ["\u2264", { hint: "at most is `<=`", meant: ["<="] }],
  ["\u2265", { hint: "at least is `>=`", meant: [">="] }],
  ["=<", { hint: "at most is `<=`", meant: ["<="] }],
  ["**", { hint: "there are no powers: multiply, as in `2 * 2 * 2`", meant: [] }],
  ["^", { hint: "there are no powers: multiply, as in `2 * 2 * 2`", meant: [] }],
  ["\u2212", { hint: "a minus is the hyphen of the keyboard", meant: ["-"] }],
  ["\u2013", { hint: "a minus is the hyphen of the keyboard", meant: ["-"] }],
  ["\u2295", { hint: "sums of two paths are written `a + b`", meant: ["+"] }],
  [":=", { hint: "a label has `:`, and `let` names a number with `=`", meant: [":", "="] }],
  ["+=", { hint: "nothing is changed in place: a row gives a new tensor, as in `a: b + c`", meant: [] }],
  ["++", { hint: "a sum has one `+`", meant: ["+"] }],
  ["...", { hint: "three points stand for nothing: write the rows out", meant: [] }],
  ["::", { hint: "parts are named with one point, as in `body.conv4`", meant: ["."] }],
]);

const signs = new Set<TokenType>([...t.precedence.keys(), t.Assign, t.Colon, t.Dot, t.Unknown]);
for (const word of [t.Times, t.Or, t.And]) signs.delete(word);
const isSign = (type: TokenType): boolean => signs.has(type);

/** The signs that stand together from `index` on. */
function signsFrom(tokens: readonly IToken[], index: number): readonly IToken[] {
  let end = index + 1;
  while (end < tokens.length && isSign(tokens[end].tokenType) && touches(tokens[end - 1], tokens[end])) end++;
  return tokens.slice(index, end);
}

function foreignSign(sign: string, tokens: readonly IToken[], index: number): ForeignSign | undefined {
  const found = foreignSigns.get(sign);
  if (!found) return undefined;
  const row = tokens.filter(({ startLine }) => startLine === tokens[index].startLine);
  const isCondition = row.some(({ tokenType }) => tokenType === t.If || tokenType === t.Expect);
  return sign === "=>" && isCondition ? { hint: "at least is `>=`", meant: [">="] } : found;
}

function complainOfSign(
  source: Source,
  run: readonly IToken[],
  sign: string,
  { hint, meant }: ForeignSign,
  complain: Complain,
): void {
  const span = spanFrom(source, run[0], run[run.length - 1]);
  complain("unknown-operator", run[0], { text: sign }, { hint, fixes: writeOneOf(span, meant) }, span);
}

// ---- characters -------------------------------------------------------------------------------------

const quotes = new Set(["'", "\u2018", "\u2019", "\u201C", "\u201D", "\u201E", "\u00AB", "\u00BB"]);

function explainCharacter(source: Source, tokens: readonly IToken[], index: number): Extra {
  const token = tokens[index];
  const { image, startLine } = token;
  const next: IToken | undefined = tokens[index + 1];
  const fix = (text: string): readonly Fix[] => [write(spanOf(source, token), text)];
  if (quotes.has(image)) {
    const end = tokens.findIndex(
      (other, i) => i > index && other.startLine === startLine && quotes.has(other.image),
    );
    const hint = 'text stands in straight double quotes: "..."';
    if (end < 0) return { hint };
    const edits = [token, tokens[end]].map((quote) => replace(spanOf(source, quote), '"'));
    return { hint, fixes: [{ title: "write straight quotes", edits }] };
  }
  if (image === "\\") {
    return next?.tokenType === t.NumberToken
      ? { hint: `a stride is written with a slash: \`/${next.image}\``, fixes: fix("/") }
      : { hint: "a row goes on in the next line by itself, before or after an operator", fixes: fix("") };
  }
  if (image === "?") {
    const isOpen = next === undefined || next.tokenType === t.Comma || t.closers.has(next.tokenType);
    return { hint: isOpen ? "put what belongs there" : "a choice is written `if n > 2 [ 4 ] else [ 8 ]`" };
  }
  if (image === "$")
    return { hint: "parameters are named as they are: `width`, not `$width`", fixes: fix("") };
  if (image === "@") return { hint: "there are no decorators: a block takes other blocks as parameters" };
  return { hint: "remove it", fixes: fix("") };
}
