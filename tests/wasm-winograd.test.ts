/**
 * Winograd convolution: the algorithms as matrices, then the kernels in both forms against the float64 reference of
 * conv2d, on maps of every small size.
 */
import { spawnSync } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { relaxedSimd } from "../src/codegen/wasm/kernels/gemm.ts";
import type { Kernel } from "../src/codegen/wasm/kernels/kernel.ts";
import type { Matrix } from "../src/codegen/wasm/kernels/linear.ts";
import {
  type AxisAlgorithm,
  cookToom,
  inputReach,
  outputsOf,
  strided,
  tileStart,
  tilingOf,
} from "../src/codegen/wasm/kernels/winograd-algorithm.ts";
import type { Tensor } from "../src/ir/tensor.ts";
import { elements, type Shape } from "../src/ir/tensor.ts";
import { assertClose } from "./support/close-to.ts";
import { root } from "./support/nets.ts";
import { everyActivation } from "./support/operands.ts";
import { randomValues } from "./support/random.ts";
import { disassemble } from "./support/wabt.ts";
import { moduleOf } from "./support/wasm-kernel.ts";
import { prepareWinograd, type WinogradCase } from "./support/winograd-kernel.ts";

const relu = { fn: "relu" } as const;

/** What the planner chooses from. */
const algorithms: Readonly<Record<string, AxisAlgorithm>> = {
  "F(4,3)": cookToom(4, 3),
  "F(3,3)": cookToom(3, 3),
  "F(2,3)": cookToom(2, 3),
  "F(4,4)": cookToom(4, 4),
  "F(4,3)/2": strided(4),
  "F(3,3)/2": strided(3),
};

/** Rounding errors of transforms and sums, as a part of the largest result. */
const usual = 4e-6;

// ---- algorithms -------------------------------------------------------------------------------------

const axes = suite("algorithms");

const sum = (terms: readonly number[]): number => terms.reduce((total, term) => total + term, 0);
const times = (matrix: readonly (readonly number[])[], vector: readonly number[]): number[] =>
  matrix.map((row) => sum(row.map((factor, k) => factor * vector[k])));

/** Those that others are made of too. */
const allAlgorithms = {
  ...algorithms,
  "F(4,2)": cookToom(4, 2),
  "F(3,2)": cookToom(3, 2),
  "F(5,2)": cookToom(5, 2),
};

for (const [name, { taps, stride, outputs, inputs, points, bt, g, at }] of Object.entries(allAlgorithms)) {
  axes(`${name} is convolution`, () => {
    assert.is(inputs, stride * (outputs - 1) + taps);
    assert.equal([bt.length, at.length], [points.length, outputs]);
    for (let seed = 1; seed <= 20; seed++) {
      const x = [...randomValues(seed, inputs)];
      const w = [...randomValues(seed + 100, taps)];
      const u = times(g, w);
      const products = times(bt, x).map((value, i) => value * u[points[i].weight]);
      const expected = Array.from({ length: outputs }, (_, i) =>
        sum(w.map((value, k) => value * x[stride * i + k])),
      );
      assertClose({ data: times(at, products) }, { data: expected }, 1e-13);
    }
  });

  axes(`${name}: last points touch the last output only, and no other touches its last inputs`, () => {
    for (const [i, { lastOnly }] of points.entries()) {
      const touched = at.flatMap((row, output) => (row[i] === 0 ? [] : [output]));
      if (lastOnly) assert.equal(touched, [outputs - 1]);
      // What a tile of one output less does not need may lie outside the map.
      else
        assert.ok(
          bt[i].slice(inputs - stride).every((factor) => factor === 0),
          `point ${i}`,
        );
    }
    assert.ok(points.some(({ lastOnly }) => lastOnly));
  });
}

axes("tiles cover every output once, and no more of them than need be", () => {
  for (const algorithm of Object.values(algorithms)) {
    const { outputs, stride, taps } = algorithm;
    for (let size = 1; size <= 100; size++) {
      const tiling = tilingOf(size, algorithm);
      assert.is(tiling.tiles, Math.ceil(size / outputs));
      let next = 0;
      for (let i = 0; i < tiling.tiles; i++) {
        assert.is(tileStart(tiling, i), next, `tile ${i} of ${size}`);
        const own = outputsOf(tiling, i);
        assert.ok(own >= 1 && own <= outputs && i < tiling.whole === (own === outputs));
        next += own;
      }
      assert.is(next, size);
      assert.ok(inputReach(tiling, algorithm) >= stride * (size - 1) + taps);
    }
  }
});

axes.run();

// ---- maps of every size -----------------------------------------------------------------------------

const sizes = suite("sizes");

