/**
 * Weights of ONNX models: files that the onnx package wrote, files of the benchmark's writer, protobufs by hand for
 * what neither writes, and damage.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { hwioToOihw, onnxModel } from "../bench/onnx.ts";
import { bytes, type Chunks, float, int, join, message, text } from "../bench/protobuf.ts";
import { makeSource } from "../src/base/source.ts";
import { analyse } from "../src/compile.ts";
import { isOp } from "../src/ir/graph.ts";
import { paramValue } from "../src/ir/interpret.ts";
import { ops } from "../src/ir/ops/index.ts";
import { runPasses, standardPasses } from "../src/passes/pipeline.ts";
import { bindWeights } from "../src/weights/bind.ts";
import type { Checkpoint } from "../src/weights/checkpoint.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { Message } from "../src/weights/protobuf.ts";
import { Unreadable } from "../src/weights/unreadable.ts";
import { mustOpen, openBytes, refusal, valuesOf } from "./support/checkpoints.ts";

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`fixtures/checkpoints/${name}`, import.meta.url))));

// ---- protobufs by hand --------------------------------------------------------------------------------

/** A varint as a packed field has it. */
const packed = (...values: number[]): Uint8Array => join(values.flatMap((value) => int(0, value).slice(1)));
const float32 = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const float64 = (...values: number[]): Uint8Array => new Uint8Array(Float64Array.from(values).buffer);

const FLOAT = 1;
const INT64 = 7;

/** A TensorProto without values. */
const head = (name: string, shape: readonly number[], type = FLOAT): Chunks => [
  ...shape.flatMap((side) => int(1, side)),
  ...int(2, type),
  ...text(8, name),
];
const tensor = (name: string, shape: readonly number[], values: Uint8Array, type = FLOAT): Chunks => [
  ...head(name, shape, type),
  ...bytes(9, values),
];
const external = (
  name: string,
  shape: readonly number[],
  entries: Readonly<Record<string, string>>,
): Chunks => [
  ...head(name, shape),
  ...Object.entries(entries).flatMap(([key, value]) => message(13, text(1, key), text(2, value))),
  ...int(14, 1),
];

const initializer = (body: Chunks): Chunks => message(5, body);
const counted = (name: string, ...shape: number[]): Chunks => {
  const count = shape.reduce((product, side) => product * side, 1);
  return initializer(tensor(name, shape, float32(...Array.from({ length: count }, (_, i) => i))));
};

interface NodeParts {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output?: string;
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Chunks;
}

const node = ({ op, inputs, output = "y", name = "", domain = "", attributes = [] }: NodeParts): Chunks =>
  message(
    1,
    ...inputs.map((input) => text(1, input)),
    text(2, output),
    text(3, name),
    text(4, op),
    text(7, domain),
    attributes,
  );
const intAttribute = (name: string, value: number): Chunks =>
  message(5, text(1, name), int(3, value), int(20, 2));
const intsAttribute = (name: string, ...values: number[]): Chunks =>
  message(5, text(1, name), ...values.map((value) => int(8, value)), int(20, 7));
const floatAttribute = (name: string, value: number): Chunks =>
  message(5, text(1, name), float(2, value), int(20, 1));

const modelOf = (...graph: Chunks[]): Uint8Array =>
  join([
    ...int(1, 8),
    ...text(2, "by hand"),
    ...message(7, ...graph),
    ...message(8, text(1, ""), int(2, 17)),
  ]);

const only = (body: Chunks): Uint8Array => modelOf(initializer(body));
const valuesIn = (body: Chunks): number[] => valuesOf(mustOpen(only(body)), "weight");

const listed = (checkpoint: Checkpoint): string[] =>
  [...checkpoint.tensors.values()].map(({ name, shape }) => `${name} [${shape.join(", ")}]`);

// ---- every way to store values ------------------------------------------------------------------------

