/** Caffe's models: every way in which blobs are written, the published ResNets, and what is none of it. */
import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { bytes, float, int, join, message, text } from "../bench/protobuf.ts";
import { collect } from "../src/base/diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { countGraph } from "../src/ir/stats.ts";
import { tablesOf } from "../src/node/find-weights.ts";
import { isSpec, recogniseArchitecture } from "../src/weights/architecture/index.ts";
import { bindWeights } from "../src/weights/bind.ts";
import { isCaffe } from "../src/weights/caffe-model.ts";
import type { Checkpoint } from "../src/weights/checkpoint.ts";
import {
  batches,
  caffeModel,
  type Depth,
  type Format,
  type Layer,
  resnetLayers,
  senetShapes,
  senets,
} from "./support/caffe-files.ts";
import { mustOpen, refusal, valuesOf } from "./support/checkpoints.ts";
import { folder, resnetc, write } from "./support/cli.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const counting = (count: number, from = 1): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => from + i);
const blob = (...shape: number[]) => ({
  shape,
  values: counting(shape.reduce((product, side) => product * side, 1)),
});
const layer = (name: string, type: string, ...blobs: Layer["blobs"]): Layer => ({ name, type, blobs });

const shapes = ({ tensors }: Checkpoint): Record<string, string> =>
  Object.fromEntries(
    [...tensors.values()].map(({ name, shape, dtype }) => [name, `${dtype} ${shape.join("x")}`]),
  );

// ---- layers and blobs -----------------------------------------------------------------------------------

const small = [
  layer("data", "Data"),
  layer("conv", "Convolution", blob(4, 3, 2, 2), blob(4)),
  layer("relu", "ReLU"),
  layer("fc", "InnerProduct", blob(5, 16), blob(5)),
];

const formats: Readonly<Record<string, Format>> = {
  "shapes and packed values": {},
  "four sides, as before shapes": { sides: true },
  "a field for each value": { unpacked: true },
  "double precision": { double: true },
  "double precision, a field for each value": { double: true, unpacked: true },
  "layers of before 2015": { old: true, sides: true },
  "layers of before 2015, a field for each value": { old: true, sides: true, unpacked: true },
};

for (const [name, format] of Object.entries(formats)) {
  test(`${name}: names, shapes and values`, () => {
    const checkpoint = mustOpen(caffeModel("net", small, format), "net.caffemodel");
    const type = format.double ? "f64" : "f32";
    assert.is(checkpoint.format, "caffe");
    assert.is(checkpoint.layout, "torch");
    assert.equal(checkpoint.notes, []);
    assert.equal(shapes(checkpoint), {
      "conv/weight": `${type} 4x3x2x2`,
      "conv/bias": `${type} 4`,
      "fc/weight": `${type} 5x16`,
      "fc/bias": `${type} 5`,
    });
    for (const [tensor, count] of [
      ["conv/weight", 48],
      ["conv/bias", 4],
      ["fc/weight", 80],
    ] as const)
      assert.equal(valuesOf(checkpoint, tensor), [...counting(count)]);
  });
}

test("a net whose name looks like JSON or is missing is one all the same", () => {
  const named = caffeModel(`[${"x".repeat(90)}`, small);
  assert.equal([...named.subarray(0, 3)], [0x0a, 91, 0x5b]);
  assert.is(mustOpen(named).format, "caffe");
  const nameless = caffeModel("", small).subarray(2);
  assert.is(mustOpen(nameless).format, "caffe");
});

test("means and variances are divided by the third blob, and 0 makes them 0", () => {
  const norm = (factor: number | undefined) => {
    const count = { shape: [1], values: Float32Array.of(factor ?? 0) };
    const blobs = [blob(3), blob(1, 3, 1, 1), ...(factor === undefined ? [] : [count])];
    const checkpoint = mustOpen(caffeModel("net", [layer("bn", "BatchNorm", ...blobs)]));
    assert.equal(shapes(checkpoint), { "bn/mean": "f32 3", "bn/var": "f32 3" });
    return [valuesOf(checkpoint, "bn/mean"), valuesOf(checkpoint, "bn/var")];
  };
  assert.equal(norm(1), [
    [1, 2, 3],
    [1, 2, 3],
  ]);
  assert.equal(norm(undefined)[0], [1, 2, 3]);
  assert.equal(norm(4)[1], [0.25, 0.5, 0.75]);
  assert.equal(norm(999.982)[0], [...Float32Array.from([1, 2, 3], (value) => value / Math.fround(999.982))]);
  assert.equal(norm(0), [
    [0, 0, 0],
    [0, 0, 0],
  ]);
});

