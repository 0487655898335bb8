/** Our kernels in tfjs' place: what they compute there, what they leave to tfjs, and that they can go again. */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
// Registers the gradients, which tfjs-core alone does not have in Node.
import "@tensorflow/tfjs-layers";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { hostOf } from "../src/tfjs-kernels/host.ts";
import { type KernelOptions, type Registration, registerKernels } from "../src/tfjs-kernels/register.ts";
import type { WasmBackend } from "../src/tfjs-kernels/tfjs.ts";
import { assertClose } from "./support/close-to.ts";
import { randomTensor } from "./support/random.ts";

tf.env().set("PROD", true); // No greeting of the cpu backend among the results.

type Pad = Parameters<typeof tf.conv2d>[3];

const random = (seed: number, ...shape: number[]) => tf.tensor(randomTensor(seed, shape).data, shape);
const map = (seed: number, ...shape: number[]) => random(seed, ...shape) as tf.Tensor4D;
const wasm = () => tf.backend() as unknown as WasmBackend;

test.before(async () => {
  await tf.setBackend("wasm");
});

/** What some work gives while our kernels are registered. */
function withKernels<T>(work: (registration: Registration) => T, options: KernelOptions = {}): T {
  const registration = registerKernels(tf, options);
  try {
    return work(registration);
  } finally {
    registration.unregister();
  }
}

/** The work's numbers, and how many calls were ours. */
function run(work: () => tf.Tensor) {
  const y = tf.tidy(work);
  const { shape } = y;
  const data = y.dataSync().slice();
  y.dispose();
  return { shape, data };
}

async function onCpu(work: () => tf.Tensor) {
  await tf.setBackend("cpu");
  const values = run(work);
  await tf.setBackend("wasm");
  return values;
}

interface Case {
  readonly title: string;
  readonly work: () => tf.Tensor;
  /** Why tfjs does it; ours when absent. */
  readonly stock?: string;
}

const conv = (
  title: string,
  shape: readonly number[],
  filter: readonly number[],
  strides: number | [number, number],
  pad: Pad,
  rest: { dilations?: number | [number, number]; rounding?: "floor" | "round" | "ceil"; stock?: string } = {},
): Case => ({
  title: `conv2d, ${title}`,
  work: () =>
    tf.conv2d(map(1, ...shape), map(2, ...filter), strides, pad, "NHWC", rest.dilations, rest.rounding),
  ...(rest.stock ? { stock: rest.stock } : {}),
});

const fused = (
  title: string,
  how: () => Partial<Parameters<typeof tf.fused.conv2d>[0]>,
  stock?: string,
  channels = 16,
): Case => ({
  title: `fused.conv2d, ${title}`,
  work: () =>
    tf.fused.conv2d({
      x: map(1, 2, 9, 8, 8),
      filter: map(2, 3, 3, 8, channels),
      strides: 1,
      pad: "same",
      bias: random(3, channels) as tf.Tensor1D,
      ...how(),
    }),
  ...(stock ? { stock } : {}),
});

const depthwise = (title: string, multiplier: number, strides: number, pad: "same" | "valid"): Case => ({
  title: `depthwiseConv2d, ${title}`,
  work: () => tf.depthwiseConv2d(map(1, 2, 11, 10, 12), map(2, 3, 3, 12, multiplier), strides, pad),
});

const product = (title: string, a: number[], b: number[], stock?: string, turn = false): Case => ({
  title: `matMul, ${title}`,
  work: () => tf.matMul(random(1, ...a), random(2, ...b), false, turn),
  ...(stock ? { stock } : {}),
});

const explicit: Pad = [
  [0, 0],
  [2, 1],
  [0, 3],
  [0, 0],
];