/** Both forms, the fused one in blocks of one tile, of some, of all and more than all. */
function check(given: WinogradCase, blocks: readonly number[], tolerance = usual): void {
  const winograd = prepareWinograd(given);
  const u = winograd.weights();
  const expected = { data: winograd.expected().data };
  const y = winograd.split(u);
  assertClose({ data: y }, expected, tolerance, winograd.kernels.product.name);
  for (const block of blocks) {
    const fused = winograd.fused(u, block);
    assertClose({ data: fused }, expected, tolerance, winograd.kernels.fused(block).name);
  }
}

for (const [name, algorithm] of Object.entries(algorithms)) {
  sizes(`${name}: maps from 1x1 to 19x19`, () => {
    let count = 0;
    for (let height = 1; height <= 19; height++) {
      for (let width = 1; width <= 19; width++) {
        // Those that planners choose most on every size; others on every second small one and a part of the rest.
        const isSmall = height <= 9 && width <= 9;
        const isDue =
          name.startsWith("F(4,3)") ||
          (isSmall ? (height + width) % 2 === 0 : (height + 3 * width) % 7 === 0);
        if (!isDue) continue;
        const residual = count % 2 === 0;
        check(
          {
            ...{ algorithm, size: [height, width], channels: 3, outputs: 8, residual },
            ...{ activation: count % 3 === 0 ? relu : undefined, hasGaps: count % 4 === 1 },
          },
          [[1, 5][count % 2]],
        );
        count++;
      }
    }
  });

  sizes(`${name}: channels, blocks, without pads`, () => {
    for (const channels of [1, 3, 4, 8, 12, 20]) {
      check({ algorithm, size: [9, 11], channels, outputs: 20, residual: true }, [1, 3, 4, 7, 14, 100]);
      check(
        { algorithm, size: [6, 5], channels, outputs: 9, pad: 0, activation: relu, hasGaps: true },
        [2, 6],
      );
    }
  });

  sizes(`${name}: every activation`, () => {
    // Some make numbers of 1 of sums of 10.
    for (const activation of everyActivation)
      check({ algorithm, size: [5, 6], channels: 5, outputs: 8, residual: true, activation }, [4], 1e-5);
  });
}

sizes.run();

// ---- bits -------------------------------------------------------------------------------------------

const bits = suite("bits");

bits("U made on the way changes none, in whatever chunks", () => {
  for (const algorithm of Object.values(algorithms)) {
    for (const [channels, chunks] of [
      [64, [4, 16, 32, 64]],
      [200, [40, 100, 200]],
      [3, [3]],
      [30, [30]],
    ] as const) {
      for (const size of [
        [14, 14],
        [9, 13],
        [1, 2],
      ] as const) {
        const given = { algorithm, size, channels, outputs: 24, activation: relu, residual: channels > 60 };
        const plain = prepareWinograd(given);
        const expected = plain.split(plain.weights());
        for (const chunk of chunks)
          assert.equal(prepareWinograd({ ...given, chunk }).made(), expected, `${channels} in ${chunk}s`);
      }
    }
  }
});

bits("blocks change none", () => {
  const winograd = prepareWinograd({
    algorithm: algorithms["F(4,3)"],
    size: [17, 18],
    channels: 20,
    outputs: 16,
  });
  const u = winograd.weights();
  const whole = winograd.split(u);
  for (const block of [1, 2, 5, 7, 12, 25, 1000])
    assert.equal(winograd.fused(u, block), whole, `block ${block}`);
});

bits("equal names are equal functions", () => {
  const modules = new Map<string, string>();
  for (const algorithm of Object.values(algorithms)) {
    for (const size of [
      [3, 3],
      [8, 9],
      [9, 8],
    ] as const) {
      for (const more of [
        {},
        { residual: true },
        { hasGaps: true },
        { activation: relu },
        { pad: 0 },
        { chunk: 32 },
      ] as const) {
        for (const [channels, outputs] of [
          [64, 8],
          [64, 16],
          [67, 8],
        ]) {
          if ("chunk" in more && channels % more.chunk !== 0) continue;
          const { kernels } = prepareWinograd({ algorithm, size, channels, outputs, ...more });
          for (const kernel of [
            kernels.weights,
            kernels.transform,
            kernels.product,
            kernels.transformChunks,
            kernels.made,
            kernels.fused(2),
            kernels.fused(3),
          ]) {
            const text = Buffer.from(moduleOf(kernel)).toString("base64");
            assert.is(modules.get(kernel.name) ?? text, text, `${kernel.name} is two functions`);
            modules.set(kernel.name, text);
          }
        }
      }
    }
  }
});

bits.run();

// ---- accuracy ---------------------------------------------------------------------------------------

const accuracy = suite("accuracy");

