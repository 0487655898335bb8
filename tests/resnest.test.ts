/**
 * ResNeSts (Zhang et al. 2020): split attention against the paper's formula in plain loops, and a checkpoint of timm's names
 * recognised, and loaded by the written spec, which has the published counts.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { interpret } from "../src/ir/interpret.ts";
import { countGraph } from "../src/ir/stats.ts";
import { tablesOf } from "../src/node/find-weights.ts";
import { isSpec, recogniseArchitecture } from "../src/weights/architecture/index.ts";
import { bindWeights } from "../src/weights/bind.ts";
import type { Checkpoint } from "../src/weights/checkpoint.ts";
import { randomWeights } from "./support/case-graph.ts";
import { assertClose } from "./support/close-to.ts";
import { randomTensor } from "./support/random.ts";

function netOf(text: string) {
  const { nets, module, diagnostics } = analyse(makeSource("resnest.resnet", text));
  assert.equal(diagnostics, []);
  return { graph: nets[0].graph, module: module! };
}

for (const radix of [2, 3]) {
  test(`split attention of ${radix} paths`, () => {
    const [height, width, inputs, outputs, hidden] = [4, 5, 2 * radix, 4, 3];
    const { graph } = netOf(
      `use split_attention from std
       net n { input ${height}x${width}x${inputs}; y: split_attention(${outputs}, ${hidden}, radix = ${radix}) }`,
    );
    const weights = randomWeights(graph);
    const input = randomTensor(3, [1, height, width, inputs]);
    const [{ data }] = Object.values(interpret(graph, { input }, weights));

    const leaf = (name: string) => weights.get(`y.${name}`);
    const normed = (name: string, c: number, x: number) =>
      Math.max(
        0,
        ((x - leaf(`${name}.mean`)[c]) / Math.sqrt(leaf(`${name}.var`)[c] + 1e-5)) *
          leaf(`${name}.scale`)[c] +
          leaf(`${name}.shift`)[c],
      );
    const range = (count: number) => [...Array(count).keys()];
    const sum = (terms: readonly number[]) => terms.reduce((total, term) => total + term, 0);

    /** U_r of the paper: channel c of path r, convolved from the path's own share of the channels. */
    const kernel = leaf("paths.conv.weight");
    const path = (r: number, y: number, x: number, c: number) => {
      let total = 0;
      for (const i of range(3)) {
        for (const j of range(3)) {
          const [row, column] = [y + i - 1, x + j - 1];
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          for (const k of range(inputs / radix)) {
            const of = r * outputs + c;
            total +=
              input.data[(row * width + column) * inputs + (r * inputs) / radix + k] *
              kernel[((i * 3 + j) * (inputs / radix) + k) * radix * outputs + of];
          }
        }
      }
      return normed("paths.norm", r * outputs + c, total);
    };
    const places = range(height).flatMap((y) => range(width).map((x) => [y, x]));
    const squeezed = range(outputs).map(
      (c) => sum(places.flatMap(([y, x]) => range(radix).map((r) => path(r, y, x, c)))) / places.length,
    );
    const [reduce, back] = ["squeeze", "share"].map((name) => leaf(`${name}.conv.weight`));
    const known = range(hidden).map((h) =>
      normed(
        "squeeze.norm",
        h,
        leaf("squeeze.conv.bias")[h] + sum(squeezed.map((s, c) => s * reduce[c * hidden + h])),
      ),
    );
    const score = (r: number, c: number) => {
      const of = r * outputs + c;
      return Math.exp(
        leaf("share.conv.bias")[of] + sum(known.map((v, h) => v * back[h * radix * outputs + of])),
      );
    };
    const expected = places.flatMap(([y, x]) =>
      range(outputs).map((c) => {
        const scores = range(radix).map((r) => score(r, c));
        return sum(scores.map((each, r) => (each / sum(scores)) * path(r, y, x, c)));
      }),
    );
    assertClose({ data }, { data: expected }, 1e-9);
  });
}

