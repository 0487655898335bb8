/** Weights written as safetensors under a table's names, and read back: the same bits, whatever the layer. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { isOp } from "../src/ir/graph.ts";
import { ops } from "../src/ir/ops/index.ts";
import { tablesOf } from "../src/node/find-weights.ts";
import { bindWeights } from "../src/weights/bind.ts";
import { clashingNames, exportWeights } from "../src/weights/export.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { writeSafetensors } from "../src/weights/write-safetensors.ts";
import { mustOpen } from "./support/checkpoints.ts";

const text = `
net mine {
  input 9x7x3
  conv1: conv(3x3, 8) /2 -> bn -> relu
  wide:  conv(5x3, 6, bias = true) -> prelu
  deep:  conv(3x3, 6, groups = 6) -> gn(2)
  parts: conv(3x3, 12, groups = 3) -> channelconv(3)
  fc:    dense(11)
}

names theirs {
  scale -> gamma
  "conv1.{op}.{*}" -> "stem/{op}/{*}"
  "fc.{*}" -> "head.{*}"
}

names clumsy {
  "deep.{*}" -> "same"
}
`;

const { nets, module, diagnostics } = analyse(makeSource("mine.resnet", text));
assert.equal(diagnostics, []);
const [{ graph }] = nets;
const weights = heWeights(graph, 5);
const tables = tablesOf(module);
const params = graph.nodes.flatMap((node) => (isOp(node, ops.param) ? [node.name] : []));

for (const as of [undefined, "theirs", "torchvision"]) {
  test(`as ${as ?? "the net's own names"}`, () => {
    const table = tables.find(({ name }) => name === as);
    const checkpoint = mustOpen(writeSafetensors(exportWeights(graph, weights, table)), "x.safetensors");
    assert.is(checkpoint.tensors.size, params.length);
    assert.equal(
      checkpoint.tensors.get(as === "theirs" ? "stem/conv/weight" : as ? "conv1.weight" : "conv1.conv.weight")
        ?.shape,
      [8, 3, 3, 3],
    );
    // A dense layer over a map is a matrix of what torch flattens: channels, then rows, then columns.
    assert.equal(checkpoint.tensors.get(as === "theirs" ? "head.weight" : "fc.weight")?.shape, [
      11,
      12 * 5 * 4,
    ]);
    const { report, diagnostics: problems } = collect();
    const bound = bindWeights(
      { graph, checkpoint, path: "x.safetensors", tables, ...(table ? { table } : {}) },
      report,
    );
    assert.equal(problems, []);
    for (const name of params) assert.equal([...bound!.get(name)], [...weights.get(name)], name);
  });
}

test("channels come first in what a dense layer reads", () => {
  const [net] = analyse(makeSource("d.resnet", "net d { input 1x2x2; fc: dense(1, bias = false) }")).nets;
  const own = { get: () => Float32Array.of(1, 2, 3, 4) };
  const [{ data }] = exportWeights(net.graph, own, undefined);
  // Ours is row, column, channel; torch's is channel, row, column.
  assert.equal([...data], [1, 3, 2, 4]);
});

test("a table that gives one name to several weights is found out", () => {
  const named = (name: string) => tables.find((table) => table.name === name)!;
  assert.equal(clashingNames(graph, named("clumsy")), ["same"]);
  assert.equal(clashingNames(graph, named("theirs")), []);
});

test.run();