const cases: readonly Case[] = [
  conv("same", [1, 12, 13, 8], [3, 3, 8, 16], 1, "same"),
  conv("same of stride 2, even and odd", [1, 12, 13, 8], [3, 3, 8, 16], 2, "same"),
  conv("valid", [1, 12, 13, 5], [3, 3, 5, 7], 1, "valid"),
  conv("a number of pads", [1, 6, 6, 3], [5, 5, 3, 9], 1, 3),
  conv("explicit pads", [1, 6, 7, 4], [3, 3, 4, 8], 2, explicit),
  conv("three pictures", [3, 8, 8, 16], [3, 3, 16, 16], 1, "same"),
  conv("1x1", [2, 7, 7, 24], [1, 1, 24, 40], 1, "valid"),
  conv("7x7 of stride 2 over a picture", [1, 32, 32, 3], [7, 7, 3, 16], 2, "same"),
  conv("dilated", [1, 12, 12, 8], [3, 3, 8, 8], 1, "same", { dilations: 2 }),
  conv("rounded up", [1, 8, 8, 8], [3, 3, 8, 8], 2, 0, {
    rounding: "ceil",
    stock: "an output of another size",
  }),
  conv("rounded up where it divides", [1, 9, 9, 8], [3, 3, 8, 8], 2, 0, { rounding: "ceil" }),
  conv("strides that differ", [1, 8, 8, 8], [3, 3, 8, 8], [2, 1], "same", { stock: "strides that differ" }),
  conv("dilations that differ", [1, 8, 8, 8], [3, 3, 8, 8], 1, "same", {
    dilations: [2, 1],
    stock: "dilations that differ",
  }),
  fused("linear", () => ({ activation: "linear" })),
  fused("relu", () => ({ activation: "relu" })),
  fused("relu6", () => ({ activation: "relu6" })),
  fused("elu", () => ({ activation: "elu" })),
  fused("sigmoid", () => ({ activation: "sigmoid" })),
  fused("leakyrelu", () => ({ activation: "leakyrelu", leakyreluAlpha: 0.2 })),
  fused("prelu", () => ({ activation: "prelu", preluActivationWeights: random(4, 16) })),
  fused(
    "prelu of a map",
    () => ({ activation: "prelu", preluActivationWeights: random(4, 9, 8, 16) }),
    "slopes that are no vector of channels",
  ),
  fused("no bias", () => ({ bias: undefined as unknown as tf.Tensor1D, activation: "relu" })),
  fused("odd channels", () => ({ activation: "relu" }), undefined, 13),
  depthwise("same", 1, 1, "same"),
  depthwise("stride 2", 1, 2, "same"),
  depthwise("two a channel", 2, 1, "valid"),
  {
    title: "fused.depthwiseConv2d",
    work: () =>
      tf.fused.depthwiseConv2d({
        x: map(1, 1, 9, 9, 24),
        filter: map(2, 3, 3, 24, 1),
        strides: 1,
        pad: "same",
        bias: random(3, 24) as tf.Tensor1D,
        activation: "relu6",
      }),
  },
  product("two matrices", [5, 30], [30, 17]),
  product("a row by a matrix", [1, 30], [30, 17]),
  product("several by one", [2, 3, 12], [1, 12, 8]),
  product("several by several", [2, 3, 12], [2, 12, 8], "several matrices"),
  product("a turned one", [5, 12], [8, 12], "a transposed matrix", true),
  {
    title: "fused.matMul",
    work: () =>
      tf.fused.matMul({
        a: random(1, 4, 20) as tf.Tensor2D,
        b: random(2, 20, 10) as tf.Tensor2D,
        bias: random(3, 10),
        activation: "relu",
      }),
  },
];

for (const { title, work, stock } of cases) {
  test(stock ? `${title}: tfjs` : title, async () => {
    const expected = run(work);
    const { actual, report } = withKernels(({ report }) => ({ actual: run(work), report: report() }));
    assert.equal(report, stock ? { own: 0, stock: { [stock]: 1 } } : { own: 1, stock: {} });
    assertClose(actual, expected, 1e-5, "as tfjs' wasm");
    // What is left to tfjs need not be right: its wasm backend knows no other rounding than down.
    if (!stock) assertClose(actual, await onCpu(work), 1e-5, "as tfjs' cpu");
  });
}

/** What tfjs says to something that it refuses. */
function refusal(work: () => tf.Tensor): string {
  try {
    run(work);
  } catch (error) {
    return (error as Error).message;
  }
  return "nothing was thrown";
}

