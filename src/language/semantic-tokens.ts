/** What each word of a text is: from the lexer what can be seen, from the names' definitions what they mean. */
import type { TokenType } from "chevrotain";
import type { Span } from "../base/source.ts";
import * as t from "../parser/tokens.ts";
import type { Document } from "./document.ts";
import type { Definition } from "./scopes.ts";

/** Types and modifiers of the Language Server Protocol that are used, in the order of their numbers there. */
export const tokenTypes = [
  "comment",
  "keyword",
  "operator",
  "number",
  "string",
  "class",
  "function",
  "parameter",
  "variable",
  "property",
  "namespace",
] as const;
export const tokenModifiers = ["declaration", "readonly", "defaultLibrary", "documentation"] as const;

export interface SemanticToken {
  readonly span: Span;
  readonly type: (typeof tokenTypes)[number];
  readonly modifiers: readonly (typeof tokenModifiers)[number][];
}

const words = new Set<TokenType>(t.words);
const operators = new Set<TokenType>(t.precedence.keys());

/** In the order of the text; none is longer than a line. */
export function semanticTokens({ source, tokens, binding }: Document): readonly SemanticToken[] {
  const meanings = new Map(binding?.occurrences.map((occurrence) => [occurrence.span.start, occurrence]));
  return tokens.flatMap(({ tokenType, startOffset, image }): SemanticToken | [] => {
    const span = { source, start: startOffset, end: startOffset + image.trimEnd().length };
    const is = (type: SemanticToken["type"], ...modifiers: SemanticToken["modifiers"]) => ({
      span,
      type,
      modifiers,
    });
    if (tokenType === t.Doc) return is("comment", "documentation");
    if (tokenType === t.Comment) return is("comment");
    if (tokenType === t.Times || operators.has(tokenType)) return is("operator");
    if (words.has(tokenType) || tokenType === t.Edition) return is("keyword");
    if (tokenType === t.NumberToken || tokenType === t.Size) return is("number");
    if (tokenType === t.Text || tokenType === t.BadText) return is("string");
    const meaning = tokenType === t.Name ? meanings.get(startOffset) : undefined;
    if (!meaning) return [];
    return {
      span,
      type: typeOf(meaning.definition),
      modifiers: [
        ...(meaning.isDeclaration ? ["declaration" as const] : []),
        ...("span" in meaning.definition ? [] : ["defaultLibrary" as const]),
      ],
    };
  });
}

function typeOf({ kind }: Definition): SemanticToken["type"] {
  switch (kind) {
    case "net":
      return "class";
    case "operation":
    case "function":
    case "block":
      return "function";
    case "parameter":
    case "setting":
      return "parameter";
    case "let":
    case "index":
    case "label":
      return "variable";
    case "property":
    case "metric":
      return "property";
    case "table":
    case "file":
      return "namespace";
  }
}
