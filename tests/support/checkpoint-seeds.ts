/** Sound files from which fuzzing starts: the fixtures, and small ones of every kind that are made here. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { caffeModel, type Layer } from "./caffe-files.ts";
import type { Case } from "./checkpoint-judge.ts";
import { root } from "./nets.ts";
import * as p from "./pickle-assembler.ts";

export interface Seed {
  readonly name: string;
  /** What --format asks for: of a fixture the ending of its name, unless its content says more. */
  readonly format: string;
  readonly files: Case;
}

export function safetensorsFile(header: unknown, data: Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);

const widths = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  BOOL: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
};

function everyType(): Uint8Array {
  let at = 0;
  const entries = Object.entries(widths).map(([dtype, width]) => {
    const begin = at;
    at += 6 * width;
    return [`layer.${dtype}`, { dtype, shape: [2, 3], data_offsets: [begin, at] }];
  });
  return safetensorsFile({ __metadata__: { format: "pt" }, ...Object.fromEntries(entries) }, counting(at));
}

const oneTensor = safetensorsFile(
  {
    "fc.weight": { dtype: "F32", shape: [4, 2], data_offsets: [0, 32] },
    e: { dtype: "U8", shape: [0], data_offsets: [32, 32] },
  },
  counting(32),
);

const window = { shape: [2, 3], strides: [3, 1] };
const turned = { shape: [3, 2], strides: [1, 3] };
const from = (key: string, legacy: boolean, view?: p.Code): p.Code =>
  p.storage({ key, count: 6, ...(view ? { view } : {}) }, legacy);

/** Names tensors in every way that torch's and NumPy's pickles have. */
function stateDict(legacy: boolean): p.Code {
  const array = p.build(
    p.reduce(
      p.global("numpy.core.multiarray", "_reconstruct"),
      p.global("numpy", "ndarray"),
      p.tuple(p.int(0)),
    ),
    p.tuple(
      p.int(1),
      p.tuple(p.int(2)),
      p.build(
        p.reduce(p.global("numpy", "dtype"), p.text("f4"), p.no, p.yes),
        p.tuple(p.int(3), p.text("<")),
      ),
      p.no,
      p.join([0x43, 8], [...p.floats(1, 2)]),
    ),
  );
  const third = p.reduce(
    p.stackGlobal("torch._utils", "_rebuild_tensor_v3"),
    ...[
      from("1", legacy),
      p.int(0),
      p.tuple(p.int(3)),
      p.tuple(p.int(2)),
      p.no,
      p.none,
      p.global("torch", "int32"),
    ],
  );
  const typed = p.reduce(
    p.global("torch._tensor", "_rebuild_from_type_v2"),
    p.global("torch._utils", "_rebuild_tensor_v2"),
    p.global("torch", "Tensor"),
    p.tuple(from("0", legacy), p.int(2), p.tuple(p.int(2)), p.tuple(p.int(1)), p.no, p.none),
    p.none,
  );
  const memoised = p.join(p.tensor(from("0", legacy), turned), [0x71, 1]);
  return p.pickle(
    2,
    p.dict(
      p.text("epoch"),
      p.int(90),
      p.text("state_dict"),
      p.build(
        p.dict(
          ...[p.text("a"), p.tensor(from("0", legacy), window), p.text("b"), memoised],
          ...[
            p.text("c"),
            p.join([0x68, 1]),
            p.text("array"),
            array,
            p.text("third"),
            third,
            p.text("typed"),
            typed,
          ],
        ),
        p.dict(p.text("_metadata"), p.reduce(p.global("collections", "OrderedDict"))),
      ),
      p.text("optimizer"),
      p.dict(p.text("lr"), p.list(p.int(1), p.join([0x4b, 7]))),
    ),
  );
}

const six = p.floats(1, 2, 3, 4, 5, 6);
const storages = { 0: six, 1: six };
const view = p.tuple(p.text("v"), p.int(1), p.int(3));
const viewed = p.pickle(
  2,
  p.dict(p.text("v"), p.tensor(from("0", true, view), { shape: [3], strides: [1] })),
);

