/** Binding: names and layouts recognised, values in the graph's order, whole networks against published numbers. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { type Graph, isOp } from "../src/ir/graph.ts";
import { interpret, type WeightSource } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import type { Shape } from "../src/ir/tensor.ts";
import { standardLibrary } from "../src/lower/modules.ts";
import { bindWeights } from "../src/weights/bind.ts";
import { openCheckpoint } from "../src/weights/checkpoint.ts";
import { mustOpen } from "./support/checkpoints.ts";
import { requireShared, sharedPath } from "./support/shared.ts";
import {
  bind,
  changed,
  checkpointOf,
  counting,
  other,
  table,
  tensorflowShapes,
  torchShapes,
} from "./support/small-checkpoint.ts";
import { NetBuilder } from "./support/small-net.ts";

// ---- recognition ------------------------------------------------------------------------------------

test("a table and a prefix are recognised and said", () => {
  const { weights, diagnostics } = bind(checkpointOf(torchShapes));
  assert.equal(diagnostics, []);
  assert.equal(weights!.notes, ["names: torchlike, told by `conv1.weight`", "layout: torch (OIHW)"]);
  for (const prefix of [
    "module.",
    "model.",
    "_orig_mod.module.",
    "backbone.",
    "net.",
    "encoder.",
    "module.encoder_q.",
    "x.y/",
  ]) {
    const prefixed = Object.fromEntries(
      Object.entries(torchShapes).map(([name, shape]) => [prefix + name, shape]),
    );
    const bound = bind(checkpointOf(prefixed));
    assert.equal(bound.diagnostics, [], prefix);
    assert.is(
      bound.weights!.notes[0],
      `names: torchlike, told by \`conv1.weight\`, prefix \`${prefix}\` removed`,
    );
  }
});

test("our own names need no table", () => {
  const ours = {
    "stem.conv.weight": [6, 1, 3, 3],
    "stem.bn.scale": [6],
    "stem.bn.shift": [6],
    "stem.bn.mean": [6],
    "stem.bn.var": [6],
    "body.conv.weight": [4, 6, 3, 3],
    "fc.weight": [5, 16],
    "fc.bias": [5],
  };
  const { weights, diagnostics } = bind(checkpointOf(ours));
  assert.equal(diagnostics, []);
  assert.is(weights!.notes[0], "names: as in the net");
});

test("of two prefixes with the same names the complete one is taken", () => {
  const both = {
    "student.conv1.weight": [6, 1, 3, 3],
    ...Object.fromEntries(Object.entries(torchShapes).map(([name, shape]) => [`teacher.${name}`, shape])),
  };
  const { weights, diagnostics } = bind(checkpointOf(both));
  assert.is(weights!.notes[0], "names: torchlike, told by `conv1.weight`, prefix `teacher.` removed");
  assert.equal(
    diagnostics.map(({ code, severity }) => `${severity} ${code}`),
    ["warning extra-weight"],
  );
});

test("a table that was asked for is used, and another that would fit is named", () => {
  assert.is(bind(checkpointOf(torchShapes), { table }).weights!.notes[0], "names: torchlike");
  const { weights, diagnostics } = bind(checkpointOf(torchShapes), { table: other });
  assert.is(weights, undefined);
  assert.is(diagnostics[0].message, "net.pt does not fit net: 1 of 8 tensors found");
  assert.equal(
    diagnostics[0].notes.map(({ message }) => message),
    [
      "looked for by the names of `other`: `stem.conv.kernel`, `stem.bn.mean`, `stem.bn.var` and 4 more",
      "the checkpoint has: `conv1.weight`, `bn1.weight`, `bn1.bias` and 6 more",
      "`torchlike` names would find 8 of 8",
    ],
  );
});

// ---- layouts ----------------------------------------------------------------------------------------

/** Where [h, w, i, o] of a kernel stands in the stored tensor, for each layout. */
function checkKernel(
  values: ArrayLike<number>,
  [h, w, i, o]: Shape,
  at: (h: number, w: number, i: number, o: number) => number,
): void {
  let k = 0;
  for (let a = 0; a < h; a++) {
    for (let b = 0; b < w; b++) {
      for (let c = 0; c < i; c++)
        for (let d = 0; d < o; d++) assert.is(values[k++], at(a, b, c, d), `${[a, b, c, d]}`);
    }
  }
  assert.is(values.length, k);
}

