/** Files of Keras: written by Keras 3 itself, written here as its versions do, damaged, and without their reader. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { zipSync } from "fflate";
import type * as h5wasm from "h5wasm";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { hdf5Loader } from "../src/node/hdf5.ts";
import { writeNpy } from "../src/run/npy.ts";
import type { Checkpoint } from "../src/weights/checkpoint.ts";
import { readZip } from "../src/weights/zip.ts";
import { valuesOf } from "./support/checkpoints.ts";
import { folder, oneLine, resnetc, tinyFile, write } from "./support/cli.ts";
import {
  counted,
  groupAt,
  openKeras,
  openWith,
  refusalOf,
  writeHdf5,
  writeLayer,
  writeLegacy,
} from "./support/keras-files.ts";

const fixture = (name: string): Uint8Array =>
  readFileSync(new URL(`fixtures/checkpoints/${name}`, import.meta.url));

async function mustOpen(bytes: Uint8Array): Promise<Checkpoint> {
  const { checkpoint, diagnostics } = await openKeras(bytes);
  assert.equal(
    diagnostics.map(({ message }) => message),
    [],
  );
  assert.is(checkpoint!.format, "keras");
  assert.is(checkpoint!.layout, "tensorflow");
  return checkpoint!;
}

const namesOf = ({ tensors }: Checkpoint): string[] => [...tensors.keys()];

// ---- by Keras ---------------------------------------------------------------------------------------

/** The weights of small.h5 and small.keras in the order in which Keras lists them; see make-keras.py. */
const small: readonly (readonly [name: string, ...shape: number[]])[] = [
  ["stem/kernel", 3, 3, 3, 2],
  ["stem_bn/gamma", 2],
  ["stem_bn/beta", 2],
  ["stem_bn/moving_mean", 2],
  ["stem_bn/moving_variance", 2],
  ["backbone/project/kernel", 1, 1, 2, 2],
  ["backbone/project/bias", 2],
  ["backbone/inner_bn/beta", 2],
  ["backbone/inner_bn/moving_mean", 2],
  ["backbone/inner_bn/moving_variance", 2],
  ["deep/kernel", 3, 3, 2, 1],
  ["deep/bias", 2],
  ["head/hidden/kernel", 2, 3],
  ["head/hidden/bias", 3],
  ["head/last/kernel", 3, 2],
  ["head/last/bias", 2],
];

function assertSmall(checkpoint: Checkpoint, rename: (name: string) => string = (name) => name): void {
  for (const [k, [name, ...shape]] of small.entries()) {
    const tensor = checkpoint.tensors.get(rename(name));
    assert.ok(tensor, `${rename(name)} is among ${namesOf(checkpoint)}`);
    assert.equal(tensor!.shape, shape);
    const length = shape.reduce((product, side) => product * side, 1);
    assert.equal(
      [...tensor!.read()],
      Array.from({ length }, (_, i) => k + i / 64),
    );
  }
  assert.is(checkpoint.tensors.size, small.length);
}

/** The .weights.h5 in small.keras, and without the names that older versions did not write. */
const inside = readZip(fixture("small.keras")).get("model.weights.h5")!.unpack();
const nameless = writeHdf5((file) => forgetNames(file), inside);
const config = readZip(fixture("small.keras")).get("config.json")!.unpack();

function forgetNames(group: h5wasm.Group): void {
  for (const name of group.keys()) {
    const child = group.get(name) as h5wasm.Group;
    if (child.type !== "Group") continue;
    if (name === "vars" && "name" in child.attrs) child.delete_attribute("name");
    forgetNames(child);
  }
}

const archive = (weights: Uint8Array, level: 0 | 6 = 0): Uint8Array =>
  zipSync(
    { "metadata.json": new Uint8Array(), "config.json": config, "model.weights.h5": weights },
    { level },
  );

test("Keras' own .h5: names by attributes, models within models behind their names", async () => {
  const checkpoint = await mustOpen(fixture("small.h5"));
  assertSmall(checkpoint);
  assert.equal(
    namesOf(checkpoint),
    small.map(([name]) => name),
  );
});