/** Normally distributed (Box and Muller). */
function gaussian(seed: number, shape: Shape, deviation: number): Tensor {
  const count = elements(shape);
  const [a, b] = [randomValues(seed, count, 1e-7, 1), randomValues(seed + 1, count, 0, 2 * Math.PI)];
  return {
    shape,
    data: Float32Array.from(a, (u, i) => deviation * Math.sqrt(-2 * Math.log(u)) * Math.cos(b[i])),
  };
}

const rms = (values: ArrayLike<number>): number =>
  Math.sqrt(sum(Array.from(values, (value) => value * value)) / values.length);

/** Maps as they are behind a ReLU, weights as He initialises them. */
function relativeError(algorithm: AxisAlgorithm, channels: number): number {
  const { stride, taps } = algorithm;
  const side = 7 * stride + taps - 2;
  const map = gaussian(1, [1, side, side, channels], 1);
  const weights = gaussian(5, [taps, taps, channels, 16], Math.sqrt(2 / (taps * taps * channels)));
  const winograd = prepareWinograd({
    ...{ algorithm, size: [8, 8], channels, outputs: 16, weights },
    map: { ...map, data: Float32Array.from(map.data, (value) => Math.max(value, 0)) },
  });
  const u = winograd.weights();
  const expected = winograd.expected().data;
  const errors = winograd.split(u).map((value, i) => value - expected[i]);
  assert.equal(winograd.fused(u, 4), winograd.split(u));
  return rms(errors) / rms(expected);
}

for (const [name, algorithm] of Object.entries(algorithms)) {
  // Four taps are for pictures whose 2x2 places are channels.
  const depths = algorithm.taps === 4 ? [4, 8, 12, 16] : [64, 128, 256, 512];
  accuracy(`${name} of ${depths.join(", ")} channels`, () => {
    for (const channels of depths) {
      const error = relativeError(algorithm, channels);
      assert.ok(error <= 2e-6, `${channels} channels: ${error}`);
    }
  });
}

accuracy.run();

// ---- engines ----------------------------------------------------------------------------------------

const engines = suite("engines");

const sample = {
  size: [9, 14],
  channels: 64,
  outputs: 16,
  residual: true,
  activation: relu,
  chunk: 32,
} as const;

/** Whether some row adds a multiple. */
const hasFactors = (matrix: Matrix): boolean =>
  matrix.some((row) => {
    const factors = row.filter((factor) => factor !== 0);
    return factors.length > 1 && factors.some((factor) => Math.abs(Math.abs(factor) - 1) > 1e-12);
  });

engines("modules are valid in the eyes of wabt", () => {
  for (const algorithm of Object.values(algorithms)) {
    for (const engine of [undefined, relaxedSimd]) {
      const { kernels } = prepareWinograd({ ...sample, algorithm, ...(engine ? { engine } : {}) });
      const { weights, transform, transformChunks, product, made } = kernels;
      const fuses = (kernel: Kernel) => disassemble(moduleOf(kernel)).includes("f32x4.relaxed_madd");
      // Transforms of few points only add and subtract.
      for (const kernel of [weights, transform, transformChunks])
        assert.is(
          fuses(kernel),
          engine !== undefined && hasFactors(kernel === weights ? algorithm.g : algorithm.bt),
        );
      for (const kernel of [product, made, kernels.fused(5)]) assert.is(fuses(kernel), engine !== undefined);
    }
  }
});

engines("relaxed SIMD computes the same, up to rounding", () => {
  const script = `
    import { relaxedSimd } from "./src/codegen/wasm/kernels/gemm.ts";
    import { cookToom, strided } from "./src/codegen/wasm/kernels/winograd-algorithm.ts";
    import { assertClose } from "./tests/support/close-to.ts";
    import { prepareWinograd } from "./tests/support/winograd-kernel.ts";
    for (const algorithm of [cookToom(4, 3), strided(4)]) {
      for (const size of [[9, 14], [3, 3], [1, 19]]) {
        const winograd = prepareWinograd({ ...${JSON.stringify(sample)}, algorithm, size, engine: relaxedSimd });
        const u = winograd.weights();
        for (const y of [winograd.split(u), winograd.made(), winograd.fused(u, 5)])
          assertClose({ data: y }, { data: winograd.expected().data }, ${usual});
        console.log(winograd.kernels.product.name);
      }
    }`;
  const { kernels } = prepareWinograd({ ...sample, algorithm: algorithms["F(4,3)"], engine: relaxedSimd });
  const isKnown = WebAssembly.validate(Uint8Array.from(moduleOf(kernels.product)));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      ...(isKnown ? [] : ["--experimental-wasm-relaxed-simd"]),
      "--import",
      "tsx",
      "--input-type=module",
      "-e",
      script,
    ],
    { cwd: root, encoding: "utf8" },
  );
  assert.is(status, 0, stderr);
  assert.is(stdout.trim().split("\n").length, 6);
});

engines.run();
