/**
 * Single layers in memory that is full of NaN and belongs to others: nothing may be read that the layer has not
 * written, nothing beyond the maps, and nothing may be written beside the result.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { defaultOptions } from "../src/codegen/wasm/plan/choose.ts";
import type { Activation } from "../src/ir/activation.ts";
import { interpret } from "../src/ir/interpret.ts";
import { elements, noPads, type Pads } from "../src/ir/tensor.ts";
import { slidingSize } from "../src/ir/window.ts";
import { Host } from "../src/tfjs-kernels/host.ts";
import { graphOf, type Layer } from "../src/tfjs-kernels/layer.ts";
import { Modules } from "../src/tfjs-kernels/modules.ts";
import { Program, packedBytes } from "../src/tfjs-kernels/program.ts";
import type { WasmBackend } from "../src/tfjs-kernels/tfjs.ts";
import { assertClose } from "./support/close-to.ts";
import { randomTensor } from "./support/random.ts";

type Sides = readonly [height: number, width: number, channels: number];

interface ConvCase {
  readonly input: Sides;
  readonly channels: number;
  readonly kernel?: readonly [number, number];
  readonly stride?: number;
  readonly dilation?: number;
  readonly pads?: Pads;
  readonly depthwise?: boolean;
  readonly bias?: boolean;
  readonly activation?: Activation | "prelu";
}

const around = (size: number): Pads => ({ top: size, bottom: size, left: size, right: size });

function convLayer({
  input,
  channels,
  kernel = [3, 3],
  stride = 1,
  dilation = 1,
  pads = noPads,
  depthwise = false,
  bias = true,
  activation,
}: ConvCase): Layer {
  const reach = kernel.map((size) => dilation * (size - 1) + 1);
  const height = slidingSize(input[0], reach[0], stride, pads.top, pads.bottom);
  const width = slidingSize(input[1], reach[1], stride, pads.left, pads.right);
  const window = { kernel, stride, dilation, pads, depthwise };
  return { input, output: [height, width, channels], window, bias, activation };
}

const conv = (title: string, one: ConvCase) => [title, convLayer(one)] as const;
const product = (title: string, rows: number, depth: number, channels: number, bias = true) => {
  const window =
    rows === 1
      ? "whole"
      : ({ kernel: [1, 1], stride: 1, dilation: 1, pads: noPads, depthwise: false } as const);
  return [title, { input: [1, rows, depth], output: [1, rows, channels], window, bias } as Layer] as const;
};

const cases: readonly (readonly [title: string, layer: Layer])[] = [
  conv("3x3, Winograd in blocks", { input: [28, 28, 32], channels: 32, pads: around(1) }),
  conv("3x3, Winograd by panels", { input: [7, 7, 64], channels: 64, pads: around(1) }),
  conv("3x3 without pads", { input: [9, 11, 16], channels: 8 }),
  conv("3x3 of stride 2", { input: [15, 14, 24], channels: 16, stride: 2, pads: around(1) }),
  conv("3x3 of stride 2, a picture", { input: [17, 16, 3], channels: 16, stride: 2, pads: around(1) }),
  conv("7x7 of stride 2, a picture", {
    input: [30, 33, 3],
    channels: 16,
    kernel: [7, 7],
    stride: 2,
    pads: around(3),
  }),
  conv("uneven pads", {
    input: [8, 9, 8],
    channels: 8,
    stride: 2,
    pads: { top: 0, bottom: 1, left: 0, right: 1 },
  }),
  conv("more pads than window", { input: [3, 3, 8], channels: 8, pads: around(4) }),
  conv("1x1", { input: [8, 8, 40], channels: 24, kernel: [1, 1] }),
  conv("1x1 of stride 2", { input: [9, 9, 16], channels: 32, kernel: [1, 1], stride: 2 }),
  conv("1x1, a deep one", { input: [4, 4, 640], channels: 16, kernel: [1, 1] }),
  conv("one pixel", { input: [1, 1, 24], channels: 16, kernel: [1, 1] }),
  conv("odd channels", { input: [6, 5, 13], channels: 21, pads: around(1) }),
  conv("one channel in and out", { input: [10, 10, 1], channels: 1, kernel: [5, 5], pads: around(2) }),
  conv("one pixel of odd channels", { input: [3, 3, 5], channels: 11 }),
  conv("a window of 1x7", {
    input: [9, 9, 16],
    channels: 8,
    kernel: [1, 7],
    pads: { ...noPads, left: 3, right: 3 },
  }),
  conv("dilated", { input: [16, 15, 16], channels: 16, dilation: 2, pads: around(2) }),
  conv("no bias", { input: [6, 6, 8], channels: 12, pads: around(1), bias: false }),
  conv("depthwise", { input: [12, 13, 24], channels: 24, pads: around(1), depthwise: true }),
  conv("depthwise of stride 2", {
    input: [13, 12, 20],
    channels: 20,
    stride: 2,
    pads: around(1),
    depthwise: true,
  }),
  conv("depthwise, odd", {
    input: [7, 7, 7],
    channels: 7,
    kernel: [5, 5],
    pads: around(2),
    depthwise: true,
    bias: false,
  }),
  conv("depthwise, three a channel", { input: [6, 6, 8], channels: 24, pads: around(1), depthwise: true }),
  product("a row by a matrix", 1, 70, 50),
  product("a row by a matrix of odd size", 1, 33, 1001, false),
  product("rows by a matrix", 37, 64, 40),
  ...(["relu", "relu6", "elu", "sigmoid"] as const).map((fn) =>
    conv(fn, { input: [6, 6, 8], channels: 8, pads: around(1), activation: { fn } }),
  ),
  conv("leaky", { input: [6, 6, 8], channels: 8, pads: around(1), activation: { fn: "leaky", slope: 0.1 } }),
  conv("prelu", { input: [6, 6, 8], channels: 16, pads: around(1), activation: "prelu" }),
  conv("prelu of odd channels", { input: [5, 5, 6], channels: 10, pads: around(1), activation: "prelu" }),
];

const pages = 64;

/** A host whose allocator never gives anything back, in memory full of NaN. */
function foreignHost(shared = false): { readonly host: Host; readonly floats: Float32Array } {
  const memory = new WebAssembly.Memory({ initial: pages, ...(shared ? { maximum: 65536, shared } : {}) });
  const floats = new Float32Array(memory.buffer).fill(Number.NaN);
  let end = 1024;
  const wasm = {
    _malloc(bytes: number) {
      end += Math.ceil(bytes / 8) * 8;
      return end - Math.ceil(bytes / 8) * 8;
    },
    _free: () => {},
  };
  return { host: new Host({ wasm } as unknown as WasmBackend, memory), floats };
}