test("Keras' own .keras: the same, in the order of the config, without the optimiser", async () => {
  const checkpoint = await mustOpen(fixture("small.keras"));
  assertSmall(checkpoint);
  assert.equal(
    namesOf(checkpoint),
    small.map(([name]) => name),
  );
  assert.equal(checkpoint.notes, ["beside the weights: the state of an optimiser, which was left out"]);
});

test("Keras' own .keras without names in its groups takes them from the config, packed or not", async () => {
  for (const level of [0, 6] as const) {
    const checkpoint = await mustOpen(archive(nameless, level));
    assertSmall(checkpoint);
    assert.is(checkpoint.notes.length, 1);
  }
});

// Without a config nothing says which of gamma and beta a layer with three variables lacks.
const unknown = (name: string): string =>
  ["beta", "moving_mean", "moving_variance"].reduce(
    (text, part, i) => text.replace(`inner_bn/${part}`, `inner_bn/vars/${i}`),
    name,
  );

test("Keras' own .weights.h5 has names in its groups", async () => {
  assertSmall(await mustOpen(inside), unknown);
});

test("a .weights.h5 without names counts the layers of a class, and says so", async () => {
  const checkpoint = await mustOpen(nameless);
  const places: readonly (readonly [string, string])[] = [
    ["stem/", "conv2d/"],
    ["stem_bn/", "batch_normalization/"],
    ["backbone/project/", "functional/conv2d/"],
    ["backbone/inner_bn/", "functional/batch_normalization/"],
    ["deep/", "depthwise_conv2d/"],
    ["head/hidden/", "sequential/dense/"],
    ["head/last/", "sequential/dense_1/"],
  ];
  assertSmall(checkpoint, (name) =>
    places.reduce((text, [from, to]) => text.replace(from, to), unknown(name)),
  );
  assert.match(
    checkpoint.notes[0],
    /^names: this \.weights\.h5 has none, `dense_1` is number 2 of its class/,
  );
});

// ---- written here -----------------------------------------------------------------------------------

test("legacy .h5: a whole model, `:0`, and a layer's name once, twice or numbered", async () => {
  const layers = {
    input_1: [],
    conv1_conv: [counted("conv1_conv/kernel:0", [3, 3, 1, 2]), counted("conv1_conv/bias:0", [2], 50)],
    conv1_bn: [counted("conv1_bn/conv1_bn/gamma:0", [2], 60)],
    dense_3: [counted("dense_3_1/kernel:0", [2, 2], 70), counted("bias", [2], 80)],
    resnet: [counted("inner_conv/kernel:0", [1, 1, 2, 2], 90)],
  };
  const whole = writeHdf5((file) => {
    writeLegacy(file.create_group("model_weights"), layers);
    file.create_group("optimizer_weights");
    file.create_attribute("keras_version", "2.4.0");
  });
  const alone = writeHdf5((file) => writeLegacy(file, layers));
  const names = ["conv1_conv/kernel", "conv1_conv/bias", "conv1_bn/gamma"];
  const rest = ["dense_3/kernel", "dense_3/bias", "resnet/inner_conv/kernel"];
  for (const bytes of [whole, alone]) {
    const checkpoint = await mustOpen(bytes);
    assert.equal(namesOf(checkpoint), [...names, ...rest]);
    assert.equal(valuesOf(checkpoint, "conv1_conv/kernel"), [...layers.conv1_conv[0].data]);
    assert.equal(valuesOf(checkpoint, "dense_3/bias"), [80, 80.125]);
    assert.is(checkpoint.notes.length, bytes === whole ? 1 : 0);
  }
});

test("legacy .h5: attributes that were cut in pieces, and texts of fixed length", async () => {
  const layers = Object.fromEntries(
    ["c", "a", "b"].map((layer, i) => [layer, [counted(`${layer}/kernel:0`, [2, 2], 10 * i)]]),
  );
  const bytes = writeHdf5((file) =>
    writeLegacy(file, layers, (group, name, values) => {
      if (name === "weight_names") return group.create_attribute(name, [...values], null, "S24");
      group.create_attribute(`${name}0`, values.slice(0, 2), null, "S8");
      group.create_attribute(`${name}1`, values.slice(2), null, "S8");
    }),
  );
  const checkpoint = await mustOpen(bytes);
  assert.equal(namesOf(checkpoint), ["c/kernel", "a/kernel", "b/kernel"]);
  assert.equal(valuesOf(checkpoint, "b/kernel"), [20, 20.125, 20.25, 20.375]);
});

