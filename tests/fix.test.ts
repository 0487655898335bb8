/** `check --fix`: what is certain is mended, byte for byte where nothing is wrong, and never so that more is wrong. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { applyEdits, insertAfter, replace, useFromStd } from "../src/base/fix.ts";
import { makeSource } from "../src/base/source.ts";
import { fixText } from "../src/cli/fix-file.ts";
import { analyse } from "../src/compile.ts";
import { oneLine, resnetc, write } from "./support/cli.ts";
import { mistakes } from "./support/mistakes.ts";

const fixed = (text: string) =>
  fixText("a.resnet", text, (source) => analyse(source, { net: "*" }).diagnostics);

const broken = `resnet 1
net m {
  input (224, 224, 3)
  conv1: Conv(3X3, out_channels = 64, in_channels = 3) => bn relu // first
  conv2 = bottleneck(64) x3
}
`;
const mended = `resnet 1
use bottleneck from std
net m {
  input 224x224x3
  conv1: conv(3x3, channels = 64) -> bn -> relu # first
  conv2: bottleneck(64) x 3
}
`;

test("fixes go on until nothing certain is left", () => {
  const { after, applied } = fixed(broken);
  assert.is(after, mended);
  assert.is(applied.length, 11);
  assert.equal(applied[0], { code: "bad-input", title: "write `224x224x3`", line: 3, column: 9 });
});

test("byte-order marks and line ends stay as they were, mixed ones too", () => {
  const windows = (text: string) => `\uFEFF${text.replaceAll("\n", "\r\n")}`;
  assert.is(fixed(windows(broken)).after, windows(mended));
  const mixed = "net m {\r\n  input 8x8x3\n  relu => tanh\r\n  conv(3X3, 4)\n}\r\n";
  assert.is(fixed(mixed).after, "net m {\r\n  input 8x8x3\n  relu -> tanh\r\n  conv(3x3, 4)\n}\r\n");
});

test("of several ways none is taken", () => {
  const text = "net m {\n  input 8x8x3\n  conv1: relu\n  conv2: tanh\n  conv9 -> bn\n}\n";
  assert.equal(fixed(text), { before: text, after: text, applied: [] });
});

test("a file stays as it is where fixes would show more errors than there were", () => {
  // The syntax error hides three names that mean nothing.
  const text = "net m {\n  input 8x8x3\n  relu => tanh\n  qqqqqq\n  wwwwww\n}\n";
  const result = fixed(text);
  assert.is(result.after, text);
  assert.equal(result.applied, []);
  assert.equal(result.wouldBe, { errors: 2, instead: 1 });
});

test("every mistake that people make ends with no more errors, and the same when fixed again", () => {
  for (const [name, { text }] of Object.values(mistakes).flatMap((group) => Object.entries(group))) {
    const { after } = fixed(text);
    const errors = (one: string) =>
      analyse(makeSource("a.resnet", one), { net: "*" }).diagnostics.filter((d) => d.severity === "error")
        .length;
    assert.ok(errors(after) <= errors(text), name);
    assert.is(fixed(after).after, after, name);
  }
});

test("edits that meet are refused, equal ones count once", () => {
  const source = makeSource("a", "relu tanh");
  const [a, b] = [replace({ source, start: 0, end: 4 }, "bn"), replace({ source, start: 2, end: 6 }, "x")];
  assert.is(applyEdits(source.text, [a, b]), undefined);
  assert.is(applyEdits(source.text, [a, a]), "bn tanh");
  assert.is(applyEdits(source.text, [insertAfter({ source, start: 0, end: 4 }, " ->"), a]), "bn -> tanh");
});

test("a missing `use` goes to the row there is, or below the edition", () => {
  const after = (text: string) => {
    const source = makeSource("a.resnet", text);
    return applyEdits(text, useFromStd(source, "basic").edits);
  };
  assert.is(after("use pad from std\nnet m { }\n"), "use pad, basic from std\nnet m { }\n");
  assert.is(after('use a from "./b"\nnet m { }\n'), 'use basic from std\nuse a from "./b"\nnet m { }\n');
  assert.is(after("resnet 1\nnet m { }\n"), "resnet 1\nuse basic from std\nnet m { }\n");
  assert.is(after("resnet 1"), "resnet 1\nuse basic from std\n");
  assert.is(after("# use x from std\nnet m { }\n"), "use basic from std\n# use x from std\nnet m { }\n");
});

test("the command writes, or shows what it would write", () => {
  const file = write("fix-me.resnet", broken);
  const offered = resnetc(["check", file]);
  assert.match(offered.err, /--fix .*fix-me\.resnet` mends 3 of these/);
  const dry = resnetc(["check", "--fix", "--dry-run", file]);
  assert.is(dry.code, 1);
  assert.match(dry.out, /^would fix {2}.*fix-me\.resnet:3:9 bad-input: write `224x224x3`$/m);
  assert.match(dry.out, "\n+  input 224x224x3\n");
  assert.is(readFileSync(file, "utf8"), broken);
  const done = resnetc(["check", "--fix", file]);
  assert.is(done.code, 0, done.err);
  assert.is(readFileSync(file, "utf8"), mended);
  assert.match(done.out, /^ok {2}/m);
  const again = JSON.parse(resnetc(["check", "--fix", "--json", file]).out);
  assert.equal(again.files[0].fixed, []);
  assert.is(resnetc(["check", "--dry-run", file]).code, 2);
  assert.is(resnetc(["check", "--fix", "-"], { input: broken }).code, 2);
});

test("JSON has codes, places, notes and fixes", () => {
  const file = write("json.resnet", "net m {\n  input 8x8x3\n  a: relu\n  a: tanh => bn\n}\n");
  const [{ diagnostics }] = JSON.parse(resnetc(["check", "--json", file]).out).files;
  assert.equal(diagnostics[0].fixes, [
    { title: "write `->`", edits: [{ file, line: 4, column: 11, endLine: 4, endColumn: 13, text: "->" }] },
  ]);
  write("json.resnet", "net m {\n  input 8x8x3\n  a: relu\n  a: tanh\n}\n");
  const [{ diagnostics: second }] = JSON.parse(resnetc(["check", "--json", file]).out).files;
  assert.equal(second[0].notes, [
    { message: "the first `a` stands here", file, line: 3, column: 3, endLine: 3, endColumn: 4 },
  ]);
});

test("a file whose name is mistyped is suggested, also where another uses it", () => {
  const file = write("beside/parts.resnet", "block b { relu }\n");
  const typed = file.replace("parts", "prats");
  const { code, err } = resnetc(["check", typed]);
  assert.is(code, 1);
  assert.match(oneLine(err), `did you mean ${file}?`);
  const user = write("beside/user.resnet", 'use b from "./part"\nnet m { input 8x8x3; b }\n');
  assert.match(oneLine(resnetc(["check", user]).err), /unknown-module.*did you mean .*parts\.resnet\?/);
});

test.run();
