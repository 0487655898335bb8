/**
 * docs/ten-files: every file checks, every command prints what the page shows, every picture is what `draw` makes, and every number
 * in the prose is computed here from the files or is one of those that the papers say.
 */
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type AnalysedNet, analyse } from "../src/compile.ts";
import { isOp } from "../src/ir/graph.ts";
import { ops } from "../src/ir/ops/index.ts";
import { countGraph, depthOf, stagesOf } from "../src/ir/stats.ts";
import { format } from "../src/parser/format.ts";
import { blocksOf, commandsOf, DocPage, expectPicture, printed, shownOf } from "./support/doc-page.ts";
import { fileSource, root } from "./support/nets.ts";

const folder = path.join(root, "docs/ten-files");
const files = readdirSync(folder).filter((file) => file.endsWith(".resnet"));
const page = new DocPage("docs/ten-files/README.md");

/** From the papers' tables, errors in %: what cannot be computed here. */
const said: Readonly<Record<string, readonly string[]>> = {
  // Tables 2 and 3 (ImageNet, 10 crops), Table 6 (CIFAR-10); FLOPs of Table 1.
  2015: ["3.8", "28.54", "27.94", "25.03", "27.88", "24.52", "24.19", "7.93", "6.43"],
  // Table 3 (CIFAR-10).
  2016: ["5.93", "5.46", "7.61", "4.92"],
};
const words =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split(
    " ",
  );
const units: Readonly<Record<string, number>> = { G: 1e9, M: 1e6, "%": 1, times: 1 };

/** What an expression may ask of a net: counts of it and of its rows. */
function factsOf({ graph }: AnalysedNet): Record<string, unknown> {
  const { params, macs } = countGraph(graph);
  const rows = stagesOf(graph).map(({ name, params, macs }) => [name, { params, macs }]);
  const projections = graph.nodes.filter((node) => isOp(node, ops.conv2d) && /\bshortcut\b/.test(node.name));
  return {
    ...Object.fromEntries(rows),
    ...{ params, macs, depth: depthOf(graph), projections: projections.length },
    blocks: graph.nodes.filter((node) => isOp(node, ops.add)).length,
  };
}

const netsOf = (file: string): readonly AnalysedNet[] => {
  const { nets, diagnostics } = analyse(fileSource(path.join(folder, file)), { net: "*" });
  assert.equal(
    diagnostics.map(({ message }) => message),
    [],
    file,
  );
  return nets;
};

const factsIn = (file: string) => Object.fromEntries(netsOf(file).map((net) => [net.name, factsOf(net)]));
/** Those of another file, by its number. */
const from = (number: string) => factsIn(files.find((file) => file.startsWith(number))!);

/** The page from one heading to the next, with the file that it is about. */
const sections = () =>
  page.text
    .split(/^## (?=.*\?$)/m)
    .slice(1)
    .map((text) => ({ text, file: /^```resnet (.*)$/m.exec(text)![1] }));

test("ten files, each with a section that shows it", () => {
  assert.is(files.length, 10);
  assert.equal(
    sections().map(({ file }) => file),
    files,
  );
  const titles = sections().map(({ text }) => text.split("\n")[0]);
  for (const title of titles) assert.match(title, /\?$/);
  const contents = [...page.text.matchAll(/^\d+\. \[(.*?)\]\((.*)\)$/gm)].map(([, title, to]) => [title, to]);
  const anchor = (title: string) =>
    `#${title
      .toLowerCase()
      .replace(/[^\w -]/g, "")
      .replaceAll(" ", "-")}`;
  assert.equal(
    contents,
    titles.map((title) => [title, anchor(title)]),
  );
  for (const block of page.blocks.filter(({ language }) => language === "resnet"))
    page.expect(block, readFileSync(path.join(folder, block.title), "utf8"));
});

test("they compile without a word, are in canonical form, and say their answers in numbers", () => {
  for (const file of files) {
    const source = fileSource(path.join(folder, file));
    const nets = netsOf(file);
    assert.is(format(source).text, source.text, file);
    const verdicts = nets.flatMap((net) => net.verdicts);
    assert.ok(verdicts.filter(({ what }) => /params|macs/.test(what)).length >= 3, file);
  }
});

test("the commands print what the page shows, and draw its pictures", () => {
  const home = mkdtempSync(path.join(tmpdir(), "resnetc-ten-files-"));
  try {
    cpSync(folder, path.join(home, "docs/ten-files"), { recursive: true });
    copyFileSync(path.join(root, "package.json"), path.join(home, "package.json"));
    for (const { file, text } of sections()) {
      const blocks = blocksOf(text);
      const [commands] = blocks.filter(({ language }) => language === "sh");
      const output = commandsOf(commands.text)
        .map((args) => {
          assert.ok(args[1].startsWith(`docs/ten-files/${file}`), args.join(" "));
          return printed(args, home);
        })
        .join("\n\n");
      for (const block of blocks.filter(({ language }) => language === "text"))
        page.expect(block, shownOf(block.text, output));
    }
    const drawn = readdirSync(home).filter((file) => file.endsWith(".svg"));
    for (const file of drawn)
      expectPicture(path.join(folder, "pictures", file), readFileSync(path.join(home, file), "utf8"));
    assert.equal(readdirSync(path.join(folder, "pictures")).sort(), drawn.sort());
    const shown = [...page.text.matchAll(/^!\[(.+)\]\(\.\/pictures\/(.*)\)$/gm)].map(([, , file]) => file);
    assert.equal(shown.sort(), drawn);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

test("every number in the prose is what the files give, or what the papers say", () => {
  let checked = 0;
  for (const { text, file } of sections()) {
    const facts = { ...factsIn(file), from };
    const prose = text.replace(/^```[\s\S]*?^```$/gm, "");
    const left = prose.replace(
      /(\w[\w,.]*)(?: (G|M|%|times))?<!--(=?) ?(.*?) ?-->/g,
      (_, number: string, unit: string | undefined, computed: string, what: string) => {
        checked++;
        const where = `${file}: ${number} ${unit ?? ""}, ${what}`;
        if (!computed) assert.ok(said[what].includes(number), where);
        else assert.is(shownAs(number, unit, what, facts), number, where);
        return "";
      },
    );
    // What is left are numbers of sections and tables, shapes, names and small numbers that are part of an argument.
    const bare = left
      .replace(/`[^`]*`|\]\([^)]*\)|arXiv:[\d.]+/g, "")
      .replace(/(Section|Table|Figure)s? \d+(\.\d+)?/g, "")
      .replace(/v1\.5|ResNet-\d+|resnet\d+/g, "");
    assert.equal(bare.match(/\d+(,\d{3})+|\d+\.\d+|\b\d+ ?[GM%]\B|\b\d+ times/g) ?? [], [], file);
  }
  assert.ok(checked > 100, `${checked} numbers`);
});

/** The value of an expression over the nets of a file, with as many digits as the page gives. */
function shownAs(
  number: string,
  unit: string | undefined,
  expression: string,
  facts: Readonly<Record<string, unknown>>,
): string {
  const value = new Function(...Object.keys(facts), `return ${expression}`)(
    ...Object.values(facts),
  ) as number;
  if (words.includes(number)) return words[value];
  const digits = /\.(\d+)$/.exec(number)?.[1].length ?? 0;
  const rounded = (value / (unit ? units[unit] : 1)).toFixed(digits);
  // A count without a unit is exact.
  if (!unit && !number.includes(".")) assert.is(Number(rounded), value);
  return number.includes(",") ? Number(rounded).toLocaleString("en") : rounded;
}

test.run();