test("types, chunks, compression, and numbers with the highest byte first", async () => {
  const doubles = Float64Array.from({ length: 35 }, (_, i) => Math.sqrt(i) - 3);
  const bytes = writeHdf5((file) => {
    const vars = groupAt(file, "layers/thing/vars");
    vars.create_dataset({ name: "0", data: doubles, shape: [5, 7] });
    vars.create_dataset({
      name: "1",
      data: doubles,
      shape: [5, 7],
      chunks: [2, 3],
      compression: "gzip",
      compression_opts: 6,
    });
    vars.create_dataset({ name: "2", data: doubles, shape: [5, 7], chunks: [5, 2] });
    vars.create_dataset({ name: "3", data: BigInt64Array.of(3n, -4n) });
    vars.create_dataset({ name: "4", data: Uint8Array.of(7, 255), shape: [2, 1] });
    vars.create_dataset({ name: "5", data: Float32Array.of(9), shape: [] });
  });
  const checkpoint = await mustOpen(bytes);
  const types = ["f64", "f64", "f64", "i64", "u8", "f32"];
  assert.equal(
    [...checkpoint.tensors.values()].map(({ dtype }) => dtype),
    types,
  );
  for (const i of [0, 1, 2]) assert.equal(valuesOf(checkpoint, `thing/vars/${i}`), [...doubles]);
  assert.equal(valuesOf(checkpoint, "thing/vars/3"), [3, -4]);
  assert.equal(valuesOf(checkpoint, "thing/vars/4"), [7, 255]);
  assert.equal(checkpoint.tensors.get("thing/vars/5")!.shape, []);
  // These the library does not write; h5py did, bfloat16 as opaque bytes as Keras does.
  const half = await mustOpen(fixture("halves.weights.h5"));
  assert.equal(valuesOf(half, "conv2d/kernel"), [1, -2.5, 65504, 2 ** -24]);
  assert.is(half.tensors.get("conv2d/kernel")!.dtype, "f16");
  assert.equal(valuesOf(half, "conv2d/bias"), [1, -2.5]);
  assert.is(half.tensors.get("conv2d/bias")!.dtype, "bf16");
  assert.equal(valuesOf(half, "dense/kernel"), [1, -2.5]);
});

test("counters are numbers: conv2d_2 stands before conv2d_10, which is number 11", async () => {
  const bytes = writeHdf5((file) => {
    for (const i of [10, 2, 0, 1])
      writeLayer(file, `layers/${i ? `conv2d_${i}` : "conv2d"}`, [counted("", [1, 1, 1, 1], i)]);
  });
  const checkpoint = await mustOpen(bytes);
  assert.equal(
    namesOf(checkpoint).flatMap((name) => valuesOf(checkpoint, name)),
    [0, 1, 2, 10],
  );
  assert.match(checkpoint.notes[0], /`conv2d_10` is number 11 of its class/);
});

test("the state of random numbers is no weight", async () => {
  const bytes = writeHdf5((file) => {
    writeLayer(file, "layers/dense", [counted("", [2, 2])]);
    const state = groupAt(file, "layers/dropout/seed_generator/vars");
    state.create_dataset({ name: "0", data: Uint32Array.of(1, 2) });
  });
  assert.equal(namesOf(await mustOpen(bytes)), ["dense/kernel"]);
});

// ---- damaged ----------------------------------------------------------------------------------------

test("cut files are refused at every length, and the header says how much is missing", async () => {
  const bytes = fixture("small.h5");
  for (let length = 0; length < bytes.length; length += length < 120 ? 1 : 509) {
    const { checkpoint, diagnostics } = await openKeras(bytes.subarray(0, length));
    assert.not(checkpoint, `${length} bytes`);
    assert.is(diagnostics.length, 1);
  }
  assert.match(
    await refusalOf(bytes.subarray(0, 30_000)),
    /its header claims 40784 bytes, the whole file has 30000: it was cut short/,
  );
  const packed = archive(inside.subarray(0, 20_000));
  assert.match(await refusalOf(packed), /its header claims \d+ bytes, the whole file has 20000/);
});

