/** The language's own samples, the broken files, and how fast a file compiles. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { renderDiagnostic } from "../src/base/render-diagnostic.ts";
import { analyse } from "../src/compile.ts";
import { format } from "../src/parser/format.ts";
import { fastestMs } from "./support/cpu-time.ts";
import { examplePath, fileSource, readModule, root } from "./support/nets.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const resnetFiles = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".resnet"))
    .map((name) => path.join(folder, name));

/** Every net of every file: [nets, expectations], after asserting that all is well. */
function checkAll(files: readonly string[]): [nets: number, expectations: number] {
  let nets = 0;
  let expectations = 0;
  for (const file of files) {
    const found = analyse(fileSource(file), { net: "*", read: readModule });
    assert.equal(
      found.diagnostics.map((d) => renderDiagnostic(d)),
      [],
      file,
    );
    nets += found.nets.length;
    for (const { verdicts } of found.nets) {
      expectations += verdicts.length;
      assert.equal(
        verdicts.filter(({ holds }) => !holds),
        [],
      );
    }
    assert.is(format(fileSource(file)).text, fileSource(file).text, `${file} is not in canonical format`);
  }
  return [nets, expectations];
}

test("examples: every net compiles, every expectation holds", () => {
  assert.equal(checkAll(resnetFiles(path.join(root, "examples"))), [43, 125]);
});

if (requireShared("language/samples/resnet.resnet")) {
  test("samples: 13 files, 38 nets, 103 expectations", () => {
    const files = resnetFiles(sharedPath("language/samples"));
    assert.is(files.length, 13);
    assert.equal(checkAll(files), [38, 103]);
  });

  test("broken files: a diagnostic with code, place, frame and hint for each", () => {
    const files = resnetFiles(sharedPath("language/errors"));
    assert.is(files.length, 50);
    for (const file of files) {
      const { diagnostics, fine } = analyse(fileSource(file), { net: "*", read: readModule });
      assert.not(fine, file);
      for (const diagnostic of diagnostics) {
        const text = renderDiagnostic(diagnostic);
        assert.ok(diagnostic.span && diagnostic.hint, text);
        assert.match(text, /^ *--> .*:\d+:\d+$/m);
        assert.match(text, /\^/);
        assert.not.match(text, /Expecting|NoViableAlt|Redundant input|-->\s+<--|token/i);
      }
    }
  });
}

test("resnet152 compiles in under 150 ms in a warm process, resnet1202 in under 3 s", () => {
  const fastest = (file: string, net?: string) =>
    fastestMs(12, () => {
      analyse(fileSource(examplePath(file)), net === undefined ? {} : { net });
    });
  const small = fastest("resnet152.resnet");
  assert.ok(small < 150, `${small.toFixed(0)} ms`);
  const large = fastest("cifar.resnet", "resnet1202");
  assert.ok(large < 3000, `${large.toFixed(0)} ms`);
});

test.run();