const stored: Readonly<
  Record<string, readonly [type: string, shape: readonly number[], values: readonly number[]]>
> = {
  float: ["f32", [2, 3], [1.5, -2.25, 1e-40, Infinity, 0.1, -0].map(Math.fround)],
  double: ["f64", [2], [1 / 3, -2.5]],
  half: ["f16", [5], [1, 2 ** -24, 65504, -Infinity, 0.0999755859375]],
  // 1e-40 and -3e38, rounded to eight bits by ml_dtypes.
  brain: ["bf16", [4], [1, 3.140625, 9.183549615799121e-41, -3.00405527047391e38]],
  bools: ["bool", [1, 3], [1, 0, 1]],
  int8: ["i8", [1, 2], [-128, 127]],
  int16: ["i16", [1, 2], [-32768, 5]],
  int32: ["i32", [1, 2], [-(2 ** 31), 5]],
  int64: ["i64", [1, 3], [-1, 2 ** 40, -(2 ** 63)]],
  uint8: ["u8", [1, 2], [0, 255]],
  uint16: ["u16", [1, 2], [0, 65535]],
  uint32: ["u32", [1, 2], [0, 2 ** 32 - 1]],
  uint64: ["u64", [1, 2], [0, 2 ** 40]],
  scalar: ["i64", [], [7]],
  empty: ["f32", [0, 3], []],
};

function holdsEverything(checkpoint: Checkpoint, prefix: string): void {
  for (const [name, [dtype, shape, values]] of Object.entries(stored)) {
    const found = checkpoint.tensors.get(prefix + name)!;
    assert.is(found.dtype, dtype, name);
    assert.equal(found.shape, shape, name);
    assert.equal([...found.read()], values, name);
  }
}

test("the onnx package's files: raw values, values by type, values in another file", () => {
  const checkpoint = mustOpen(fixture("types.onnx"));
  assert.is(checkpoint.format, "onnx");
  assert.is(checkpoint.layout, "torch");
  assert.is(checkpoint.tensors.size, 2 * Object.keys(stored).length);
  holdsEverything(checkpoint, "raw.");
  holdsEverything(checkpoint, "typed.");
  const files = Object.fromEntries(
    ["external.onnx", "external.onnx.data"].map((name) => [name, fixture(name)]),
  );
  const { checkpoint: outside, diagnostics } = openBytes(files);
  assert.equal(diagnostics, []);
  holdsEverything(outside!, "");
});

test("values in fields of their own, as writers without packing have them", () => {
  const unpacked = (field: number, ...values: number[]) => values.flatMap((value) => int(field, value));
  assert.equal(valuesIn([...head("weight", [2]), ...float(4, 1.5), ...float(4, -2)]), [1.5, -2]);
  assert.equal(valuesIn([...head("weight", [1, 2], INT64), ...unpacked(7, -3, 2 ** 40)]), [-3, 2 ** 40]);
  assert.equal(valuesIn([...head("weight", [2], 10), ...unpacked(5, 0x3c00, 0xbc00)]), [1, -1]);
  assert.equal(valuesIn([...head("weight", [2], 16), ...bytes(5, packed(0x3f80, 0xbf80))]), [1, -1]);
  assert.equal(valuesIn([...head("weight", [3]), ...bytes(4, float32(1, 2)), ...float(4, 3)]), [1, 2, 3]);
  assert.equal(valuesIn([...head("weight", [2], 11), ...bytes(10, float64(0.1, -7))]), [0.1, -7]);
  // Sides may be packed, too.
  assert.equal(
    valuesIn([...bytes(1, packed(1, 2)), ...head("weight", []), ...bytes(9, float32(8, 9))]),
    [8, 9],
  );
});