test("Scale, PReLU and layers that are not known", () => {
  const checkpoint = mustOpen(
    caffeModel("net", [
      layer("scale", "Scale", blob(3), blob(3)),
      layer("gamma", "Scale", blob(3)),
      layer("prelu", "PReLU", blob(3)),
      layer("depthwise", "Convolution", blob(3, 1, 3, 3)),
      layer("norm", "Normalize", blob(1, 3), blob(2, 2)),
    ]),
  );
  assert.equal(shapes(checkpoint), {
    "scale/scale": "f32 3",
    "scale/shift": "f32 3",
    "gamma/scale": "f32 3",
    "prelu/weight": "f32 3",
    "depthwise/weight": "f32 3x1x3x3",
    "norm/blob0": "f32 3",
    "norm/blob1": "f32 2x2",
  });
});

test("another epsilon is told", () => {
  const content = blob(2);
  const blobs = [content, content].flatMap(({ shape, values }) =>
    message(7, message(7, bytes(1, Uint8Array.from(shape))), bytes(5, new Uint8Array(values.buffer))),
  );
  const norm = (eps: number) =>
    mustOpen(join(message(100, text(1, "bn"), text(2, "BatchNorm"), blobs, message(139, float(3, eps)))));
  assert.equal(norm(1e-5).notes, []);
  assert.equal(norm(1e-3).notes, ["`bn` has eps 0.001: see `default bn(eps = …)`"]);
});

// ---- what is none ---------------------------------------------------------------------------------------

const raw = (...fields: Parameters<typeof message>[1][]): Uint8Array =>
  join([...text(1, "net"), ...message(100, text(1, "a"), text(2, "Convolution"), ...fields)]);
const shape = (...sides: number[]) => message(7, ...sides.map((side) => int(1, side)));
const floats = (count: number) => bytes(5, new Uint8Array(4 * count));
const blobOf = (...fields: Parameters<typeof message>[1][]) => message(7, ...fields);

test("what contradicts itself is refused, with what is wrong", () => {
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [raw(blobOf(shape(2, 3), floats(5))), /blob 0 of `a` is \[2, 3\], which is 6 values, but has 5/],
    [
      raw(blobOf(shape(2), bytes(5, new Uint8Array(7)))),
      /the values of blob 0 of `a` are no numbers of 4 bytes/,
    ],
    [raw(blobOf(shape(-1), floats(1))), /blob 0 of `a` has no shape of whole numbers/],
    [raw(blobOf(shape(2 ** 40, 2 ** 40), floats(1))), /more elements than can be counted/],
    [
      raw(blobOf(message(7, ...Array.from({ length: 65 }, () => int(1, 1))), floats(1))),
      /65 sides|64 are read/,
    ],
    [raw(blobOf(shape(1), floats(1), bytes(8, new Uint8Array(8)))), /has its values in two ways/],
    [raw(blobOf(shape(1), floats(1)), message(117, int(6, 1))), /`a` has its matrix turned \(transpose\)/],
    [caffeModel("net", [layer("bn", "BatchNorm", blob(3))]), /`bn` has 1 blobs, a batch norm has 2 or 3/],
    [
      caffeModel("net", [layer("bn", "BatchNorm", blob(3), blob(3), blob(3))]),
      /`bn` has \[3\] for its factor, which is one number/,
    ],
    [caffeModel("net", [small[1], small[1]]), /it has two tensors called `conv\/weight`/],
    [
      caffeModel("net", [layer("", "Convolution", blob(1, 1, 1, 1))]),
      /a layer of it with weights has no name/,
    ],
    [caffeModel("net", [layer("relu", "ReLU")]), /no layer of it has weights: it is a net without them/],
    [
      join([...text(1, "net"), ...message(2, message(1, text(1, "conv1"), text(2, "conv")))]),
      /it is of Caffe's first format/,
    ],
  ];
  for (const [file, expected] of cases) assert.match(refusal(file, "x.caffemodel"), expected);
});

