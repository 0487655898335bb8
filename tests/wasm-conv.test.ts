/** Convolution and dense layers as an implicit matrix product: convKernel against the float64 reference of conv2d. */
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { relaxedSimd, splitRows, tileRows } from "../src/codegen/wasm/kernels/gemm.ts";
import { noPads } from "../src/ir/tensor.ts";
import { assertConv, type ConvCase, prepareConv } from "./support/conv-kernel.ts";
import { root } from "./support/nets.ts";
import { around, everyActivation, pad } from "./support/operands.ts";
import { bounds } from "./support/same-function.ts";
import { disassemble } from "./support/wabt.ts";
import { moduleOf } from "./support/wasm-kernel.ts";

const relu = { fn: "relu" } as const;

/** By name, so that two functions of one name are noticed. */
const modules = new Map<string, string>();

/** Both ways to share the work, of which the bits must not depend. */
function check(given: ConvCase): void {
  const runs = (["rows", "panels"] as const).map((split) => {
    const conv = prepareConv({ ...given, split });
    const text = Buffer.from(moduleOf(conv.kernel)).toString("base64");
    assert.is(modules.get(conv.kernel.name) ?? text, text, `${conv.kernel.name} is two functions`);
    modules.set(conv.kernel.name, text);
    return { ...conv, y: conv.run() };
  });
  const [conv, other] = runs;
  assertConv(conv, conv.y);
  assert.equal(other.y, conv.y, `${conv.kernel.name} and ${other.kernel.name}`);
}

// ---- tiles ------------------------------------------------------------------------------------------

const tiles = suite("tiles");

tiles("rows are split into tiles that make up all of them", () => {
  for (let size = 1; size <= 120; size++) {
    const groups = splitRows(size);
    assert.is(
      groups.reduce((sum, { rows, count }) => sum + rows * count, 0),
      size,
    );
    assert.ok(groups.every(({ rows, count }) => rows >= 1 && rows <= tileRows && count >= 1));
  }
});

for (const stride of [1, 2, 3]) {
  tiles(`every width from 1 to 9, stride ${stride}`, () => {
    for (let width = 1; width <= 9; width++) {
      for (const height of [1, 2, 5]) {
        check({
          map: [(height - 1) * stride + 1, (width - 1) * stride + 1, 5],
          outputs: 11,
          kernel: [3, 3],
          stride,
          pads: around(1),
          residual: width % 2 === 0,
          activation: width % 3 === 0 ? relu : undefined,
        });
      }
    }
  });
}

tiles("every height from 1 to 9, two wide", () => {
  for (let height = 1; height <= 9; height++)
    check({ map: [height, 2, 8], outputs: 16, kernel: [3, 3], pads: around(1), hasGaps: height % 2 === 0 });
});

tiles.run();

// ---- windows ----------------------------------------------------------------------------------------

const windows = suite("windows");

