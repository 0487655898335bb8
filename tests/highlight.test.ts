/**
 * Editors colour texts by what the lexer reads. The real engines, TextMate's with its Oniguruma and CodeMirror's
 * StreamLanguage, agree with the real lexer about every character: of all files there are, and of mutations of them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { getIndentation, StreamLanguage } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { highlightTree, type Tag, tagHighlighter, tags } from "@lezer/highlight";
import type { IToken } from "chevrotain";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { IGrammar } from "vscode-textmate";
import {
  type Kind,
  kindOfToken,
  kinds,
  streamRules,
  streamRulesPath,
  textMateGrammar,
  textMatePath,
} from "../scripts/generate-highlighting.ts";
import { makeSource } from "../src/base/source.ts";
import { resnetStreamParser } from "../src/language/highlight/stream-parser.ts";
import { builtins, functions } from "../src/lower/builtins.ts";
import * as t from "../src/parser/tokens.ts";
import { brokenText, goodTexts } from "./support/arbitrary-text.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const numRuns = Number(process.env.FUZZ_RUNS ?? 300);
const require = createRequire(import.meta.url);

// ---- three ways to say what each character is ----------------------------------------------------------

/** The kind of every character; undefined for white space and what is skipped. */
type Kinds = (Kind | undefined)[];

function kindsByLexer(text: string): Kinds {
  const { tokens, groups } = t.lexer.tokenize(text);
  const all = [...tokens, ...(groups.comments ?? [])].sort((a, b) => a.startOffset - b.startOffset);
  const found: Kinds = Array(text.length).fill(undefined);
  for (const [i, token] of all.entries()) {
    if (token.image !== "\n")
      found.fill(kindOf(token, all[i - 1], all[i + 1]), token.startOffset, token.endOffset! + 1);
  }
  return found;
}

const declaring = new Set([t.Net, t.Block, t.Names, t.Let]);

function kindOf(token: IToken, before: IToken | undefined, after: IToken | undefined): Kind {
  if (token.tokenType !== t.Name) return kindOfToken(token.tokenType);
  const isNear = (other: IToken | undefined) => other?.startLine === token.startLine;
  if (before && isNear(before) && declaring.has(before.tokenType)) return "declared";
  if (after && isNear(after) && after.tokenType === t.Colon) return "label";
  if (after && isNear(after) && after.tokenType === t.Assign) return "argument";
  if (builtins.has(token.image) || token.image === "image") return "operation";
  return functions.has(token.image) ? "function" : "name";
}

const kindOfScope = new Map(
  Object.entries(kinds).map(([kind, { scope }]) => [`${scope}.resnet`, kind as Kind]),
);

