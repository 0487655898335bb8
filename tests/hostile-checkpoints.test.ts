/**
 * Files made to do harm: small ones that ask for much memory or time, and ones whose parts contradict each other. Each
 * gives one diagnostic that names what is wrong, in less than a second, and asks for little memory on the way.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { bytes, type Chunks, float, int, join, message, text } from "../bench/protobuf.ts";
import { loadHdf5 } from "../src/node/hdf5.ts";
import { openCheckpoint } from "../src/weights/checkpoint.ts";
import { type Case, judge, limitsFor, type Open, type Verdict } from "./support/checkpoint-judge.ts";
import { safetensorsFile, seeds } from "./support/checkpoint-seeds.ts";
import { mustOpen, openBytes, valuesOf } from "./support/checkpoints.ts";
import { cpuMs } from "./support/cpu-time.ts";
import * as p from "./support/pickle-assembler.ts";
import { saveLegacy, saveZip } from "./support/torch-save.ts";

/** Less than a second of processor time in one of three attempts: the machine may be busy. */
function judged(files: Case): Verdict {
  for (let attempt = 1; ; attempt++) {
    const start = cpuMs();
    const verdict = judge(files, { ...limitsFor(files), ms: Number.POSITIVE_INFINITY });
    const ms = cpuMs() - start;
    if (ms < 1000) return verdict;
    if (attempt === 3) return { ...verdict, fault: `takes ${Math.round(ms)} ms of processor time` };
  }
}

function refused(files: Case | Uint8Array, expected: RegExp): void {
  const { fault, message } = judged(files instanceof Uint8Array ? { "hostile.pth": files } : files);
  assert.is(fault, undefined);
  assert.match(message ?? "it opened", expected);
}

function opens(files: Case): number {
  const { fault, message, tensors } = judged(files);
  assert.is(fault, undefined);
  assert.is(message, undefined);
  return tensors;
}

/** The pickle in both containers. */
function refusedPickle(object: p.Code, expected: RegExp, storages: p.Storages = {}): void {
  const pickle = p.pickle(2, object);
  refused(saveZip(pickle, storages), expected);
  refused(saveLegacy(pickle, storages), expected);
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const six = p.floats(1, 2, 3, 4, 5, 6);
const onSix = (window: p.Window, count = 6): p.Code => p.tensor(p.storage({ key: "0", count }), window);
const dictOf = (entries: Readonly<Record<string, p.Code>>): p.Code =>
  p.dict(...Object.entries(entries).flatMap(([name, code]) => [p.text(name), code]));
const put = (key: number): p.Code => [0x72, key & 255, (key >> 8) & 255, (key >> 16) & 255, 0];
const get = (key: number): p.Code => [0x6a, key & 255, (key >> 8) & 255, (key >> 16) & 255, 0];
const long = (value: bigint): p.Code => [
  0x8a,
  8,
  ...Array.from({ length: 8 }, (_, i) => Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 255n)),
];

test("what judges these files sees what they could do", () => {
  const planted: readonly (readonly [Open, RegExp])[] = [
    [() => void new Float64Array(2 ** 28), /asked for 2147483648 bytes/],
    [() => void Uint8Array.from({ length: 2 ** 29 }), /asked for/],
    [() => void new Uint8Array(2 ** 26).slice(), /asked for/],
    [() => void "x".repeat(-1), /threw RangeError/],
    [() => undefined, /gave 0 diagnostics/],
    [
      (path, _, report) => {
        for (const start = performance.now(); performance.now() - start < 30; );
        report("bad-checkpoint", undefined, { path, why: "it is slow" });
        return undefined;
      },
      /took \d+ ms/,
    ],
    [
      (path, _, report) => {
        for (const why of ["one", "two"]) report("bad-checkpoint", undefined, { path, why });
        return undefined;
      },
      /gave 2 diagnostics/,
    ],
    [
      (path, _, report) => {
        report("bad-checkpoint", undefined, { path, why: `it has ${Number.NaN} bytes` });
        return undefined;
      },
      /no sentence/,
    ],
  ];
  for (const [open, expected] of planted)
    assert.match(
      judge({ "x.pth": new Uint8Array(1) }, { ms: 20, bytes: 2 ** 26 }, open).fault ?? "",
      expected,
    );
});

