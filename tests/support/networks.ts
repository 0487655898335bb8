/** Binding and running whole networks, for the tests that compare them with other people's numbers. */
import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { collect } from "../../src/base/diagnostic.ts";
import type { Arithmetic } from "../../src/codegen/target.ts";
import { tfjs } from "../../src/codegen/tfjs/target.ts";
import { wasm } from "../../src/codegen/wasm/target.ts";
import { type AnalysedNet, emit } from "../../src/compile.ts";
import type { WeightSource } from "../../src/ir/interpret.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import type { Module } from "../../src/lower/modules.ts";
import { tablesOf } from "../../src/node/find-weights.ts";
import { type NodeBackend, runTfjs } from "../../src/run/tfjs.ts";
import { startWasm } from "../../src/run/wasm.ts";
import { type BoundWeights, bindWeights } from "../../src/weights/bind.ts";
import { type CheckpointFiles, openCheckpoint } from "../../src/weights/checkpoint.ts";

const diskFiles: CheckpointFiles = { read: (file) => readFileSync(file) };

/** The weights of a checkpoint that must fit to the last tensor, names recognised. */
export function bind(net: AnalysedNet, module: Module, path: string, files = diskFiles): BoundWeights {
  const { report, diagnostics } = collect();
  const checkpoint = openCheckpoint(path, files, report);
  const weights =
    checkpoint &&
    bindWeights({ graph: net.graph, checkpoint, path, tables: tablesOf(module), strict: true }, report);
  assert.equal(
    diagnostics.map(({ message }) => message),
    [],
  );
  assert.ok(weights);
  return weights!;
}

export async function onTfjs(
  net: AnalysedNet,
  weights: WeightSource,
  inputs: Record<string, Tensor>,
  backend: NodeBackend,
  level: 0 | 2 = 2,
): Promise<Record<string, Tensor>> {
  const { artifacts } = emit(net, { target: tfjs, weights, weightsFrom: "test", level });
  return runTfjs({ artifacts, inputs, backend });
}

/** What the wasm target makes of a net gives on one thread and on two, which must be the same to the bit. */
export async function onWasm(
  net: AnalysedNet,
  weights: WeightSource,
  inputs: Record<string, Tensor>,
  arithmetic: Arithmetic = {},
): Promise<Record<string, Tensor>> {
  const { artifacts, diagnostics } = emit(net, { target: wasm, weights, weightsFrom: "test", arithmetic });
  assert.equal(diagnostics, []);
  const [alone, together] = await Promise.all(
    [1, 2].map(async (threads) => {
      const started = await startWasm({ artifacts, threads });
      assert.is(started.threads.used, threads);
      const results = started.run(inputs);
      started.dispose();
      return results;
    }),
  );
  assert.equal(together, alone, "two threads give other bits than one");
  return alone;
}

/** [n, h, w, c] data as PyTorch has it, [n, c, h, w]. */
export function toNchw({ shape: [n, h, w, c], data }: Tensor): Float64Array {
  const turned = new Float64Array(data.length);
  for (let i = 0; i < n; i++) {
    for (let place = 0; place < h * w; place++) {
      for (let k = 0; k < c; k++) turned[(i * c + k) * h * w + place] = data[(i * h * w + place) * c + k];
    }
  }
  return turned;
}

/** NCHW values as an NHWC tensor. */
export function toNhwc(data: ArrayLike<number>, [n, c, h, w]: readonly number[]): Tensor {
  const out = new Float64Array(n * c * h * w);
  for (let b = 0; b < n; b++) {
    for (let k = 0; k < c; k++) {
      for (let place = 0; place < h * w; place++)
        out[(b * h * w + place) * c + k] = data[(b * c + k) * h * w + place];
    }
  }
  return { shape: [n, h, w, c], data: out };
}
