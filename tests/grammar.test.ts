/**
 * The grammar as a thing in itself: two tokens of lookahead tell every way apart; what grammar/resnet.ebnf allows is
 * parsed, and means what the reference says; the railroad page is drawn from it, in a real browser.
 *
 * `npm run fuzz` runs more: FUZZ_RUNS=5000.
 */
import { readFileSync } from "node:fs";
import { CstParser, createToken, Lexer } from "chevrotain";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { grammarFiles, railroadPath } from "../scripts/generate-grammar.ts";
import { syntaxRules } from "../scripts/grammar-model.ts";
import { diagram, tokenClasses, widths } from "../scripts/railroad.ts";
import { collect } from "../src/base/diagnostic.ts";
import { renderDiagnostic } from "../src/base/render-diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import type { File } from "../src/parser/ast.ts";
import { ResnetParser } from "../src/parser/grammar.ts";
import { parse } from "../src/parser/parse.ts";
import * as t from "../src/parser/tokens.ts";
import { sentence } from "./support/arbitrary-sentence.ts";
import { goodTexts } from "./support/arbitrary-text.ts";
import { requireChromium, startChromium } from "./support/chromium.ts";
import { checkLookahead } from "./support/lookahead.ts";
import { printFile } from "./support/print-ast.ts";

const numRuns = Number(process.env.FUZZ_RUNS ?? 400);

// ---- lookahead ----------------------------------------------------------------------------------------

test("Chevrotain accepts vocabulary and grammar, which no start of the compiler checks again", () => {
  // Each throws at what it finds; the lexer also where it could not tell tokens apart by their first character.
  assert.equal(new Lexer(t.vocabulary, { ensureOptimizations: true }).lexerDefinitionErrors, []);
  for (const strict of [false, true]) new ResnetParser({ strict, validate: true });
});

test("the grammar is strong LL(2), its OPTIONs and MANYs included", () => {
  const productions = new ResnetParser({ strict: true }).getGAstProductions();
  const { decisions, conflicts } = checkLookahead(productions, t.vocabulary, 2);
  assert.equal(conflicts, []);
  assert.ok(decisions >= 40, `${decisions} decisions`);
  // One token is not enough, which also shows that the check can say no.
  assert.ok(checkLookahead(productions, t.vocabulary, 1).conflicts.length > 0);
});

const A = createToken({ name: "A", pattern: "a" });
const B = createToken({ name: "B", pattern: "b" });
const C = createToken({ name: "C", pattern: "c" });

/** Grammars that Chevrotain takes without a word and that two tokens do not tell apart. */
class Planted extends CstParser {
  constructor() {
    super([A, B, C]);
    this.performSelfAnalysis();
  }

  /** { A B } A B C: whether to go round again. */
  readonly again = this.RULE("again", () => {
    this.MANY(() => this.SUBRULE(this.pair));
    this.SUBRULE1(this.pair);
    this.CONSUME(C);
  });
  /** [ A B ] A B C: whether there is one. */
  readonly maybe = this.RULE("maybe", () => {
    this.OPTION(() => this.SUBRULE(this.pair));
    this.SUBRULE1(this.pair);
    this.CONSUME(C);
  });
  /** A B { C A B } C A B A: whether there is another, and only what stands behind the rule tells. */
  readonly list = this.RULE("list", () => {
    this.SUBRULE(this.pairs);
    this.CONSUME(C);
    this.SUBRULE(this.pair);
    this.CONSUME(A);
  });
  readonly pairs = this.RULE("pairs", () => {
    this.AT_LEAST_ONE_SEP({ SEP: C, DEF: () => this.SUBRULE(this.pair) });
  });
  readonly pair = this.RULE("pair", () => {
    this.CONSUME(A);
    this.CONSUME(B);
  });
}

for (const [name, where, string] of [
  ["again", "again/many", "A B"],
  ["maybe", "maybe/option", "A B"],
  ["list", "pairs/separated", "C A"],
] as const) {
  test(`the check finds a conflict that is planted: ${name}`, () => {
    const { [name]: top, ...others } = new Planted().getGAstProductions();
    const { conflicts } = checkLookahead({ [name]: top, ...others }, [A, B, C], 2);
    assert.is(conflicts.length, 1);
    assert.match(conflicts[0], where);
    assert.match(conflicts[0], string);
    if (name !== "list") assert.equal(checkLookahead({ [name]: top, ...others }, [A, B, C], 3).conflicts, []);
  });
}

// ---- what is allowed, and what it means ---------------------------------------------------------------

