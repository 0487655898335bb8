/** The grammar as EBNF. */
import { comparisons, operatorLevels, type Syntax, type SyntaxRule, syntaxRules } from "./grammar-model.ts";

/** Syntax in one line; alternatives in parentheses unless they stand by themselves. */
export function ebnf(syntax: Syntax, isAlone = false): string {
  switch (syntax.kind) {
    case "word":
      return `"${syntax.text}"`;
    case "class":
    case "rule":
      return syntax.name;
    case "sequence":
      return syntax.items.map((item) => ebnf(item)).join(" ");
    case "choice": {
      const all = syntax.items.map((item) => ebnf(item, true)).join(" | ");
      return isAlone ? all : `( ${all} )`;
    }
    case "optional":
      return `[ ${ebnf(syntax.item, true)} ]`;
    case "repeat": {
      const { item, separator, least } = syntax;
      if (!separator && least === 0) return `{ ${ebnf(item, true)} }`;
      const list = `${ebnf(item)} { ${separator ? `${ebnf(separator)} ${ebnf(item)}` : ebnf(item, true)} }`;
      return least === 0 ? `[ ${list} ]` : list;
    }
  }
}

/** "name = syntax"; alternatives that are too long for a line stand below each other. */
export function ruleText({ name, syntax }: SyntaxRule): string {
  const head = `${name.padEnd(8)} = `;
  const line = ebnf(syntax, true);
  if (line.length <= 95 || syntax.kind !== "choice") return head + line;
  return head + syntax.items.map((item) => ebnf(item, true)).join("\n         | ");
}

export function grammarText(): string {
  return `(* The grammar of .resnet, edition 1. Written by scripts/generate-grammar.ts from the parser.

   [ a ] is a or nothing, { a } is a any number of times. Words in capitals are classes of tokens; README.md says
   what they look like and which line breaks count as SEP. *)

${syntaxRules().map(ruleText).join("\n\n")}

(* Operators, the loosest first; those of one line bind equally tight, and all bind to the left. Prefixes bind
   tighter, then calls and members. *)

OP       = ${operatorLevels()
    .map((signs) => signs.map((sign) => ebnf(sign)).join(" | "))
    .join("\n         | ")}

CMP      = ${comparisons()
    .map((sign) => ebnf(sign))
    .join(" | ")}
`;
}