/** The tensors of timm's resnest50d and its like: three convolutions in the stem, an average in front of the shortcut. */
function checkpointOf(depths: readonly number[], stem: number): Checkpoint {
  const shapes = new Map<string, readonly number[]>();
  const layer = (conv: string, norm: string, ...shape: number[]) => {
    shapes.set(`${conv}.weight`, shape);
    for (const part of ["weight", "bias", "running_mean", "running_var"])
      shapes.set(`${norm}.${part}`, [shape[0]]);
  };
  layer("conv1.0", "conv1.1", stem, 3, 3, 3);
  layer("conv1.3", "conv1.4", stem, stem, 3, 3);
  layer("conv1.6", "bn1", 2 * stem, stem, 3, 3);
  let inputs = 2 * stem;
  depths.forEach((depth, s) => {
    const width = 64 * 2 ** s;
    for (let b = 0; b < depth; b++) {
      const at = `layer${s + 1}.${b}.`;
      layer(`${at}conv1`, `${at}bn1`, width, inputs, 1, 1);
      layer(`${at}conv2.conv`, `${at}conv2.bn0`, 2 * width, width / 2, 3, 3);
      layer(`${at}conv2.fc1`, `${at}conv2.bn1`, width / 2, width, 1, 1);
      shapes.set(`${at}conv2.fc1.bias`, [width / 2]);
      shapes.set(`${at}conv2.fc2.weight`, [2 * width, width / 2, 1, 1]);
      shapes.set(`${at}conv2.fc2.bias`, [2 * width]);
      layer(`${at}conv3`, `${at}bn3`, 4 * width, width, 1, 1);
      if (b === 0) layer(`${at}downsample.1`, `${at}downsample.2`, 4 * width, inputs, 1, 1);
      inputs = 4 * width;
    }
  });
  shapes.set("fc.weight", [1000, inputs]);
  shapes.set("fc.bias", [1000]);
  const tensors = [...shapes].map(([name, shape]) => {
    const count = shape.reduce((product, side) => product * side, 1);
    return [name, { name, shape, dtype: "f32" as const, read: () => new Float32Array(count) }] as const;
  });
  return { format: "pytorch", layout: "torch", tensors: new Map(tensors), notes: [] };
}

// Parameters and multiply-adds: facts of timm's models, conv and dense layers.
for (const [title, depths, stem, size, params, macs] of [
  ["ResNeSt-50-D", [3, 4, 6, 3], 32, 224, 27_483_240, 5_371_160_576],
  ["ResNeSt-101-D", [3, 4, 23, 3], 64, 256, 48_275_016, 13_321_472_000],
] as const) {
  test(`${title} in timm's names`, () => {
    const checkpoint = checkpointOf(depths, stem);
    const found = recogniseArchitecture(checkpoint, "x.pth");
    assert.ok(found && isSpec(found.spec), "not recognised");
    assert.is(found.title, title);
    const { graph, module } = netOf(found.spec.text.replace("224x224", `${size}x${size}`));
    const { report, diagnostics } = collect();
    bindWeights({ graph, checkpoint, path: "x", tables: tablesOf(module), strict: true }, report);
    assert.equal(diagnostics, []);
    assert.equal([countGraph(graph).params, countGraph(graph).macs], [params, macs]);
  });
}

test("groups inside the paths are no ResNeSt that a spec is written for", () => {
  const { tensors, ...rest } = checkpointOf([1, 1, 1, 1], 32);
  const grouped = [...tensors].map(([name, tensor]) => {
    if (!name.endsWith("conv2.conv.weight")) return [name, tensor] as const;
    const [o, i, ...sides] = tensor.shape;
    return [name, { ...tensor, shape: [o, i / 2, ...sides] }] as const;
  });
  const found = recogniseArchitecture({ ...rest, tensors: new Map(grouped) }, "x.pth");
  assert.ok(found && !isSpec(found.spec));
  assert.match(found.spec.lacking, "split attention in groups");
});

test.run();
