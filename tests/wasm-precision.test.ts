/** Weights in fewer bits: what is stored, what the module makes of it, what networks lose. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { expandBytesKernel, expandHalfKernel } from "../src/codegen/wasm/kernels/expand.ts";
import { defaultOptions } from "../src/codegen/wasm/plan/choose.ts";
import { storedBytes } from "../src/codegen/wasm/plan/chunks.ts";
import { halfOf, type Precision, storedPanelBytes, storePanels } from "../src/codegen/wasm/plan/precision.ts";
import { wasm } from "../src/codegen/wasm/target.ts";
import { interpret } from "../src/ir/interpret.ts";
import { runPasses } from "../src/passes/pipeline.ts";
import { decodeElements } from "../src/weights/elements.ts";
import { heWeights } from "../src/weights/initialise.ts";
import { examplePath, openNet } from "./support/nets.ts";
import { startPlan } from "./support/planned-net.ts";
import { instantiateKernel } from "./support/wasm-kernel.ts";

const halfValue = (code: number): number => decodeElements(Uint8Array.of(code & 255, code >> 8), "f16")[0];

test("every finite half is stored as itself", () => {
  for (let code = 0; code < 65536; code++) {
    if (((code >> 10) & 31) !== 31) assert.is(halfOf(halfValue(code)), code);
  }
});

test("a number is stored as the nearest half, ties to even", () => {
  const numbers = fc.double({ min: -70000, max: 70000, noNaN: true });
  const anySize = fc.oneof(
    numbers,
    numbers.map((x) => x * 2 ** -20),
    numbers.map((x) => x * 2 ** -36),
  );
  fc.assert(
    fc.property(anySize, (x) => {
      const number = Math.fround(x);
      const code = halfOf(number);
      const error = Math.abs(Math.min(Math.abs(number), 65504) - Math.abs(halfValue(code)));
      for (const other of [code - 1, code + 1]) {
        if ((other & 0x7c00) === 0x7c00 || other < 0) continue;
        const distance = Math.abs(Math.abs(number) - Math.abs(halfValue(other)));
        assert.ok(
          error < distance || (error === distance && code % 2 === 0),
          `${number} as ${halfValue(code)}`,
        );
      }
    }),
    { numRuns: 3000 },
  );
});

/** Stored panels, expanded by the module, in two ranges of units. */
function expanded(
  values: Float32Array,
  precision: "f16" | "u8",
  width: number,
  panels: number,
): Float32Array {
  const rows = { width, panelFloats: values.length / panels };
  const stored = new Uint8Array(Math.ceil((panels * storedPanelBytes(precision, rows)) / 16) * 16);
  storePanels(stored, 0, values, precision, rows);
  const kernel = precision === "f16" ? expandHalfKernel(width, panels) : expandBytesKernel(width, panels);
  const memory = new WebAssembly.Memory({ initial: 8 });
  const run = instantiateKernel(kernel, memory);
  const [from, to] = [4096, 4096 + Math.ceil(stored.length / 64) * 64];
  new Uint8Array(memory.buffer).set(stored, from);
  const middle = panels >> 1;
  for (const [first, last] of [
    [0, middle],
    [middle, panels],
  ]) {
    run(from, 0, to, 0, 0, rows.panelFloats / width, first, last, 0);
  }
  return new Float32Array(memory.buffer, to, values.length).slice();
}

const wave = (length: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * 1.7) * 2 ** -(i % 17));

test("halves become the floats they stand for, subnormal ones too", () => {
  const values = Float32Array.from({ length: 8 * 3960 }, (_, i) => halfValue(i + (i >= 0x7c00 ? 0x400 : 0)));
  assert.equal(expanded(values, "f16", 8, 3), values);
  for (const width of [4, 8, 20]) {
    const panel = wave(width * 9);
    const rounded = panel.map((value) => halfValue(halfOf(value)));
    assert.equal(expanded(panel, "f16", width, 1), rounded);
  }
});

test("bytes are within half a step of each channel's range", () => {
  for (const width of [4, 8, 16, 20]) {
    const [panels, rows] = [3, 27];
    const values = wave(width * rows * panels);
    const found = expanded(values, "u8", width, panels);
    for (let panel = 0; panel < panels; panel++) {
      for (let channel = 0; channel < width; channel++) {
        const at = (row: number) => (panel * rows + row) * width + channel;
        const own = Array.from({ length: rows }, (_, row) => values[at(row)]);
        const step = (Math.max(...own) - Math.min(...own)) / 255;
        own.forEach((value, row) => {
          assert.ok(Math.abs(found[at(row)] - value) <= 0.501 * step + 1e-7, `${width} ${panel} ${channel}`);
        });
      }
    }
  }
});

test("a channel of equal values stays as it is", () => {
  const values = new Float32Array(8 * 5).fill(0.3);
  assert.equal(expanded(values, "u8", 8, 1), values);
});

test("networks shrink to a half and a quarter, and lose what was to be expected", () => {
  const { net } = openNet(examplePath("cifar.resnet"), { net: "resnet20" });
  const graph = runPasses(net.graph, wasm.passes);
  const weights = heWeights(net.graph, 3);
  const image = { shape: [1, 32, 32, 3], data: Float32Array.from({ length: 3072 }, (_, i) => Math.cos(i)) };
  const { name } = net.graph.nodes[0];
  const [want] = Object.values(interpret(net.graph, { [name]: image }, weights));
  const sizes: Record<string, number> = {};
  const limits: Record<Precision, number> = { f32: 1e-5, f16: 2e-3, u8: 0.1 };
  for (const precision of ["f32", "f16", "u8"] as const) {
    const { plan, run } = startPlan(graph, weights, { ...defaultOptions, precision });
    const [got] = Object.values(run({ [name]: image }));
    const largest = Math.max(...Array.from(want.data, Math.abs));
    got.data.forEach((value, i) => {
      assert.ok(Math.abs(value - want.data[i]) <= limits[precision] * largest, `${precision}: ${value}`);
    });
    sizes[precision] = plan.bytes.stored;
    assert.is(
      plan.bytes.stored,
      plan.pieces.reduce((sum, piece) => sum + storedBytes(piece), 0),
    );
  }
  assert.ok(sizes.f16 < 0.51 * sizes.f32, `${sizes.f16} of ${sizes.f32}`);
  assert.ok(sizes.u8 < 0.29 * sizes.f32, `${sizes.u8} of ${sizes.f32}`);
});

test.run();
