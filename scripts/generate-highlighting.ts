/**
 * Writes what editors colour texts by, from the lexer's own vocabulary and the names that are built in:
 *
 *     grammar/resnet.tmLanguage.json                  TextMate: VS Code, GitHub, Shiki, Sublime Text
 *     src/language/highlight/rules.generated.ts       for src/language/highlight/stream-parser.ts: CodeMirror
 *
 * `npm run grammar`. A test fails when a file is stale; others compare both with the lexer.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Lexer, type TokenType } from "chevrotain";
import { builtinScope } from "../src/lower/modules.ts";
import * as t from "../src/parser/tokens.ts";

/** What a piece of text is: the scope that TextMate's themes know, and the tag that CodeMirror's do. */
export const kinds = {
  documentation: { scope: "comment.line.documentation", tag: "docComment" },
  comment: { scope: "comment.line.number-sign", tag: "lineComment" },
  edition: { scope: "keyword.other.edition", tag: "meta" },
  number: { scope: "constant.numeric", tag: "number" },
  text: { scope: "string.quoted.double", tag: "string" },
  wrong: { scope: "invalid.illegal", tag: "invalid" },
  declaration: { scope: "storage.type", tag: "definitionKeyword" },
  row: { scope: "keyword.other", tag: "keyword" },
  choice: { scope: "keyword.control", tag: "controlKeyword" },
  constant: { scope: "constant.language", tag: "atom" },
  self: { scope: "variable.language", tag: "self" },
  wordOperator: { scope: "keyword.operator.word", tag: "operatorKeyword" },
  operator: { scope: "keyword.operator", tag: "operator" },
  bracket: { scope: "punctuation.section", tag: "bracket" },
  punctuation: { scope: "punctuation.separator", tag: "punctuation" },
  declared: { scope: "entity.name.function", tag: "variableName.definition" },
  label: { scope: "entity.name.label", tag: "labelName" },
  argument: { scope: "variable.parameter", tag: "propertyName" },
  operation: { scope: "support.function.operation", tag: "variableName.standard" },
  function: { scope: "support.function.number", tag: "variableName.function" },
  name: { scope: "variable.other", tag: "variableName" },
} as const;
export type Kind = keyof typeof kinds;

const special = new Map<TokenType, Kind>([
  [t.Doc, "documentation"],
  [t.Comment, "comment"],
  [t.Separator, "punctuation"],
  [t.Edition, "edition"],
  [t.Size, "number"],
  [t.NumberToken, "number"],
  [t.BadNumber, "wrong"],
  [t.Text, "text"],
  [t.BadText, "wrong"],
  [t.Unknown, "wrong"],
  ...[t.Net, t.Block, t.Names, t.Let].map((type) => [type, "declaration"] as const),
  ...[t.If, t.Else].map((type) => [type, "choice"] as const),
  ...[t.None, t.True, t.False].map((type) => [type, "constant"] as const),
  [t.In, "self"],
  [t.Not, "wordOperator"],
  [t.Name, "name"],
  ...[...t.brackets].flat().map((type) => [type, "bracket"] as const),
]);

/** What a token is by itself: the next words may say more of a name. */
export function kindOfToken(type: TokenType): Kind {
  const isWord = t.words.includes(type);
  const kind = t.precedence.has(type)
    ? isWord
      ? "wordOperator"
      : "operator"
    : isWord
      ? "row"
      : "punctuation";
  return special.get(type) ?? kind;
}

const scopeOf = (kind: Kind): string => `${kinds[kind].scope}.resnet`;

/** What a rule needs or says of the word before: names behind `net`, `block`, `names` and `let` are declared there. */
type Context = "declares" | "declared";

interface Rule {
  readonly kind: Kind;
  readonly patterns: readonly string[];
  readonly context?: Context;
}

const goesOn = "[A-Za-z0-9_]";
const sourceOf = ({ PATTERN }: TokenType): string =>
  PATTERN instanceof RegExp ? PATTERN.source : String(PATTERN).replace(/[|+*/()[\]{}.]/g, "\\$&");
const spaces = `(?:${sourceOf(t.Space)})?`;
const anyOf = (names: readonly string[]): string => `(?:${names.join("|")})(?!${goesOn})`;