test("values that are not what shape and type say are refused", () => {
  const why = (body: Chunks) => refusal(only(body));
  assert.match(why(tensor("w", [3], float32(1, 2))), /`w` is f32 \[3\], which is 12 bytes, but has 8/);
  assert.match(
    why([...head("w", [3]), ...bytes(4, float32(1))]),
    /`w` is f32 \[3\], which is 3 values, but has 1/,
  );
  assert.match(why(head("w", [3])), /which is 3 values, but has 0/);
  assert.match(why([...head("w", [1]), ...bytes(5, packed(1))]), /`w` is f32, but has int32_data/);
  assert.match(why([...tensor("w", [1], float32(1)), ...float(4, 1)]), /`w` has its values in two ways/);
  assert.match(why([...head("w", [1]), ...float(4, 1), ...int(7, 1)]), /`w` has its values in two ways/);
  assert.match(why(tensor("w", [-1], float32(1))), /`w` has no shape of whole numbers/);
  assert.match(why(tensor("w", [2 ** 30, 2 ** 30], float32(1))), /more elements than can be counted/);
  assert.match(why(tensor("w", [2 ** 20, 2 ** 20], float32(1))), /which is 4398046511104 bytes, but has 4/);
  assert.match(why(tensor("w", Array(65).fill(1), float32(1))), /sides/);
  assert.match(why(tensor("w", [1], float32(1), 17)), /`w` has ONNX's type 17, which resnetc does not read/);
  assert.match(
    why([...head("w", [1]), ...bytes(4, Uint8Array.of(1, 2, 3))]),
    /float_data are no numbers of 4 bytes/,
  );
  assert.match(why(tensor("", [1], float32(1))), /a tensor of its graph has no name/);
  assert.match(refusal(modelOf(counted("w", 1), counted("w", 1))), /two tensors called `w`/);
  assert.match(refusal(modelOf(message(15, int(1, 1)))), /sparse tensors/);
});

test("values in another file: places and paths are checked", () => {
  const data = { "m/w.bin": float32(1, 2, 3, 4) };
  const opened = (entries: Record<string, string>) =>
    openBytes({ "m/a.onnx": only(external("weight", [2], entries)), ...data });
  const values = (entries: Record<string, string>) => valuesOf(opened(entries).checkpoint!, "weight");
  assert.equal(values({ location: "w.bin", offset: "8", length: "8" }), [3, 4]);
  assert.equal(values({ location: "w.bin" }), [1, 2]);
  const why = (entries: Record<string, string>) => opened(entries).diagnostics[0].message;
  assert.match(why({ location: "v.bin" }), /its file v\.bin cannot be read: no such file/);
  assert.match(why({ location: "../m/w.bin" }), /`weight` names a file outside its folder/);
  assert.match(why({ location: "w.bin", offset: "12" }), /`weight` ends at byte 20 of w\.bin, which has 16/);
  assert.match(why({ location: "w.bin", length: "4" }), /which is 8 bytes, but has 4/);
  assert.match(why({ location: "w.bin", offset: "-4" }), /has an offset that is no number/);
  assert.match(why({}), /lies in another file, which it does not name/);
});

// ---- names --------------------------------------------------------------------------------------------

const counting = (count: number, by = 8): number[] =>
  Array.from({ length: count }, (_, i) => Math.fround(i / by));

/** [rows, columns] → [columns, rows]. */
const turned = (values: readonly number[], columns: number): number[] =>
  Array.from({ length: values.length }, (_, i) => {
    const rows = values.length / columns;
    return values[(i % rows) * columns + Math.floor(i / rows)];
  });

test("a graph as torch writes it: lost names come back, matrices are [O, I]", () => {
  const checkpoint = mustOpen(fixture("torchlike.onnx"));
  const expected: Readonly<Record<string, readonly [shape: readonly number[], values: readonly number[]]>> = {
    "conv1.weight": [[4, 3, 1, 1], counting(12)],
    "conv1.bias": [[4], counting(4)],
    "layer1.0.conv1.weight": [[4, 4, 3, 3], counting(144)],
    "layer1.0.bn1.weight": [[4], counting(4, 2)],
    "layer1.0.bn1.bias": [[4], counting(4, 3)],
    "layer1.0.bn1.running_mean": [[4], counting(4, 5)],
    "layer1.0.bn1.running_var": [[4], counting(4, 7)],
    "layer1.0.act.weight": [[4, 1, 1], counting(4)],
    "layer1.0.downsample.0.weight": [[4, 4, 1, 1], counting(16, 16)],
    "layer1.0.downsample.1.bias": [[4], counting(4, 9)],
    "neck.weight": [[3, 4], turned(counting(12), 3)],
    "neck.bias": [[3], counting(3)],
    // It would be the neck's second weight.
    "onnx::Mul_53": [[3], counting(3, 11)],
    "fc.weight": [[5, 3], counting(15)],
    "fc.bias": [[5], counting(5)],
    "head.weight": [[2, 5], turned(counting(10), 2)],
    "head.bias": [[2], counting(2)],
    // The same values under a second name, through Identity.
    "layer1.0.downsample.1.weight": [[4], counting(4, 2)],
    // Turned twice, by the graph and by us.
    "tail.weight": [[3, 2], counting(6, 4)],
  };
  assert.equal([...checkpoint.tensors.keys()], Object.keys(expected));
  for (const [name, [shape, values]] of Object.entries(expected)) {
    assert.equal(checkpoint.tensors.get(name)!.shape, shape, name);
    assert.equal(valuesOf(checkpoint, name), values, name);
  }
  assert.equal(checkpoint.notes, [
    "12 of 19 tensors have no name in the file: named by their place in its graph",
    "1 of 19 tensors have no name and no place that gives them one: `onnx::Mul_53`",
  ]);
});

test("names by place are as good as the node's name, and never taken twice", () => {
  const conv = (name: string, ...weights: string[]) => node({ op: "Conv", inputs: ["x", ...weights], name });
  const named = (nodeName: string, weight = "onnx::Conv_1") =>
    [...mustOpen(modelOf(conv(nodeName, weight), counted(weight, 1, 1, 1, 1))).tensors.keys()][0];
  assert.is(named("/features/features.0/features.0.0/Conv"), "features.0.0.weight");
  assert.is(named("/0/Conv"), "0.weight");
  assert.is(named("/layer1/layer1.0/conv2/Conv_3"), "layer1.0.conv2.weight");
  assert.is(named("/stem/stem0/Conv"), "stem.stem0.weight");
  assert.is(named("conv1"), "conv1.weight");
  for (const useless of ["", "Conv_0", "/Conv", "17", "v3", "node_conv2d_1"])
    assert.is(named(useless), "onnx::Conv_1", useless);
  for (const invented of ["497", "const_fold_opt__12", "/conv1/Constant_output_0", "v12", "val_3"])
    assert.is(named("/a/Conv", invented), "a.weight", invented);
  for (const given of ["fc.weight", "resnet50/conv1/Conv2D/ReadVariableOp:0", "conv2d_0.w_0", "k.0.w0"])
    assert.is(named("/a/Conv", given), given === "k.0.w0" ? "a.weight" : given);
  const both = modelOf(
    conv("/a/Conv", "1"),
    conv("/a/Conv", "2"),
    conv("/b/Conv", "3"),
    counted("1", 1, 1, 1, 1),
    counted("2", 1, 1, 1, 1),
    counted("3", 1, 1, 1, 1),
    counted("b.weight", 1),
  );
  assert.equal(listed(mustOpen(both)), [
    "a.weight [1, 1, 1, 1]",
    "2 [1, 1, 1, 1]",
    "3 [1, 1, 1, 1]",
    "b.weight [1]",
  ]);
});

test("what is no weight is left out", () => {
  const constant = (name: string, ...body: Chunks[]) => {
    const attributes = message(5, text(1, "value"), message(5, ...body));
    return node({ op: "Constant", inputs: [], output: name, attributes });
  };
  const model = modelOf(
    constant("half_output_0", tensor("", [], float32(0.5))),
    constant("deep_output_0", tensor("", [2], float32(0.5, 2))),
    node({ op: "Reshape", inputs: ["x", "shape"] }),
    node({ op: "Clip", inputs: ["x", "low", "the_maximum"] }),
    node({ op: "Concat", inputs: ["y", "sizes"] }),
    node({ op: "Mul", inputs: ["x", "half_output_0"], name: "/gelu/Mul" }),
    node({ op: "Add", inputs: ["x", "deep_output_0"], name: "/deep/Add" }),
    initializer([...head("labels", [1], 8), ...text(6, "cat")]),
    initializer([...head("bn.num_batches_tracked", [], INT64), ...int(7, 5)]),
    initializer([...head("shape", [2], INT64), ...bytes(7, packed(1, -1))]),
    initializer([...head("sizes", [1], INT64), ...int(7, 2)]),
    counted("low"),
    counted("the_maximum"),
    counted("8", 2, 2),
  );
  const expected = ["bn.num_batches_tracked []", "8 [2, 2]", "deep.bias [2]"];
  assert.equal(listed(mustOpen(model)), expected);
});

test("kernels that the graph turns before it uses them are turned", () => {
  const model = modelOf(
    node({
      op: "Transpose",
      inputs: ["kernel"],
      output: "t_output_0",
      attributes: intsAttribute("perm", 3, 2, 0, 1),
    }),
    node({ op: "Cast", inputs: ["t_output_0"], output: "c_output_0", attributes: intAttribute("to", 1) }),
    node({ op: "Conv", inputs: ["x", "c_output_0"], name: "/conv/Conv" }),
    counted("kernel", 1, 2, 3, 2),
  );
  const checkpoint = mustOpen(model);
  assert.equal(listed(checkpoint), ["kernel [2, 3, 1, 2]"]);
  // [o, i, h, w] is at w * 6 + i * 2 + o of [h, w, i, o].
  assert.equal(valuesOf(checkpoint, "kernel"), [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]);
  const wrong = modelOf(
    node({ op: "Transpose", inputs: ["kernel"], attributes: intsAttribute("perm", 0, 0) }),
    counted("kernel", 1, 2),
  );
  assert.match(refusal(wrong), /`kernel` is turned by \[0,0\], which is no order of its sides/);
});

test("models whose numbers mean something else are refused", () => {
  const of = (op: string, more: Partial<NodeParts> = {}) =>
    refusal(modelOf(node({ op, inputs: ["x", "w"], ...more }), counted("w", 2, 2)));
  for (const op of ["DequantizeLinear", "QLinearConv", "ConvInteger", "QuantizeLinear", "MatMulNBits"])
    assert.match(of(op), `it is quantised (${op}), which resnetc does not read`);
  assert.match(of("Conv", { domain: "com.microsoft.nchwc" }), /ONNX Runtime has reordered its kernels/);
  assert.match(of("Gemm", { attributes: floatAttribute("alpha", 0.5) }), /multiplies by alpha = 0\.5/);
});

test("a few values given on a thousand times are not read a thousand times", () => {
  const copies = Array.from({ length: 1000 }, (_, i) => [
    node({ op: "Identity", inputs: ["w"], output: `copy${i}` }),
    node({ op: "Relu", inputs: [`copy${i}`] }),
  ]).flat();
  assert.match(refusal(modelOf(...copies, counted("w", 200, 200))), /they repeat the same values/);
});

test("graphs of nothing but tiny parts are refused before there are millions of them", () => {
  const repeated = (field: number, count: number): Chunks => {
    const parts = new Uint8Array(2 * count);
    for (let i = 0; i < count; i++) parts[2 * i] = 8 * field + 2;
    return [parts];
  };
  assert.match(refusal(modelOf(repeated(1, 1e5 + 1))), /its graph has more than 100000 nodes/);
  assert.match(refusal(modelOf(message(1, repeated(1, 1e5)))), /a node of it has more than 10000 inputs/);
  assert.match(refusal(modelOf(message(1, repeated(5, 1e5)))), /a node of it has more than 1000 attributes/);
  assert.match(refusal(modelOf(message(5, repeated(13, 1e5)))), /more than 100 entries of external_data/);
});

// ---- the benchmark's writer ---------------------------------------------------------------------------

test("what the benchmark writes is read back to the bit", () => {
  const source = analyse(
    makeSource(
      "small.resnet",
      `net small {
        input 8x8x4
        stem: conv(3x3, 16, groups = 2) -> bn -> relu6
        body: conv(1x1, 16) -> bn
        body + stem -> relu
        maxpool(2x2) /2 -> avgpool
        fc: dense(10)
      }`,
    ),
  ).nets[0].graph;
  const weights = heWeights(source, 1);
  const graph = runPasses(source, standardPasses);
  const checkpoint = mustOpen(onnxModel(graph, weights));
  // The optimised graph's kernels and biases, in the order of the file, and none of relu6's bounds or shapes.
  const read = new Set(graph.nodes.filter((each) => !isOp(each, ops.param)).flatMap(({ inputs }) => inputs));
  const expected = [...read]
    .filter((each) => isOp(each, ops.param))
    .map((each) => paramValue(each, weights))
    .map(({ shape, data }) => (shape.length === 4 ? hwioToOihw({ shape, data }) : { shape, data }));
  assert.is(expected.length, 6);
  const bitsOf = (values: Iterable<number>) => [...new Uint32Array(Float32Array.from(values).buffer)];
  const key = (shape: readonly number[], data: Iterable<number>) =>
    `${shape.filter((side) => side !== 1).join("x")}: ${bitsOf(data).join(" ")}`;
  const found = [...checkpoint.tensors.values()].map(({ shape, read }) => key(shape, read()));
  assert.equal(found.sort(), expected.map(({ shape, data }) => key(shape, data)).sort());
});

test("a net takes its weights from a model that lost their names", () => {
  const { graph } = analyse(
    makeSource(
      "small.resnet",
      "net small {\n input 2x2x2\n conv1: conv(1x1, 3)\n avgpool\n fc: dense(2)\n }",
    ),
  ).nets[0];
  const model = modelOf(
    node({ op: "Conv", inputs: ["x", "onnx::Conv_9"], output: "a", name: "/conv1/Conv" }),
    node({ op: "MatMul", inputs: ["a", "onnx::MatMul_10"], output: "b", name: "/fc/MatMul" }),
    node({ op: "Add", inputs: ["fc.bias", "b"], output: "c", name: "/fc/Add" }),
    counted("onnx::Conv_9", 3, 2, 1, 1),
    counted("onnx::MatMul_10", 3, 2),
    counted("fc.bias", 2),
  );
  const told: string[] = [];
  const bound = bindWeights(
    { graph, checkpoint: mustOpen(model), path: "a.onnx", tables: [] },
    (code) => void told.push(code),
  );
  assert.equal(told, []);
  // Our kernels are [1, 1, I, O]: turned from torch's, and as MatMul has them.
  assert.equal([...bound!.get("conv1.weight")], [0, 2, 4, 1, 3, 5]);
  assert.equal([...bound!.get("fc.weight")], [0, 1, 2, 3, 4, 5]);
  assert.equal([...bound!.get("fc.bias")], [0, 1]);
});

// ---- the wire format ----------------------------------------------------------------------------------

const integers = (data: readonly number[]): number[] => {
  const fields = new Message(Uint8Array.from(data), "it");
  const found: number[] = [];
  while (fields.next()) found.push(fields.field, fields.int());
  return found;
};

const failure = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    assert.instance(error, Unreadable);
    return (error as Error).message;
  }
  return "nothing was thrown";
};