const manifest = [
  {
    paths: ["a.bin", "b.bin"],
    weights: [
      { name: "conv/kernel", shape: [2, 2], dtype: "float32" },
      {
        name: "conv/bias",
        shape: [3],
        dtype: "float32",
        quantization: { dtype: "uint8", scale: 0.5, min: -1 },
      },
      {
        name: "h",
        shape: [2],
        dtype: "float32",
        quantization: { dtype: "float16", original_dtype: "float32" },
      },
      { name: "steps", shape: [], dtype: "int32", quantization: { dtype: "uint16", scale: 2, min: 1 } },
      { name: "flag", shape: [1, 1], dtype: "bool" },
    ],
  },
  { paths: ["c.bin"], weights: [{ name: "late", shape: [4], dtype: "uint8" }] },
];
const shards = { "a.bin": counting(9), "b.bin": counting(17), "c.bin": counting(4) };
const encoded = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const blob = (...shape: number[]) => ({
  shape,
  values: new Float32Array(shape.reduce((product, side) => product * side, 1)).fill(0.5),
});
const layers: readonly Layer[] = [
  { name: "data", type: "Data", blobs: [] },
  { name: "conv", type: "Convolution", blobs: [blob(2, 1, 3, 3), blob(2)] },
  { name: "bn", type: "BatchNorm", blobs: [blob(2), blob(2), blob(1)] },
  { name: "scale", type: "Scale", blobs: [blob(2), blob(2)] },
  { name: "fc", type: "InnerProduct", blobs: [blob(3, 8), blob(3)] },
];
const oldLayers = layers.filter(({ type }) => type !== "BatchNorm" && type !== "Scale");
const caffe = { "m.caffemodel": caffeModel("net", layers) };
const oldCaffe = {
  "m.caffemodel": caffeModel("net", oldLayers, { old: true, sides: true, unpacked: true }),
};

const made: readonly Seed[] = [
  { name: "every-type", format: "safetensors", files: { "m.safetensors": everyType() } },
  { name: "one-tensor", format: "safetensors", files: { "m.safetensors": oneTensor } },
  { name: "zip", format: "zip", files: { "m.pth": p.torchZip(stateDict(false), storages) } },
  { name: "zip64", format: "zip", files: { "m.pth": p.torchZip(stateDict(false), storages, true) } },
  { name: "legacy", format: "legacy", files: { "m.pth": p.legacyFile(stateDict(true), storages) } },
  { name: "views", format: "legacy", files: { "m.pth": p.legacyFile(viewed, { 0: six }) } },
  { name: "layers", format: "caffemodel", files: caffe },
  { name: "layers of before 2015", format: "caffemodel", files: oldCaffe },
  { name: "manifest", format: "tfjs", files: { "m.json": encoded(manifest), ...shards } },
  {
    name: "model",
    format: "tfjs",
    files: { "model.json": encoded({ format: "layers-model", weightsManifest: manifest }), ...shards },
  },
];

function formatOf(name: string, bytes: Uint8Array): string {
  if (!/\.(pt|pth|bin)$/.test(name)) return path.extname(name).slice(1);
  return bytes[0] === 0x50 ? "zip" : "legacy";
}

/**
 * Every file in tests/fixtures/checkpoints but the scripts that made them: a new format takes part by a fixture. What
 * is called like another one with an ending more, such as model.onnx.data, lies beside that.
 */
export function seeds(): readonly Seed[] {
  const folder = path.join(root, "tests/fixtures/checkpoints");
  const names = readdirSync(folder)
    .filter((name) => !/\.(py|md|txt|sh)$/.test(name))
    .sort();
  const read = (name: string) => new Uint8Array(readFileSync(path.join(folder, name)));
  const fixtures = names
    .filter((name) => !names.some((other) => name.startsWith(`${other}.`)))
    .map((name): Seed => {
      const beside = names.filter((other) => other.startsWith(`${name}.`));
      const files = Object.fromEntries([name, ...beside].map((each) => [each, read(each)]));
      return { name, format: formatOf(name, files[name]), files };
    });
  return [...fixtures, ...made];
}