test("torch: OIHW, groups, and a matrix over a map flattened channels first", () => {
  const { weights } = bind(checkpointOf(torchShapes));
  checkKernel(weights!.get("stem.conv.weight"), [3, 3, 1, 6], (h, w, _i, o) => (o * 3 + h) * 3 + w);
  checkKernel(weights!.get("body.conv.weight"), [3, 3, 6, 4], (h, w, i, o) => ((o * 6 + i) * 3 + h) * 3 + w);
  checkKernel(weights!.get("fc.weight"), [2, 2, 4, 5], (h, w, c, u) => u * 16 + (c * 2 + h) * 2 + w);
  assert.equal([...weights!.get("stem.bn.mean")], [0, 1, 2, 3, 4, 5]);
});

test("torch: a head that is a convolution over the map", () => {
  const { weights, diagnostics } = bind(checkpointOf(changed("fc.weight", [5, 4, 2, 2])));
  assert.equal(diagnostics, []);
  checkKernel(weights!.get("fc.weight"), [2, 2, 4, 5], (h, w, c, u) => ((u * 4 + c) * 2 + h) * 2 + w);
});

test("torch: large kernels are transposed in tiles, small ones too", () => {
  for (const [size, i, o] of [
    [1, 70, 33],
    [3, 40, 65],
    [1, 1, 1],
    [5, 3, 2],
  ]) {
    const build = new NetBuilder();
    const graph = build.graph("one", { y: build.conv("c", build.input("input", 1, 8, 8, i), o, { size }) });
    const { weights } = bind(checkpointOf({ "c.weight": [o, i, size, size] }), { graph, tables: [] });
    checkKernel(
      weights!.get("c.weight"),
      [size, size, i, o],
      (h, w, c, d) => ((d * i + c) * size + h) * size + w,
    );
  }
});

test("tensorflow: stored as ours are, depthwise kernels too", () => {
  const { weights, diagnostics } = bind(checkpointOf(tensorflowShapes, counting, "tensorflow"));
  assert.equal(diagnostics, []);
  assert.equal(weights!.notes, ["names: torchlike, told by `conv1.weight`", "layout: tensorflow (HWIO)"]);
  for (const name of ["stem.conv.weight", "body.conv.weight", "fc.weight"]) {
    const values = weights!.get(name);
    assert.equal([...values], [...counting([values.length])]);
  }
});

test("shapes decide where the format's layout does not fit and the other fits everything", () => {
  const { weights, diagnostics } = bind(checkpointOf(tensorflowShapes, counting, "torch"));
  assert.equal(diagnostics, []);
  assert.is(
    weights!.notes[1],
    "layout: tensorflow (HWIO), told by the shapes: pytorch files are usually torch",
  );
});

test("values come as they are stored, again each time", () => {
  let reads = 0;
  const doubles = (shape: Shape) => {
    reads++;
    return counting(shape);
  };
  const { weights } = bind(checkpointOf(torchShapes, doubles), { allowNaN: true });
  assert.is(reads, 0, "binding reads nothing but to look for NaN");
  weights!.get("fc.bias");
  weights!.get("fc.bias");
  assert.is(reads, 2);
  assert.throws(() => weights!.get("nothing"), /no loaded weight/);
});

// ---- whole networks against published numbers --------------------------------------------------------

function compileExample(file: string, net?: string, settings: Readonly<Record<string, string>> = {}): Graph {
  const path = fileURLToPath(new URL(`../examples/${file}`, import.meta.url));
  const { nets, diagnostics } = analyse(makeSource(path, readFileSync(path, "utf8")), { net, settings });
  if (!nets[0]) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  return nets[0].graph;
}

/** The outputs for square pictures given channels first, as torch has them. */
function run(
  graph: Graph,
  weights: WeightSource,
  nchw: Float32Array,
  batch: number,
  side: number,
): ArrayLike<number> {
  const data = new Float64Array(nchw.length);
  const map = side * side;
  for (let i = 0; i < data.length; i++) {
    const [n, c, at] = [Math.floor(i / (3 * map)), Math.floor(i / map) % 3, i % map];
    data[(n * map + at) * 3 + c] = nchw[i];
  }
  const { name } = graph.nodes.find((node) => isOp(node, ops.input))!;
  return Object.values(interpret(graph, { [name]: { shape: [batch, side, side, 3], data } }, weights))[0]
    .data;
}

