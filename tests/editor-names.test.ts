/** Definitions, references and renames at marked places, across files. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { applyEdits } from "../src/base/fix.ts";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { countGraph } from "../src/ir/stats.ts";
import { definition, highlights, references } from "../src/language/references.ts";
import { isRefused, prepareRename, rename } from "../src/language/rename.ts";
import { Workspace } from "../src/language/workspace.ts";
import { goodTexts } from "./support/arbitrary-text.ts";
import { openMarked, readMarks, showRanges } from "./support/cursor.ts";

/** The marks of the text are where the references are. */
function refers(marked: string) {
  const { document, at, text, ranges } = openMarked(marked);
  const found = highlights(document, at);
  assert.is(
    showRanges(
      text,
      found.map(({ span }) => span),
    ),
    showRanges(text, ranges),
  );
  const declared = found.filter(({ isDeclaration }) => isDeclaration);
  return declared.length;
}

test("references: parameters, also as arguments, and not those of others", () => {
  assert.is(
    refers(`block a(⟦wid┆th⟧, out = 2 * ⟦width⟧) { conv(3x3, ⟦width⟧) -> conv(1x1, out) }
block b(width) { a(⟦width⟧ = width) }
net m { input 8x8x3
  a(⟦width⟧ = 4) -> b(width = 5)
}`),
    1,
  );
});

test("references: labels as paths, outputs, expectations and parts", () => {
  refers(`net base { input 8x8x3
  ⟦st┆em⟧: relu
  other: ⟦stem⟧ -> relu
  both: other + ⟦stem⟧
  expect ⟦stem⟧ -> 8x8x3
  expect ⟦stem⟧.params 0
  output both, ⟦stem⟧
}
net derived = base { ⟦stem⟧ -> relu
}
net user { input 8x8x3
  b: base x 2
  stem: relu
  expect b.⟦stem⟧ -> 8x8x3
  output stem, b.0.⟦stem⟧
}`);
});

test("references: `let`s of files and of declarations, nets, blocks, operations", () => {
  refers(`let ⟦k┆⟧ = 3\nblock b(n = ⟦k⟧) { conv(⟦k⟧ x ⟦k⟧, n) }\nnet m { input 8x8x3\n let j = ⟦k⟧\n b(j) }`);
  refers(`let k = 3\nblock b { let ⟦j⟧ = k\n conv(⟦j┆⟧, ⟦j⟧) }\nblock c { let j = 2\n conv(j, j) }`);
  refers("net ⟦a⟧ { input 8x8x3\n relu }\nnet b = ⟦┆a⟧(n = 2)\nnet c { input 8x8x3\n ⟦a⟧ }");
  refers("block b { ⟦conv⟧(3x3, 4) -> ⟦co┆nv⟧(1x1, 4) -> relu }");
  refers("block b { conv(3x3, 4, ⟦pad⟧ = 0) -> conv(1x1, 4, ⟦p┆ad⟧ = 0) -> maxpool(2x2, pad = 0) }");
  refers("block b(act = relu) { let ⟦f┆⟧ = conv(3x3)\n ⟦f⟧(4) -> act(⟦f⟧) }");
});

test("references: numbers of copies, and rows whose weights are taken", () => {
  refers("net m { input 8x8x3\n a: conv(3x3, 4 + ⟦i┆⟧) x 3 as ⟦i⟧\n b: relu x 2 as j }");
  refers("net m { input 8x8x3\n ⟦a┆⟧: conv(3x3, 3)\n b: conv(3x3, 3) @ ⟦a⟧ }");
  refers(
    "block p { ⟦part⟧: in }\nnet m { input 8x8x3\n a: p x 2 as i\n b: a -> p @ a\n output b.⟦pa┆rt⟧, a.1.⟦part⟧ }",
  );
});