test("the files from which fuzzing starts are sound", async () => {
  const hdf5 = await loadHdf5();
  const broken = seeds().filter(
    ({ files }) => judge(files, limitsFor(files), openCheckpoint, hdf5).tensors === 0,
  );
  // A whole model, which only Python could rebuild.
  assert.equal(
    broken.map(({ name }) => name),
    ["module.pt"],
  );
});

// ---- storages and windows ---------------------------------------------------------------------------

test("zip entries that lie in the same bytes", () => {
  const bytes = p.torchZip(p.pickle(2, p.dict()), { 0: six, 1: six, 2: six });
  const view = new DataView(bytes.buffer);
  const records: number[] = [];
  for (let at = 0; at + 4 <= bytes.length; at++)
    if (view.getUint32(at, true) === 0x02014b50) records.push(at);
  assert.is(records.length, 6);
  // Where the second and the third storage start, and then a storage that reaches into the next.
  const same = Uint8Array.from(bytes);
  for (const record of records.slice(3, 5))
    new DataView(same.buffer).setUint32(record + 42, view.getUint32(records[2] + 42, true), true);
  refused(same, /`archive\/data\/0` in it overlaps `archive\/data\/1`/);
  const longer = Uint8Array.from(bytes);
  for (const field of [20, 24]) new DataView(longer.buffer).setUint32(records[2] + field, 100, true);
  refused(longer, /`archive\/data\/0` in it overlaps `archive\/data\/1`/);
});

test("a thousand tensors that view one storage with stride 0", () => {
  const window = { shape: [2 ** 20, 2 ** 20], strides: [0, 0] };
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`t${i}`, onSix(window)]));
  refusedPickle(dictOf(many), /a tensor of \[1048576, 1048576\] repeats a storage of 6 elements/, { 0: six });
});

test("twenty thousand tensors that all are the same hundred kilobytes", () => {
  const window = { shape: [100_000], strides: [1] };
  const type = { type: "ByteStorage", key: "0", count: 100_000 };
  const first = p.join(p.text("a"), p.tensor(p.storage(type), window), put(0));
  const entries = (count: number): p.Code =>
    p.dict(first, ...Array.from({ length: count }, (_, i) => p.join(p.text(`t${i}`), get(0))));
  const storages = { 0: new Uint8Array(100_000) };
  refused(
    saveZip(p.pickle(2, entries(20_000)), storages),
    /its tensors have 2000100000 bytes together, the file has \d+: they repeat the same storages/,
  );
  assert.is(opens({ "shared.pth": saveZip(p.pickle(2, entries(40)), storages) }), 41);
});

test("windows that are none", () => {
  const bad: readonly (readonly [p.Code, RegExp])[] = [
    [onSix({ shape: [2], strides: [-1], offset: 1 }), /a stride of a tensor should be a count, this is -1/],
    [onSix({ shape: [-2], strides: [1] }), /a side of a tensor should be a count, this is -2/],
    [onSix({ shape: [2], strides: [1], offset: -1 }), /the offset of a tensor should be a count, this is -1/],
    [onSix({ shape: [1], strides: [1], offset: 6 }), /a tensor of \[1\] needs 7 elements, its storage has 6/],
    [onSix({ shape: [2, 2], strides: [5, 1] }), /a tensor of \[2, 2\] needs 7 elements/],
    [onSix({ shape: [7], strides: [1] }, 7), /storage 0 should have 28 bytes, it has 24/],
    [onSix({ shape: [1], strides: [1] }, 2 ** 30), /storage 0 should have 4294967296 bytes, it has 24/],
    [onSix({ shape: [1], strides: [1] }, -1), /the size of a storage should be a count, this is -1/],
    [onSix({ shape: [2 ** 30, 2 ** 30], strides: [0, 0] }), /more elements than can be counted/],
    // Empty, and yet no shape to give to anybody.
    [onSix({ shape: [2 ** 30, 2 ** 30, 0], strides: [0, 0, 0] }), /more elements than can be counted/],
    [onSix({ shape: [2 ** 30, 0], strides: [1] }), /a tensor in it has 2 sides and 1 strides/],
    [
      onSix({ shape: Array(65).fill(1), strides: Array(65).fill(1) }),
      /a tensor in it has 65 sides, at most 64/,
    ],
  ];
  for (const [tensor, expected] of bad) refusedPickle(dictOf({ a: tensor }), expected, { 0: six });
});

