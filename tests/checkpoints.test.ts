/** The readers of checkpoints: published files, safetensors, tfjs manifests, and what is none of them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { collect } from "../src/base/diagnostic.ts";
import { openCheckpoint } from "../src/weights/checkpoint.ts";
import { writeSafetensors } from "../src/weights/write-safetensors.ts";
import { safetensorsFile } from "./support/checkpoint-seeds.ts";
import { mustOpen, openBytes, refusal, valuesOf } from "./support/checkpoints.ts";
import * as p from "./support/pickle-assembler.ts";
import { requireShared, sharedPath } from "./support/shared.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// ---- published files ------------------------------------------------------------------------------

const cifar = [
  { file: "resnet20-12fca82f.th", tensors: 97, params: 269_722, state: 1_376, first: -0.13818146288394928 },
  { file: "resnet56-4bfd9763.th", tensors: 277, params: 853_018, state: 4_064, first: -0.21604876220226288 },
];
for (const { file, tensors, params, state, first } of cifar) {
  const path = `models/cifar/${file}`;
  if (!requireShared(path)) continue;
  test(`${file}: ${params} parameters`, () => {
    const checkpoint = mustOpen(readFileSync(sharedPath(path)), file);
    assert.is(checkpoint.tensors.size, tensors);
    assert.match(checkpoint.notes[0], /`state_dict` of the checkpoint was taken; beside it: `best_prec1`/);
    let trainable = 0;
    let running = 0;
    for (const [name, tensor] of checkpoint.tensors) {
      assert.match(name, /^module\./);
      assert.is(tensor.dtype, "f32");
      const count = tensor.read().length;
      assert.is(
        count,
        tensor.shape.reduce((product, side) => product * side, 1),
      );
      if (/running_(mean|var)$/.test(name)) running += count;
      else trainable += count;
    }
    assert.is(trainable, params);
    assert.is(running, state);
    assert.equal(checkpoint.tensors.get("module.conv1.weight")!.shape, [16, 3, 3, 3]);
    assert.is(valuesOf(checkpoint, "module.conv1.weight")[0], first);
  });
}

test("face-api's manifest: 117 tensors, 5,614,592 values, 8-bit ones restored", () => {
  const folder = here("../node_modules/@vladmandic/face-api/model/");
  const { report, diagnostics } = collect();
  const read = (path: string) => readFileSync(path);
  const checkpoint = openCheckpoint(
    `${folder}face_recognition_model-weights_manifest.json`,
    { read },
    report,
  )!;
  assert.equal(diagnostics, []);
  assert.is(checkpoint.format, "tfjs");
  assert.is(checkpoint.layout, "tensorflow");
  assert.is(checkpoint.tensors.size, 117);
  const counts = [...checkpoint.tensors.values()].map((tensor) => tensor.read().length);
  assert.is(
    counts.reduce((sum, count) => sum + count, 0),
    5_614_592,
  );
  assert.equal(checkpoint.tensors.get("conv32_down/conv/filters")!.shape, [7, 7, 3, 32]);
  assert.equal(checkpoint.tensors.get("fc")!.shape, [256, 128]);
  const raw = readFileSync(`${folder}face_recognition_model.bin`);
  const { scale, min } = { scale: 0.0005260649557207145, min: -0.07101876902229645 };
  const expected = [...raw.subarray(0, 5)].map((q) => Math.fround(q * scale + min));
  assert.equal(valuesOf(checkpoint, "conv32_down/conv/filters").slice(0, 5), expected);
});

// ---- safetensors ----------------------------------------------------------------------------------

const one = (dtype: string, data: readonly number[], shape: readonly number[]): number[] => {
  const bytes = safetensorsFile(
    { x: { dtype, shape, data_offsets: [0, data.length] } },
    Uint8Array.from(data),
  );
  return valuesOf(mustOpen(bytes, "x.safetensors"), "x");
};

test("safetensors: what was written is read, at any alignment", () => {
  const tensors = [
    { name: "a", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    { name: "b", shape: [], data: Float32Array.of(-0.5) },
    { name: "empty", shape: [0, 4], data: new Float32Array() },
    { name: "doubles", shape: [2], data: Float64Array.of(0.1, 7) },
  ];
  const bytes = writeSafetensors(tensors);
  for (const shift of [0, 1, 2, 3]) {
    const moved = new Uint8Array(bytes.length + shift);
    moved.set(bytes, shift);
    const checkpoint = mustOpen(moved.subarray(shift), "a.safetensors");
    assert.is(checkpoint.format, "safetensors");
    for (const { name, shape, data } of tensors) {
      assert.equal(checkpoint.tensors.get(name)!.shape, shape);
      assert.equal(valuesOf(checkpoint, name), [...data].map(Math.fround));
    }
  }
});

test("safetensors: aligned float32 is a view on the file", () => {
  const bytes = writeSafetensors([{ name: "a", shape: [1], data: Float32Array.of(3) }]);
  const { buffer } = mustOpen(bytes).tensors.get("a")!.read();
  assert.is(buffer, bytes.buffer);
});

test("safetensors: every type is exact", () => {
  assert.equal(one("F16", [0, 0x3c, 1, 0, 0xff, 3, 0, 4, 0xff, 0x7b, 0, 0x7c, 0, 0xfc, 0, 0x80], [8]), [
    1,
    2 ** -24,
    1023 * 2 ** -24,
    2 ** -14,
    65504,
    Infinity,
    -Infinity,
    -0,
  ]);
  assert.ok(Number.isNaN(one("F16", [1, 0x7c], [1])[0]));
  assert.equal(one("BF16", [0x80, 0x3f, 1, 0, 0x80, 0x7f, 0x80, 0xff, 0x49, 0x40], [5]), [
    1,
    2 ** -133,
    Infinity,
    -Infinity,
    3.140625,
  ]);
  assert.ok(Number.isNaN(one("BF16", [0xc0, 0x7f], [1])[0]));
  assert.equal(one("F64", [0, 0, 0, 0, 0, 0, 0xf0, 0x3f], [1]), [1]);
  assert.equal(one("I64", [0xfe, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 1, 0, 0, 0], [2]), [
    -2,
    2 ** 32,
  ]);
  assert.equal(one("I32", [255, 255, 255, 255], [1]), [-1]);
  assert.equal(one("U32", [255, 255, 255, 255], [1]), [2 ** 32 - 1]);
  assert.equal(one("I16", [0, 0x80], [1]), [-32768]);
  assert.equal(one("U16", [0, 0x80], [1]), [32768]);
  assert.equal(one("I8", [255, 127], [2]), [-1, 127]);
  assert.equal(one("U8", [255, 127], [2]), [255, 127]);
  assert.equal(one("BOOL", [0, 1], [2]), [0, 1]);
});

test("safetensors: a header that lies is refused, before memory is taken", () => {
  const x = (entry: object, data = 4) => refusal(safetensorsFile({ x: entry }, new Uint8Array(data)));
  assert.match(
    x({ dtype: "F32", shape: [1], data_offsets: [0, 8] }),
    /`x` ends at byte 8 of the data, the file has 4: it was cut short/,
  );
  assert.match(
    x({ dtype: "F32", shape: [2], data_offsets: [0, 4] }),
    /`x` is F32 \[2\], which is 8 bytes, but has 4/,
  );
  assert.match(
    x({ dtype: "F32", shape: [1e15, 1e15], data_offsets: [0, 4] }),
    /`x` is \[1000000000000000, 1000000000000000\], more elements than can be counted/,
  );
  assert.match(
    x({ dtype: "F8_E4M3", shape: [4], data_offsets: [0, 4] }),
    /has dtype F8_E4M3, which resnetc does not read/,
  );
  assert.match(x({ dtype: "toString", shape: [4], data_offsets: [0, 4] }), /has dtype toString/);
  assert.match(x({ dtype: "F32", shape: [-1], data_offsets: [0, 4] }), /no shape of whole numbers/);
  assert.match(x({ dtype: "F32", shape: [1], data_offsets: [4, 0] }), /but has -4/);
  assert.match(x({ dtype: "F32", shape: [1] }), /no data_offsets/);
  assert.match(
    x({ dtype: "F32", shape: [1], data_offsets: [0, 4] }, 6),
    /nothing describes the last 2 bytes/,
  );
  assert.match(
    x({ dtype: "F32", shape: [1], data_offsets: [2, 6] }, 6),
    /nothing describes the 2 bytes before `x`/,
  );
  const overlap = {
    x: { dtype: "U8", shape: [3], data_offsets: [0, 3] },
    y: { dtype: "U8", shape: [3], data_offsets: [1, 4] },
  };
  assert.match(refusal(safetensorsFile(overlap, new Uint8Array(4))), /`y` overlaps another tensor/);
  assert.match(refusal(safetensorsFile("{]", new Uint8Array())), /its header is no JSON/);
  assert.match(
    refusal(Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0, 0x7b)),
    /its header claims 4294967295 bytes, the format allows/,
  );
  assert.match(
    refusal(Uint8Array.of(200, 0, 0, 0, 0, 0, 0, 0, 0x7b)),
    /its header claims 200 bytes, the whole file has 9/,
  );
});

test("safetensors: __metadata__ is ignored, __proto__ is a name like any other", () => {
  const header = `{"__metadata__":{"format":"pt"},"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`;
  const checkpoint = mustOpen(safetensorsFile(header, Uint8Array.of(9)));
  assert.equal(valuesOf(checkpoint, "__proto__"), [9]);
  assert.is(checkpoint.tensors.size, 1);
});

// ---- tfjs manifests -------------------------------------------------------------------------------

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

test("tfjs: shards are one run of bytes, and model.json works too", () => {
  const weights = [
    { name: "a", shape: [2], dtype: "float32" },
    { name: "b", shape: [3], dtype: "float32", quantization: { dtype: "uint16", scale: 0.1, min: -1 } },
    {
      name: "c",
      shape: [2],
      dtype: "float32",
      quantization: { dtype: "float16", original_dtype: "float32" },
    },
    { name: "d", shape: [1], dtype: "int32" },
  ];
  const all = [...p.floats(1.5, -2), 0, 0, 10, 0, 255, 255, 0, 0x3c, 0, 0xc0, 255, 255, 255, 255];
  const cut = 5;
  const files = { "one.bin": Uint8Array.from(all.slice(0, cut)), "two.bin": Uint8Array.from(all.slice(cut)) };
  const groups = [{ paths: ["one.bin", "two.bin"], weights }];
  for (const manifest of [groups, { format: "layers-model", weightsManifest: groups }]) {
    const inFolder = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`m/${name}`, bytes]));
    const { checkpoint, diagnostics } = openBytes({ "m/model.json": json(manifest), ...inFolder });
    assert.equal(diagnostics, []);
    assert.equal(valuesOf(checkpoint!, "a"), [1.5, -2]);
    assert.equal(valuesOf(checkpoint!, "b"), [-1, 0, 65535 * 0.1 - 1].map(Math.fround));
    assert.equal(valuesOf(checkpoint!, "c"), [1, -2]);
    assert.equal(valuesOf(checkpoint!, "d"), [-1]);
  }
});

test("tfjs: manifests that lie are refused", () => {
  const opened = (group: object, files: Record<string, Uint8Array> = { "a.bin": new Uint8Array(4) }) => {
    const { diagnostics } = openBytes({ "m.json": json([group]), ...files });
    assert.is(diagnostics.length, 1);
    return diagnostics[0].message;
  };
  const weights = [{ name: "a", shape: [1], dtype: "float32" }];
  assert.match(opened({ paths: ["b.bin"], weights }), /its file b\.bin cannot be read: no such file/);
  for (const path of ["../a.bin", "/etc/passwd", "C:\\a.bin", "x/../../a.bin", "https://a.b/c.bin"]) {
    assert.match(opened({ paths: [path], weights }), /names a file outside its folder/);
  }
  assert.match(
    opened({ paths: ["a.bin"], weights: [{ name: "a", shape: [2], dtype: "float32" }] }),
    /`a` ends at byte 8, its files have 4: they were cut short/,
  );
  assert.match(opened({ paths: ["a.bin"], weights: [] }), /its manifest describes 0 bytes, its files have 4/);
  assert.match(opened({ paths: ["a.bin"], weights: [...weights, ...weights] }), /two tensors called `a`/);
  assert.match(opened({ paths: ["a.bin", "a.bin"], weights }), /names a file twice/);
  assert.match(
    opened({ paths: ["a.bin"], weights: [{ name: "a", shape: [1], dtype: "string" }] }),
    /dtype string/,
  );
  assert.match(opened({ weights }), /no paths/);
});

test("tfjs: metadata of models that resnetc wrote say what became of weights", () => {
  const open = (origins: unknown, shapes: Record<string, number[]>, constants: unknown = []) => {
    const weights = Object.entries(shapes).map(([name, shape]) => ({ name, shape, dtype: "float32" }));
    const count = weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const weightsManifest = [{ paths: ["a.bin"], weights }];
    return openBytes({
      "m.json": json({ weightsManifest, userDefinedMetadata: { origins, constants } }),
      "a.bin": Uint8Array.from(p.floats(...Array.from({ length: count }, (_, i) => i))),
    });
  };
  // Two groups of two inputs and one output: [1, 1, 4, 1] is [1, 1, 2, 2], input by input.
  const grouped = open({ w: { shape: [1, 1, 2, 2], tensors: ["x"] } }, { x: [1, 1, 4, 1], n: [2] }, ["n"]);
  assert.equal([...grouped.checkpoint!.tensors.keys()], ["w"]);
  assert.equal(valuesOf(grouped.checkpoint!, "w"), [0, 2, 1, 3]);
  const pieces = open({ w: { shape: [2, 3], tensors: ["x", "y"] } }, { x: [2, 1], y: [2, 2] });
  assert.equal(valuesOf(pieces.checkpoint!, "w"), [0, 2, 3, 1, 4, 5]);
  // A dilation of 2: every second place of both rows and columns.
  const dilated = open({ w: { shape: [2, 2, 1, 1], tensors: ["x"] } }, { x: [3, 3, 1, 1] });
  assert.equal(valuesOf(dilated.checkpoint!, "w"), [0, 2, 6, 8]);
  // What the shapes contradict stays as it is.
  const other = open({ w: { shape: [7], tensors: ["x"] } }, { x: [2] });
  assert.equal([...other.checkpoint!.tensors.keys()], ["x"]);
  const told = (origins: unknown) => open(origins, { x: [2], y: [2] }).diagnostics[0]?.message ?? "opened";
  assert.match(told({ w: { shape: [2] } }), /names no tensors for `w`/);
  assert.match(told({ w: { shape: [-1], tensors: ["x"] } }), /no shape for `w`/);
  assert.match(told({ w: 1 }), /no shape for `w`/);
  assert.match(told({ w: { shape: [2], tensors: ["z"] } }), /not there, or there twice/);
  assert.match(told({ w: { shape: [4], tensors: ["x", "x"] } }), /not there, or there twice/);
  assert.match(told({ w: { shape: [2], tensors: [["x"]] } }), /not there, or there twice/);
  assert.match(told({ y: { shape: [2], tensors: ["x"] } }), /two tensors called `y`/);
  assert.match(
    told({ w: { shape: [2 ** 40, 2 ** 40], tensors: ["x"] } }),
    /more elements than can be counted/,
  );
});

// ---- what is no checkpoint ------------------------------------------------------------------------

test("what is no checkpoint is called what it is", () => {
  const text = (value: string) => refusal(new TextEncoder().encode(value));
  assert.match(refusal(new Uint8Array()), /it is empty/);
  assert.match(text("<!DOCTYPE html><html><body>Sign in</body></html>"), /a web page \(HTML\)/);
  assert.match(text("\n <html>"), /a web page/);
  assert.match(
    text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 102530333\n"),
    /a git-lfs pointer, the real file has 102,530,333 bytes: run `git lfs pull`/,
  );
  assert.match(text("Not Found\nnothing"), /it is text: "Not Found"/);
  assert.match(
    text(`{"weight_map": {"a": "model-00001-of-00002.safetensors"}}`),
    /its file model-00001-of-00002\.safetensors cannot be read: no such file/,
  );
  assert.match(text("{}"), /JSON, but no tfjs weight manifest/);
  assert.match(text("[1"), /it is no JSON/);
  assert.match(refusal(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10)), /a PNG picture/);
  assert.match(refusal(Uint8Array.of(0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10)), /HDF5 file/);
  assert.match(refusal(Uint8Array.of(0x1f, 0x8b, 8, 0)), /gzip: unpack it first/);
  assert.match(refusal(Uint8Array.of(8, 7, 0x12, 4, 200)), /ONNX/);
  assert.match(
    refusal(Uint8Array.from(p.pickle(2, p.dict()))),
    /a Python pickle that torch\.save did not write/,
  );
  assert.match(
    refusal(Uint8Array.of(0, 1, 2, 3, 200, 201, 202, 203, 204, 205)),
    /none of safetensors, PyTorch/,
  );
  const { diagnostics } = openBytes({});
  assert.is(diagnostics[0].code, "unreadable-file");
});

test.run();