test("a bias that is a scalar is tfjs' business, which refuses it", () => {
  const [x, filter] = [map(1, 1, 4, 4, 4), map(2, 1, 1, 4, 8)];
  const work = () => tf.fused.conv2d({ x, filter, strides: 1, pad: 0, bias: tf.scalar(1) });
  const expected = refusal(work);
  withKernels(({ report }) => {
    assert.is(refusal(work), expected);
    assert.equal(report(), { own: 0, stock: { "a bias that is no vector of channels": 1 } });
  });
  tf.dispose([x, filter]);
});

test("integers are tfjs' business, which refuses them", () => {
  const work = () =>
    tf.matMul(tf.tensor2d([[1, 2]], [1, 2], "int32"), tf.tensor2d([[3], [4]], [2, 1], "int32"));
  const expected = refusal(work);
  withKernels(({ report }) => {
    assert.is(refusal(work), expected);
    assert.equal(report(), { own: 0, stock: { "numbers other than float32": 1 } });
  });
});

test("what is to be differentiated is tfjs' business", () => {
  const [x, filter] = [map(1, 1, 5, 5, 4), map(2, 3, 3, 4, 8)];
  const gradient = () => tf.grad((x) => tf.sum(tf.conv2d(x as tf.Tensor4D, filter, 1, "same")))(x);
  const expected = run(gradient);
  withKernels(({ report }) => {
    assertClose(run(gradient), expected, 1e-6);
    assert.equal(report(), { own: 0, stock: { "gradients are wanted": 1 } });
  });
  tf.dispose([x, filter]);
});

test("exact sums", () => {
  const work = () => tf.conv2d(map(1, 1, 28, 28, 32), map(2, 3, 3, 32, 32), 1, "same");
  assertClose(
    withKernels(() => run(work), { exact: true }),
    run(work),
    1e-6,
  );
});

// ---- memory ---------------------------------------------------------------------------------------------

/** Blocks of tfjs' memory that are taken and not given back. */
function countBlocks<T>(work: (blocks: ReadonlySet<number>) => T): T {
  const { wasm } = openBackend();
  const { _malloc, _free } = wasm;
  const blocks = new Set<number>();
  wasm._malloc = (bytes) => {
    const block = _malloc(bytes);
    blocks.add(block);
    return block;
  };
  wasm._free = (block) => {
    blocks.delete(block);
    _free(block);
  };
  try {
    return work(blocks);
  } finally {
    Object.assign(wasm, { _malloc, _free });
  }
}

test("what is made of weights goes with them, the rest with the kernels", () =>
  countBlocks((blocks) =>
    withKernels((registration) => {
      const before = blocks.size;
      const x = map(1, 1, 8, 8, 8);
      const layers = Array.from({ length: 4 }, (_, i) => ({
        filter: map(2 + i, 3, 3, 8, 13),
        bias: random(i, 13) as tf.Tensor1D,
      }));
      const runAll = () => {
        for (const { filter, bias } of layers)
          tf.dispose(tf.fused.conv2d({ x, filter, bias, strides: 1, pad: "same" }));
      };
      runAll();
      const first = blocks.size;
      runAll();
      assert.is(blocks.size, first, "nothing is made twice");
      assert.ok(first > before + 9 + 2 * layers.length, "filters and biases were packed");
      for (const { filter, bias } of layers) tf.dispose([filter, bias]);
      x.dispose();
      // Common to all layers: the memory that they work in.
      assert.is(blocks.size, before + 1);
      assert.equal(registration.report().own, 8);
      registration.unregister();
      assert.is(blocks.size, before);
    }),
  ));

test("layers of several sizes share what is made of a filter", () =>
  countBlocks((blocks) =>
    withKernels(() => {
      const filter = map(2, 3, 3, 8, 8);
      const on = (size: number) =>
        tf.tidy(() => tf.conv2d(map(1, 1, size, size, 8), filter, 1, "same").dataSync());
      on(24);
      on(32);
      const before = blocks.size;
      on(28);
      assert.is(blocks.size, before);
      filter.dispose();
    }),
  ));

