/** docs/detection.md: its programs run as they stand, beside networks of the zoo built small. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as boxes from "../src/boxes/index.ts";
import { wasm } from "../src/codegen/wasm/target.ts";
import { emit } from "../src/compile.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { compileSources } from "./support/compiled-sources.ts";
import { root } from "./support/nets.ts";
import { zooNetOf } from "./support/zoo.ts";

const page = readFileSync(path.join(root, "docs/detection.md"), "utf8");
const programs = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, text]) => text);

function buildInto(folder: string, name: string): void {
  const settings: Record<string, string> = name.endsWith("_boxes") ? {} : { size: "96x128x3" };
  const { net } = zooNetOf("torchvision", name, settings)!;
  const { artifacts } = emit(net, { target: wasm, weights: heWeights(net.graph, 1), weightsFrom: "seed" });
  mkdirSync(path.join(folder, "dist", name), { recursive: true });
  for (const { path: file, contents } of artifacts)
    writeFileSync(path.join(folder, "dist", name, path.basename(file)), contents);
}

test("the programs find boxes", () => {
  const home = mkdtempSync(path.join(tmpdir(), "resnetc-detection-"));
  const compiled = compileSources("boxes/index.ts");
  try {
    const own = path.join(home, "node_modules/resnetc");
    mkdirSync(own, { recursive: true });
    cpSync(path.join(root, "package.json"), path.join(own, "package.json"));
    cpSync(compiled.folder, path.join(own, "build"), { recursive: true });
    const names = [...page.matchAll(/from "\.\/dist\/(\w+)\//g)].map(([, name]) => name);
    assert.is(names.length, 3);
    for (const name of names) buildInto(home, name);
    for (const [i, text] of programs.entries()) {
      // Weights that are not trained are sure of nothing.
      const eager = text.replace(
        /\{ (input: \{ height, width \}|picture: input) \}/,
        "{ $1, threshold: 0.001 }",
      );
      assert.is.not(eager, text);
      writeFileSync(path.join(home, `program${i}.mjs`), eager);
      const { status, stdout, stderr } = spawnSync(process.execPath, [`program${i}.mjs`], {
        cwd: home,
        encoding: "utf8",
      });
      assert.is(status, 0, stderr);
      assert.match(stdout, /^(\d+( [\d.e-]+){5}\n)+$/);
    }
  } finally {
    compiled.remove();
    rmSync(home, { recursive: true, force: true });
  }
});

test("every function is named", () => {
  const missing = Object.keys(boxes).filter((name) => !page.includes(name));
  assert.equal(missing, []);
});

test.run();
