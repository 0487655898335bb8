/** Rules of the house that no compiler checks. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
// @ts-expect-error a plain module, so that it runs before anything is compiled
import { embedded } from "../scripts/embed.mjs";
import { messages } from "../src/base/messages.ts";
import { ops } from "../src/ir/ops/index.ts";
import { allPasses } from "../src/passes/pipeline.ts";
import { opCases as cases } from "./op-cases.ts";
import { root } from "./support/nets.ts";

const filesUnder = (folder: string, ending: string) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(ending))
    .map((file) => path.join(folder, file));
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

test("every test file runs its tests", () => {
  // uvu runs nothing of a file that never calls run(), and passes.
  const files = filesUnder("tests", ".test.ts");
  assert.equal(
    files.filter((file) => !/^\s*\w+\.run\(\);/m.test(read(file))),
    [],
  );
});

test("no test is skipped or singled out", () => {
  const files = filesUnder("tests", ".ts").filter((file) => !file.endsWith("house-rules.test.ts"));
  assert.equal(
    files.filter((file) => /\.(skip|only)\(/.test(read(file))),
    [],
  );
});

/** The package's and the playground's. */
const sourceFiles = () => [...filesUnder("src", ".ts"), ...filesUnder("playground/src", ".ts")];

test("every source file says why it exists", () => {
  const files = sourceFiles().filter((file) => !file.endsWith(".generated.ts"));
  assert.equal(
    files.filter((file) => !/^(#!.*\n)?\/\*\*/.test(read(file))),
    [],
  );
});

test("generated modules are fresh", () => {
  for (const [file, text] of Object.entries(embedded() as Record<string, string>)) {
    assert.is(read(file), text, `${file} is stale: npm run compile`);
  }
});

test("every pass and operation has its cases", () => {
  for (const { name } of allPasses) assert.ok(existsSync(path.join(root, "tests/golden/passes", name)), name);
  assert.equal(Object.keys(cases).sort(), Object.keys(ops).sort());
});

test("diagnostic codes are kebab-case nouns", () => {
  assert.equal(
    Object.keys(messages).filter((code) => !/^[a-z]+(-[a-z]+)*$/.test(code)),
    [],
  );
});

test("packages have no addresses and run nothing at install", () => {
  const lock = JSON.parse(read("package-lock.json")) as { packages: Record<string, { resolved?: string }> };
  assert.equal(
    Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined),
    [],
  );
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  assert.equal(
    Object.keys(scripts).filter((name) => /^(pre|post)?install$/.test(name)),
    [],
  );
});

test("files stay small enough to read", () => {
  const long = sourceFiles()
    .filter((file) => !file.endsWith(".generated.ts"))
    .filter((file) => read(file).split("\n").length > 500);
  assert.equal(long, []);
});

test.run();