function parsed(text: string): File {
  const { diagnostics, report } = collect();
  const file = parse(makeSource("m.resnet", text), report)?.file;
  assert.equal(
    diagnostics.map((diagnostic) => renderDiagnostic(diagnostic)),
    [],
    text,
  );
  return file!;
}

/** The tree without places, and without documentation, which printing leaves out. */
const shapeOf = (file: File): string =>
  JSON.stringify(file, (key, value) => (["span", "operatorSpan", "doc"].includes(key) ? undefined : value));

function checkPrinted(text: string): void {
  const tree = parsed(text);
  const printed = printFile(tree);
  const again = parsed(printed);
  assert.is(shapeOf(again), shapeOf(tree), printed);
  assert.is(printFile(again), printed);
}

test("whatever the EBNF allows is parsed, and a printed tree is the tree again", () => {
  let length = 0;
  fc.assert(
    fc.property(sentence, (text) => {
      length += text.length;
      checkPrinted(text);
    }),
    { numRuns, includeErrorInReport: true },
  );
  assert.ok(length / numRuns > 50, `texts of ${length / numRuns} characters`);
});

test("examples and std are their trees, printed", () => {
  for (const text of goodTexts.values()) checkPrinted(text);
});

// ---- generated files ----------------------------------------------------------------------------------

test("grammar/resnet.ebnf and grammar/railroad.html are what is parsed", () => {
  for (const [file, text] of grammarFiles())
    assert.is(readFileSync(file, "utf8"), text, `${file} is stale: npm run grammar`);
});

test("examples of tokens are such tokens", () => {
  const types = {
    EDITION: t.Edition,
    SEP: t.Separator,
    NAME: t.Name,
    NUMBER: t.NumberToken,
    SIZE: t.Size,
    TEXT: t.Text,
  };
  assert.equal(Object.keys(tokenClasses), Object.keys(types));
  for (const [name, [, ...examples]] of Object.entries(tokenClasses)) {
    for (const example of examples)
      assert.equal(
        t.lexer.tokenize(example).tokens.map(({ tokenType }) => tokenType.name),
        [types[name as keyof typeof types].name],
      );
  }
});

test("no diagram is wider than the screen it is for", () => {
  for (const rule of syntaxRules())
    for (const widest of Object.values(widths)) assert.ok(diagram(rule, widest).width <= widest, rule.name);
});

test("the railroad page needs nothing from elsewhere, and its links lead somewhere", () => {
  const page = readFileSync(railroadPath, "utf8");
  assert.not.match(page, /https?:|<script|<link|@import|url\(/);
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  assert.is(new Set(ids).size, ids.length);
  const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, target]) => target);
  assert.equal(
    targets.filter((target) => !ids.includes(target)),
    [],
  );
});

/** In the page: what sticks out of where it belongs. */
const sticksOut = `(() => {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page");
  const shown = [...document.querySelectorAll("svg")].filter((svg) => svg.getBoundingClientRect().width > 0);
  for (const svg of shown) {
    const name = svg.closest("section").id;
    const outer = svg.getBoundingClientRect();
    if (svg.parentElement.scrollWidth > svg.parentElement.clientWidth) found.push(name + ": the diagram");
    for (const part of svg.querySelectorAll("rect, path, circle")) {
      const { left, right, top, bottom } = part.getBoundingClientRect();
      if (left < outer.left || right > outer.right || top < outer.top || bottom > outer.bottom) found.push(name + ": a " + part.tagName);
    }
    for (const text of svg.querySelectorAll("text")) {
      const inner = text.getBoundingClientRect();
      const box = text.previousElementSibling.getBoundingClientRect();
      if (inner.left < box.left || inner.right > box.right) found.push(name + ": " + text.textContent);
    }
    const boxes = [...svg.querySelectorAll("rect")].map((rect) => rect.getBoundingClientRect());
    for (const [i, a] of boxes.entries())
      for (const b of boxes.slice(i + 1))
        if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) found.push(name + ": boxes overlap");
  }
  return { shown: shown.length, found };
})()`;

if (requireChromium()) {
  test("the railroad page fits a screen and a telephone", async () => {
    const browser = await startChromium();
    try {
      for (const width of [1280, 390]) {
        const page = await browser.newPage({ viewport: { width, height: 900 } });
        await page.goto(`file://${railroadPath}`);
        const { shown, found }: { shown: number; found: string[] } = await page.evaluate(sticksOut);
        assert.equal(found, [], `${width} pixels`);
        // Every rule once, and CMP.
        assert.is(shown, syntaxRules().length + 1);
      }
    } finally {
      await browser.close();
    }
  });
}

test.run();
