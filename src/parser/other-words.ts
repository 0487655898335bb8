/** Words of other languages at the start of a row or declaration, and what is written here instead. */
import type { IToken } from "chevrotain";
import type { Fix } from "../base/diagnostic.ts";
import { replace, write, writeOneOf } from "../base/fix.ts";
import type { Source } from "../base/source.ts";
import { allNearest, didYouMean } from "../base/suggest.ts";
import { spanFrom, spanOf } from "./token-places.ts";
import * as t from "./tokens.ts";

export interface OtherWord {
  readonly hint: string;
  readonly fixes?: readonly Fix[];
}

const declarations: Readonly<Record<string, "net" | "block" | "use" | "let">> = {
  ...Object.fromEntries(["model", "network", "graph"].map((word) => [word, "net"])),
  ...Object.fromEntries(
    ["def", "function", "fn", "func", "fun", "class", "module", "layer", "stage", "struct"].map((word) => [
      word,
      "block",
    ]),
  ),
  ...Object.fromEntries(["import", "include", "require", "using"].map((word) => [word, "use"])),
  ...Object.fromEntries(
    ["const", "var", "val", "int", "float", "bool", "auto", "define", "set", "param"].map((word) => [
      word,
      "let",
    ]),
  ),
};

const forms = {
  net: "a net is declared `net name { ... }`",
  block: "a block is declared `block name(width) { ... }`",
  use: "names come from elsewhere with `use basic from std`",
  let: "a number is named with `let n = 3`",
} as const;

const rowWords: Readonly<Record<string, string>> = {
  for: "a block is repeated with `x 3`",
  while: "a block is repeated with `x 3`",
  repeat: "a block is repeated with `x 3`",
  return: "the result is that of the last row",
  elif: "a choice goes on with `else if c [ ... ]`",
  elseif: "a choice goes on with `else if c [ ... ]`",
  lambda: "a path is a value as it is: `let stem = [ conv(3x3, 16) -> bn ]`",
  assert: "what must hold is written `expect params 25_557_032`",
};

const ourWords = ["resnet", "net", "block", "names", "use", "let", "input", "output", "default", "expect"];

/** A slip of the finger in a word that begins rows: `inptu 8x8x3`. */
export function mistypedWord(
  source: Source,
  tokens: readonly IToken[],
  index: number,
): OtherWord | undefined {
  const word = tokens[index];
  const next: IToken | undefined = tokens[index + 1];
  const startsRow = index === 0 || t.startsRows.has(tokens[index - 1].tokenType);
  if (!startsRow || word.tokenType !== t.Name || next?.startLine !== word.startLine) return undefined;
  if (next.tokenType === t.LeftBrace || !t.startsOperand.has(next.tokenType)) return undefined;
  // Three letters are near to many words: of those only turned ones count.
  const near = allNearest(word.image, ourWords).filter(
    (meant) => meant.length > 3 || word.image.length > 3 || isTurned(word.image, meant),
  );
  const hint = didYouMean(near);
  return hint === undefined ? undefined : { hint, fixes: writeOneOf(spanOf(source, word), near) };
}

const isTurned = (word: string, meant: string): boolean =>
  word.length === meant.length && [...word].sort().join("") === [...meant].sort().join("");

/** What the word at `index` means elsewhere, when it is followed as it is there. */
export function otherWord(source: Source, tokens: readonly IToken[], index: number): OtherWord | undefined {
  const word = tokens[index];
  const next: IToken | undefined = tokens[index + 1];
  const startsRow = index === 0 || t.startsRows.has(tokens[index - 1].tokenType);
  if (!startsRow || word.tokenType !== t.Name || !next) return undefined;
  const isFollowedByWord =
    next.startLine === word.startLine && (next.tokenType === t.Name || next.tokenType === t.In);
  const opensBody = next.tokenType === t.LeftBrace;
  const meant = Object.hasOwn(declarations, word.image) ? declarations[word.image] : undefined;
  if (meant && (isFollowedByWord || opensBody)) {
    return { hint: forms[meant], ...fixOf(source, tokens, index, meant) };
  }
  const hint = Object.hasOwn(rowWords, word.image) ? rowWords[word.image] : undefined;
  return hint !== undefined && next.startLine === word.startLine && t.startsOperand.has(next.tokenType)
    ? { hint }
    : undefined;
}

/** Another word alone makes it right where what follows has the form that the language wants. */
function fixOf(
  source: Source,
  tokens: readonly IToken[],
  index: number,
  meant: string,
): { readonly fixes?: readonly Fix[] } {
  const row = tokens.slice(
    index,
    tokens.findIndex((token, i) => i > index && token.tokenType === t.Separator),
  );
  const [word, name, after] = row;
  const isName = name?.tokenType === t.Name;
  const fits =
    meant === "use"
      ? row.some(({ tokenType }) => tokenType === t.From)
      : meant === "let"
        ? isName && after?.tokenType === t.Assign
        : isName &&
          (after?.tokenType === t.LeftBrace || after?.tokenType === t.LeftParen) &&
          row.some(({ tokenType }) => tokenType === t.LeftBrace);
  return fits ? { fixes: [write(spanOf(source, word), meant)] } : {};
}

/** `from std use basic`, `from std import basic`: the same in our order. */
export function useBackwards(source: Source, tokens: readonly IToken[], index: number): OtherWord {
  const [from, module, word, ...names] = tokens.slice(
    index,
    tokens.findIndex(
      (token, i) =>
        i > index && (token.tokenType === t.Separator || token.startLine !== tokens[index].startLine),
    ),
  );
  const isWhole =
    module !== undefined &&
    word !== undefined &&
    (word.tokenType === t.Use || word.image === "import") &&
    names.length > 0 &&
    names.every(({ tokenType }) => tokenType === t.Name || tokenType === t.Comma);
  const hint = "the names come first: `use basic from std`";
  if (!isWhole) return { hint };
  const list = names.map(({ image }) => (image === "," ? ", " : image)).join("");
  const text = `use ${list} from ${module.image}`;
  const edits = [replace(spanFrom(source, from, names[names.length - 1]), text)];
  return { hint, fixes: [{ title: `write \`${text}\``, edits }] };
}
