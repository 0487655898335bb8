/** Canonical format: it changes how a text looks and nothing that it says, and does so once. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { format } from "../src/parser/format.ts";
import { parse } from "../src/parser/parse.ts";
import * as t from "../src/parser/tokens.ts";
import { sentence } from "./support/arbitrary-sentence.ts";
import { brokenText, goodTexts, mangled } from "./support/arbitrary-text.ts";
import { cpuMs } from "./support/cpu-time.ts";

const numRuns = Number(process.env.FUZZ_RUNS ?? 300);

function formatted(text: string): string {
  const { text: found, diagnostics } = format(makeSource("m.resnet", text));
  assert.ok(found !== undefined, `${diagnostics[0]?.message}:\n${text}`);
  return found;
}

/** The tree without places. */
function treeOf(text: string, { docs = true } = {}): string {
  const { report, failed } = collect();
  const parsed = parse(makeSource("m.resnet", text), report);
  assert.not(failed(), text);
  const left = new Set(["span", "operatorSpan", ...(docs ? [] : ["doc"])]);
  return JSON.stringify(parsed!.file, (key, value) => (left.has(key) ? undefined : value), 1);
}

/** What comments say, in order: the sign and the space behind it are the formatter's. */
const commentsOf = (text: string): readonly string[] =>
  (t.lexer.tokenize(makeSource("m", text).text).groups.comments ?? []).map(({ image }) =>
    image.replace(/^(##?)(?!#)\s*/, "$1 ").trimEnd(),
  );

test("examples and std are in canonical format", () => {
  for (const [name, text] of goodTexts) assert.is(formatted(text), text, name);
});

test("mangled texts come back: idempotent, the same tree, every comment", () => {
  let changed = 0;
  fc.assert(
    fc.property(mangled, ({ text, mangled }) => {
      const once = formatted(mangled);
      assert.is(formatted(once), once, "not idempotent");
      assert.is(treeOf(once), treeOf(mangled), "another tree");
      // A blank line may have come between a comment and what it documents.
      assert.is(
        treeOf(mangled, { docs: false }),
        treeOf(text, { docs: false }),
        "mangling changed the meaning",
      );
      assert.equal(commentsOf(once), commentsOf(mangled));
      if (mangled !== text) changed++;
    }),
    { numRuns, includeErrorInReport: true },
  );
  assert.ok(changed > numRuns / 2);
});

test("whatever parses can be formatted, and what does not is left with what is wrong", () => {
  fc.assert(
    fc.property(brokenText, (text) => {
      const { text: once, diagnostics } = format(makeSource("m.resnet", text));
      const isBroken = diagnostics.some(({ severity }) => severity === "error");
      assert.is(once === undefined, isBroken);
      if (once === undefined) return;
      assert.is(formatted(once), once, "not idempotent");
      assert.is(treeOf(once), treeOf(text), "another tree");
      assert.equal(commentsOf(once), commentsOf(text));
    }),
    { numRuns, includeErrorInReport: true },
  );
});

/** Sentences of the grammar with comments and line breaks put between any two tokens. */
const commented = fc
  .tuple(
    sentence,
    fc.array(fc.tuple(fc.nat(), fc.constantFrom("# c\n", "## d\n", "\n", "\n\n\n", ";", " ; # e\n", "\t")), {
      maxLength: 6,
    }),
  )
  .map(([text, insertions]) => {
    const words = text.split(/(?<=[ \n])/);
    for (const [at, what] of insertions) words.splice(at % (words.length + 1), 0, what);
    return words.join("");
  });

test("any sentence of the grammar, with comments anywhere", () => {
  let fine = 0;
  fc.assert(
    fc.property(commented, (text) => {
      const { text: once } = format(makeSource("m.resnet", text));
      if (once === undefined) return;
      fine++;
      assert.is(formatted(once), once, "not idempotent");
      assert.is(treeOf(once), treeOf(text), `another tree:\n${once}`);
      assert.equal(commentsOf(once), commentsOf(text));
      checkLooks(once);
    }),
    { numRuns, includeErrorInReport: true },
  );
  assert.ok(fine > numRuns / 3, `${fine} of ${numRuns} sentences are still right`);
});

/** What is true of every canonical text, whatever it says. */
function checkLooks(text: string): void {
  assert.match(text, /\n$/);
  for (const line of text.slice(0, -1).split("\n")) assert.match(line, /^( {2})*(\S|\S.*\S)?$/);
  assert.not.match(text, /\n\n\n|^\n.|\n\n$|[[({]\n\n|\n\n *[\])}]/, "blank lines");
  // Outside texts and comments.
  const code = text.replace(/"(?:[^"\\\n]|\\.)*"/g, '""').replace(/#.*/g, "#");
  assert.not.match(code, /\u00D7|\t|;;|,\)|\( [^ ]|\S [,):]/, code);
  const lined = code.split("\n").map((line) => line.trimStart().replace(/^\w+: +/, ""));
  assert.equal(
    lined.filter((line) => / {2,}[^ #]/.test(line)),
    [],
    "spaces",
  );
}

/** A text as people write it, and as it should look. */
const cases: Readonly<Record<string, readonly [written: string, wanted: string]>> = {
  "spaces round operators, none where a slash is a stride": [
    "net m{input 8x8x3\na:conv( 3x3,4*2 )/ 2->bn  ->relu\nb  :  relu×3\nexpect params 4/2\nlet h=in.height/2}",
    "net m { input 8x8x3\n  a: conv(3x3, 4 * 2) /2 -> bn -> relu\n  b: relu x 3\n  expect params 4 / 2\n  let h = in.height / 2 }\n",
  ],
  "signs of numbers": [
    "net m {\n  let a = - 3 + - b\n  let c = ( - 3 , not true)\n  f( - 1, y = - 2)\n}",
    "net m {\n  let a = -3 + -b\n  let c = (-3, not true)\n  f(-1, y = -2)\n}\n",
  ],
  "blank lines: one at most, none behind an opening bracket or before a closing one": [
    "\n\nnet m {\n\n\n  input 8x8x3\n\n\n\n  relu\n\n}\n\n\n",
    "net m {\n  input 8x8x3\n\n  relu\n}\n",
  ],
  "labels of rows that follow one another line up": [
    "net m {\n  input a: 8x8x3\n  b: relu\n  long_name: tanh\n  c: relu\n\n  d: relu\n  relu\n  eeee: tanh\n}",
    "net m {\n  input a: 8x8x3\n  b:         relu\n  long_name: tanh\n  c:         relu\n\n  d: relu\n  relu\n  eeee: tanh\n}\n",
  ],
  "a continuation is one level in": [
    "net m {\na: relu\n-> tanh\n| relu\nlet b =\n3\nc: conv(\n3x3,\n4,\n)\n}",
    "net m {\n  a: relu\n    -> tanh\n    | relu\n  let b =\n    3\n  c: conv(\n    3x3,\n    4,\n  )\n}\n",
  ],
  "groups over lines": [
    "block b(w) {\n[ conv(3x3, w) -> bn\nconv(3x3, w)\n] + in\nc: [\nrelu\n] x 3\nif true [ relu ] else [\ntanh\n]\n}",
    "block b(w) {\n  [ conv(3x3, w) -> bn\n    conv(3x3, w)\n  ] + in\n  c: [\n    relu\n  ] x 3\n  if true [ relu ] else [\n    tanh\n  ]\n}\n",
  ],
  "empty brackets": ["block b( ) { }\nnet m {\n[ ]\n}", "block b() {}\nnet m {\n  []\n}\n"],
  "comments stay": [
    "#one\n###  Banner ###\n##two\nnet m {   # three\n  relu#four\n#five\n  # -----\n}\n#!six",
    "# one\n###  Banner ###\n## two\nnet m {  # three\n  relu  # four\n  # five\n  # -----\n}\n# !six\n",
  ],
  "the edition": ["resnet \t 1\nuse a,b  from std", "resnet 1\nuse a, b from std\n"],
  "rows on one line stay there": [
    "net m { input 8x8x3;relu ;  tanh }",
    "net m { input 8x8x3; relu; tanh }\n",
  ],
  "tables of names": [
    'names t{\nscale->weight\n"a.{*}"->"b.{*}"\n}',
    'names t {\n  scale -> weight\n  "a.{*}" -> "b.{*}"\n}\n',
  ],
  "CRLF and a byte-order mark": [
    "\uFEFFnet m {\r\n  input 8x8x3\r\n  relu\r\n}\r\n",
    "net m {\n  input 8x8x3\n  relu\n}\n",
  ],
  "continuations at the top of a file": [
    "use a,\nb\nfrom std\nlet c =\n3\nlet d = a\n-> b\nnet e\n= a(\n3)",
    "use a,\n  b\n  from std\nlet c =\n  3\nlet d = a\n  -> b\nnet e\n  = a(\n    3)\n",
  ],
  "a row goes on behind a label, a comma and a comment": [
    "net m {\na: # why\nrelu\n# so\n-> tanh\noutput a,\nb\n# end\n}",
    "net m {\n  a:  # why\n    relu\n    # so\n    -> tanh\n  output a,\n    b\n  # end\n}\n",
  ],
  "comments between arguments": [
    "net m {\na: conv( # one\n# two\n3x3, # three\n4 # four\n# five\n)\n}",
    "net m {\n  a: conv(  # one\n    # two\n    3x3,  # three\n    4  # four\n    # five\n  )\n}\n",
  ],
  "a comment that ends in a bracket opens nothing": [
    "# {\n\nnet m {\nrelu # [\n\ntanh\n}",
    "# {\n\nnet m {\n  relu  # [\n\n  tanh\n}\n",
  ],
  "semicolons and commas that separate nothing": [
    "net m {;input 8x8x3;;\na: conv(3x3, 4,) ; ; relu;\n;\ntanh;}\n;",
    "net m { input 8x8x3\n  a: conv(3x3, 4); relu\n\n  tanh }\n",
  ],
  "every row of a line has its own slash": [
    "net m { let a = 4/2; b: conv /2; expect depth 4/2; c: [ let d = 6/3; conv /a ] /2 }",
    "net m { let a = 4 / 2; b: conv /2; expect depth 4 / 2; c: [ let d = 6 / 3; conv /a ] /2 }\n",
  ],
  "a group in the line of a `let` has numbers": [
    "let a = if b [ c/2 ] else [ let d = 1/3; e/4 ]\nlet f = [\nconv/2\n]",
    "let a = if b [ c / 2 ] else [ let d = 1 / 3; e / 4 ]\nlet f = [\n  conv /2\n]\n",
  ],
  "slashes in parentheses divide, but for the rows of a group": [
    "net m {\nf(w/2, [ conv /2 ], (a/b))\ng / (n+1)\nh /- 1\n}",
    "net m {\n  f(w / 2, [ conv /2 ], (a / b))\n  g /(n + 1)\n  h /-1\n}\n",
  ],
  "signs, wherever an operand begins": [
    "net m {\nf(a = -1, b - 1)\na: - b\n[ - c ]\nif - a > - 1 [ d ]\nexpect params - 1\nexpect params 3-1\nexpect a.0.macs max(n)-1\nexpect a.params (n - 1)\ndefault - e\nlet g = f(1) - 1 - [ h ] - in\n}",
    "net m {\n  f(a = -1, b - 1)\n  a: -b\n  [ -c ]\n  if -a > -1 [ d ]\n  expect params -1\n  expect params 3 - 1\n  expect a.0.macs max(n) - 1\n  expect a.params (n - 1)\n  default -e\n  let g = f(1) - 1 - [ h ] - in\n}\n",
  ],
  "calls and members": [
    "net m {\nlet a = b ( 1 ) ( 2 ) . c . 0\n[ relu ] ( 3 )\nlet d = 3 . 0\nlet e = 3 . f\n}",
    "net m {\n  let a = b(1)(2).c.0\n  [ relu ](3)\n  let d = 3 .0\n  let e = 3.f\n}\n",
  ],
  "tabs, other white space and astral characters": [
    'net\u00a0m\t{\u3000\n\tinput\t8x8x3\u2028\t# \u{1F600}\u00a0\n\tuse_\u2003->\u202frelu\n}\nlet a = "\u{1F600}"',
    'net m {\n  input 8x8x3  # \u{1F600}\n  use_ -> relu\n}\nlet a = "\u{1F600}"\n',
  ],
  "lone carriage returns end lines": ["net m {\rrelu\r}\r", "net m {\n  relu\n}\n"],
  nothing: ["", "\n"],
  "only a comment": ["# a", "# a\n"],
};

for (const [name, [written, wanted]] of Object.entries(cases)) {
  test(name, () => {
    assert.is(formatted(written), wanted);
    assert.is(formatted(wanted), wanted);
  });
}

test("a comment stays where it is, between any two tokens", () => {
  const words = "a : conv ( 3x3 , 4 , stride = 2 ) x 3 / 2 -> [ relu ; bn ] + in . channels".split(" ");
  for (let at = 0; at <= words.length; at++) {
    const row = [...words.slice(0, at), "# why\n", ...words.slice(at)].join(" ");
    const text = `net m {\n${row}\n}\n`;
    const { text: once } = format(makeSource("m.resnet", text));
    // Some places end the row, and what follows starts none.
    if (once === undefined) continue;
    assert.is(formatted(once), once);
    assert.is(treeOf(once), treeOf(text), once);
    const before = (whole: string) => whole.slice(0, whole.indexOf("#")).replace(/[\s;]+/g, "");
    assert.is(before(once), before(text));
  }
});

test("a row of any length stays one row, and takes no longer than its length", () => {
  const long = (count: number) => `let a = f(${Array(count).fill("1").join(", ")})\n`;
  for (const text of [
    long(100_000),
    `# a${"  #".repeat(100_000)}\n`,
    "\n".repeat(500_000),
    ";".repeat(500_000),
  ]) {
    const start = cpuMs();
    const once = formatted(text);
    assert.ok(cpuMs() - start < 3000, `${(cpuMs() - start).toFixed(0)} ms`);
    assert.ok(once === (/^[\n;]*$/.test(text) ? "\n" : text), text.slice(0, 20));
  }
});

test("a syntax error is left alone", () => {
  const { text, diagnostics } = format(makeSource("m.resnet", "net m { relu x3 }"));
  assert.is(text, undefined);
  assert.equal(
    diagnostics.map(({ code }) => code),
    ["joined-word"],
  );
  // What is wrong with the meaning is no obstacle.
  assert.is(formatted("net m { foo }"), "net m { foo }\n");
});

test.run();