test("varints: protobuf's own example, 64 bits, and what is none", () => {
  assert.equal(integers([0x08, 0x96, 0x01]), [1, 150]);
  for (const value of [
    0,
    1,
    127,
    128,
    2 ** 28,
    2 ** 31,
    2 ** 32,
    2 ** 35 - 1,
    2 ** 35,
    2 ** 53 - 1,
    -1,
    -(2 ** 40),
  ])
    assert.equal(integers([...join(int(1, value))]), [1, value]);
  assert.match(
    failure(() => integers([0x08, ...Array(10).fill(255), 1])),
    /a number of more than 10 bytes/,
  );
  assert.match(
    failure(() => integers([0x08, 0x80])),
    /it ends at byte 2, inside a number/,
  );
  assert.match(
    failure(() => integers([0x00, 0x01])),
    /it has no field 0/,
  );
  assert.match(
    failure(() => integers([0x0b, 0x0c])),
    /wire type 3/,
  );
  assert.match(
    failure(() => integers([0x0d, 1, 2])),
    /ends at byte 5, but it at 3: it was cut short/,
  );
  assert.match(
    failure(() => integers([0x0d, 1, 2, 3, 4])),
    /field 1 has wire type 5 where 0 belongs/,
  );
});

test("messages are nested as deep as is allowed, and no deeper", () => {
  let nested: Chunks = [];
  for (let i = 0; i < 40; i++) nested = message(1, nested);
  const descend = (fields: Message, depth: number): number =>
    fields.next() ? descend(fields.message("it"), depth + 1) : depth;
  assert.match(
    failure(() => descend(new Message(join(nested), "it"), 0)),
    /nested deeper than 16/,
  );
  assert.is(descend(new Message(join(message(1, message(1, []))), "it"), 0), 2);
});