test("references: an argument of a `let` is one of what it calls, of a parameter it stays open", () => {
  refers(
    `block b(⟦wid┆th⟧, n = 1) { conv(n, ⟦width⟧) }\nlet thin = b(n = 2)\nnet m { input 8x8x3\n thin(⟦width⟧ = 4) }`,
  );
  refers("block b(⟦wid┆th⟧) { conv(3x3, ⟦width⟧) }\nblock c(f = b) { f(width = 4) }");
});

test("definition: in the file, in another, in std, and nothing for what is built in", () => {
  const target = (marked: string, others = {}) => {
    const { document, at } = openMarked(marked, others);
    const found = definition(document, at)?.target;
    return found && `${found.source.name}:${found.source.text.slice(found.start, found.end)}@${found.start}`;
  };
  assert.is(target("let a = 3\nlet b = ┆a"), "main.resnet:a@4");
  assert.is(target("let ┆a = 3"), "main.resnet:a@4");
  assert.match(target("use basic from std\nblock b { ba┆sic(4) }")!, /^std\.resnet:basic@\d+$/);
  assert.match(target("use bas┆ic from std")!, /^std\.resnet:basic@\d+$/);
  assert.is(target("use basic from s┆td"), "std.resnet:@0");
  assert.is(target("block b { con┆v(3x3, 4) }"), undefined);
  assert.is(target("block b { unkno┆wn }"), undefined);
  const others = { "lib.resnet": "\n\nlet ours = 3\nblock mine(width) { in }\n" };
  assert.is(target('use ours from "./lib"\nlet a = our┆s', others), "lib.resnet:ours@6");
  assert.is(target('use mine from "./lib"\nblock b { mine(wid┆th = 2) }', others), "lib.resnet:width@26");
  assert.is(target('use mine from "./l┆ib"', others), "lib.resnet:@0");
  assert.is(target('use mine from "./no┆thing"', others), undefined);
});

test("references go through every file that is open or listed", () => {
  const lib = readMarks("block ⟦mine⟧(width) { in }\n");
  const user = readMarks('use ⟦mine⟧ from "./lib"\nblock b { ⟦mine⟧(2) }\n');
  const { document, at, workspace } = openMarked('use mine from "./lib"\nblock c { min┆e(3) }', {
    "lib.resnet": lib.text,
    "user.resnet": user.text,
    "apart.resnet": "block mine { in }\n",
  });
  const found = references(workspace, document, at);
  for (const [name, { ranges }] of [
    ["lib.resnet", lib],
    ["user.resnet", user],
  ] as const) {
    const here = found.filter(({ span }) => span.source.name === name);
    assert.equal(
      here.map(({ span }) => ({ start: span.start, end: span.end })),
      ranges,
      name,
    );
  }
  assert.is(found.length, 5);
  assert.is(found.filter(({ isDeclaration }) => isDeclaration).length, 1);
});

// ---- renaming ----------------------------------------------------------------------------------------------

function renamed(marked: string, wanted: string, others: Record<string, string> = {}) {
  const { document, at, workspace, text } = openMarked(marked, others);
  const result = rename(workspace, document, at, wanted);
  if (isRefused(result)) return { why: result.why };
  const texts = [...result.edits].map(([name, edits]) => {
    return [name, applyEdits(name === "main.resnet" ? text : others[name], edits)] as const;
  });
  return { texts: Object.fromEntries(texts), warning: result.warning };
}

test("rename changes every use, in every file", () => {
  const { texts, warning } = renamed(
    "block a(wi┆dth) { conv(3x3, width) }\nnet m { input 8x8x3\n a(width = 3) }",
    "channels",
  );
  assert.is(
    texts!["main.resnet"],
    "block a(channels) { conv(3x3, channels) }\nnet m { input 8x8x3\n a(channels = 3) }",
  );
  assert.is(warning, undefined);
  const others = {
    "lib.resnet": "block mine { in }\nblock other { mine }\n",
    "user.resnet": 'use mine from "./lib"\nlet a = mine\n',
  };
  const across = renamed('use mi┆ne from "./lib"\nblock b { mine }', "ours", others);
  assert.equal(across.texts, {
    "lib.resnet": "block ours { in }\nblock other { ours }\n",
    "main.resnet": 'use ours from "./lib"\nblock b { ours }',
    "user.resnet": 'use ours from "./lib"\nlet a = ours\n',
  });
});