test("other protocol buffers are none", () => {
  const node = message(1, text(1, "x"), text(2, "Placeholder"));
  assert.not(isCaffe(join([...node, ...node])), "TensorFlow's graph");
  assert.not(isCaffe(join([...node, ...message(4, int(1, 22))])));
  assert.not(isCaffe(join([...node, ...message(2, message(1, text(1, "f")))])));
  assert.not(isCaffe(join([...text(1, "net"), ...message(3, text(1, "data"))])));
  assert.not(isCaffe(new Uint8Array()));
  assert.not(isCaffe(new TextEncoder().encode('name: "net"\nlayer {')));
  assert.match(
    refusal(new TextEncoder().encode('name: "ResNet-50"\nlayer {\n  name: "conv1"\n}\n')),
    /it is a prototxt, which says how a Caffe net is made: its weights are in a \.caffemodel/,
  );
});

test("a file that was cut short is told, wherever it was cut, and damage never throws", () => {
  const whole = caffeModel("net", small);
  const head = caffeModel("net", small.slice(0, 1)).length;
  for (let end = head + 2; end < whole.length; end += 7)
    assert.match(refusal(whole.subarray(0, end)), /cut short|which is \d+ values, but has|no layer of it/);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const damaged = Uint8Array.from(whole);
      damaged[at] = byte;
      try {
        const { tensors } = mustOpen(damaged);
        for (const { read, shape: sides } of tensors.values())
          assert.is(
            read().length,
            sides.reduce((product, side) => product * side, 1),
          );
      } catch (error) {
        assert.match((error as Error).message, /\S \S/);
      }
    }),
    { numRuns: 500, seed: 1 },
  );
});

// ---- He et al.'s ----------------------------------------------------------------------------------------

/** A value that tells the layer and the blob, in front of zeros. */
const marks = new Map<number, string>();
function marked(name: string, i: number, count: number): Float32Array {
  const values = new Float32Array(count);
  values[0] = marks.size + 1;
  marks.set(values[0], `${name} ${i}`);
  return values;
}

/** The spec that recognition writes for these layers, with the checkpoint bound to it. */
function loaded(depth: Depth) {
  marks.clear();
  const checkpoint = mustOpen(caffeModel(`ResNet-${depth}`, resnetLayers(depth, marked)), "x.caffemodel");
  const found = recogniseArchitecture(checkpoint, `ResNet-${depth}-model.caffemodel`);
  assert.ok(found && isSpec(found.spec), "not recognised");
  const { nets, module, diagnostics, fine } = analyse(makeSource("written.resnet", found.spec.text));
  assert.ok(fine, diagnostics.map(({ message: text }) => text).join("; "));
  const { report, diagnostics: problems } = collect();
  const { graph } = nets[0];
  const weights = bindWeights(
    { graph, checkpoint, path: "x", tables: tablesOf(module), strict: true },
    report,
  );
  assert.equal(problems, []);
  return { found, text: found.spec.text, graph, weights: weights! };
}

if (requireShared("facts/caffe_models.csv")) {
  const rows = readFileSync(sharedPath("facts/caffe_models.csv"), "utf8")
    .split("\n")
    .map((row) => row.split(","));
  for (const depth of [50, 101, 152] as const) {
    test(`ResNet-${depth} is recognised, and the spec has its counts and takes every tensor`, () => {
      const { found, text, graph, weights } = loaded(depth);
      assert.is(found.title, `ResNet-${depth}`);
      assert.is(found.convention, "Caffe (He et al. 2015)");
      assert.equal(
        found.open.map(({ what, assumed }) => `${what}: ${assumed}`),
        ["which convolution of a bottleneck strides: the first 1x1"],
      );
      for (const words of [
        "input caffe(size)",
        "early = true",
        "maxpool(3x3, pad = 0, ceil = true) /2",
        "softmax",
      ])
        assert.ok(text.includes(words), words);
      assert.not.match(text, /^names /m, "std's table");
      assert.match(weights.notes[0], new RegExp(`^names: caffe${depth === 50 ? 50 : 101}, told by \`res3b`));
      const [, , params, statistics, macs] = rows.find(([label]) => label === `caffe-resnet${depth}`)!;
      const count = countGraph(graph);
      assert.is(count.params, Number(params));
      assert.is(count.macs, Number(macs));
      // Each norm has a factor beside its means and variances, which ours has not.
      const norms = graph.nodes.filter(({ op }) => op.name === "batchNorm").length;
      assert.is(count.state + norms, Number(statistics));
      const place = (name: string) =>
        marks.get(weights.get(name)[0] * (/(mean|var)$/.test(name) ? batches : 1));
      const block = depth === 50 ? "c" : "b2";
      assert.is(place("conv1.conv.weight"), "conv1 0");
      assert.is(place("conv1.bn.var"), "bn_conv1 1");
      assert.is(place("conv1.bn.scale"), "scale_conv1 0");
      assert.is(place("conv2.0.shortcut.conv.weight"), "res2a_branch1 0");
      assert.is(place("conv2.2.norm3.shift"), "scale2c_branch2c 1");
      assert.is(place(`conv4.2.conv2.weight`), `res4${block}_branch2b 0`);
      assert.is(place(`conv3.2.norm1.mean`), `bn3${block}_branch2a 0`);
      assert.is(place("conv5.0.shortcut.norm.mean"), "bn5a_branch1 0");
      assert.is(place("fc.bias"), "fc1000 1");
    });
  }
}

