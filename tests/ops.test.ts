/**
 * What operations compute: the references against ONNX's expectations and values worked out by hand, then
 * every target against the references.
 */
import * as tf from "@tensorflow/tfjs-core";
import { suite, test } from "uvu";
import * as assert from "uvu/assert";
import { collect, isProblem } from "../src/base/diagnostic.ts";
import { tfjs } from "../src/codegen/tfjs/target.ts";
import { noEpilogue } from "../src/ir/epilogue.ts";
import { interpret } from "../src/ir/interpret.ts";
import type { Op } from "../src/ir/op.ts";
import { type OpName, ops } from "../src/ir/ops/index.ts";
import { noPads, type Tensor } from "../src/ir/tensor.ts";
import { type NodeBackend, runTfjs } from "../src/run/tfjs.ts";
import { opCases } from "./op-cases.ts";
import { testCard } from "./support/cards.ts";
import { caseGraph } from "./support/case-graph.ts";
import { assertClose } from "./support/close-to.ts";
import { onnxExpectations } from "./support/onnx-cases.ts";
import type { Case } from "./support/operands.ts";
import { requireShared } from "./support/shared.ts";

/** The reference of an op on given values. */
function refer(op: Op<never>, attrs: unknown, operands: readonly Tensor[]): Tensor {
  const given = op as Op<unknown>;
  const types = operands.map(({ shape }) => ({ dtype: "f32" as const, shape }));
  const type = given.infer(types, attrs);
  if (isProblem(type)) throw new Error(`${op.name} does not type: ${JSON.stringify(type)}`);
  const inputs = types.map(
    (type, i) => ({ name: `x${i}`, op: ops.input, inputs: [], attrs: null, type }) as never,
  );
  return given.reference(operands, { name: "y", op: given, inputs, attrs, type });
}

const tensor = (shape: readonly number[], ...data: number[]): Tensor => ({
  shape,
  data: Float64Array.from(data),
});

// ---- references against expectations that are not ours --------------------------------------------

/** ONNX wrote this one down by hand. */
const roundedTo4Digits = new Set(["test_averagepool_2d_ceil_last_window_starts_on_pad"]);