test("rename of a label warns that names of weights change", () => {
  const result = renamed("net m { input 8x8x3\n sta┆ge: conv(3x3, 4)\n output stage }", "first");
  assert.is(result.texts!["main.resnet"], "net m { input 8x8x3\n first: conv(3x3, 4)\n output first }");
  assert.match(result.warning!, "weights called `stage.…` are called `first.…`");
  assert.is(renamed("net m { input 8x8x3\n sta┆ge: relu\n }", "stage").warning, undefined);
});

test("rename of what steps without a label are written as warns too", () => {
  const warns = (marked: string) => renamed(marked, "fresh").warning ?? "nothing";
  const block = (use: string) => `block un┆it(width) { conv(3x3, width) }\nnet m { input 8x8x3\n ${use} }`;
  assert.match(warns(block("unit(4)")), "are called after `unit`, and after `fresh`");
  assert.match(warns(block("a: unit(4) -> relu")), "are called after `unit`");
  assert.is(warns(block("a: unit(4) x 2")), "nothing", "the label is the step's name");
  assert.is(warns(block("relu")), "nothing");
  assert.match(warns("block b(w, sho┆rtcut) { conv(1x1, w) + shortcut(w) }"), "are called after `shortcut`");
  assert.is(warns("block b(w┆, shortcut) { conv(1x1, w) + shortcut(w) }"), "nothing");
});

test("rename refuses what is not the user's, and what is no name", () => {
  const why = (marked: string, wanted = "fresh") => renamed(marked, wanted).why!;
  assert.match(why("block b { con┆v(3x3, 4) }"), "`conv` is built in");
  assert.match(why("block b { conv(3x3, 4, pa┆d = 0) }"), "`pad` is built in");
  assert.match(why("use bas┆ic from std\n"), "name of the standard library");
  assert.match(why("use basic from s┆td\n"), "the name of a file");
  assert.match(why("block b { i┆n }"), "there is no name here");
  for (const wanted of ["net", "x", "in", "", "a b", "a.b", "3a", "a-b", '"a"', "# a", "ä"])
    assert.match(why("let a┆ = 3", wanted), "is not a name", wanted);
  const { document, at } = openMarked("block b { con┆v(3x3, 4) }");
  assert.ok(isRefused(prepareRename(document, at)));
});

test("rename refuses names that would hide or be hidden", () => {
  const why = (marked: string, wanted: string, others = {}) =>
    renamed(marked, wanted, others).why ?? "renamed";
  assert.match(why("let a┆ = 3", "conv"), "`conv` is built in");
  assert.match(why("let a┆ = 3\nlet b = 4", "b"), "has a let `b` already");
  assert.match(why("let a┆ = 3\nblock b(c) { in }", "c"), "has a parameter `c` already");
  assert.match(why("use basic from std\nlet a┆ = 3", "basic"), "has a block `basic` already");
  assert.match(why("block b(p┆, q) { r: in }", "q"), "has a parameter `q` already");
  assert.match(why("block b(p┆, q) { r: in }", "r"), "has a label `r` already");
  assert.is(why("block b(p┆, q) { in }\nblock c(s) { in }", "s"), "renamed");
  assert.match(
    why("net a { input 8x8x3\n on┆e: relu }\nnet b = a { two: relu }", "two"),
    "has a label `two` already",
  );
  const others = {
    "lib.resnet": "block mine { in }\n",
    "user.resnet": 'use mine from "./lib"\nblock b(taken) { mine }\n',
  };
  assert.match(why('use min┆e from "./lib"\n', "taken", others), "user.resnet has a parameter `taken`");
  const parts = {
    "user.resnet":
      'use base from "./main"\nblock free { in }\nnet u { input 8x8x3\n b: base\n output b.one }\n',
  };
  assert.is(
    why("net base { input 8x8x3\n on┆e: relu }\n", "free", parts),
    "renamed",
    "a part is no name there",
  );
});

