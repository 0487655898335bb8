/**
 * The vocabulary: one token type a word or sign, in the order in which the lexer tries them.
 *
 * A word must not go on as a name, or `order` would lex as `or` `der` and `x1` as `x` `1`. Two abstract categories
 * keep the operator rule LL(1): BinOp is every operator between operands, CmpOp those that may also follow
 * `expect NAME`. `Any` is every token that recovery may skip inside one row: no separator, no bracket.
 *
 * Editors colour by these patterns (scripts/generate-highlighting.ts) in dialects of their own: hence `[0-9]` for
 * digits, of which others have more, and no lookbehind.
 */
import { createToken, type ITokenConfig, Lexer, type TokenType } from "chevrotain";

const token = (name: string, config: Omit<ITokenConfig, "name">): TokenType =>
  createToken({ name, ...config });

export const Any = token("Any", { pattern: Lexer.NA, label: "anything" });
/** `Any` but parentheses. */
export const Inner = token("Inner", { pattern: Lexer.NA, label: "anything", categories: [Any] });
export const BinOp = token("BinOp", { pattern: Lexer.NA, label: "an operator", categories: [Inner] });
export const CmpOp = token("CmpOp", { pattern: Lexer.NA, label: "a comparison", categories: [BinOp] });

export const Name = token("Name", {
  pattern: /[A-Za-z_][A-Za-z0-9_]*/,
  label: "a name",
  categories: [Inner],
});