test("the references compute what ONNX's single-op cases expect", async () => {
  if (!requireShared("facts/onnx-node-tests.mjs")) return;
  const counts = new Map<string, number>();
  for (const { name, op, attrs, operands, expected } of await onnxExpectations()) {
    assertClose(refer(op, attrs, operands), expected, roundedTo4Digits.has(name) ? 2e-4 : 2e-6, name);
    counts.set(op.name, (counts.get(op.name) ?? 0) + 1);
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  console.log(`${total} ONNX cases: ${[...counts].map(([op, count]) => `${op} ${count}`).join(", ")}`);
  assert.ok(total >= 100, `only ${total} of ONNX's cases were found`);
  for (const { name } of [ops.conv2d, ops.maxPool, ops.averagePool, ops.batchNorm, ops.groupNorm, ops.lrn]) {
    assert.ok(counts.has(name), `no case for ${name}`);
  }
});

test("conv2d: a dilated, grouped kernel by hand", () => {
  // Two groups of one channel; taps two columns apart; the left pad cuts the first tap of the first place.
  const attrs = {
    kernel: [1, 2],
    channels: 2,
    stride: 1,
    dilation: 2,
    groups: 2,
    pads: { ...noPads, left: 1 },
    epilogue: noEpilogue,
  };
  const x = tensor([1, 1, 3, 2], 1, 10, 2, 20, 3, 30);
  const kernel = tensor([1, 2, 1, 2], 1, 2, 3, 4);
  assert.equal([...refer(ops.conv2d, attrs, [x, kernel]).data], [6, 80, 10, 140]);
});

test("dense: the kernel runs over height, width, channel", () => {
  const attrs = { units: 2, epilogue: { bias: true, residual: false, activation: { fn: "relu" } } };
  const x = tensor([1, 1, 2, 2], 1, 2, 3, 4);
  const kernel = tensor([1, 2, 2, 2], 1, -1, 10, -1, 100, -1, 1000, -1);
  assert.equal([...refer(ops.dense, attrs, [x, kernel, tensor([2], 0.5, 9)]).data], [4321.5, 0]);
});

test("groupNorm: mean and biased variance over the map and the group", () => {
  // Group one holds 1, 2, 3, 6 (mean 3, variance 3.5), group two is constant.
  const x = tensor([1, 1, 2, 3], 1, 2, 7, 3, 6, 7);
  const all = refer(ops.groupNorm, { groups: 1, eps: 0 }, [x, tensor([3], 1, 1, 1), tensor([3], 0, 0, 0)]);
  const mean = 26 / 6;
  const deviation = Math.sqrt([1, 2, 7, 3, 6, 7].reduce((sum, value) => sum + (value - mean) ** 2, 0) / 6);
  assertClose(
    all,
    tensor([1, 1, 2, 3], ...[1, 2, 7, 3, 6, 7].map((value) => (value - mean) / deviation)),
    1e-12,
  );
  const apart = refer(ops.groupNorm, { groups: 3, eps: 1 }, [
    x,
    tensor([3], 2, 1, 5),
    tensor([3], 10, 0, -1),
  ]);
  const half = 1 / Math.sqrt(2);
  const four = 2 / Math.sqrt(5);
  assertClose(apart, tensor([1, 1, 2, 3], 10 - 2 * half, -four, -1, 10 + 2 * half, four, -1), 1e-12);
});

test("prelu, lrn, resize, pad: by hand", () => {
  const x = tensor([1, 1, 2, 2], -2, -2, 3, 4);
  assert.equal([...refer(ops.prelu, null, [x, tensor([2], 0.5, -1)]).data], [-1, 2, 3, 4]);
  const along = refer(ops.channelConv, { kernel: 3 }, [x, tensor([3], 1, 10, 100)]);
  assert.equal([...along.data], [-220, -22, 430, 43]);
  const lrn = refer(ops.lrn, { size: 3, alpha: 3, beta: 1, k: 1 }, [x]);
  assert.equal([...lrn.data], [-2 / 9, -2 / 9, 3 / 26, 4 / 26]);
  assert.equal(
    [...refer(ops.resize, { height: 2, width: 4, method: "nearest" }, [tensor([1, 1, 2, 1], 1, 2)]).data],
    [1, 1, 2, 2, 1, 1, 2, 2],
  );
  const pads = { ...noPads, top: 1 };
  assert.equal(
    [...refer(ops.pad, { pads, before: 0, after: 1 }, [tensor([1, 1, 1, 1], 5)]).data],
    [0, 0, 5, 0],
  );
});

test("bilinear resize, mirrored edges, parts of channels: by hand", () => {
  // Middles of four places over two: 1/4 - 1/2 < 0 is the edge; 3/4 - 1/2 = 1/4.
  assert.equal(
    [...refer(ops.resize, { height: 1, width: 4, method: "bilinear" }, [tensor([1, 1, 2, 1], 0, 8)]).data],
    [0, 2, 6, 8],
  );
  // torch.nn.functional.interpolate(arange(5.), size=3, mode="linear"): 1/3, 2, 11/3.
  const row = tensor([1, 1, 5, 1], 0, 1, 2, 3, 4);
  assertClose(
    refer(ops.resize, { height: 1, width: 3, method: "bilinear" }, [row]),
    tensor([1, 1, 3, 1], 1 / 3, 2, 11 / 3),
    1e-15,
  );
  assert.equal([...refer(ops.resize, { height: 1, width: 3, method: "nearest" }, [row]).data], [0, 1, 3]);
  assert.equal(
    [
      ...refer(ops.reflectPad, { pads: { ...noPads, left: 2, right: 1 } }, [tensor([1, 1, 3, 1], 1, 2, 3)])
        .data,
    ],
    [3, 2, 1, 2, 3, 2],
  );
  const [a, b] = [Math.log(3), Math.log(9)];
  assertClose(
    refer(ops.softmax, { parts: 2 }, [tensor([1, 1, 1, 4], 0, b, a, 0)]),
    tensor([1, 1, 1, 4], 0.25, 0.9, 0.75, 0.1),
    1e-15,
  );
  assert.equal(
    [...refer(ops.slice, { first: 1, channels: 2 }, [tensor([1, 1, 2, 3], 1, 2, 3, 4, 5, 6)]).data],
    [2, 3, 5, 6],
  );
});

test("activations at their bends", () => {
  const at = (fn: string, x: number, slope?: number) =>
    refer(ops.activation, { fn, slope }, [tensor([1, 1, 1, 1], x)]).data[0];
  const expected: readonly (readonly [string, number, number])[] = [
    ["relu6", 7, 6],
    ["leaky", -10, -1],
    ["elu", -1, Math.exp(-1) - 1],
    ["hswish", -3, 0],
    ["hswish", 1, 4 / 6],
    ["hsigmoid", 0, 0.5],
    ["swish", 2, 1.7615941559557646],
    // torch.nn.functional.gelu and mish at double precision
    ["gelu", 1, 0.8413447460685429],
    ["gelu", -3, -0.00404969409489031],
    ["mish", 1, 0.8650983882673103],
  ];
  for (const [fn, x, y] of expected)
    assert.ok(Math.abs(at(fn, x, 0.1) - y) < 1e-14, `${fn}(${x}) is ${at(fn, x, 0.1)}`);
});

test("groupNorm and prelu say what does not fit", () => {
  const type = (...shape: number[]) => ({ dtype: "f32" as const, shape });
  const norm = { groups: 4, eps: 1e-5 };
  const codes = [
    ops.groupNorm.infer([type(1, 2, 2, 6), type(6), type(6)], norm),
    ops.groupNorm.infer([type(1, 2, 2, 8), type(8), type(6)], norm),
    ops.prelu.infer([type(1, 2, 2, 8), type(1)], null),
  ].map((found) => (isProblem(found) ? `${found.code} ${JSON.stringify(found.params)}` : "fits"));
  assert.equal(codes, [
    'groups-mismatch {"groups":4,"channels":6,"side":"come in"}',
    'param-shape {"op":"groupNorm","role":"shift","wanted":"8","found":"6"}',
    'param-shape {"op":"prelu","role":"slope","wanted":"8","found":"1"}',
  ]);
});

test.run();

// ---- every op, every case, every target ------------------------------------------------------------

for (const backend of ["cpu", "wasm"] satisfies NodeBackend[]) {
  const onTfjs = suite(`tfjs ${backend}`);
  for (const name of Object.keys(ops) as OpName[]) {
    const cases: readonly Case[] = opCases[name];
    for (const one of cases) {
      onTfjs(`${name}: ${one.title}`, async () => {
        const { graph, inputs, weights } = caseGraph(ops[name] as Op<never>, one);
        const { report, diagnostics } = collect();
        const artifacts = tfjs.emit({ graph, weights, card: testCard(graph), name: "case", report });
        assert.equal(diagnostics, []);
        const before = tf.engine().state.numTensors;
        const { y } = await runTfjs({ artifacts, inputs, backend });
        assert.is(tf.engine().state.numTensors, before, "tensors are left behind");
        assertClose(y, interpret(graph, inputs, weights).y, 1e-5, `${name}, ${one.title}`);
      });
    }
  }
  onTfjs.run();
}
