/** What the graph-model target makes of a graph, and ways to load it. */
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import { collect } from "../../src/base/diagnostic.ts";
import { graphModel } from "../../src/codegen/graph-model/target.ts";
import type { Artifact, EmitRequest } from "../../src/codegen/target.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { WeightSource } from "../../src/ir/interpret.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { testCard } from "./cards.ts";

/** model.json and its weights as one. */
export interface GraphModelFiles {
  readonly json: tf.io.ModelJSON;
  readonly weights: ArrayBuffer;
}

export type Choices = Pick<EmitRequest, "arithmetic" | "shardBytes">;

/** Of a graph that has been through its passes. */
export function toArtifacts(graph: Graph, weights: WeightSource, choices: Choices = {}): readonly Artifact[] {
  const { report, diagnostics } = collect();
  const artifacts = graphModel.emit({
    graph,
    weights,
    card: testCard(graph),
    name: graph.name,
    report,
    ...choices,
  });
  if (diagnostics.length > 0) throw new Error(diagnostics[0].message);
  return artifacts;
}

export function filesOf(artifacts: readonly Artifact[]): GraphModelFiles {
  const contents = (name: string) => artifacts.find(({ path }) => path === name)!.contents;
  const json = JSON.parse(String(contents("model.json"))) as tf.io.ModelJSON;
  const paths = json.weightsManifest.flatMap((group) => group.paths);
  const weights = Uint8Array.from(Buffer.concat(paths.map((path) => contents(path) as Uint8Array)));
  return { json, weights: weights.buffer };
}

export const toGraphModel = (graph: Graph, weights: WeightSource): GraphModelFiles =>
  filesOf(toArtifacts(graph, weights));

export const loadFiles = ({ json, weights }: GraphModelFiles) =>
  loadGraphModel({
    load: () =>
      tf.io.getModelArtifactsForJSON(json, async (manifest) => [
        manifest.flatMap((group) => group.weights),
        weights,
      ]),
  });

/** Every output of a model by its name, on a backend of Node's. */
export async function runGraphModel(
  artifacts: readonly Artifact[],
  inputs: Readonly<Record<string, Tensor>>,
  backend: "cpu" | "wasm",
): Promise<Record<string, Tensor>> {
  await tf.setBackend(backend);
  const files = filesOf(artifacts);
  const model = await loadFiles(files);
  const given = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, data }]) => [
      name,
      tf.tensor(Float32Array.from(data), [...shape]),
    ]),
  );
  const { outputs } = files.json.signature as { outputs: Record<string, { name: string }> };
  const found = [
    model.execute(
      given,
      Object.values(outputs).map(({ name }) => name),
    ),
  ].flat();
  const results = Object.keys(outputs).map((name, i) => {
    return [name, { shape: found[i].shape, data: found[i].dataSync<"float32">() }] as const;
  });
  tf.dispose([found, given]);
  model.dispose();
  return Object.fromEntries(results);
}
