/** The golden runner itself, and the goldens of the passes: each pass before ──► after on its small cases. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { lineDiff } from "../src/base/line-diff.ts";
import { printGraph } from "../src/ir/print.ts";
import { rewrite } from "../src/ir/rewrite.ts";
import { allPasses } from "../src/passes/pipeline.ts";
import { golden, goldenNames } from "./support/golden.ts";
import { passCases } from "./support/pass-cases.ts";

const runner = suite("golden");

function inTemporaryFolder(use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "golden-"));
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

runner("makes a file at a desk, then compares, then blesses", () => {
  inTemporaryFolder((folder) => {
    const read = () => readFileSync(join(folder, "a/b/case.txt"), "utf8");
    golden("a/b", "case", "one\n", { folder, env: {} });
    assert.is(read(), "one\n");
    golden("a/b", "case", "one\n", { folder, env: { CI: "1" } });
    assert.throws(
      () => golden("a/b", "case", "two\n", { folder, env: {} }),
      (error: Error) => error.message.includes("-one\n+two\n") && error.message.includes("npm run bless"),
    );
    assert.is(read(), "one\n");
    golden("a/b", "case", "two\n", { folder, env: { BLESS: "1" } });
    assert.is(read(), "two\n");
    assert.equal(goldenNames("a/b", folder), ["case"]);
  });
});

runner("writes nothing in CI", () => {
  inTemporaryFolder((folder) => {
    assert.throws(() => golden("a", "case", "one\n", { folder, env: { CI: "1" } }), /writes no golden files/);
    golden("a", "case", "one\n", { folder, env: {} });
    const blessing = { folder, env: { CI: "1", BLESS: "1" } };
    assert.throws(() => golden("a", "case", "two\n", blessing), /does not bless/);
    assert.is(readFileSync(join(folder, "a/case.txt"), "utf8"), "one\n");
  });
});

runner("shows differences as diff -u does", () => {
  const before = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", ""].join("\n");
  const after = before.replace("b\n", "B\n").replace("m\n", "m\nm2\n");
  const wanted =
    "--- before\n+++ after\n@@ -1,5 +1,5 @@\n a\n-b\n+B\n c\n d\n e\n@@ -11,4 +11,5 @@\n k\n l\n m\n+m2\n n\n";
  assert.is(lineDiff(before, after), wanted);
  assert.match(lineDiff("a\n", "a"), /-a\n\+a\\ no newline at the end/);
});

runner("compares texts that are too different for a table", () => {
  const many = (word: string) => Array.from({ length: 3000 }, (_, i) => `${word} ${i}\n`).join("");
  const diff = lineDiff(many("a"), many("b"));
  assert.is(diff.split("\n").filter((line) => line.startsWith("-a")).length, 3000);
  assert.is(diff.split("\n").filter((line) => line.startsWith("+b")).length, 3000);
});

runner.run();

const passes = suite("passes, before and after");

for (const pass of allPasses) {
  for (const [name, build] of Object.entries(passCases[pass.name] ?? {})) {
    passes(`${pass.name}: ${name}`, () => {
      const before = build();
      const after = printGraph(pass.run(before), { params: true });
      // Order and dead nodes aside, which every rewrite tidies.
      const same =
        after ===
        printGraph(
          rewrite(before, () => undefined),
          { params: true },
        );
      if (name.startsWith("keeps-")) assert.ok(same, `${pass.name} fires, and must not:\n${after}`);
      else if (name !== "drops-what-no-output-needs") assert.not(same, `${pass.name} does not fire`);
      golden(`passes/${pass.name}`, name, `before\n${printGraph(before, { params: true })}\nafter\n${after}`);
    });
  }
}

passes("every pass has cases that fire and cases that must not, and no file is stale", () => {
  assert.equal(Object.keys(passCases).sort(), allPasses.map(({ name }) => name).sort());
  for (const { name } of allPasses) {
    const cases = Object.keys(passCases[name]);
    assert.ok(
      cases.some((word) => word.startsWith("keeps-")),
      `${name} has no case that it must leave alone`,
    );
    assert.ok(
      cases.some((word) => !word.startsWith("keeps-")),
      `${name} has no case that it changes`,
    );
    assert.equal(
      goldenNames(`passes/${name}`),
      [...cases].sort(),
      `the files under tests/golden/passes/${name}`,
    );
  }
});

passes.run();