// ---- Hu et al.'s ----------------------------------------------------------------------------------------

/** What the reader makes of such layers: their names by role, without values. */
function senetCheckpoint(model: keyof typeof senets): Checkpoint {
  const roles: Record<string, readonly string[]> = {
    Convolution: ["weight", "bias"],
    InnerProduct: ["weight", "bias"],
    BatchNorm: ["mean", "var"],
    Scale: ["scale", "shift"],
  };
  const tensors = senetShapes(model).flatMap(([layer, type, ...blobs]) =>
    roles[type].flatMap((role, i) => {
      const name = `${layer}/${role}`;
      const sides = blobs[i];
      const read = () => new Float32Array(sides.reduce((product, side) => product * side, 1));
      return sides ? [[name, { name, shape: sides, dtype: "f32" as const, read }] as const] : [];
    }),
  );
  return { format: "caffe", layout: "torch", tensors: new Map(tensors), notes: [] };
}

test("a file of SE-ResNet-50's layers has these tensors", () => {
  const ones = new Float32Array(512 * 512 * 9).fill(1);
  const layers = senetShapes("SE-ResNet-50").map(([name, type, ...sides]) => ({
    name,
    type,
    blobs: sides.map((sizes) => ({
      shape: sizes,
      values: ones.subarray(
        0,
        sizes.reduce((product, side) => product * side, 1),
      ),
    })),
  }));
  assert.equal(shapes(mustOpen(caffeModel("SE-ResNet-50", layers))), shapes(senetCheckpoint("SE-ResNet-50")));
});