/** Patterns as one. */
function join(patterns: readonly string[]): string {
  const end = `(?!${goesOn})`;
  const isWord = (pattern: string) => /^[a-z]+$/.test(pattern.slice(0, -end.length)) && pattern.endsWith(end);
  const words = patterns.filter(isWord).map((pattern) => pattern.slice(0, -end.length));
  const others = patterns.filter((pattern) => !isWord(pattern));
  return [...(words.length > 0 ? [anyOf(words)] : []), ...others].join("|");
}

/** The built-in names of one sort. */
const builtin = (what: "the operation" | "the function"): string =>
  anyOf([...builtinScope].filter(([, entry]) => entry.what === what).map(([name]) => name));

/** The lexer's patterns in its order, those of one kind in a row together, and what tells names apart before them. */
function rules(): readonly Rule[] {
  const found: Rule[] = [];
  const name = sourceOf(t.Name);
  for (const type of t.vocabulary) {
    if (type.PATTERN === Lexer.NA || type.GROUP === Lexer.SKIPPED) continue;
    const kind = kindOfToken(type);
    if (type === t.Name) {
      found.push(
        { kind: "label", patterns: [`${name}(?=${spaces}:)`] },
        { kind: "argument", patterns: [`${name}(?=${spaces}=(?!=))`] },
        { kind: "operation", patterns: [builtin("the operation")] },
        { kind: "function", patterns: [builtin("the function")] },
      );
    }
    // Of one kind are words, or signs that stand together: none is a start of one of another kind in between.
    const same = found.findIndex((rule) => rule.kind === kind && kind !== "wrong");
    if (same >= 0) found[same] = { ...found[same], patterns: [...found[same].patterns, sourceOf(type)] };
    else {
      const context = kind === "declaration" ? { context: "declares" as const } : {};
      found.push({ kind, patterns: [sourceOf(type)], ...context });
    }
  }
  const declares = found.findIndex(({ context }) => context === "declares");
  const notName = join([sourceOf(t.Edition), ...t.words.map(sourceOf)]);
  found.splice(declares, 0, { kind: "declared", patterns: [`(?!${notName})${name}`], context: "declared" });
  return found;
}

/** JavaScript's regular expressions in Oniguruma's dialect, which reads whole characters, not their halves. */
function oniguruma(source: string): string {
  const translated = source
    .replace("[\\uD800-\\uDBFF][\\uDC00-\\uDFFF]|", "")
    .replace(/\\u([0-9A-F]{4})/g, "\\x{$1}");
  const other = /\\[dDwWsSbB]|\(\?</.exec(translated);
  if (other) throw new Error(`\`${other[0]}\` of ${source} means something else to Oniguruma.`);
  return translated;
}

export function textMateGrammar(): string {
  const all = rules();
  const words = all.find(({ context }) => context === "declares")!;
  const patterns = all.map(({ kind, patterns, context }) =>
    context === "declared"
      ? {
          match: oniguruma(`(${join(words.patterns)})${spaces}(${join(patterns)})`),
          captures: { 1: { name: scopeOf(words.kind) }, 2: { name: scopeOf(kind) } },
        }
      : { name: scopeOf(kind), match: oniguruma(join(patterns)) },
  );
  const grammar = {
    information_for_contributors: ["Written by scripts/generate-highlighting.ts from src/parser/tokens.ts."],
    name: "resnet",
    scopeName: "source.resnet",
    fileTypes: ["resnet"],
    firstLineMatch: `^${oniguruma(sourceOf(t.Edition))}`,
    patterns,
  };
  return `${JSON.stringify(grammar, null, 2)}\n`;
}

export function streamRules(): string {
  const lines = rules().map(({ kind, patterns, context }) => {
    const also = context ? `, context: "${context}"` : "";
    return `  { tag: "${kinds[kind].tag}", pattern: /^(?:${join(patterns)})/${also} },`;
  });
  return `// GENERATED by scripts/generate-highlighting.ts from src/parser/tokens.ts.
export interface Rule {
  /** By the names of @lezer/highlight. */
  readonly tag: string;
  readonly pattern: RegExp;
  /** A name is declared behind a word that declares, on the same line. */
  readonly context?: "declares" | "declared";
}

/** Tried in order. */
export const rules: readonly Rule[] = [
${lines.join("\n")}
];
`;
}

const at = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));
export const textMatePath = at("grammar/resnet.tmLanguage.json");
export const streamRulesPath = at("src/language/highlight/rules.generated.ts");

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(textMatePath, textMateGrammar());
  writeFileSync(streamRulesPath, streamRules());
}
