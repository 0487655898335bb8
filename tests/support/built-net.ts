/** What the tfjs target makes of a graph, and ways to load it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { collect } from "../../src/base/diagnostic.ts";
import type { Artifact } from "../../src/codegen/target.ts";
import { tfjs } from "../../src/codegen/tfjs/target.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { WeightSource } from "../../src/ir/interpret.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { testCard } from "./cards.ts";
import { randomWeights } from "./case-graph.ts";

export interface BuiltNet {
  readonly graph: Graph;
  readonly weights: WeightSource;
  readonly artifacts: readonly Artifact[];
  text(ending: string): string;
  bytes(ending: string): Uint8Array;
}

export function buildNet(source: Graph, given?: WeightSource): BuiltNet {
  const weights = given ?? randomWeights(source);
  const { report, diagnostics } = collect();
  const graph = runPasses(source, tfjs.passes, { check: true });
  const artifacts = tfjs.emit({ graph, weights, card: testCard(graph), name: graph.name, report });
  if (diagnostics.length > 0) throw new Error(diagnostics[0].message);
  const contents = (ending: string) => {
    const found = artifacts.find(({ path }) => path === `${graph.name}${ending}`);
    if (!found) throw new Error(`no ${ending} among ${artifacts.map(({ path }) => path).join(", ")}`);
    return found.contents;
  };
  return {
    graph,
    weights,
    artifacts,
    text: (ending) => String(contents(ending)),
    bytes: (ending) => contents(ending) as Uint8Array,
  };
}

/** A folder with the files, from where Node finds the packages of this project; `remove` deletes it. */
export function writeNet({ artifacts }: Pick<BuiltNet, "artifacts">): {
  readonly folder: string;
  remove(): void;
} {
  const cache = fileURLToPath(new URL("../../node_modules/.cache/", import.meta.url));
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "resnetc-test-"));
  for (const { path, contents } of artifacts) writeFileSync(join(folder, path), contents);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

type Tf = typeof import("@tensorflow/tfjs-core");
type Tensor4D = import("@tensorflow/tfjs-core").Tensor4D;

/** The generated module as tests see it; tests/tfjs.test.ts checks the real types with tsc. */
export interface LoadedNet {
  readonly info: Record<string, unknown>;
  readonly ready: Promise<void>;
  run(inputs: unknown): Record<string, Float32Array>;
  runAsync(inputs: unknown): Promise<Record<string, Float32Array>>;
  execute(inputs: unknown): Record<string, Tensor4D>;
  warmUp(): Promise<void>;
  dispose(): void;
}

export interface NetModule {
  load(options?: {
    tf?: Tf;
    backend?: string;
    weights?: unknown;
    onProgress?: (progress: { loaded: number; total: number }) => void;
    wasmPaths?: string;
    signal?: AbortSignal;
  }): Promise<LoadedNet>;
}

export const importNet = (net: BuiltNet): Promise<NetModule> =>
  import(`data:text/javascript;base64,${Buffer.from(net.text(".js")).toString("base64")}`);