if (requireShared("facts/caffe_models.csv")) {
  const rows = readFileSync(sharedPath("facts/caffe_models.csv"), "utf8")
    .split("\n")
    .map((row) => row.split(","));
  for (const model of Object.keys(senets) as (keyof typeof senets)[]) {
    test(`${model} is recognised, and the spec has its counts and takes every tensor`, () => {
      const checkpoint = senetCheckpoint(model);
      const found = recogniseArchitecture(checkpoint, "x.caffemodel");
      assert.ok(found && isSpec(found.spec), "not recognised");
      assert.is(found.title.replace(" 32x4d", ""), model);
      assert.is(found.convention, "Caffe (Hu et al. 2017)");
      const { text } = found.spec;
      assert.match(text, /range = 255, mean = \(104, 117, 123\), order = "bgr"/);
      assert.not.match(text, /^names /m, "std's table");
      const { nets, module, diagnostics } = analyse(makeSource("written.resnet", text));
      assert.equal(diagnostics, []);
      const [{ graph }] = nets;
      const { report, diagnostics: problems } = collect();
      const request = {
        graph,
        checkpoint,
        path: "x",
        tables: tablesOf(module),
        strict: true,
        allowNaN: true,
      };
      const weights = bindWeights(request, report);
      assert.equal(problems, []);
      assert.match(weights!.notes[0], /^names: caffe_senet, told by `conv1/);
      const [, , params, statistics, macs] = rows.find(([label]) => label === `caffe-${model}`)!;
      const count = countGraph(graph);
      assert.is(count.params, Number(params));
      assert.is(count.macs, Number(macs));
      const norms = graph.nodes.filter(({ op }) => op.name === "batchNorm").length;
      assert.is(count.state + norms, Number(statistics));
    });
  }
}

/** The same network in the names that Cadene gave it in torch, which timm's legacy_senet family has. */
function cadene(model: keyof typeof senets): Checkpoint {
  const convs = {
    "1x1_reduce": "conv1",
    "3x3": "conv2",
    "1x1_increase": "conv3",
    "1x1_proj": "downsample.0",
  };
  const parts: Record<string, string> = { ...convs, "1x1_down": "se_module.fc1", "1x1_up": "se_module.fc2" };
  const shapesOf = new Map<string, readonly number[]>();
  for (const [layer, type, ...sides] of senetShapes(model)) {
    if (type === "BatchNorm") continue;
    const conv = layer.replace(/\/bn\/scale$/, "");
    const at = /^conv(\d)_(\d+)_(.*)$/.exec(conv);
    const stem = `layer0.conv${/^conv1_(\d)/.exec(conv)?.[1] ?? 1}`;
    const theirs =
      conv === "classifier"
        ? "last_linear"
        : at
          ? `layer${Number(at[1]) - 1}.${Number(at[2]) - 1}.${parts[at[3]]}`
          : stem;
    const isNorm = type === "Scale";
    const name = isNorm
      ? theirs.replace("downsample.0", "downsample.1").replace(/conv(\d)$/, "bn$1")
      : theirs;
    const leaves = isNorm ? ["weight", "bias", "running_mean", "running_var"] : ["weight", "bias"];
    for (const [i, leaf] of leaves.entries()) {
      const shape = isNorm ? sides[0] : sides[i];
      if (shape) shapesOf.set(`${name}.${leaf}`, shape);
    }
  }
  const read = () => new Float32Array(1);
  const tensors = [...shapesOf].map(
    ([name, shape]) => [name, { name, shape, dtype: "f32" as const, read }] as const,
  );
  return { format: "pytorch", layout: "torch", tensors: new Map(tensors), notes: [] };
}

if (requireShared("facts/timm_models.csv")) {
  const [head, ...rows] = readFileSync(sharedPath("facts/timm_models.csv"), "utf8")
    .split("\n")
    .map((row) => row.split(","));
  for (const [model, name] of [
    ["SE-ResNet-50", "legacy_seresnet50"],
    ["SE-ResNet-101", "legacy_seresnet101"],
    ["SE-ResNeXt-50", "legacy_seresnext50_32x4d"],
    ["SENet-154", "legacy_senet154"],
  ] as const) {
    test(`timm's ${name} strides where Caffe's does`, () => {
      const found = recogniseArchitecture(cadene(model), "x.pth");
      assert.ok(found && isSpec(found.spec), "not recognised");
      assert.is(found.convention, "timm's legacy_senet (Cadene)");
      const [{ graph }] = analyse(makeSource("written.resnet", found.spec.text)).nets;
      const row = rows.find(
        (each) => each[head.indexOf("model")] === name && each[head.indexOf("img_size")] === "224",
      )!;
      assert.is(countGraph(graph).params, Number(row[head.indexOf("param_count")]));
      assert.is(countGraph(graph).macs, Number(row[head.indexOf("macs_conv_fc_exact")]));
    });
  }
}

test("the command line writes the net of a .caffemodel, which loads it", () => {
  const fill = (_: string, i: number, count: number) => counting(count, i);
  write("narrow.caffemodel", caffeModel("ResNet-50", resnetLayers(50, fill, 4)));
  const here = { cwd: folder };
  const told = resnetc(["weights", "narrow.caffemodel"], here);
  assert.match(told.out, "ResNet-50, names of Caffe (He et al. 2015), f32", told.err);
  assert.match(told.out, "the first convolution has a bias");
  const written = resnetc(["weights", "narrow.caffemodel", "--write", "narrow.resnet"], here);
  assert.is(written.code, 0, written.err);
  const fits = resnetc(["weights", "narrow.caffemodel", "narrow.resnet"], here);
  assert.is(fits.code, 0, fits.err);
  assert.match(readFileSync(path.join(folder, "narrow.resnet"), "utf8"), /conv\(7x7, 4, bias = true\)/);
});

test.run();