test("sizes beyond 2^53, negative, broken or none at all", () => {
  const huge = [2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)];
  for (const size of huge) {
    const storage = p.join(
      p.tuple(p.text("storage"), p.global("torch", "FloatStorage"), p.text("0"), p.text("cpu"), long(size)),
      [0x51],
    );
    refused(
      saveZip(p.pickle(2, dictOf({ a: p.tensor(storage, { shape: [1], strides: [1] }) })), { 0: six }),
      /the size of a storage should be a count, this is/,
    );
  }
  const half = p.join([0x47, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0]);
  const tensor = p.reduce(
    p.global("torch._utils", "_rebuild_tensor_v2"),
    ...[p.storage({ key: "0", count: 6 }), p.int(0), p.tuple(half), p.tuple(p.int(1)), p.no, p.none],
  );
  refused(
    saveZip(p.pickle(2, dictOf({ a: tensor })), { 0: six }),
    /a side of a tensor should be a count, this is 0.5/,
  );
});

test("a shape of a million sides that ten thousand tensors share", () => {
  const sides = p.join(
    [0x28],
    Array<number>(2_000_000)
      .fill(0)
      .flatMap((_, i) => (i % 2 ? [] : [0x4b, 1])),
    [0x74],
    put(1),
  );
  const tensor = p.reduce(
    p.global("torch._utils", "_rebuild_tensor_v2"),
    ...[p.storage({ key: "0", count: 6 }), p.int(0), get(1), get(1), p.no, p.none],
  );
  const object = p.join(sides, [0x30], dictOf({ a: tensor }));
  refused(saveZip(p.pickle(2, object), { 0: six }), /a tensor in it has 1000000 sides, at most 64 are read/);
});

test("sides of 1 by the dozen cost no time", () => {
  const side = 4096;
  // Two real sides that are turned, so that the elements are gathered one by one.
  const shape = [side, side, ...Array<number>(62).fill(1)];
  const strides = [1, side, ...Array<number>(62).fill(7)];
  const data = new Float32Array(side * side);
  for (let i = 0; i < data.length; i++) data[i] = i;
  const object = dictOf({ a: onSix({ shape, strides }, data.length) });
  const bytes = saveZip(p.pickle(2, object), { 0: new Uint8Array(data.buffer) });
  assert.is(opens({ "sides.pth": bytes }), 1);
  const values = mustOpen(bytes).tensors.get("a")!.read();
  assert.equal([values[0], values[1], values[side], values[side * side - 1]], [0, side, 1, side * side - 1]);
});

// ---- pickles ----------------------------------------------------------------------------------------

const times = (count: number, code: p.Code): p.Code => Array.from({ length: count }, () => code).flat();

test("nests of a hundred thousand", () => {
  refusedPickle(times(100_000, [0x28]), /nothing to take at byte \d+ of its pickle/);
  refusedPickle(p.join(p.none, times(100_000, [0x85])), /it holds a tuple, no state dict/);
  refusedPickle(p.join(times(100_000, [0x28]), times(100_000, [0x74])), /it holds a tuple, no state dict/);
  refusedPickle(p.join(times(100_000, [0x28]), times(100_000, [0x6c])), /it holds a list, no state dict/);
  const dicts = p.join(times(100_000, p.join([0x7d], p.text("model"))), p.none, times(100_000, [0x73]));
  refusedPickle(dicts, /nothing in it maps names to tensors/);
  const parts = p.join(times(100_000, p.join([0x7d], p.text("part"))), p.none, times(100_000, [0x73]));
  refusedPickle(parts, /nothing in it maps names to tensors/);
});

test("a billion laughs", () => {
  const doubled = (level: number): p.Code => p.join(get(level), get(level), [0x86], put(level + 1), [0x30]);
  const laughs = p.join(p.text("lol"), put(0), [0x30], ...Array.from({ length: 1000 }, (_, i) => doubled(i)));
  refusedPickle(p.join(laughs, get(1000)), /it holds a tuple, no state dict/);
  // As a shape, as what a list is made of, as an entry, as an id.
  refusedPickle(p.reduce(p.global("torch", "Size"), p.join(laughs, get(1000))), /no state dict/);
  const pairs = p.join(p.global("collections", "OrderedDict"), laughs, get(1000), [0x85, 0x52]);
  refusedPickle(pairs, /nothing in it maps names to tensors/);
  refusedPickle(p.join(laughs, get(1000), [0x51]), /it holds a whole model/);
  // Each list is made of the one before and that again, which copies.
  const list = p.global("builtins", "list");
  const copied = (level: number): p.Code =>
    p.join(list, get(level), [0x85, 0x52], put(level + 1), [0x28], times(50, get(level)), [0x65, 0x30]);
  const copies = p.join(
    [0x5d],
    put(0),
    [0x28],
    times(50_000, [0x4e]),
    [0x65, 0x30],
    ...Array.from({ length: 100 }, (_, i) => copied(i)),
  );
  refusedPickle(copies, /its pickle copies more than the file has bytes/);
});

