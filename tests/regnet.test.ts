/**
 * RegNets (Radosavovic et al. 2020): their tensors written down as torchvision and timm make them, recognised, and loaded
 * by the written specs, which have the published counts.
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { countGraph } from "../src/ir/stats.ts";
import { tablesOf } from "../src/node/find-weights.ts";
import { isSpec, recogniseArchitecture } from "../src/weights/architecture/index.ts";
import { bindWeights } from "../src/weights/bind.ts";
import type { Checkpoint } from "../src/weights/checkpoint.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

interface Model {
  readonly name: string;
  readonly widths: readonly number[];
  readonly depths: readonly number[];
  /** Channels of a group. */
  readonly group: number;
  /** Of what comes into a block, one in so many; absent in RegNetX. */
  readonly reduction?: number;
}

const models: readonly Model[] = [
  { name: "regnet_x_400mf", widths: [32, 64, 160, 400], depths: [1, 2, 7, 12], group: 16 },
  { name: "regnet_y_400mf", widths: [48, 104, 208, 440], depths: [1, 3, 6, 6], group: 8, reduction: 4 },
  { name: "regnet_y_1_6gf", widths: [48, 120, 336, 888], depths: [2, 6, 17, 2], group: 24, reduction: 4 },
  { name: "regnet_y_16gf", widths: [224, 448, 1232, 3024], depths: [2, 4, 11, 1], group: 112, reduction: 4 },
];

/** What a framework calls the parts of a block. */
interface Names {
  readonly stem: readonly [string, string];
  block(s: number, b: number): string;
  readonly convs: readonly (readonly [string, string])[];
  readonly squeeze: readonly [string, string];
  readonly shortcut: readonly [string, string];
  readonly head: string;
}

const torchvision: Names = {
  stem: ["stem.0", "stem.1"],
  block: (s, b) => `trunk_output.block${s}.block${s}-${b}.`,
  convs: [
    ["f.a.0", "f.a.1"],
    ["f.b.0", "f.b.1"],
    ["f.c.0", "f.c.1"],
  ],
  squeeze: ["f.se.fc1", "f.se.fc2"],
  shortcut: ["proj.0", "proj.1"],
  head: "fc",
};

const timm: Names = {
  stem: ["stem.conv", "stem.bn"],
  block: (s, b) => `s${s}.b${b + 1}.`,
  convs: [
    ["conv1.conv", "conv1.bn"],
    ["conv2.conv", "conv2.bn"],
    ["conv3.conv", "conv3.bn"],
  ],
  squeeze: ["se.fc1", "se.fc2"],
  shortcut: ["downsample.conv", "downsample.bn"],
  head: "head.fc",
};

function checkpointOf({ widths, depths, group, reduction }: Model, names: Names): Checkpoint {
  const shapes = new Map<string, readonly number[]>();
  const layer = (at: string, [conv, norm]: readonly [string, string], ...shape: number[]) => {
    shapes.set(`${at}${conv}.weight`, shape);
    for (const part of ["weight", "bias", "running_mean", "running_var"])
      shapes.set(`${at}${norm}.${part}`, [shape[0]]);
  };
  const biased = (name: string, ...shape: number[]) => {
    shapes.set(`${name}.weight`, shape);
    shapes.set(`${name}.bias`, [shape[0]]);
  };
  layer("", names.stem, 32, 3, 3, 3);
  let inputs = 32;
  widths.forEach((width, s) => {
    for (let b = 0; b < depths[s]; b++) {
      const at = names.block(s + 1, b);
      layer(at, names.convs[0], width, inputs, 1, 1);
      layer(at, names.convs[1], width, Math.min(group, width), 3, 3);
      layer(at, names.convs[2], width, width, 1, 1);
      if (reduction) {
        biased(at + names.squeeze[0], inputs / reduction, width, 1, 1);
        biased(at + names.squeeze[1], width, inputs / reduction, 1, 1);
      }
      if (b === 0) layer(at, names.shortcut, width, inputs, 1, 1);
      inputs = width;
    }
  });
  biased(names.head, 1000, inputs);
  const tensors = [...shapes].map(([name, shape]) => {
    const count = shape.reduce((product, side) => product * side, 1);
    return [name, { name, shape, dtype: "f32" as const, read: () => new Float32Array(count) }] as const;
  });
  return { format: "pytorch", layout: "torch", tensors: new Map(tensors), notes: [] };
}

const file = "facts/torchvision_weights.csv";
if (requireShared(file)) {
  const [head, ...rows] = readFileSync(sharedPath(file), "utf8")
    .split("\n")
    .map((row) => row.split(","));
  for (const model of models) {
    for (const [convention, names] of Object.entries({ torchvision, timm })) {
      test(`${model.name} in ${convention}'s names`, () => {
        const checkpoint = checkpointOf(model, names);
        const found = recogniseArchitecture(checkpoint, "x.pth");
        assert.ok(found && isSpec(found.spec), "not recognised");
        const blocks = model.depths.reduce((sum, depth) => sum + depth, 0);
        assert.is(found.title, `RegNet${model.reduction ? "Y" : "X"} of ${blocks} blocks`);
        assert.is(found.convention, `${convention}'s regnet`);
        const { nets, module, diagnostics } = analyse(makeSource("written.resnet", found.spec.text));
        assert.equal(diagnostics, []);
        const [{ graph }] = nets;
        const { report, diagnostics: problems } = collect();
        bindWeights({ graph, checkpoint, path: "x", tables: tablesOf(module), strict: true }, report);
        assert.equal(problems, []);
        const row = rows.find(([name, , , , , , macs]) => name === model.name && macs)!;
        const count = countGraph(graph);
        assert.is(count.params, Number(row[head.indexOf("num_params")]));
        // Others are listed for larger pictures.
        const small = rows.filter((each) => each[0] === model.name && each[1] === "IMAGENET1K_V1");
        for (const each of small) assert.is(count.macs, Number(each[head.indexOf("macs_conv_fc_exact")]));
      });
    }
  }
}

test.run();