async function loadTextMate(): Promise<IGrammar> {
  // Both packages are CommonJS, and one is built so that its names cannot be imported.
  const { loadWASM, OnigScanner, OnigString } = require("vscode-oniguruma");
  const { Registry, parseRawGrammar } = require("vscode-textmate");
  await loadWASM(readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm")));
  const onigLib = Promise.resolve({
    createOnigScanner: (sources: string[]) => new OnigScanner(sources),
    createOnigString: (text: string) => new OnigString(text),
  });
  const loadGrammar = async () => parseRawGrammar(readFileSync(textMatePath, "utf8"), textMatePath);
  return new Registry({ onigLib, loadGrammar }).loadGrammar("source.resnet");
}
const textMate = await loadTextMate();

function kindsByTextMate(text: string): Kinds {
  const found: Kinds = [];
  let state = null;
  for (const line of text.split("\n")) {
    const { tokens, ruleStack } = textMate.tokenizeLine(line, state);
    const own: Kinds = Array(line.length).fill(undefined);
    for (const { startIndex, endIndex, scopes } of tokens)
      own.fill(kindOfScope.get(scopes[scopes.length - 1]), startIndex, Math.min(endIndex, line.length));
    found.push(...own, undefined);
    state = ruleStack;
  }
  return found.slice(0, text.length);
}

const language = StreamLanguage.define(resnetStreamParser);

/** "variableName.standard" → the tag. */
function tagNamed(name: string): Tag {
  const [plain, modifier] = name.split(".");
  const named = tags as unknown as Readonly<Record<string, Tag & ((tag: Tag) => Tag)>>;
  return modifier ? named[modifier](named[plain]) : named[plain];
}
const highlighter = tagHighlighter(
  Object.entries(kinds).map(([kind, { tag }]) => ({ tag: tagNamed(tag), class: kind })),
);

function kindsByCodeMirror(text: string): Kinds {
  const found: Kinds = Array(text.length).fill(undefined);
  highlightTree(language.parser.parse(text), highlighter, (from, to, kind) =>
    found.fill(kind as Kind, from, to),
  );
  return found;
}

// ---- agreement -----------------------------------------------------------------------------------------

/** "3:7 `relu`: operation, not name": where two ways differ. */
function differences(text: string, expected: Kinds, found: Kinds): readonly string[] {
  const different: string[] = [];
  for (let at = 0; at < text.length; at++) {
    if (/\s/.test(text[at]) && expected[at] === undefined) continue;
    if (expected[at] === found[at]) continue;
    const line = text.slice(0, at).split("\n").length;
    different.push(`${line}: ${JSON.stringify(text.slice(at, at + 12))}: ${expected[at]}, not ${found[at]}`);
  }
  return different;
}

function checkAgreement(written: string): void {
  const { text } = makeSource("m", written);
  const expected = kindsByLexer(text);
  assert.equal(differences(text, expected, kindsByTextMate(text)), [], "TextMate");
  assert.equal(differences(text, expected, kindsByCodeMirror(text)), [], "CodeMirror");
}

test("examples and std", () => {
  for (const text of goodTexts.values()) checkAgreement(text);
});

if (requireShared("language/samples/resnet.resnet")) {
  test("samples and broken files", () => {
    let files = 0;
    for (const folder of ["language/samples", "language/errors"].map(sharedPath)) {
      for (const name of readdirSync(folder)) {
        checkAgreement(readFileSync(`${folder}/${name}`, "utf8"));
        files++;
      }
    }
    assert.is(files, 63);
  });
}

test("mutations", () => {
  fc.assert(fc.property(brokenText, checkAgreement), { numRuns, includeErrorInReport: true });
});

test("every kind is met, and by the right words", () => {
  const text = `resnet 1
## What it is.
use bottleneck from std # why
let k = max(3, 2)
net m(width = 8) {
  input 8x8x3
  a: conv(3x3, 4, stride = 2) -> relu x 2
  if k == 3 and not false [ in ] else [ own ]
  "a" 3X3 "open
}
`;
  const seen = kindsByCodeMirror(text);
  const found = new Map<Kind, string>();
  for (let at = 0; at < text.length; ) {
    const kind = seen[at];
    let end = at + 1;
    while (seen[end] === kind && /\w/.test(text[end] ?? "") && /\w/.test(text[at])) end++;
    if (kind && !found.has(kind)) found.set(kind, text.slice(at, end));
    at = end;
  }
  assert.equal([...found.keys()].sort(), Object.keys(kinds).sort());
  for (const [kind, word] of [
    ["declaration", "let"],
    ["declared", "k"],
    ["label", "a"],
    ["argument", "width"],
    ["operation", "conv"],
    ["function", "max"],
    ["row", "use"],
    ["choice", "if"],
    ["self", "in"],
    ["wordOperator", "x"],
    ["number", "3"],
    ["wrong", "3X3"],
  ] as const)
    assert.is(found.get(kind), word, kind);
});

test("a long text is coloured to its end", () => {
  const row = "  a: conv(3x3, 4) -> bn -> relu\n";
  checkAgreement(`net m {\n${row.repeat(500)}}\n`);
});

test("lines are indented by open brackets", () => {
  const text = goodTexts.get("resnet18.resnet")!;
  const state = EditorState.create({ doc: text, extensions: [language] });
  for (let number = 1; number <= state.doc.lines; number++) {
    const line = state.doc.line(number);
    if (line.text === "") continue;
    assert.is(getIndentation(state, line.from), line.text.search(/\S/), line.text);
  }
});

test("what CodeMirror loads needs nothing else", () => {
  const imported = ["stream-parser.ts", "rules.generated.ts"].flatMap((file) => {
    const text = readFileSync(new URL(`../src/language/highlight/${file}`, import.meta.url), "utf8");
    return [...text.matchAll(/^(?:import|export) .*from "(.*)"/gm)].map(([, from]) => from);
  });
  assert.equal(imported, ["./rules.generated.ts"]);
});

test("the generated files are fresh", () => {
  const stale = "is stale: npm run grammar";
  assert.is(readFileSync(textMatePath, "utf8"), textMateGrammar(), `${textMatePath} ${stale}`);
  assert.is(readFileSync(streamRulesPath, "utf8"), streamRules(), `${streamRulesPath} ${stale}`);
});

test.run();