test("dicts that hold the same dicts again and again", () => {
  const level = (i: number): p.Code => {
    const entries = ["model", "net", "a", "b"].flatMap((name) => [p.text(name), get(i)]);
    return p.join(p.dict(...entries), put(i + 1), [0x30]);
  };
  const object = p.join(p.dict(), put(0), [0x30], ...Array.from({ length: 60 }, (_, i) => level(i)), get(60));
  refusedPickle(object, /nothing in it maps names to tensors/);
});

test("a tree of wrappers around one large dict", () => {
  const names = [
    "state_dict",
    "model",
    "net",
    "network",
    "module",
    "weights",
    "params",
    "model_state",
    "ema",
  ];
  const large = p.dict(...Array.from({ length: 5_000 }, (_, i) => p.join(p.text(`k${i}`), p.none)));
  const tree = (depth: number): p.Code =>
    p.dict(
      ...(depth > 0 ? names.map((name) => p.join(p.text(name), tree(depth - 1))) : []),
      p.join(p.text("part"), get(0)),
    );
  refused(
    saveZip(p.pickle(2, p.join(large, put(0), [0x30], tree(4))), {}),
    /it nests dicts in dicts so often that the weights cannot be looked for/,
  );
});

test("parts whose names are put together to gigabytes", () => {
  const tensor = p.join(p.tensor(p.storage({ key: "0", count: 6 }), { shape: [1], strides: [1] }), put(0));
  const many = p.dict(
    p.text("t"),
    tensor,
    ...Array.from({ length: 20_000 }, (_, i) => p.join(p.text(`${i}`), get(0))),
  );
  const object = dictOf({ ["x".repeat(500_000)]: many });
  refused(saveZip(p.pickle(2, object), { 0: six }), /it nests dicts in dicts so often/);
});

test("containers in themselves", () => {
  // l = [rebuild, None, l]: arguments of the function that is to rebuild.
  const rebuild = p.global("torch._tensor", "_rebuild_from_type_v2");
  const itself = p.join([0x5d], put(0), [0x28], rebuild, p.none, get(0), [0x65, 0x30]);
  refusedPickle(
    p.join(itself, p.reduce(rebuild, rebuild, p.none, get(0))),
    /its pickle rebuilds a tensor by rebuilding a tensor/,
  );
  const nested = times(20_000, p.join([0x28], rebuild, p.none));
  const deep = p.join(rebuild, nested, p.emptyTuple, times(20_000, [0x74]), [0x52]);
  refusedPickle(deep, /its pickle rebuilds a tensor by rebuilding a tensor/);
  const list = p.join([0x5d], put(0), get(0), [0x61]);
  refusedPickle(list, /it holds a list, no state dict/);
  refusedPickle(p.join(list, [0x51]), /it holds a whole model/);
  refusedPickle(
    p.reduce(p.global("collections", "OrderedDict"), list),
    /nothing in it maps names to tensors/,
  );
  refusedPickle(
    p.join([0x7d], put(0), p.text("model"), get(0), [0x73]),
    /nothing in it maps names to tensors/,
  );
});

test("a name twice in a dict", () => {
  const one = onSix({ shape: [1], strides: [1] });
  const other = onSix({ shape: [2], strides: [1] });
  const twice = p.dict(p.text("fc.weight"), one, p.text("fc.weight"), other);
  refusedPickle(twice, /a second entry called `fc\.weight` at byte \d+ of its pickle/, { 0: six });
  const pairs = p.list(p.tuple(p.text("a"), one), p.tuple(p.text("a"), other));
  refusedPickle(
    p.reduce(p.global("collections", "OrderedDict"), pairs),
    /a dict of its pickle has two entries called `a`/,
    { 0: six },
  );
  const parts = dictOf({ a: dictOf({ "b.c": one }), "a.b": dictOf({ c: other }) });
  refusedPickle(parts, /it has two tensors called `a\.b\.c`/, { 0: six });
});