// ---- what looks like a model --------------------------------------------------------------------------

test("what is no model says so", () => {
  assert.match(
    refusal(join([...int(1, 8), ...text(2, "no graph")])),
    /looks like an ONNX model, but has no graph/,
  );
  assert.match(
    refusal(join([...int(1, 1), ...message(2, text(1, "meta"), int(5, 200))])),
    /TensorFlow SavedModel/,
  );
  assert.match(refusal(join([...int(1, 8), ...message(7, []), ...message(7, [])])), /it has two graphs/);
  assert.is(mustOpen(modelOf()).tensors.size, 0);
});

function survives(files: Readonly<Record<string, Uint8Array>>): boolean {
  const { checkpoint, diagnostics } = openBytes(files);
  assert.is(diagnostics.length, checkpoint ? 0 : 1);
  for (const each of checkpoint?.tensors.values() ?? []) {
    const count = each.shape.reduce((product, side) => product * side, 1);
    assert.is(each.read().length, count, each.name);
  }
  return checkpoint !== undefined;
}

for (const name of ["types.onnx", "torchlike.onnx", "external.onnx"]) {
  const whole = fixture(name);
  const beside = { "external.onnx.data": fixture("external.onnx.data") };

  test(`${name} cut at any byte is refused, unless only what follows the graph is cut`, () => {
    assert.ok(survives({ "a.onnx": whole, ...beside }));
    let accepted = 0;
    for (let length = 0; length < whole.length; length++) {
      if (survives({ "a.onnx": whole.subarray(0, length), ...beside })) accepted++;
    }
    // Just before the opset, which is last, a cut is no cut.
    assert.is(accepted, 1);
  });

  test(`${name} with bytes changed never throws`, () => {
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const damaged = Uint8Array.from(whole);
      for (const [at, value] of changes) damaged[at] = value;
      survives({ "a.onnx": damaged, ...beside });
    });
    fc.assert(property, { numRuns: 3000 });
  });
}

test.run();
