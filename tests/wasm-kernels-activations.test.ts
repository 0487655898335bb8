/** The vector activations against float64, in place and as functions. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { v128 } from "../src/codegen/wasm/assembler/values.ts";
import { activationVector } from "../src/codegen/wasm/kernels/activations.ts";
import { at, hold, holdVector, type Kernel } from "../src/codegen/wasm/kernels/kernel.ts";
import { type Activation, applyActivation, printActivation } from "../src/ir/activation.ts";
import { everyActivation } from "./support/operands.ts";
import { randomValues } from "./support/random.ts";
import { denseLayout, runKernel } from "./support/wasm-kernel.ts";

/** How the argument comes, and whether all is emitted in place. */
type Form = "expression" | "local" | "in place";

/** Applies it to the vectors of the memory. */
const activationKernel = (activation: Activation, count: number, form: Form): Kernel => ({
  name: `${printActivation(activation)} of ${count}`,
  units: count / 4,
  emit(f, { input, output, from, to }, library) {
    const unit = f.local("i32");
    f.for(unit, from, to, 1, () => {
      const loaded = v128.load(hold(f, at(input, unit, 4)));
      const x = form === "local" ? holdVector(f, loaded) : loaded;
      f.store(
        at(output, unit, 4),
        activationVector(activation, x, library, form === "in place" ? f : undefined),
      );
    });
  },
});

function evaluate(activation: Activation, x: ArrayLike<number>, form: Form = "expression"): Float32Array {
  const layout = denseLayout(1, 1, x.length);
  const kernel = activationKernel(activation, x.length, form);
  return runKernel({ kernel, input: { layout, values: x }, output: { layout } });
}

const activations: readonly Activation[] = [
  ...everyActivation,
  { fn: "leaky", slope: 0 },
  { fn: "leaky", slope: 1.5 },
  { fn: "leaky", slope: -0.25 },
];

/** Everywhere, more where things bend, and next to every power of two. */
const ordinary = Float32Array.from([
  ...randomValues(1, 40_000, -100, 100),
  ...randomValues(2, 40_000, -12, 12),
  ...randomValues(3, 20_000, -1, 1),
  ...[...Array(40).keys()].flatMap((n) =>
    [1, 1.0000001, 0.9999999].flatMap((m) => [m * 2 ** (6 - n), -m * 2 ** (6 - n)]),
  ),
]);

for (const activation of activations) {
  const name = printActivation(activation);

  test(`${name} is right to 4e-7`, () => {
    const y = evaluate(activation, ordinary);
    for (const [i, x] of ordinary.entries()) {
      const expected = applyActivation(activation, x);
      const error = Math.abs(y[i] - expected) / Math.max(1, Math.abs(expected));
      assert.ok(error <= 4e-7, `${name}(${x}) is ${y[i]} instead of ${expected}`);
    }
  });

  test(`${name} is the same for a local, and in place`, () => {
    const x = ordinary.subarray(0, 400);
    assert.equal(evaluate(activation, x, "local"), evaluate(activation, x));
    assert.equal(evaluate(activation, x, "in place"), evaluate(activation, x));
  });

  test(`${name} at zero, far out, of NaN`, () => {
    const edges = [
      0, -0, 1e-40, -1e-40, 87, -87, 88.5, -88.5, 1000, -1000, 1e20, -1e20, 3.4e38, -3.4e38, 89, -104,
    ];
    const y = evaluate(activation, edges);
    for (const [i, x] of edges.entries()) {
      const expected = Math.fround(applyActivation(activation, Math.fround(x)));
      if (Math.abs(expected) < 3.4e38)
        assert.ok(
          Math.abs(y[i] - expected) <= 4e-7 * Math.max(1, Math.abs(expected)),
          `${name}(${x}) is ${y[i]}`,
        );
      else assert.ok(!Number.isNaN(y[i]), `${name}(${x}) is a NaN`);
    }
    const spoiled = evaluate(activation, [Number.NaN, 1, -Number.NaN, 2, 3, 4, 5, 6]);
    assert.ok(Number.isNaN(spoiled[0]) && Number.isNaN(spoiled[2]), `${name} of NaN`);
    assert.not(Number.isNaN(spoiled[1]) || Number.isNaN(spoiled[3]));
  });
}

test.run();
