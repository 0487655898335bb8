/** Files of torch.save: some that PyTorch wrote, and hand-made ones for what PyTorch never writes. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Checkpoint } from "../src/weights/checkpoint.ts";
import { mustOpen, openBytes, refusal, valuesOf } from "./support/checkpoints.ts";
import * as p from "./support/pickle-assembler.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const fixture = (name: string): Uint8Array => readFileSync(here(`fixtures/checkpoints/${name}`));

// ---- files that PyTorch wrote (fixtures/checkpoints/make.py) ---------------------------------------

for (const name of ["zip.pt", "legacy.pt", "legacy-protocol4.pt"]) {
  test(`${name} of torch 1.13 reads as torch reads it`, () => {
    const checkpoint = mustOpen(fixture(name));
    const values = (tensor: string) => valuesOf(checkpoint, tensor);
    assert.is(checkpoint.format, "pytorch");
    assert.is(checkpoint.layout, "torch");
    assert.equal(checkpoint.notes, []);
    assert.is(checkpoint.tensors.size, 14);
    assert.equal(values("plain"), [0, 0.125, 0.25, 0.375, 0.5, 0.625]);
    assert.equal(checkpoint.tensors.get("turned")!.shape, [4, 2, 3]);
    const turned = Array.from({ length: 24 }, (_, i) => (i % 6) * 4 + Math.floor(i / 6));
    assert.equal(values("turned"), turned);
    assert.equal(values("part"), [4, 6, 8, 10, 16, 18, 20, 22]);
    assert.equal(
      values("shared"),
      Array.from({ length: 24 }, (_, i) => i),
    );
    assert.equal(checkpoint.tensors.get("scalar")!.shape, []);
    assert.equal(values("scalar"), [7]);
    assert.equal(values("empty"), []);
    assert.equal(values("double"), [1 / 3, -2.5]);
    assert.equal(values("half"), [1, 2 ** -24, 65504, Infinity, -Infinity, 0.0999755859375]);
    assert.equal(values("brain").slice(0, 2), [1, 3.140625]);
    assert.equal(values("brain")[2], 0x00010000 * 2 ** -149, "a subnormal bfloat16");
    assert.equal(values("bools"), [1, 0, 1]);
    assert.equal(values("bytes"), [0, 255]);
    assert.equal(values("shorts"), [-32768, 5]);
    assert.equal(values("longs"), [-1, 2 ** 40]);
    assert.equal(values("parameter"), [0.5, -0.25]);
    assert.equal(
      [...checkpoint.tensors.values()].map(({ dtype }) => dtype).join(" "),
      "f32 f32 f32 f32 i64 f32 f64 f16 bf16 bool u8 i16 i64 f32",
    );
  });
}

test("a training checkpoint gives its model and says so", () => {
  const checkpoint = mustOpen(fixture("training.pt"));
  assert.equal(
    [...checkpoint.tensors.keys()].join(" "),
    "0.weight 1.weight 1.bias 1.running_mean 1.running_var 1.num_batches_tracked 3.weight 3.bias",
  );
  assert.equal(checkpoint.notes, [
    "weights: `model` of the checkpoint was taken; beside it: `epoch`, `stray`, `optimizer`, `best`, `args`, `milestones`",
  ]);
});

test("NumPy arrays count as tensors, in either order", () => {
  const checkpoint = mustOpen(fixture("numpy.pt"));
  assert.equal(valuesOf(checkpoint, "rows"), [0, 1, 2, 3, 4, 5]);
  assert.equal(valuesOf(checkpoint, "columns"), [0, 1, 2, 3, 4, 5]);
  assert.is(checkpoint.tensors.get("columns")!.dtype, "f64");
});

test("a pickled module is refused with the way out", () => {
  const { diagnostics } = openBytes({ "module.pt": fixture("module.pt") });
  assert.is(diagnostics.length, 1);
  assert.is(diagnostics[0].code, "refused-global");
  assert.match(diagnostics[0].message, /torch\.nn\.modules\.container\.Sequential/);
  assert.match(diagnostics[0].message, /whole model/);
  assert.match(diagnostics[0].hint ?? "", /state_dict\(\)/);
});

// ---- hand-made torch files ------------------------------------------------------------------------

const matrix = { shape: [2, 3], strides: [3, 1] };
const six = p.floats(0, 1, 2, 3, 4, 5);
const plainDict = (storage: p.Code): p.Code =>
  p.dict(
    p.text("a"),
    p.tensor(storage, matrix),
    p.text("turned"),
    p.tensor(storage, { shape: [3, 2], strides: [1, 3] }),
    p.text("row"),
    p.tensor(storage, { shape: [3], strides: [1], offset: 3 }),
    p.text("scalar"),
    p.tensor(storage, { shape: [], strides: [], offset: 5 }),
  );

function checkPlain(checkpoint: Checkpoint): void {
  assert.equal(valuesOf(checkpoint, "a"), [0, 1, 2, 3, 4, 5]);
  assert.equal(valuesOf(checkpoint, "turned"), [0, 3, 1, 4, 2, 5]);
  assert.equal(valuesOf(checkpoint, "row"), [3, 4, 5]);
  assert.equal(valuesOf(checkpoint, "scalar"), [5]);
}

test("zip: windows on one storage, with and without zip64, protocols 2 and 4", () => {
  for (const protocol of [2, 4]) {
    for (const zip64 of [false, true]) {
      const object = p.pickle(protocol, plainDict(p.storage({ key: "0", count: 6 })));
      checkPlain(mustOpen(p.torchZip(object, { 0: six }, zip64)));
    }
  }
});

test("legacy: windows on one storage, and views of storages", () => {
  const object = p.pickle(2, plainDict(p.storage({ key: "77", count: 6 }, true)));
  checkPlain(mustOpen(p.legacyFile(object, { 77: six })));
  const view = p.tuple(p.text("v"), p.int(2), p.int(3));
  const viewed = p.storage({ key: "77", count: 6, view }, true);
  const object2 = p.pickle(2, p.dict(p.text("a"), p.tensor(viewed, { shape: [2], strides: [1], offset: 1 })));
  assert.equal(valuesOf(mustOpen(p.legacyFile(object2, { 77: six })), "a"), [3, 4]);
});

test("wrapped, nested and parted state dicts are found", () => {
  const inner = p.dict(p.text("w"), p.tensor(p.storage({ key: "0", count: 6 }), matrix));
  const names = (object: p.Code) => {
    const { tensors, notes } = mustOpen(p.torchZip(p.pickle(2, object), { 0: six }));
    return [[...tensors.keys()].join(" "), notes[0] ?? ""];
  };
  for (const key of ["state_dict", "model", "model_state_dict", "ema", "net", "state_dict_ema"]) {
    assert.equal(names(p.dict(p.text(key), inner)), ["w", `weights: \`${key}\` of the checkpoint was taken`]);
  }
  assert.equal(
    names(p.dict(p.text("model"), p.dict(p.text("state_dict"), inner)))[1],
    "weights: `model.state_dict` of the checkpoint was taken",
  );
  const both = p.dict(p.text("state_dict_ema"), inner, p.text("state_dict"), inner);
  assert.match(names(both)[1], /`state_dict` of the checkpoint was taken; beside it: `state_dict_ema`/);
  assert.equal(
    names(
      p.dict(
        p.text("backbone"),
        inner,
        p.text("head"),
        p.dict(p.text("fc"), inner),
        p.text("optimizer"),
        inner,
      ),
    )[0],
    "backbone.w head.fc.w",
  );
});

test("a dict that contains itself is no reason to hang", () => {
  // {"state_dict": itself, "part": itself}
  const object = p.pickle(
    2,
    [0x7d, 0x71, 0],
    p.text("state_dict"),
    [0x68, 0, 0x73],
    p.text("part"),
    [0x68, 0, 0x73],
  );
  assert.match(refusal(p.torchZip(object, {})), /holds no state dict/);
});

test("what is no state dict is named", () => {
  assert.match(refusal(p.torchZip(p.pickle(2, p.list(p.int(1))), {})), /it holds a list, no state dict/);
  assert.match(refusal(p.torchZip(p.pickle(2, p.none), {})), /it holds None, no state dict/);
  assert.match(
    refusal(p.torchZip(p.pickle(2, p.dict(p.text("a"), p.int(1))), {})),
    /nothing in it maps names to tensors/,
  );
});

test("tensors that reach out of their storage are refused", () => {
  const opened = (window: p.Window, count = 6, data = six) =>
    refusal(
      p.torchZip(p.pickle(2, p.dict(p.text("a"), p.tensor(p.storage({ key: "0", count }), window))), {
        0: data,
      }),
    );
  assert.match(
    opened({ shape: [2, 4], strides: [4, 1] }),
    /a tensor of \[2, 4\] needs 8 elements, its storage has 6/,
  );
  assert.match(opened({ shape: [2], strides: [1], offset: 5 }), /needs 7 elements/);
  assert.match(opened({ shape: [2 ** 20, 2 ** 20], strides: [0, 0] }), /repeats a storage of 6 elements/);
  assert.match(
    opened({ shape: [2], strides: [-1], offset: 1 }),
    /a stride of a tensor should be a count, this is -1/,
  );
  assert.match(opened({ shape: [2], strides: [1, 1] }), /strides/);
  assert.match(opened({ shape: [7], strides: [1] }, 7), /storage 0 should have 28 bytes, it has 24/);
  const gone = p.pickle(2, p.dict(p.text("a"), p.tensor(p.storage({ key: "9", count: 6 }), matrix)));
  assert.match(refusal(p.torchZip(gone, { 0: six })), /the data of storage 9 is not in the archive/);
});

test("archives that are not torch's say what they are", () => {
  const mixed = ["a.npy", "readme.txt"].map((name) => ({ name, data: [1] }));
  assert.match(refusal(p.zipFile(mixed)), /a zip archive of NumPy arrays and other things/);
  assert.match(
    refusal(p.zipFile([{ name: "model.weights.h5", data: [1] }])),
    /`model\.weights\.h5` in it is damaged/,
  );
  assert.match(refusal(p.zipFile([{ name: "readme.txt", data: [1] }])), /without a data\.pkl/);
  assert.match(
    refusal(p.zipFile([{ name: "a/data.pkl", data: [1], method: 8 }])),
    /`a\/data\.pkl` in it is compressed \(method 8\)/,
  );
  assert.match(refusal(p.zipFile([{ name: "a/data.pkl", data: [1], flags: 1 }])), /encrypted/);
  const script = [
    { name: "a/data.pkl", data: [1] },
    { name: "a/constants.pkl", data: [1] },
  ];
  assert.match(refusal(p.zipFile(script)), /TorchScript archive/);
  const big = [
    { name: "a/data.pkl", data: [1] },
    { name: "a/byteorder", data: [0x62, 0x69, 0x67] },
  ];
  assert.match(refusal(p.zipFile(big)), /highest byte first/);
});

test.run();