test("files with bytes changed give a result or one diagnostic, and the next file is read as ever", async () => {
  const whole = fixture("small.h5");
  const places = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
  // One file in some hundreds has the library run for ever.
  const load = hdf5Loader({ patience: 2000 });
  const property = fc.asyncProperty(places, async (changes) => {
    const damaged = Uint8Array.from(whole);
    for (const [at, value] of changes) damaged[at] = value;
    const { checkpoint, diagnostics } = await openKeras(damaged, "model.h5", load);
    if (!checkpoint) assert.is(diagnostics.length, 1);
    for (const tensor of checkpoint?.tensors.values() ?? []) tensor.read();
  });
  await fc.assert(property, { numRuns: 400 });
  assertSmall((await openKeras(whole, "model.h5", load)).checkpoint!);
});

test("what the attributes say and is not so is refused", async () => {
  const legacy = (change: (file: h5wasm.File) => void) =>
    writeHdf5((file) => {
      writeLegacy(file, { conv: [counted("conv/kernel:0", [1, 1, 1, 1])] });
      change(file);
    });
  const replaced = (path: string, name: string, value: h5wasm.GuessableDataTypes) =>
    legacy((file) => {
      const group = path === "" ? file : (file.get(path) as h5wasm.Group);
      group.delete_attribute(name);
      group.create_attribute(name, value);
    });
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [replaced("", "layer_names", ["conv", "gone"]), /its layer `gone` is not in it/],
    [replaced("", "layer_names", Int32Array.of(1, 2)), /its attribute layer_names of \/ is no text/],
    [replaced("", "layer_names", ["conv", "conv"]), /it has two tensors called `conv\/kernel`/],
    [
      replaced("conv", "weight_names", ["conv/kernel:1"]),
      /`conv\/kernel:1` of its layer `conv` is not in it/,
    ],
    [replaced("conv", "weight_names", ["conv"]), /`conv` of its layer `conv` is not in it/],
    [
      replaced("conv", "weight_names", [".", "../conv/conv/kernel:0"]),
      /`\.` of its layer `conv` is not in it/,
    ],
    [
      legacy((file) => void (file.get("conv") as h5wasm.Group).delete_attribute("weight_names")),
      /has no weight_names/,
    ],
    [writeHdf5((file) => void file.create_group("data")), /Keras did not write it/],
    [writeHdf5((file) => void groupAt(file, "layers/conv2d/vars")), /it holds no weights/],
    [
      writeHdf5(
        (file) => void groupAt(file, "layers/dense/vars").create_dataset({ name: "0", data: "text" }),
      ),
      /made of something else than numbers/,
    ],
    [
      writeHdf5((file) => void groupAt(file, "layers/dense/vars/0")),
      /`0` among the variables of `dense` is no dataset/,
    ],
    [archive(Uint8Array.of(1)), /it is a Keras archive, but its model\.weights\.h5 is no HDF5 file/],
    [zipSync({ "config.json": config, "model.weights.npz": Uint8Array.of(1) }), /with its weights as \.npz/],
  ];
  for (const [bytes, message] of cases) assert.match(await refusalOf(bytes), message);
});

test("no more memory is asked for than the file can have", async () => {
  const claims = (shape: number[], options: object) =>
    writeHdf5((file) => {
      const args = { name: "0", data: Float32Array.of(1), shape: [1], maxshape: [null], ...options };
      (groupAt(file, "layers/dense/vars").create_dataset(args) as h5wasm.Dataset).resize(shape);
    });
  console.log(
    await refusalOf(claims([2 ** 40], { chunks: [1024], compression: "gzip", compression_opts: 1 })),
  );
  assert.match(
    await refusalOf(claims([2 ** 40], { chunks: [1024], compression: "gzip", compression_opts: 1 })),
    /`dense\/kernel` is f32 \[1099511627776\], which is 4398046511104 bytes: with what is before it more than a file of \d+ can hold/,
  );
  assert.match(
    await refusalOf(claims([100_000], { chunks: [1024] })),
    /is f32 \[100000\], which is 400000 bytes, the whole file has \d+/,
  );
  const many = writeHdf5((file) => {
    const vars = groupAt(file, "layers/dense/vars");
    const args = { name: "0", data: Float32Array.of(1), shape: [1], maxshape: [null], chunks: [4096] };
    vars.create_dataset({ ...args, compression: "gzip", compression_opts: 1 }).resize([2 ** 22]);
    for (let i = 1; i < 8; i++) file.create_hard_link("/layers/dense/vars/0", `/layers/dense/vars/${i}`);
  });
  assert.match(await refusalOf(many), /with what is before it more than a file of/);
});