test("a filter under another shape is another filter", () => {
  const matrix = random(1, 12, 8);
  const work = () => {
    const x = map(2, 1, 1, 3, 12);
    const narrow = tf.reshape(matrix, [1, 3, 4, 8]) as tf.Tensor4D;
    const wide = tf.reshape(matrix, [1, 1, 12, 8]) as tf.Tensor4D;
    const a = tf.conv2d(tf.reshape(x, [1, 1, 9, 4]) as tf.Tensor4D, narrow, 1, "valid");
    return tf.concat([tf.reshape(a, [-1]), tf.reshape(tf.conv2d(x, wide, 1, "valid"), [-1])]);
  };
  assertClose(
    withKernels(() => run(work)),
    run(work),
    1e-5,
  );
  matrix.dispose();
});

test("filters that are used only once are left to tfjs, until they come back", () =>
  withKernels(({ report }) => {
    const x = map(1, 1, 8, 8, 8);
    const use = (filter: tf.Tensor4D) => tf.dispose(tf.conv2d(x, filter, 1, "same"));
    for (let i = 0; i < 5; i++) {
      const filter = map(i, 3, 3, 8, 8);
      use(filter);
      filter.dispose();
    }
    assert.equal(report(), { own: 2, stock: { "a filter that may be used only once": 3 } });
    const kept = map(9, 3, 3, 8, 8);
    for (let i = 0; i < 4; i++) use(kept);
    assert.equal(report(), { own: 5, stock: { "a filter that may be used only once": 4 } });
    tf.dispose([x, kept]);
  }));

test("without memory left, tfjs has its try", () => {
  const [x, filter] = [map(1, 1, 4, 4, 64), map(2, 3, 3, 64, 64)];
  const work = () => tf.conv2d(x, filter, 1, "same");
  const expected = run(work);
  const { wasm } = openBackend();
  const { _malloc } = wasm;
  withKernels(({ report }) => {
    wasm._malloc = (bytes) => (bytes > 10_000 ? 0 : _malloc(bytes));
    try {
      assertClose(run(work), expected, 0);
      assert.equal(report(), { own: 0, stock: { "no memory left": 1 } });
    } finally {
      wasm._malloc = _malloc;
    }
    assertClose(run(work), expected, 1e-5);
  });
  tf.dispose([x, filter]);
});

test("shapes that change all the time are served, beyond what is kept", () => {
  const filter = map(2, 1, 1, 4, 8);
  withKernels(({ report }) => {
    const calls = 1030;
    for (let i = 1; i <= calls; i++)
      tf.tidy(() =>
        tf.conv2d(tf.zeros([1 + (i % 103), 1, 1 + Math.floor(i / 103), 4]) as tf.Tensor4D, filter, 1, 0),
      );
    assert.is(report().own, calls);
  });
  filter.dispose();
});

test("tfjs' memory may grow", () => {
  const [x, filter] = [map(1, 1, 16, 16, 16), map(2, 3, 3, 16, 16)];
  const work = () => tf.conv2d(x, filter, 1, "same");
  const expected = run(work);
  withKernels(() => {
    run(work);
    const { memory } = hostOf(tf, wasm(), false) as { memory: WebAssembly.Memory };
    const before = memory.buffer.byteLength;
    const large = tf.zeros([before / 4]);
    assert.ok(memory.buffer.byteLength > before, "it has not grown");
    assertClose(run(work), expected, 1e-5);
    large.dispose();
  });
  tf.dispose([x, filter]);
});

// ---- coming and going -------------------------------------------------------------------------------------

const layer = () => tf.conv2d(map(1, 1, 8, 8, 8), map(2, 3, 3, 8, 8), 1, "same");

test("tfjs' kernels come back", () => {
  const names = ["Conv2D", "FusedConv2D", "DepthwiseConv2dNative", "FusedDepthwiseConv2D", "_FusedMatMul"];
  const kernels = () => names.map((name) => tf.getKernel(name, "wasm"));
  const all = () => tf.getKernelsForBackend("wasm").length;
  const [stock, count] = [kernels(), all()];
  withKernels(() => {
    for (const [i, kernel] of kernels().entries()) assert.is.not(kernel, stock[i]);
  });
  for (const [i, kernel] of kernels().entries()) assert.is(kernel, stock[i]);
  assert.is(all(), count);
});

