/** The order of the folders is the order of the data flow: a file imports its own layer and what stands above it here. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root } from "./support/nets.ts";

const rows = [
  ["base", "std", "boxes", "version.generated.ts"],
  ["parser", "ir"],
  ["pictures"],
  ["weights", "passes"],
  ["draw"],
  ["lower", "codegen"],
  ["compile.ts", "tfjs-kernels"],
  ["run", "published", "language", "diff"],
  ["node"],
  ["lsp", "plugin"],
  ["cli"],
  ["index.ts"],
];

/** "src/ir/bad.ts -> src/parser/x.ts" for each import that goes up or across; type imports count too. */
function wrongImports(files: ReadonlyMap<string, string>): string[] {
  const layerOf = (file: string) => path.relative("src", file).split(path.sep)[0];
  const rowOf = (layer: string) => rows.findIndex((row) => row.includes(layer));
  const wrong: string[] = [];
  for (const [file, text] of files) {
    const layer = layerOf(file);
    if (rowOf(layer) < 0) wrong.push(`${file} is in no layer`);
    for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
      const imported = path.join(path.dirname(file), target);
      const other = layerOf(imported);
      if (other !== layer && rowOf(other) >= rowOf(layer)) wrong.push(`${file} -> ${imported}`);
    }
  }
  return wrong;
}

function sources(): Map<string, string> {
  const files = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" }).filter((f) =>
    f.endsWith(".ts"),
  );
  return new Map(files.map((f) => [path.join("src", f), readFileSync(path.join(root, "src", f), "utf8")]));
}

test("no file imports a sibling or a later layer", () => {
  assert.equal(wrongImports(sources()), []);
});

test("a planted import is found", () => {
  const planted = new Map([
    ["src/ir/bad.ts", 'import type { A } from "../codegen/target.ts";\nimport { b } from "../parser/x.ts";'],
    ["src/parser/lazy.ts", 'const c = await import("../cli/main.ts");'],
    ["src/odd/x.ts", ""],
  ]);
  assert.equal(wrongImports(planted), [
    "src/ir/bad.ts -> src/codegen/target.ts",
    "src/ir/bad.ts -> src/parser/x.ts",
    "src/parser/lazy.ts -> src/cli/main.ts",
    "src/odd/x.ts is in no layer",
  ]);
});

test.run();