test("groups that contain themselves end, and no file can lead to another", async () => {
  const ring = writeHdf5((file) => {
    writeLayer(file, "layers/dense", [counted("", [1, 1])]);
    for (const name of ["a", "b"]) file.create_hard_link("/layers", `/layers/dense/${name}`);
  });
  assert.match(await refusalOf(ring), /its groups are nested 25 deep|it has more than 20000 groups/);
  const outside = writeHdf5((file) => {
    const vars = groupAt(file, "layers/dense/vars");
    file.create_external_link("/etc/hosts", "/x", "/layers/dense/vars/0");
    file.create_soft_link("/nowhere", "/layers/dense/vars/1");
    assert.is(vars.keys().length, 2);
  });
  assert.match(await refusalOf(outside), /`0` among the variables of `dense` is no dataset/);
});

// ---- the reader -------------------------------------------------------------------------------------

test("without the package the diagnostic says how to install it", async () => {
  const missing = hdf5Loader({ package: "h5wasm-that-nobody-installed" });
  for (const name of ["small.h5", "small.keras"]) {
    const { checkpoint, diagnostics } = await openKeras(fixture(name), name, missing);
    assert.not(checkpoint);
    assert.match(diagnostics[0].message, /package h5wasm reads: `npm install h5wasm` installs it/);
  }
  // And where nobody handed in a reader at all.
  assert.match(told(openWith(fixture("small.h5"), undefined)), /`npm install h5wasm` installs it/);
});

test("a package that does not start says why", async () => {
  const broken = hdf5Loader({ package: "data:text/javascript,throw new Error('no memory for wasm')" });
  const { diagnostics } = await openKeras(fixture("small.h5"), "small.h5", broken);
  assert.match(diagnostics[0].message, /the package h5wasm does not start: no memory for wasm/);
});

/** The package, but one of its functions does this the first time that a process has it. */
function spoiled(name: string, what: string): string {
  const once = path.join(folder, `${name}-once`);
  const text = `import * as real from ${JSON.stringify(import.meta.resolve("h5wasm"))};
    import { existsSync, writeFileSync } from "node:fs";
    const first = !existsSync(${JSON.stringify(once)});
    writeFileSync(${JSON.stringify(once)}, "");
    const spoilt = { get_names: { value() { ${what} } } };
    export const ready = real.ready.then((library) => Object.create(library, first ? spoilt : {}));`;
  return pathToFileURL(write(`${name}.mjs`, text)).href;
}