const worstDifference = (found: ArrayLike<number>, wanted: ArrayLike<number>): number =>
  Array.from(wanted).reduce((worst, value, i) => Math.max(worst, Math.abs(value - found[i])), 0);

const cifar = "models/cifar/expected-logits.json";
if (requireShared(cifar)) {
  test("ResNet-20 with its published CIFAR-10 weights gives the published logits", () => {
    const expected = JSON.parse(readFileSync(sharedPath(cifar), "utf8")).resnet20;
    const checkpoint = mustOpen(readFileSync(sharedPath(`models/cifar/${expected.file}`)));
    const { report, diagnostics } = collect();
    const tables = [...standardLibrary().tables.values()];
    const graph = compileExample("cifar.resnet", "resnet20");
    const weights = bindWeights({ graph, checkpoint, path: expected.file, tables }, report);
    assert.equal(
      diagnostics.map(({ message }) => message),
      [],
    );
    assert.ok(
      weights!.notes.includes("names: cifar, told by `linear.weight`, prefix `module.` removed"),
      weights!.notes.join("; "),
    );
    // x[i] of the note in the file.
    const picture = Float32Array.from(
      { length: 2 * 3 * 32 * 32 },
      (_, i) => ((Math.imul(i, 2654435761) >>> 0) / 2 ** 32) * 4 - 2,
    );
    const worst = worstDifference(run(graph, weights!, picture, 2, 32), expected.logits_f64.flat());
    assert.ok(worst < 1e-9, `logits differ by ${worst}`);
  });
}

if (requireShared("oracle/golden/golden.json")) {
  test("ResNet-18 with torchvision's names gives the logits of torchvision", async () => {
    const key = "resnet18-s1-64";
    const { build, writeSafetensors } = await import(pathToFileURL(sharedPath("oracle/gen.mjs")).href);
    const { nets, logits } = await import(pathToFileURL(sharedPath("oracle/golden.mjs")).href);
    const model = build(nets()[key].args);
    const folder = mkdtempSync(join(tmpdir(), "resnetc-"));
    writeSafetensors(join(folder, "w.safetensors"), model.T);
    const checkpoint = mustOpen(readFileSync(join(folder, "w.safetensors")));
    rmSync(folder, { recursive: true });
    const { report, diagnostics } = collect();
    const graph = compileExample("resnet18.resnet", undefined, { size: "64x64x3" });
    const tables = [...standardLibrary().tables.values()];
    const weights = bindWeights({ graph, checkpoint, path: key, tables, strict: true }, report);
    assert.equal(
      diagnostics.map(({ message }) => message),
      [],
    );
    const wanted: Float64Array = logits(key);
    const worst = worstDifference(run(graph, weights!, model.input, model.input.length / 12288, 64), wanted);
    assert.ok(worst < 1e-12 * Math.max(...wanted.map(Math.abs)), `logits differ by ${worst}`);
  });
}

test("dlib's face net binds to face-api's manifest, every value in its place", () => {
  const folder = fileURLToPath(new URL("../node_modules/@vladmandic/face-api/model/", import.meta.url));
  const { report, diagnostics } = collect();
  const path = `${folder}face_recognition_model-weights_manifest.json`;
  const checkpoint = openCheckpoint(path, { read: (file) => readFileSync(file) }, report)!;
  const example = fileURLToPath(new URL("../examples/dlib_face.resnet", import.meta.url));
  const { nets, module } = analyse(makeSource(example, readFileSync(example, "utf8")));
  const weights = bindWeights(
    { graph: nets[0].graph, checkpoint, path, tables: [...module!.tables.values()] },
    report,
  );
  assert.equal(
    diagnostics.map(({ message }) => message),
    [],
  );
  assert.equal(weights!.notes, [
    "names: faceapi, told by `conv32_down/conv/filters`",
    "layout: tensorflow (HWIO)",
  ]);
  assert.equal([...weights!.get("fc.weight")], [...checkpoint.tensors.get("fc")!.read()]);
});

test.run();