const shapes: readonly ConvCase[] = [
  { map: [1, 1, 1], outputs: 1, kernel: [1, 1] },
  { map: [1, 1, 3], outputs: 8, kernel: [3, 3], pads: around(1) },
  { map: [1, 1, 64], outputs: 24, kernel: [1, 1] },
  { map: [7, 5, 3], outputs: 9, kernel: [1, 1], stride: 2 },
  { map: [5, 9, 12], outputs: 12, kernel: [1, 1], pads: around(1) },
  { map: [4, 9, 2], outputs: 7, kernel: [1, 5], pads: pad(0, 0, 2, 2) },
  { map: [9, 4, 2], outputs: 7, kernel: [5, 1], pads: pad(2, 2, 0, 0) },
  { map: [5, 6, 8], outputs: 8, kernel: [2, 2], pads: pad(0, 1, 0, 1) },
  { map: [6, 7, 10], outputs: 20, kernel: [3, 3], pads: pad(0, 1, 2, 3) },
  { map: [3, 3, 4], outputs: 5, kernel: [3, 3], pads: around(3) },
  { map: [13, 11, 3], outputs: 16, kernel: [7, 7], stride: 2, pads: around(3) },
  { map: [13, 11, 3], outputs: 16, kernel: [7, 7], stride: 2, pads: around(3), isPicture: true },
  { map: [12, 10, 1], outputs: 6, kernel: [5, 5], stride: 3, isPicture: true },
  { map: [9, 8, 6], outputs: 10, kernel: [3, 3], dilation: 2, pads: around(2) },
  { map: [11, 10, 8], outputs: 8, kernel: [3, 3], dilation: 3, pads: pad(3, 2, 1, 0) },
  { map: [12, 9, 3], outputs: 8, kernel: [2, 3], dilation: 3, stride: 2, pads: around(1) },
  { map: [9, 10, 3], outputs: 8, kernel: [1, 3], dilation: 2, stride: 2, pads: around(1), isPicture: true },
  // Windows that leave a rest of the map unread.
  { map: [10, 12, 8], outputs: 8, kernel: [3, 3], stride: 3 },
  { map: [8, 8, 67], outputs: 35, kernel: [3, 3], stride: 2, pads: around(1) },
];

for (const shape of shapes) {
  const { map, outputs, kernel, stride = 1, dilation = 1, isPicture = false } = shape;
  const how = `${dilation > 1 ? ` dilation ${dilation}` : ""}${isPicture ? ", a picture" : ""}`;
  windows(`${map.join("x")} > ${outputs}, ${kernel.join("x")}/${stride}${how}`, () => {
    for (const hasGaps of [false, true]) {
      check({ ...shape, hasGaps });
      check({ ...shape, hasGaps, residual: true, activation: relu });
    }
  });
}

windows("every activation, on a residual", () => {
  for (const activation of everyActivation)
    check({
      ...{ map: [3, 5, 3], outputs: 8, kernel: [3, 3], pads: around(1) },
      ...{ residual: true, activation },
    });
});

windows("a large picture", () => {
  const large = { map: [257, 513, 3], outputs: 8, pads: around(1), kernel: [3, 3], stride: 2 } as const;
  for (const isPicture of [false, true]) {
    const conv = prepareConv({ ...large, isPicture, activation: relu });
    assertConv(conv, conv.run());
  }
});

windows("maps larger than a block of rows", () => {
  // 256 KiB of input at a time: four rows of windows here, and a rest.
  check({ map: [11, 120, 128], outputs: 9, kernel: [1, 1] });
  check({ map: [7, 258, 80], outputs: 9, kernel: [3, 3], stride: 2, pads: around(1), residual: true });
});

windows.run();

// ---- groups -----------------------------------------------------------------------------------------

const groups = suite("groups");

/** The ways to compute some groups as one that fill vectors. */
const mergers = (count: number, perGroup: number) =>
  Array.from({ length: count }, (_, i) => i + 1)
    .filter((merged) => count % merged === 0)
    .flatMap((merged) => {
      if (merged === count) return [{ merged, vectors: 2 }];
      return [1, 2]
        .filter((vectors) => (perGroup * merged) % (4 * vectors) === 0)
        .map((vectors) => ({ merged, vectors }));
    });

for (const perGroup of [1, 2, 3, 4, 5, 8, 12]) {
  groups(`${perGroup} channels a group`, () => {
    for (const count of [2, 3, 4, 8]) {
      for (const how of mergers(count, perGroup)) {
        const window = { kernel: [3, 3], pads: around(1), groups: count, ...how } as const;
        check({ ...window, map: [4, 6, count * perGroup], outputs: count * perGroup });
        check({
          ...window,
          ...{
            map: [5, 7, count * 2],
            outputs: count * perGroup,
            stride: 2,
            residual: true,
            activation: relu,
          },
        });
      }
    }
  });
}

