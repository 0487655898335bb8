/**
 * A planned network in Node, without the loader: every run starts on memory where all that is not promised is NaN,
 * so that what no step writes, or an earlier run left behind, shows in the results.
 */
import * as assert from "uvu/assert";
import type { Buffer as ArenaBuffer } from "../../src/codegen/wasm/plan/buffers.ts";
import { defaultOptions, type PlanOptions } from "../../src/codegen/wasm/plan/choose.ts";
import { weightFile } from "../../src/codegen/wasm/plan/chunks.ts";
import { type Plan, planGraph } from "../../src/codegen/wasm/plan/plan.ts";
import { wasm } from "../../src/codegen/wasm/target.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { interpret, type WeightSource } from "../../src/ir/interpret.ts";
import { elements, type Tensor } from "../../src/ir/tensor.ts";
import type { Pass } from "../../src/passes/pass.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { assertClose } from "./close-to.ts";
import { loadWeights, startModule } from "./wasm-threads.ts";

export interface PlannedNet {
  readonly plan: Plan;
  /** Any batch, picture by picture. */
  run(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor>;
}

export function startPlan(
  graph: Graph,
  weights: WeightSource,
  options: PlanOptions = defaultOptions,
): PlannedNet {
  const plan = planGraph(graph, weights, options);
  const module = startModule(plan.image, 1);
  loadWeights(module, weightFile(plan.pieces));
  const floats = new Float32Array(module.memory.buffer);
  const scratch = module.scratchOf(0);
  const frames = plan.buffers.filter(({ geometry }) => geometry !== undefined).map(frameOf);

  const poison = () => {
    if (options.guest) floats.fill(Number.NaN, plan.arena / 4, plan.image.fixedBytes / 4);
    for (const { address, floats: size, geometry } of plan.buffers)
      if (geometry === undefined) floats.fill(Number.NaN, address / 4, address / 4 + size);
    for (const { inside } of frames) for (const [start, end] of inside) floats.fill(Number.NaN, start, end);
    floats.fill(Number.NaN, scratch, scratch + plan.image.scratchBytes / 4);
  };
  const assertFramesZero = () => {
    for (const { label, around } of frames) {
      for (const [start, end] of around)
        assert.ok(
          floats.subarray(start, end).every((value) => value === 0),
          `the frame of ${label}`,
        );
    }
  };
  /** Behind a guest's results others have their own. */
  const assertRestUntouched = () => {
    for (const { name, shape, address } of plan.image.outputs) {
      const end = address + 4 * elements(shape);
      const rest = floats.subarray(end / 4, Math.ceil(end / 64) * 16);
      assert.ok(rest.every(Number.isNaN), `what lies behind ${name} is overwritten`);
    }
  };
  return {
    plan,
    run(inputs) {
      const { inputs: ins, outputs: outs } = plan.image;
      const batch = Object.values(inputs)[0].shape[0];
      const results = Object.fromEntries(
        outs.map(({ name, shape }) => [name, new Float32Array(batch * elements(shape))]),
      );
      for (let i = 0; i < batch; i++) {
        poison();
        for (const { name, shape, address } of ins) {
          const size = elements(shape);
          floats.set(Array.from(inputs[name].data).slice(i * size, (i + 1) * size), address / 4);
        }
        module.exports.execute(...module.run);
        if (options.guest) assertRestUntouched();
        else assertFramesZero();
        for (const { name, shape, address } of outs) {
          const size = elements(shape);
          results[name].set(floats.subarray(address / 4, address / 4 + size), i * size);
        }
      }
      return Object.fromEntries(
        outs.map(({ name, shape }) => [name, { shape: [batch, ...shape], data: results[name] }]),
      );
    },
  };
}

type Range = readonly [start: number, end: number];

/** Where a buffer's map lies, and the zeros around it, in floats of the memory. */
function frameOf({ label, address, floats, geometry }: ArenaBuffer) {
  const [height, width, , pixelStride, top, bottom, left, right] = geometry!.split(",").map(Number);
  const row = (left + width + right) * pixelStride;
  assert.is(floats, (top + height + bottom) * row, `${label}: ${geometry}`);
  const start = address / 4;
  const inside = Array.from({ length: height }, (_, y): Range => {
    const from = start + (top + y) * row + left * pixelStride;
    return [from, from + width * pixelStride];
  });
  const edges = [start, ...inside.flat(), start + floats];
  const around = Array.from({ length: height + 1 }, (_, i): Range => [edges[2 * i], edges[2 * i + 1]]);
  return { label, inside, around };
}

export interface PlanCase {
  readonly graph: Graph;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly weights: WeightSource;
}

export interface HowPlanned {
  readonly level?: Pass["level"];
  readonly options?: PlanOptions;
}

/** The graph through the passes of the target and the planner. */
export function planCase(
  { graph, weights }: PlanCase,
  { level = 2, options = defaultOptions }: HowPlanned = {},
) {
  return startPlan(runPasses(graph, wasm.passes, { level, check: true }), weights, options);
}

/**
 * The plan computes what the interpreter does, twice. Errors are relative to the largest number on the way, which
 * cancels in some networks; where that exceeds float32, nothing is compared.
 */
export function assertPlanRight(given: PlanCase, how: HowPlanned = {}, tolerance = 1e-5): PlannedNet {
  const net = planCase(given, how);
  const actual = net.run(given.inputs);
  const again = net.run(given.inputs);
  let largest = 1e-30;
  const expected = interpret(given.graph, given.inputs, given.weights, {
    onValue: (_, { data }) => {
      largest = Math.max(largest, largestOf(data));
    },
  });
  assert.equal(Object.keys(actual), Object.keys(expected));
  for (const [name, { shape, data }] of Object.entries(expected)) {
    assert.equal(actual[name].shape, [...shape]);
    assert.ok(bits(again[name]).equals(bits(actual[name])), `${name}: another run gives other bits`);
    if (largest < 1e30) assertClose(actual[name], { data }, (tolerance * largest) / largestOf(data), name);
  }
  return net;
}

/** In absolute value; windows over pads only have no mean. */
function largestOf(data: Tensor["data"]): number {
  let largest = 1e-30;
  for (const value of data) if (!Number.isNaN(value)) largest = Math.max(largest, Math.abs(value));
  return largest;
}

const bits = ({ data }: Tensor): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
