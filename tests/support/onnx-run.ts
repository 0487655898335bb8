/** Runs what the onnx target writes, in ONNX Runtime Web: WebAssembly, one thread. NHWC goes in and comes out. */
import { env, InferenceSession, Tensor as OrtTensor } from "onnxruntime-web";
import * as assert from "uvu/assert";
import { onnx } from "../../src/codegen/onnx/target.ts";
import type { Artifact } from "../../src/codegen/target.ts";
import { type AnalysedNet, emit } from "../../src/compile.ts";
import type { WeightSource } from "../../src/ir/interpret.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { toNchw, toNhwc } from "./networks.ts";

env.wasm.numThreads = 1;
env.logLevel = "error";

export interface OnnxPort {
  readonly name: string;
  /** A name where any size goes. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxSession {
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  run(inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

export async function openOnnx(model: Uint8Array): Promise<OnnxSession> {
  const session = await InferenceSession.create(model, { executionProviders: ["wasm"] });
  const ports = (metadata: readonly InferenceSession.ValueMetadata[]): OnnxPort[] =>
    metadata.map((port) => {
      assert.ok(port.isTensor && port.type === "float32", `${port.name} is no float32 tensor`);
      return { name: port.name, shape: port.isTensor ? port.shape : [] };
    });
  return {
    inputs: ports(session.inputMetadata),
    outputs: ports(session.outputMetadata),
    async run(inputs) {
      const feeds = Object.entries(inputs).map(([name, map]) => {
        const [n, h, w, c] = map.shape;
        return [name, new OrtTensor("float32", Float32Array.from(toNchw(map)), [n, c, h, w])];
      });
      const results = await session.run(Object.fromEntries(feeds));
      return Object.fromEntries(
        Object.entries(results).map(([name, { data, dims }]) => [name, toNhwc(data as Float32Array, dims)]),
      );
    },
    release: () => session.release(),
  };
}

export const modelOf = (artifacts: readonly Artifact[]): Uint8Array =>
  artifacts.find(({ path }) => path.endsWith(".onnx"))!.contents as Uint8Array;

export function buildOnnx(net: AnalysedNet, weights: WeightSource, level: 0 | 1 | 2 = 2): Uint8Array {
  const { artifacts, diagnostics } = emit(net, { target: onnx, weights, weightsFrom: "test", level });
  assert.equal(diagnostics, []);
  return modelOf(artifacts);
}

export async function onOnnx(
  model: Uint8Array,
  inputs: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const session = await openOnnx(model);
  const results = await session.run(inputs);
  await session.release();
  return results;
}