test("rename refuses where the text does not tell every use", () => {
  const why = (marked: string, wanted: string) => renamed(marked, wanted).why ?? "renamed";
  assert.match(
    why("block b(wi┆dth) { in }\nblock c(f = b) { f(width = 2) }", "w"),
    "only known when a net is built",
  );
  assert.match(
    why("block b { pa┆rt: in }\nnet m { input 8x8x3\n a: if true [ b ]\n output a.part }", "piece"),
    "only known when a net is built",
  );
  assert.match(
    why("block b(stri┆de = 1) { in }\nnet m { input 8x8x3\n b /2 }", "step"),
    "`/2` sets the parameter",
  );
  assert.match(why("block b(st┆ep = 1) { in }", "stride"), "`/2` sets the parameter");
});

// Nets of a thousand layers say nothing more here, and take long.
const examples = [...goodTexts].filter(([name]) => !/^(cifar|preact)/.test(name));

test("what stands at an occurrence is the name of its definition", () => {
  for (const [name, text] of goodTexts) {
    const { binding } = new Workspace().open(`x-${name}`, text);
    for (const { span, definition, isDeclaration } of binding!.occurrences) {
      const written = text.slice(span.start, span.end);
      if (definition.kind !== "file") assert.is(written, definition.name, `${name} at ${span.start}`);
      if (isDeclaration && definition.kind !== "index" && "span" in definition)
        assert.equal([definition.span.start, definition.span.end], [span.start, span.end]);
    }
  }
});

test("a renamed example compiles to the same, and renamed back it is what it was", () => {
  let renames = 0;
  for (const [name, text] of examples) {
    const before = analyse(makeSource(name, text), { net: "*" });
    const { binding } = new Workspace().open(name, text);
    const declared = binding!.occurrences.filter(({ isDeclaration }) => isDeclaration);
    for (const { span, definition } of declared.filter((_occurrence, i) => i % 3 === 0)) {
      const workspace = new Workspace();
      const there = rename(workspace, workspace.open(name, text), span.start, "other_name");
      // Refused where the text does not tell every use.
      if (isRefused(there)) continue;
      renames++;
      const changed = applyEdits(text, there.edits.get(name)!)!;
      const after = analyse(makeSource(name, changed), { net: "*" });
      const counts = ({ nets }: typeof after) => nets.map(({ graph }) => countGraph(graph));
      assert.equal(
        after.diagnostics.map(({ message }) => message),
        before.diagnostics.map(({ message }) => message),
        `${name}: ${definition.name}`,
      );
      assert.equal(counts(after), counts(before), `${name}: ${definition.name}`);
      const back = rename(
        workspace,
        workspace.open(name, changed),
        changed.indexOf("other_name"),
        definition.name,
      );
      assert.not.ok(isRefused(back), `${name}: ${definition.name}`);
      if (!isRefused(back)) assert.is(applyEdits(changed, back.edits.get(name)!), text);
    }
  }
  assert.ok(renames > 50, `${renames}`);
});

test("the document in the editor counts, not the file, until it is closed", () => {
  const { workspace, document, at } = openMarked('use mine from "./lib"\nblock b { min┆e }', {
    "lib.resnet": "block mine { in }\n",
  });
  assert.is(definition(document, at)?.target.start, 6);
  workspace.open("lib.resnet", "\n\nblock mine { in }\n");
  assert.is(definition(workspace.document("main.resnet")!, at)?.target.start, 8);
  workspace.close("lib.resnet");
  assert.is(definition(workspace.document("main.resnet")!, at)?.target.start, 6);
  assert.is(workspace.document("main.resnet"), workspace.document("main.resnet"), "nothing is read twice");
});

test.run();
