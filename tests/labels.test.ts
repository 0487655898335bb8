/** `--labels`: the files that are taken, what does not fit, and built folders that know their labels. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { folder, oneLine, resnetc, tinyFile, write } from "./support/cli.ts";
import { png } from "./support/png.ts";

const names = Array.from({ length: 10 }, (_, i) => `kind ${i}`);
const picture = write(
  "grey.png",
  png(
    { width: 8, height: 8, colour: 0 },
    Array.from({ length: 8 }, (_, y) => Array.from({ length: 8 }, (_, x) => x * y)),
  ),
);

interface Line {
  readonly top: readonly { readonly index: number; readonly label?: string }[];
}

test("a line a name, JSON lists and id2label name the classes of run and build", () => {
  const files = [
    write("names.txt", `${names.join("\r\n")}\r\n`),
    write("names.json", JSON.stringify(names)),
    write("config.json", JSON.stringify({ id2label: Object.fromEntries(names.map((name, i) => [i, name])) })),
  ];
  for (const file of files) {
    const { code, out, err } = resnetc(["run", tinyFile, picture, "--labels", file, "--json", "--top", "10"]);
    assert.is(code, 0, err);
    const { top } = JSON.parse(out) as Line;
    assert.ok(top.every(({ index, label }) => label === names[index]));
  }
  const target = path.join(folder, "labelled");
  for (const kind of ["wasm", "tfjs"]) {
    assert.is(resnetc(["build", tinyFile, "--labels", files[0], "--target", kind, "-o", target]).code, 0);
    const { out } = resnetc(["run", target, picture, "--json"]);
    assert.ok((JSON.parse(out) as Line).top.every(({ index, label }) => label === names[index]));
    assert.equal(JSON.parse(readFileSync(path.join(target, "tiny.json"), "utf8")).labels, names);
  }
  assert.is(resnetc(["run", target, picture, "--labels", files[0]]).code, 2);
});

test("what does not fit is told, before anything is written", () => {
  const told = (contents: string, ...more: readonly string[]) => {
    const file = write("wrong", contents);
    const { code, err } = resnetc([
      "build",
      tinyFile,
      "--labels",
      file,
      "-o",
      path.join(folder, "never"),
      ...more,
    ]);
    assert.is(code, 1, err);
    return oneLine(err).replace(file, "FILE");
  };
  assert.match(told("a\nb\n"), /cannot read FILE: it has 2 labels, tiny gives 10 classes/);
  assert.match(told("a\n\nb\n"), /cannot read FILE: line 2 is empty/);
  assert.match(told("[1, 2]"), /it is neither a list of names nor has it id2label/);
  assert.match(told("[1, 2"), /it is no JSON/);
  assert.match(told("{}"), /it is neither a list of names nor has it id2label/);
  assert.match(oneLine(resnetc(["build", tinyFile, "--labels", "none"]).err), /there is no such file/);
  const maps = write("maps.resnet", "net maps { input 8x8x3; conv(3x3, 4) }");
  const { code, err } = resnetc(["run", maps, picture, "--labels", picture]);
  assert.is(code, 2);
  assert.match(oneLine(err), /--labels: maps gives .*, not classes/);
});

test("a net of other classes than its labels is told that it has none", () => {
  const spec = write(
    "other.resnet",
    "use imagenet from std\nnet other { input imagenet(16x16x3); conv(3x3, 4); avgpool; dense(7) }",
  );
  const { code, err } = resnetc(["build", spec, "-o", path.join(folder, "other")]);
  assert.is(code, 0, err);
  assert.match(
    oneLine(err),
    /no labels: imagenet-1k has 1000, other gives 7 classes; --labels FILE names them/,
  );
});

test.run();