test("__proto__ is a name like any other, wherever it stands", () => {
  const one = onSix({ shape: [1], strides: [1], offset: 2 });
  const object = p.pickle(2, dictOf({ ["__proto__"]: one, constructor: one, toString: p.none }));
  for (const bytes of [saveZip(object, { 0: six }), saveLegacy(object, { 0: six })]) {
    const checkpoint = mustOpen(bytes);
    assert.equal([...checkpoint.tensors.keys()], ["__proto__", "constructor"]);
    assert.equal(valuesOf(checkpoint, "__proto__"), [3]);
  }
  refusedPickle(dictOf({ ["__proto__"]: p.dict(p.text("polluted"), p.yes) }), /nothing in it maps names/);
  assert.is(Object.hasOwn(Object.prototype, "polluted"), false);
  const json = `{"__proto__":{"shape":[1]},"w":{"dtype":"U8","data_offsets":[0,1]}}`;
  refused(safetensorsFile(json, Uint8Array.of(1)), /`__proto__` has no dtype/);
});

/** A million dict entries, each a tensor of one element, that differ in their names. */
function millionTensors(): Uint8Array {
  const entry = Uint8Array.from(p.join(p.text("t0000000"), onSix({ shape: [1], strides: [1] })));
  const head = Uint8Array.from([0x80, 2, 0x7d, 0x28]);
  const bytes = new Uint8Array(head.length + 1_000_000 * entry.length + 2);
  bytes.set(head);
  for (let i = 0; i < 1_000_000; i++) {
    const at = head.length + i * entry.length;
    bytes.set(entry, at);
    for (let digit = 0, rest = i; digit < 7; digit++, rest = Math.floor(rest / 10))
      bytes[at + 12 - digit] = 48 + (rest % 10);
  }
  bytes.set([0x75, 0x2e], bytes.length - 2);
  return bytes;
}

test("a million tiny tensors", () => {
  refused(saveLegacy(millionTensors(), {}), /too many lists at byte \d+ of its pickle/);

  const entries: string[] = [];
  for (let i = 0; i < 1_000_000; i++)
    entries.push(`"t${i}":{"dtype":"U8","shape":[1],"data_offsets":[${i},${i + 1}]}`);
  refused(
    safetensorsFile(`{${entries.join(",")}}`, new Uint8Array(1_000_000)),
    /its header has more than 500000 lists and objects/,
  );
  const weights = Array.from({ length: 1_000_000 }, (_, i) => `{"name":"t${i}","shape":[1],"dtype":"uint8"}`);
  const manifest = utf8(`[{"paths":["a.bin"],"weights":[${weights.join(",")}]}]`);
  refused(
    { "m.json": manifest, "a.bin": new Uint8Array(1_000_000) },
    /it has more than 500000 lists and objects/,
  );
});

/** A pickle of some code and then one piece of it many times. */
function repeated(head: p.Code, count: number, piece: p.Code): Uint8Array {
  const bytes = Buffer.alloc(2 + head.length + count * piece.length + 1, Uint8Array.from(piece));
  bytes.fill(Uint8Array.from(piece), 2 + head.length);
  bytes.set([0x80, 2, ...head]);
  bytes[bytes.length - 1] = 0x2e;
  return bytes;
}

test("instructions of a byte that make objects, calls that make more", () => {
  const callee = p.join(p.global("argparse", "Namespace"), put(0), p.emptyTuple, put(1));
  const calls = repeated(callee, 1_000_000, [...get(0), ...get(1), 0x52, 0x30]);
  refused(saveZip(calls, {}), /too many objects at byte/);
  refused(saveZip(repeated([], 5_000_000, [0x4e]), {}), /too many values at byte/);
  refused(saveZip(repeated([], 5_000_000, [0x28]), {}), /too many marks at byte/);
});