function check(layer: Layer, shared = false): void {
  const { host, floats } = foreignHost(shared);
  const graph = graphOf(layer);
  const weights = new Map(
    ["filter", "bias", "slopes"].flatMap((name, i) => {
      const node = graph.nodes.find((one) => one.name === name);
      return node ? [[name, Float32Array.from(randomTensor(i + 1, [...node.type.shape]).data)] as const] : [];
    }),
  );
  const input = randomTensor(9, [1, ...layer.input]);
  const expected = interpret(graph, { input }, { get: (name) => weights.get(name)! }).output;

  const program = new Program(layer, defaultOptions, new Modules(host));
  const pieces = program.pieces.map((piece) => {
    const values = weights.get(piece.label);
    if (!values) return host.zeros(piece.stored);
    const { address } = host.allocate(packedBytes(piece));
    program.pack(piece, values, address);
    return address;
  });
  // The last byte of the map is the last of the memory.
  const inputAt = floats.byteLength - program.inputBytes;
  floats.set(input.data, inputAt / 4);
  const outputAt = host.allocate(program.outputBytes + 1024).address + 512;
  const count = elements(expected.shape);
  const guard = floats.subarray(outputAt / 4 - 100, outputAt / 4 + count + 100);
  for (const run of ["cut up", "cut up again", "whole"]) {
    guard.fill(7);
    program.run(inputAt, outputAt, pieces);
    assertClose({ data: guard.subarray(100, 100 + count) }, expected, 1e-5, run);
    assert.ok(
      guard.subarray(0, 100).every((x) => x === 7),
      "nothing in front is written",
    );
    assert.ok(
      guard.subarray(100 + count).every((x) => x === 7),
      "nothing behind is written",
    );
  }
}

for (const [title, layer] of cases) test(title, () => check(layer));

test("in shared memory", () => check(cases[0][1], true));

test("what is no layer throws", () => {
  const [, layer] = cases[0];
  assert.throws(() => graphOf({ ...layer, output: [28, 27, 32] }), /another size/);
  assert.throws(() => graphOf({ ...layer, input: [1, 0, 32] }), /not a layer/);
});

test.run();
