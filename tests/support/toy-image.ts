/**
 * A network of toy kernels, so that the runtime and the loader are tested without a planner: its arithmetic is
 * exact, its weights come in three chunks of which two are staged at the same place and expanded, and most of its
 * steps read what other threads wrote in the step before.
 */
import type { Artifact } from "../../src/codegen/target.ts";
import { wasmArtifacts } from "../../src/codegen/wasm/artifacts.ts";
import type { FunctionBuilder } from "../../src/codegen/wasm/assembler/function.ts";
import { f32, i32, type Value } from "../../src/codegen/wasm/assembler/values.ts";
import { firstAddress, type Image } from "../../src/codegen/wasm/image.ts";
import type { Kernel, StepArguments } from "../../src/codegen/wasm/kernels/kernel.ts";
import type { Step } from "../../src/codegen/wasm/program.ts";

/** A unit is a float: `value` of the float that is the unit's index into the output. */
function elementwise(
  name: string,
  units: number,
  value: (
    args: StepArguments,
    index: Value<"i32">,
    load: (map: Value<"i32">, index: Value<"i32">) => Value<"f32">,
  ) => Value<"f32">,
): Kernel {
  const place = (map: Value<"i32">, index: Value<"i32">) => i32.add(map, i32.shl(index, 2));
  return {
    name: `${name} ${units}`,
    units,
    scratchBytes: 4,
    emit(f: FunctionBuilder, args: StepArguments) {
      const index = f.local("i32");
      f.for(index, args.from, args.to, 1, () => {
        const result = value(args, index, (map, i) => f32.load(place(map, i)));
        // By way of the scratch memory, which is then shown to be a thread's own.
        f.store(args.scratch, result);
        f.store(place(args.output, index), f32.load(args.scratch));
      });
    },
  };
}

const addOne = (units: number) =>
  elementwise("add-one", units, ({ input }, i, load) => f32.add(load(input, i), f32.const(1)));

const scale = (units: number) =>
  elementwise("scale", units, ({ input, weights }, i, load) => f32.mul(load(input, i), load(weights, i)));

/** out[i] = in[(i + 17) mod units] - in[i] / 2. */
const mix = (units: number) =>
  elementwise("mix", units, ({ input }, i, load) =>
    f32.sub(
      load(input, i32.rem_u(i32.add(i, 17), i32.const(units))),
      f32.mul(load(input, i), f32.const(0.5)),
    ),
  );

/** A picture with this number in it makes the network fail, on the thread that finds it. */
export const unlucky = 13;
const unluckyBits = new Int32Array(Float32Array.of(unlucky).buffer)[0];

const fear = (units: number): Kernel => ({
  name: `fear ${units}`,
  units,
  emit(f, { input, from, to }) {
    const index = f.local("i32");
    f.for(index, from, to, 1, () => {
      f.if(i32.eq(i32.load(i32.add(input, i32.shl(index, 2))), unluckyBits), () => f.unreachable());
    });
  },
});

/** Each raw float twice. */
const expand = (units: number) =>
  elementwise("expand", units, ({ input }, i, load) => load(input, i32.shr_u(i, 1)));

export const toyStep = (label: string, kernel: Kernel, addresses: Partial<Step>): Step => ({
  ...{ input: 0, weights: 0, output: 0, bias: 0, residual: 0, extra: 0 },
  ...addresses,
  label,
  kernel,
});

/** To be filled in. */
export const emptyImage: Image = {
  ...{ run: [], chunks: [], inputs: [], outputs: [] },
  fixedBytes: firstAddress,
  scratchBytes: 0,
};

export interface Toy {
  readonly image: Image;
  readonly weights: Uint8Array;
  readonly artifacts: readonly Artifact[];
  /** What comes out of a picture. */
  expected(picture: ArrayLike<number>): Float32Array;
}

export interface ToySize {
  /** Floats of the map; a multiple of 8. */
  readonly floats?: number;
  /** How often it is mixed. */
  readonly mixes?: number;
  readonly name?: string;
  /** What the weights differ by from those of another build. */
  readonly seed?: number;
  /** The size of the files of weights; one file when absent. */
  readonly shardBytes?: number;
}

export function makeToy({ floats = 240, mixes = 20, name = "toy", seed = 0, shardBytes }: ToySize = {}): Toy {
  const bytes = 4 * floats;
  const place = (i: number) => firstAddress + i * Math.ceil(bytes / 64) * 64;
  const [input, staging, first, second, third, a, b, output] = [0, 1, 2, 3, 4, 5, 6, 7].map(place);
  const mixing = Array.from({ length: mixes }, (_, i) =>
    toyStep(`mix ${i}`, mix(floats), i % 2 === 0 ? { input: a, output: b } : { input: b, output: a }),
  );
  const image: Image = {
    chunks: [
      {
        bytes: bytes / 2,
        address: staging,
        prepare: [toyStep("prepare first", expand(floats), { input: staging, output: first })],
      },
      { bytes, address: second, prepare: [] },
      {
        bytes: bytes / 2,
        address: staging,
        prepare: [toyStep("prepare third", expand(floats), { input: staging, output: third })],
      },
    ],
    run: [
      toyStep("fear", fear(floats), { input }),
      toyStep("add one", addOne(floats), { input, output: a }),
      toyStep("scale by first", scale(floats), { input: a, weights: first, output: b }),
      toyStep("scale by second", scale(floats), { input: b, weights: second, output: a }),
      ...mixing,
      toyStep("scale by third", scale(floats), { input: mixes % 2 === 0 ? a : b, weights: third, output }),
      // The first half, so that shapes differ.
      toyStep("one unit", addOne(1), { input: output, output }),
    ],
    inputs: [{ name: "input", shape: [2, floats / 8, 4], address: input }],
    outputs: [
      { name: "all", shape: [1, 1, floats], address: output },
      { name: "half", shape: [1, 1, floats / 2], address: output },
    ],
    fixedBytes: place(8),
    scratchBytes: 4,
  };

  const values = new Float32Array(2 * floats).map((_, i) => 1 + ((7 * i + seed) % 5) / 4);
  const weights = new Uint8Array(values.buffer);
  const raw = [values.subarray(0, floats / 2), values.subarray(floats / 2, (3 * floats) / 2)];
  const last = values.subarray((3 * floats) / 2);
  const card = {
    name,
    summary: "A network of the tests.",
    inputs: image.inputs.map(({ name, shape }) => ({ name, shape: [1, ...shape] })),
    outputs: image.outputs.map(({ name, shape }) => ({ name, shape: [1, ...shape] })),
    ...{ params: 2 * floats, state: 0, macs: 0, depth: mixes + 5 },
    weights: "numbers",
    compiler: "resnetc 0.0.0",
  };
  return {
    image,
    weights,
    artifacts: wasmArtifacts({
      name,
      card,
      image,
      weights,
      shardBytes,
      tensors: [{ name: "all", offset: 0 }],
    }),
    expected(picture) {
      let map = Float32Array.from(picture, (x) => x + 1);
      map = map.map((x, i) => x * raw[0][i >> 1]).map((x, i) => x * raw[1][i]);
      // Halves are exact, so the order of rounding is all that could differ: there is one rounding a step.
      for (let i = 0; i < mixes; i++) map = map.map((x, k) => map[(k + 17) % floats] - Math.fround(x / 2));
      map = map.map((x, i) => x * last[i >> 1]);
      map[0] += 1;
      return map;
    },
  };
}