test("Caffe's layers by the million, and blobs that say more than they have", () => {
  const repeat = (chunk: Uint8Array, count: number) => join(Array.from({ length: count }, () => chunk));
  const values = bytes(5, new Uint8Array(4));
  const caffe = (layer: Chunks) =>
    join([...text(1, "net"), ...message(100, text(1, "a"), text(2, "Scale"), layer)]);
  const first = caffe(message(7, values));
  for (const layer of [message(100, []), message(100, message(7, values))])
    refused(join([first, repeat(join(layer), 1_000_000)]), /more than 100000 layers/);
  refused(caffe([repeat(join(message(7, [])), 100_001)]), /a layer of it has more than 100000 blobs/);
  const sides = (...all: number[]) => message(7, ...all.map((side) => int(1, side)));
  refused(caffe(message(7, sides(2 ** 31, 2 ** 20), values)), /2251799813685248 values, but has 1/);
  refused(caffe(message(7, sides(2 ** 53), values)), /no shape of whole numbers/);
  refused(
    caffe(message(7, message(7, bytes(1, new Uint8Array(1_000_000).fill(1))), values)),
    /has 65 sides, at most 64 are read/,
  );
  // Fields that a net may have in front of its layers, and nothing else.
  refused(repeat(join(int(5, 1)), 20_000_000), /none of safetensors/);
  // Old sides are 32 bits, and may be written as if they were none.
  refused(
    caffe(message(7, int(1, -1), int(2, 1), int(3, 1), int(4, 1), values)),
    /no shape of whole numbers/,
  );
  assert.is(
    opens({ "x.caffemodel": caffe(message(7, sides(100_000), [repeat(join(float(5, 1)), 100_000)])) }),
    1,
  );
});

test("names of megabytes and names that steer a terminal are not shown whole", () => {
  const shown = (bytes: Uint8Array): string => {
    const { message, fault } = judged({ "x.pth": bytes });
    assert.is(fault, undefined);
    return message ?? "";
  };
  const name = "n".repeat(5_000_000);
  const header = JSON.stringify({ [name]: { dtype: "F32", shape: [1], data_offsets: [0, 8] } });
  assert.match(shown(safetensorsFile(header, new Uint8Array(4))), /: `n{60}…` ends at byte 8/);
  const steering = JSON.stringify({ "\u001b[2J": 1 });
  assert.match(shown(safetensorsFile(steering, new Uint8Array(4))), /: `\ufffd\[2J` has no description/);
  const key = p.pickle(
    2,
    dictOf({ a: p.tensor(p.storage({ key: name, count: 1 }), { shape: [1], strides: [1] }) }),
  );
  assert.match(shown(saveZip(key, {})), /the data of storage n{79}… is not in the archive/);
  assert.match(
    shown(p.zipFile([{ name: `${"d".repeat(60_000)}/data.pkl`, data: [1], method: 8 }])),
    /`d{60}…` in it is/,
  );
});

// ---- JSON -------------------------------------------------------------------------------------------

const u8 = `"dtype":"U8","shape":[1],"data_offsets":[0,1]`;

test("a name twice in JSON, also behind an escape and inside an entry", () => {
  const data = Uint8Array.of(1);
  const header = (json: string, expected: RegExp) => refused(safetensorsFile(json, data), expected);
  header(`{"a":{${u8}},"a":{${u8}}}`, /its header has two entries called `a`/);
  header(`{"a":{${u8}}, "\\u0061" : {${u8}}}`, /its header has two entries called `a`/);
  header(`{"a":{${u8},"shape":[1]}}`, /its header has two entries called `shape`/);
  header(`{"__metadata__":{"x":"1","x":"2"},"a":{${u8}}}`, /its header has two entries called `x`/);
  const entry = `{"name":"a","shape":[1],"dtype":"uint8","shape":[2]}`;
  refused(
    { "m.json": utf8(`[{"paths":["a.bin"],"weights":[${entry}]}]`), "a.bin": data },
    /it has two entries called `shape`/,
  );
  // Names in different objects, values that look like names, brackets in texts.
  const fine = `{"a":{${u8}},"b":{"dtype":"U8","shape":[0],"data_offsets":[1,1]},"__metadata__":{"a":"a","[{\\"":"}:"}}`;
  assert.is(opens({ "m.safetensors": safetensorsFile(fine, data) }), 2);
});