test("a second registration is the first, unless it has options", () => {
  withKernels((registration) => {
    assert.is(registerKernels(tf), registration);
    const other = registerKernels(tf, { exact: true });
    assert.is.not(other, registration);
    run(layer);
    assert.is(other.report().own, 1);
    assert.is(registration.report().own, 0);
    other.unregister();
  });
});

test("kernels that are registered later are replaced when tfjs turns to the backend", async () => {
  const stock = tf.getKernel("Conv2D", "wasm");
  tf.unregisterKernel("Conv2D", "wasm");
  const registration = registerKernels(tf, {});
  tf.registerKernel(stock);
  run(layer);
  assert.is(registration.report().own, 0);
  await tf.setBackend("cpu");
  await tf.setBackend("wasm");
  run(layer);
  assert.is(registration.report().own, 1);
  registration.unregister();
  assert.is(tf.getKernel("Conv2D", "wasm"), stock);
});

test("a backend that is removed and registered again is another one", async () => {
  const expected = run(layer);
  const factory = tf.findBackendFactory("wasm");
  const registration = registerKernels(tf, {});
  run(layer);
  tf.removeBackend("wasm");
  tf.registerBackend("wasm", factory);
  await tf.setBackend("wasm");
  assertClose(run(layer), expected, 1e-5);
  assert.is(registration.report().own, 2);
  registration.unregister();
});

test("two instances of the backend have a memory each", async () => {
  const expected = run(layer);
  const registration = registerKernels(tf, {});
  tf.registerBackend("wasm2", tf.findBackendFactory("wasm"));
  tf.copyRegisteredKernels("wasm", "wasm2");
  for (const name of ["wasm2", "wasm", "wasm2", "wasm"]) {
    await tf.setBackend(name);
    assertClose(run(layer), expected, 1e-5, name);
  }
  assert.is(registration.report().own, 4);
  registration.unregister();
  await tf.setBackend("wasm2");
  assertClose(run(layer), expected, 0, "unregistered");
  await tf.setBackend("wasm");
  tf.removeBackend("wasm2");
});

test("where our kernels cannot run, that is said once", () => {
  const warnings: unknown[] = [];
  const { warn } = console;
  console.warn = (message: unknown) => warnings.push(message);
  const plain = {
    ...tf,
    env: () => ({ getFlags: () => ({ WASM_HAS_SIMD_SUPPORT: false }) }) as unknown as tf.Environment,
  };
  const registration = registerKernels(plain, {});
  try {
    run(layer);
    run(layer);
    assert.equal(registration.report(), { own: 0, stock: { "tfjs runs without SIMD": 2 } });
    assert.equal(warnings, ["resnetc: tfjs' own kernels stay: tfjs runs without SIMD."]);
  } finally {
    console.warn = warn;
    registration.unregister();
  }
});

test("backends of other kinds are told", () => {
  const backend = wasm();
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { _malloc, _free, tfjs } = backend.wasm;
  const reason = (module: object, threads = false) => hostOf(tf, { wasm: module } as WasmBackend, threads);
  assert.is(reason({ asm: {}, _malloc, _free, tfjs }), "this version of tfjs keeps its memory elsewhere");
  assert.is(
    reason({ asm: { memory: {} }, _malloc, _free, tfjs }),
    "this version of tfjs keeps its memory elsewhere",
  );
  assert.is(reason({ asm: { memory }, tfjs }), "this version of tfjs keeps its allocator elsewhere");
  assert.is(hostOf(tf, {} as WasmBackend, false), "this version of tfjs keeps its memory elsewhere");
  const threaded = { wasmMemory: memory, _malloc, _free, tfjs: { getThreadsCount: () => 4 } };
  assert.is(reason(threaded), "tfjs runs on 4 threads, which its own kernels use");
  assert.type(reason(threaded, true), "object");
});

/** With its allocator open to changes. */
function openBackend(): { readonly wasm: { _malloc(bytes: number): number; _free(block: number): void } } {
  return wasm();
}

test.run();
