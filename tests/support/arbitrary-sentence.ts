/**
 * Random texts by the grammar as grammar/resnet.ebnf has it: whatever it allows, sensible or not. Beside the examples,
 * which hold what people write, these hold what they could.
 */
import fc from "fast-check";
import { comparisons, operatorLevels, type Syntax, syntaxRules } from "../../scripts/grammar-model.ts";

type Words = readonly string[];

const wordsOf = (syntax: readonly Syntax[]): string[] =>
  syntax.flatMap((one) => (one.kind === "word" ? [one.text] : []));

/** Where a row can end; what it becomes depends on what follows. */
const separator = "\n";

const classes: Readonly<Record<string, fc.Arbitrary<string>>> = {
  EDITION: fc.constant("resnet 1"),
  SEP: fc.constant(separator),
  NAME: fc.constantFrom("a", "conv", "conv2", "relu", "x3", "order", "_", "params", "stride", "std", "in_1"),
  NUMBER: fc.constantFrom("0", "3", "60_192_808", "1.001e-5", "11.5G", "2.5", "007"),
  SIZE: fc.constantFrom("3x3", "224x224x3", "1x1x1x1"),
  TEXT: fc.constantFrom('"a"', '"# not a comment"', '"\\"[({"', '"{s-1}/{op}"', '"\u00e9 \u{1F600}"', '""'),
  OP: fc.constantFrom(...wordsOf(operatorLevels().flat())),
  CMP: fc.constantFrom(...wordsOf(comparisons())),
};

const depth = { maxDepth: 7, depthSize: "max" as const, depthIdentifier: fc.createDepthIdentifier() };

function arbitraryOf(syntax: Syntax, tie: (rule: string) => fc.Arbitrary<Words>): fc.Arbitrary<Words> {
  const within = (inner: Syntax) => arbitraryOf(inner, tie);
  switch (syntax.kind) {
    case "word":
      return fc.constant([syntax.text]);
    case "class":
      return classes[syntax.name].map((word) => [word]);
    case "rule":
      return tie(syntax.name);
    case "sequence":
      return fc.tuple(...syntax.items.map(within)).map((parts) => parts.flat());
    case "choice":
      return fc.oneof(depth, ...syntax.items.map(within));
    case "optional":
      return fc.oneof(depth, fc.constant([]), within(syntax.item));
    case "repeat": {
      const between = syntax.separator ? within(syntax.separator) : fc.constant([]);
      const times = (n: number): fc.Arbitrary<Words> =>
        fc
          .tuple(...Array.from({ length: n }, () => fc.tuple(between, within(syntax.item))))
          .map((parts) => parts.flatMap(([sign, item], i) => (i > 0 ? [...sign, ...item] : item)));
      return fc.oneof(depth, ...[0, 1, 2, 3].filter((n) => n >= syntax.least).map(times));
    }
  }
}

const grammar = fc.letrec<Record<string, Words>>((tie) =>
  Object.fromEntries(syntaxRules().map(({ name, syntax }) => [name, arbitraryOf(syntax, tie)])),
);

/** Words that continue the row above when they start a line. */
const continuing = new Set([...wordsOf(operatorLevels().flat()), "else", "from", ",", ".", "="]);

/** A file by the grammar, its tokens apart by a space each and rows by what keeps them apart. */
export const sentence: fc.Arbitrary<string> = grammar.file.map((words) =>
  words
    .map((word, i) => (word === separator && continuing.has(words[i + 1] ?? "") ? ";" : word))
    .join(" ")
    .replaceAll(" \n ", "\n"),
);