test("numbers that are no sizes", () => {
  const data = new Uint8Array(4);
  const shape = (text: string) =>
    safetensorsFile(`{"a":{"dtype":"U8","shape":${text},"data_offsets":[0,4]}}`, data);
  for (const text of [
    "[-4]",
    "[4.5]",
    "[1e999]",
    "[9007199254740992]",
    "[null]",
    '["4"]',
    "4",
    "[[4]]",
    '{"0":4}',
  ])
    refused(shape(text), /`a` has no shape of whole numbers/);
  for (const text of ["[NaN]", "[Infinity]", "[-Infinity]", "[04]", "[0x4]", "[4,]"])
    refused(shape(text), /its header is no JSON/);
  refused(
    shape("[4294967296,4294967296]"),
    /`a` is \[4294967296, 4294967296\], more elements than can be counted/,
  );
  refused(shape("[4294967296,4294967296,0]"), /more elements than can be counted/);
  refused(shape(`[${Array(100).fill("9007199254740991")},0]`), /`a` has 101 sides, at most 64 are read/);
  const offsets = (text: string) =>
    safetensorsFile(`{"a":{"dtype":"U8","shape":[4],"data_offsets":${text}}}`, data);
  for (const text of ["[-4,0]", "[0,4,4]", "[0]", "[0.5,4.5]", "[0,1e999]", "null"])
    refused(offsets(text), /`a` has no data_offsets/);
  refused(offsets("[9007199254740991,4]"), /`a` is U8 \[4\], which is 4 bytes, but has -9007199254740987/);

  const manifest = (entry: string) => ({
    "m.json": utf8(`[{"paths":["a.bin"],"weights":[${entry}]}]`),
    "a.bin": data,
  });
  const weight = (text: string) => manifest(`{"name":"a","shape":${text},"dtype":"uint8"}`);
  refused(weight("[-4]"), /`a` has no shape of whole numbers/);
  refused(weight("[4.5]"), /`a` has no shape of whole numbers/);
  refused(weight("[1e15,1e15]"), /more elements than can be counted/);
  refused(weight("[1e15]"), /`a` ends at byte 1000000000000000, its files have 4/);
  const packed = `{"name":"a","shape":[4],"dtype":"float32","quantization":{"dtype":"uint8","scale":1e999,"min":0}}`;
  refused(manifest(packed), /`a` has a quantization without numbers/);
});

test("JSON nested a hundred thousand deep, and headers of a hundred megabytes", () => {
  for (const [open, close] of [
    ["[", "]"],
    ['{"a":', "}"],
  ] as const) {
    const nest = `${open.repeat(100_000)}0${close.repeat(100_000)}`;
    refused(safetensorsFile(`{"a":${nest}}`, new Uint8Array()), /its header is nested deeper than 500/);
    refused({ "m.json": utf8(`[${nest}]`) }, /it is nested deeper than 500/);
  }
  const most = 100_000_000;
  const spaces = new Uint8Array(8 + most + 1).fill(0x20);
  new DataView(spaces.buffer).setBigUint64(0, BigInt(most), true);
  spaces[8] = 0x7b;
  refused(spaces, /its header is no JSON/);
  spaces.set(utf8(`{"a":{${u8}}}`), 8);
  assert.is(opens({ "spaces.safetensors": spaces }), 1);
  // In the middle, where they are not padding.
  spaces[8 + most - 1] = 0x7d;
  spaces[8 + `{"a":{${u8}}}`.length - 1] = 0x20;
  assert.is(opens({ "spaces.safetensors": spaces }), 1);
  new DataView(spaces.buffer).setBigUint64(0, BigInt(most + 1), true);
  refused(spaces, /its header claims 100000001 bytes, the format allows 100000000/);
});

test("manifests that name one file a thousand times, or by what is no text", () => {
  const weights = [{ name: "a", shape: [1], dtype: "uint8" }];
  const groups = Array.from({ length: 1000 }, (_, i) => ({
    paths: [`${"./".repeat(i)}a.bin`],
    weights: [{ ...weights[0], name: `a${i}` }],
  }));
  refused(
    { "m.json": utf8(JSON.stringify(groups)), "a.bin": Uint8Array.of(1) },
    /its manifest names a file twice: \.\/a\.bin/,
  );
  assert.equal(
    valuesOf(
      openBytes({ "m.json": utf8(JSON.stringify([groups[3]])), "a.bin": Uint8Array.of(7) }).checkpoint!,
      "a3",
    ),
    [7],
  );
  const deep = `${"[".repeat(300)}${"]".repeat(300)}`;
  for (const path of ['{"toString":0,"valueOf":0}', deep, "1e999", "null", '{"length":3}']) {
    const manifest = utf8(`[{"paths":[${path}],"weights":${JSON.stringify(weights)}}]`);
    refused({ "m.json": manifest }, /its manifest names a file by something that is no text/);
    refused(
      { "m.json": utf8(`{"weight_map":{"a":${path}}}`) },
      /its index names a file by something that is no text/,
    );
  }
});

test.run();