groups("dilated, strided, with gaps, of a picture", () => {
  const both = { kernel: [3, 3], pads: around(2), dilation: 2, stride: 2, groups: 2 } as const;
  check({ ...both, map: [9, 8, 4], outputs: 16, hasGaps: true });
  check({ ...both, map: [9, 8, 4], outputs: 16, isPicture: true });
  check({ ...both, map: [9, 8, 4], outputs: 6, merged: 2, isPicture: true });
});

groups("32 groups of 4", () => {
  check({ map: [7, 7, 128], outputs: 128, kernel: [3, 3], pads: around(1), groups: 32, vectors: 1 });
  check({ map: [7, 7, 128], outputs: 128, kernel: [3, 3], pads: around(1), groups: 32, merged: 2 });
});

groups.run();

// ---- depth ------------------------------------------------------------------------------------------

const depth = suite("depth");

for (const channels of [511, 512, 600, 1023, 1024, 1031, 1200, 2046, 2048]) {
  depth(`1x1 of ${channels} channels, in pieces`, () => {
    for (const [height, width] of [
      [1, 1],
      [3, 7],
    ]) {
      const shape = { map: [height, width, channels], outputs: 20, kernel: [1, 1] } as const;
      check({ ...shape, residual: true, activation: relu });
      check({ ...shape, stride: 2, hasGaps: true });
    }
  });
}

for (const channels of [512, 600, 1023, 1024, 1031, 1200]) {
  depth(`3x3 of ${channels} channels, a piece of a tap at a time`, () => {
    const shape = { map: [4, 5, channels], outputs: 10, kernel: [3, 3], pads: around(1) } as const;
    // Neighbouring pixels are one run without gaps where channels fill panels.
    check(shape);
    check({ ...shape, hasGaps: true, residual: true, activation: relu });
    check({ ...shape, dilation: 2, pads: around(2), stride: 2 });
  });
}

depth("groups of 1024 and of 1200", () => {
  check({ map: [3, 5, 2048], outputs: 16, kernel: [3, 3], pads: around(1), groups: 2, residual: true });
  check({ map: [3, 5, 2400], outputs: 16, kernel: [1, 1], groups: 2, activation: relu });
});

depth("weights of more than a line of 256 bytes are fetched to the last", () => {
  for (const channels of [1027, 1030, 1036, 1100]) {
    for (const vectors of [1, 2, 4])
      check({ map: [1, 3, channels], outputs: 8 * vectors, kernel: [1, 1], vectors });
  }
});

depth.run();

// ---- dense layers -----------------------------------------------------------------------------------

const dense = suite("dense");

for (const vectors of [1, 2, 4, 5]) {
  const units = [4 * vectors, 12 * vectors, 12 * vectors - 1, 200 * vectors];
  dense(`panels of ${4 * vectors}`, () => {
    for (const outputs of units) {
      for (const channels of [1, 7, 64, 300, 512, 1000]) {
        check({ map: [1, 1, channels], outputs, vectors, kernel: [1, 1] });
      }
      // A whole map as a window, with lanes between pixels that are no channels.
      const map = { map: [3, 4, 10], kernel: [3, 4], outputs, vectors } as const;
      check({ ...map, activation: relu });
      check({ ...map, hasGaps: true, residual: true });
    }
  });
}

dense("a row of several pixels", () => {
  for (const vectors of [1, 2, 4, 5]) {
    for (let width = 1; width <= 9; width++)
      check({ map: [1, width, 24], outputs: 8 * vectors, vectors, kernel: [1, 1], residual: true });
  }
});

dense("the head of VGG: 25088 numbers", () => {
  check({ map: [7, 7, 512], outputs: 20, vectors: 5, kernel: [7, 7] });
  check({ map: [1, 1, 25088], outputs: 20, vectors: 5, kernel: [1, 1] });
});

dense.run();

// ---- random -----------------------------------------------------------------------------------------

const random = suite("random");

const small = (max: number) => fc.integer({ min: 0, max });