test("after a crash of the library the next file gets a new instance of it", async () => {
  const load = hdf5Loader({
    package: spoiled("crash", 'throw new WebAssembly.RuntimeError("memory access out of bounds");'),
  });
  const first = await load();
  assert.match(
    told(openWith(fixture("small.h5"), first)),
    /HDF5's library crashes on it: memory access out of/,
  );
  assert.match(told(openWith(fixture("small.h5"), first)), /HDF5's library was given up on it/);
  assertSmall(openWith(fixture("small.h5"), await load()).checkpoint!);
});

test("a library that does not come to an end is given up, and the next file is read", async () => {
  const load = hdf5Loader({ package: spoiled("endless", "for (;;);"), patience: 300 });
  assert.match(
    told(openWith(fixture("small.h5"), await load())),
    /did not come to an end on it in 0\.3 seconds/,
  );
  assertSmall(openWith(fixture("small.h5"), await load()).checkpoint!);
});

test("a late notice of the answer before is not taken for that of the next", async () => {
  const late = `export { ready } from ${JSON.stringify(import.meta.resolve("h5wasm"))};
    const { notify } = Atomics;
    Atomics.notify = (...place) => {
      const woken = notify(...place);
      for (const end = performance.now() + 2; performance.now() < end; );
      notify(...place);
      return woken;
    };`;
  const load = hdf5Loader({ package: pathToFileURL(write("late.mjs", late)).href });
  assertSmall(openWith(fixture("small.h5"), await load()).checkpoint!);
});

const told = ({ diagnostics }: { diagnostics: readonly { message: string }[] }): string =>
  diagnostics.map(({ message }) => message).join("\n");

test("the library gets no memory that a file of this size cannot need", async () => {
  const load = hdf5Loader({
    package: spoiled(
      "large",
      'if (this._malloc(2 ** 30) !== 0) return ["layers"]; throw new Error("no room");',
    ),
  });
  assert.match(told(openWith(fixture("small.h5"), await load())), /`\/` in it cannot be read/);
  // The same thread serves on.
  assert.is(told(openWith(fixture("zip.pt"), await load())), "");
});

// ---- the command line -------------------------------------------------------------------------------

const tinyWeights = writeHdf5((file) => {
  const norm = (channels: number) => [1, 2, 3, 4].map((start) => counted("", [channels], start));
  const conv = (...shape: number[]) => [counted("", shape)];
  const convs = [
    conv(3, 3, 3, 4),
    conv(3, 3, 4, 4),
    conv(3, 3, 4, 4),
    conv(3, 3, 4, 8),
    conv(1, 1, 4, 8),
    conv(3, 3, 8, 8),
  ];
  for (const [i, weights] of convs.entries()) writeLayer(file, `layers/conv2d${i ? `_${i}` : ""}`, weights);
  for (const [i, channels] of [4, 4, 4, 8, 8, 8].entries())
    writeLayer(file, `layers/batch_normalization${i ? `_${i}` : ""}`, norm(channels));
  writeLayer(file, "layers/dense", [counted("", [8, 10]), counted("", [10])]);
});

test("build, run and weights take files of Keras", () => {
  const file = write("tiny.weights.h5", tinyWeights);
  const listed = resnetc(["weights", file]);
  assert.is(listed.code, 0, listed.err);
  assert.match(listed.out, /tiny\.weights\.h5: keras/);
  assert.match(listed.out, /conv2d_4\/kernel +1x1x4x8 +f32/);
  const fits = resnetc(["weights", file, tinyFile]);
  assert.is(fits.code, 0, fits.err);
  assert.match(fits.out, /names: by the order of layers in each class, the second side of a sum first/);
  const out = `${folder}/keras-built`;
  const built = resnetc(["build", tinyFile, "--weights", file, "-o", out]);
  assert.is(built.code, 0, built.err);
  assert.match(built.out, /weights: tiny\.weights\.h5/);
  const picture = { shape: [1, 8, 8, 3], data: new Float32Array(192).fill(0.5) };
  const raw = write("picture.npy", writeNpy(picture));
  const ran = resnetc(["run", tinyFile, "--weights", file, "--raw", raw, "--out", `${folder}/scores.npy`]);
  assert.is(ran.code, 0, ran.err);
  assert.match(ran.out, /scores\.npy/);
});

test("the binary without the package", () => {
  const hide = `export async function resolve(name, context, next) {
    if (name === "h5wasm") throw Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
    return next(name, context);
  }`;
  const hook = `import { register } from "node:module";
    register("data:text/javascript,${encodeURIComponent(hide)}");`;
  const node = ["--import", `data:text/javascript,${encodeURIComponent(hook)}`];
  const file = write("small.keras", fixture("small.keras"));
  for (const args of [
    ["weights", file],
    ["build", tinyFile, "--weights", file],
  ]) {
    const { code, err } = resnetc(args, { node });
    assert.is(code, 1);
    assert.match(oneLine(err), /which the package h5wasm reads: `npm install h5wasm` installs it/);
  }
  // Nothing else asks for it.
  assert.is(resnetc(["weights", write("zip.pt", fixture("zip.pt"))], { node }).code, 0);
});

test("a damaged file is one diagnostic, with the library's reason, and the library prints nothing of its own", () => {
  const bytes = Uint8Array.from(fixture("small.h5"));
  // The tree of the root group.
  bytes.fill(0xff, 96, 800);
  const { code, err } = resnetc(["weights", write("damaged.h5", bytes)]);
  assert.is(code, 1);
  assert.match(err, /bad-checkpoint/);
  // The innermost of its reasons.
  assert.match(err, /cannot be read:\s+bad object header version number/);
  assert.not.match(err, /HDF5-DIAG/);
});

test.run();