// All that JavaScript's \s is but the line feed, written out: other dialects have other ideas of white space.
const white = "\\t\\v\\f\\r \\u00A0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000\\uFEFF";
export const Space = token("Space", { pattern: new RegExp(`[${white}]+`), group: Lexer.SKIPPED });
export const Doc = token("Doc", { pattern: /##(?!#)[^\n]*/, group: "comments" });
export const Comment = token("Comment", { pattern: /#[^\n]*/, group: "comments" });
export const Separator = token("Separator", {
  pattern: /[\n;]/,
  line_breaks: true,
  label: "the end of the row",
});

// One token, so that `resnet` alone stays an ordinary name.
export const Edition = token("Edition", {
  pattern: /resnet[ \t]+[0-9]+(?![A-Za-z0-9_])/,
  label: "`resnet 1`",
  categories: [Inner],
});

// A size goes before a number and must not touch a letter: `3x3`, but `3x` and `3X3` are BadNumber.
export const Size = token("Size", {
  pattern: /[0-9]+(?:x[0-9]+)+(?![A-Za-z0-9_])/,
  label: "a size such as 3x3",
  categories: [Inner],
});
export const NumberToken = token("Number", {
  pattern: /[0-9][0-9_]*(?:\.[0-9][0-9_]*)?(?:[eE][+-]?[0-9]+)?[KMGT]?(?![A-Za-z0-9_])/,
  label: "a number",
  categories: [Inner],
});
export const BadNumber = token("BadNumber", {
  pattern: /[0-9][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*/,
  label: "a number",
  categories: [Inner],
});
export const Text = token("Text", {
  pattern: /"(?:[^"\\\n]|\\[^\n])*"/,
  label: 'text in "quotes"',
  categories: [Inner],
});
export const BadText = token("BadText", {
  pattern: /"[^\n]*/,
  label: 'text in "quotes"',
  categories: [Inner],
});
/** One character of each page of characters that the lexer tells tokens apart by: all below 256, 255 each above. */
const anyCharacter = [...Array(256).keys(), ...Array.from({ length: 510 }, (_, i) => 256 + 128 * i)];
export const Unknown = token("Unknown", {
  pattern: new RegExp(`[\\uD800-\\uDBFF][\\uDC00-\\uDFFF]|[^${white}\\n]`),
  label: "a character",
  categories: [Inner],
  start_chars_hint: anyCharacter,
});

const word = (name: string, text: string, categories: TokenType[] = [Inner]): TokenType =>
  token(name, { pattern: new RegExp(`${text}(?![A-Za-z0-9_])`), label: `\`${text}\``, categories });

export const Net = word("Net", "net");
export const Block = word("Block", "block");
export const Names = word("Names", "names");
export const Use = word("Use", "use");
export const From = word("From", "from");
export const Let = word("Let", "let");
export const Input = word("Input", "input");
export const Output = word("Output", "output");
export const Default = word("Default", "default");
export const Expect = word("Expect", "expect");
export const If = word("If", "if");
export const Else = word("Else", "else");
export const In = word("In", "in");
export const None = word("None", "none");
export const True = word("True", "true");
export const False = word("False", "false");
export const Not = word("Not", "not");
export const Or = word("Or", "or", [BinOp]);
export const And = word("And", "and", [BinOp]);

const sign = (name: string, text: string, categories: TokenType[] = []): TokenType =>
  token(name, { pattern: text, label: `\`${text}\``, categories });

export const As = word("As", "as", [BinOp]);

export const At = sign("At", "@", [BinOp]);
export const Arrow = sign("Arrow", "->", [BinOp]);
export const Bar = sign("Bar", "|", [BinOp]);
export const Equal = sign("Equal", "==", [CmpOp]);
export const NotEqual = sign("NotEqual", "!=", [CmpOp]);
export const LessEqual = sign("LessEqual", "<=", [CmpOp]);
export const GreaterEqual = sign("GreaterEqual", ">=", [CmpOp]);
export const Less = sign("Less", "<", [CmpOp]);
export const Greater = sign("Greater", ">", [CmpOp]);
export const Plus = sign("Plus", "+", [BinOp]);
export const Minus = sign("Minus", "-", [BinOp]);
export const Star = sign("Star", "*", [BinOp]);
export const Slash = sign("Slash", "/", [BinOp]);
export const Percent = sign("Percent", "%", [BinOp]);
export const Times = token("Times", {
  pattern: /x(?![A-Za-z0-9_])|\u00D7/,
  label: "`x`",
  categories: [BinOp],
});

export const LeftParen = sign("LeftParen", "(", [Any]);
export const RightParen = sign("RightParen", ")", [Any]);
export const LeftBracket = sign("LeftBracket", "[");
export const RightBracket = sign("RightBracket", "]");
export const LeftBrace = sign("LeftBrace", "{");
export const RightBrace = sign("RightBrace", "}");
export const Comma = sign("Comma", ",", [Inner]);
export const Colon = sign("Colon", ":", [Inner]);
export const Assign = sign("Assign", "=", [Inner]);
export const Dot = sign("Dot", ".", [Inner]);

/** How tightly an operator binds; all are left-associative. `@` is the loosest: it stands behind a whole row. */
export const precedence: ReadonlyMap<TokenType, number> = new Map([
  [At, 0],
  [Arrow, 1],
  [Bar, 2],
  [Or, 3],
  [And, 4],
  ...[Equal, NotEqual, LessEqual, GreaterEqual, Less, Greater].map((type) => [type, 5] as const),
  [Plus, 6],
  [Minus, 6],
  ...[Star, Slash, Percent, Times, As].map((type) => [type, 7] as const),
]);

export const words: readonly TokenType[] = [
  Net,
  Block,
  Names,
  Use,
  From,
  Let,
  Input,
  Output,
  Default,
  Expect,
  If,
  Else,
  In,
  None,
  True,
  False,
  Not,
  Or,
  And,
  As,
  Times,
];

export const brackets = new Map([
  [LeftParen, RightParen],
  [LeftBracket, RightBracket],
  [LeftBrace, RightBrace],
]);

export const closers: ReadonlySet<TokenType> = new Set(brackets.values());

/** What an operand begins with, prefixes and parentheses left out. */
export const startsOperand: ReadonlySet<TokenType> = new Set([
  Name,
  NumberToken,
  BadNumber,
  Size,
  Text,
  In,
  None,
  True,
  False,
  LeftBracket,
  If,
]);

/** Behind these a row begins. */
export const startsRows: ReadonlySet<TokenType> = new Set([Separator, LeftBrace, LeftBracket, RightBrace]);

/** Before these a row ends. */
export const endsRows: ReadonlySet<TokenType> = new Set([Separator, RightBrace, RightBracket]);

export const vocabulary: TokenType[] = [
  Space,
  Doc,
  Comment,
  Edition,
  Size,
  NumberToken,
  BadNumber,
  Text,
  BadText,
  ...words,
  Name,
  At,
  Arrow,
  Bar,
  Equal,
  NotEqual,
  LessEqual,
  GreaterEqual,
  Less,
  Greater,
  Plus,
  Minus,
  Star,
  Slash,
  Percent,
  LeftParen,
  RightParen,
  LeftBracket,
  RightBracket,
  LeftBrace,
  RightBrace,
  Comma,
  Colon,
  Assign,
  Dot,
  Separator,
  Unknown,
  Any,
  Inner,
  BinOp,
  CmpOp,
];

/** Tests validate the vocabulary, so that no start has to wait for it. */
export const lexer = new Lexer(vocabulary, { positionTracking: "full", skipValidations: true });