const arbitraryConv: fc.Arbitrary<ConvCase> = fc
  .record({
    size: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 12 })),
    kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    pads: fc.record({ top: small(2), bottom: small(2), left: small(2), right: small(2) }),
    stride: fc.integer({ min: 1, max: 3 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    groups: fc.constantFrom(1, 1, 1, 2, 3, 4),
    depth: fc.oneof(
      { arbitrary: fc.integer({ min: 1, max: 20 }), weight: 9 },
      fc.constantFrom(1024, 1030, 1200),
    ),
    perGroup: fc.integer({ min: 1, max: 20 }),
    vectors: fc.constantFrom(1, 2),
    flags: fc.record({ residual: fc.boolean(), isPicture: fc.boolean(), hasGaps: fc.boolean() }),
    activation: fc.constantFrom(undefined, ...everyActivation),
  })
  .map(({ size, kernel, pads, groups: count, depth, perGroup, dilation, flags, ...rest }) => {
    const fits = (side: 0 | 1, around: number) => size[side] + around >= dilation * (kernel[side] - 1) + 1;
    const isWindow = fits(0, pads.top + pads.bottom) && fits(1, pads.left + pads.right);
    const isEven = count === 1 || perGroup % (4 * rest.vectors) === 0;
    return {
      ...rest,
      ...flags,
      ...(isWindow ? { kernel, pads, dilation } : { kernel: [1, 1] as const, pads: noPads }),
      map: [...size, depth * count] as const,
      outputs: perGroup * count,
      groups: count,
      merged: isEven ? 1 : count,
      vectors: isEven ? rest.vectors : 2,
    };
  });

random("convolutions of all kinds", () => {
  fc.assert(fc.property(arbitraryConv, check), bounds);
});

random.run();

// ---- engines ----------------------------------------------------------------------------------------

const engines = suite("engines");

/** One for each path through the kernel. */
const samples: readonly ConvCase[] = [
  { map: [5, 13, 8], outputs: 16, kernel: [3, 3], pads: around(1), residual: true, activation: relu },
  { map: [9, 7, 3], outputs: 12, kernel: [7, 7], stride: 2, pads: around(3), isPicture: true },
  { map: [4, 11, 16], outputs: 16, kernel: [3, 3], pads: around(1), groups: 4, vectors: 1 },
  { map: [3, 5, 600], outputs: 16, kernel: [3, 3], pads: around(1), activation: { fn: "swish" } },
  { map: [1, 1, 1024], outputs: 100, kernel: [1, 1], vectors: 5 },
  ...Array.from({ length: 13 }, (_, i) => ({ map: [2, i + 1, 24], outputs: 20, kernel: [1, 1] }) as const),
];

engines("modules are valid in the eyes of wabt", () => {
  for (const sample of samples) {
    const text = disassemble(moduleOf(prepareConv(sample).kernel));
    assert.not.match(text, /relaxed/);
    const fast = disassemble(moduleOf(prepareConv({ ...sample, engine: relaxedSimd }).kernel));
    assert.match(fast, /f32x4\.relaxed_madd/);
    assert.not.match(fast, /f32x4\.mul\n\s*f32x4\.add/);
  }
});

engines("relaxed SIMD computes the same, up to rounding", () => {
  const script = `
    import { relaxedSimd } from "./src/codegen/wasm/kernels/gemm.ts";
    import { assertConv, prepareConv } from "./tests/support/conv-kernel.ts";
    for (const sample of ${JSON.stringify(samples)}) {
      const conv = prepareConv({ ...sample, engine: relaxedSimd });
      assertConv(conv, conv.run());
      console.log(conv.kernel.name);
    }`;
  const isKnown = WebAssembly.validate(
    Uint8Array.from(moduleOf(prepareConv({ ...samples[0], engine: relaxedSimd }).kernel)),
  );
  const flags = isKnown ? [] : ["--experimental-wasm-relaxed-simd"];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, "--import", "tsx", "--input-type=module", "-e", script],
    { cwd: root, encoding: "utf8" },
  );
  assert.is(status, 0, stderr);
  assert.is(stdout.trim().split("\n").length, samples.length);
});

engines.run();
