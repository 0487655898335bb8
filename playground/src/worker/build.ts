/** Networks that run: what `resnetc build` writes, made in the page. */
import { targets } from "../../../src/codegen/targets.ts";
import { type PlannedStep, planGraph } from "../../../src/codegen/wasm/plan/plan.ts";
import { planOptions, wasm } from "../../../src/codegen/wasm/target.ts";
import { emit } from "../../../src/compile.ts";
import { runPasses } from "../../../src/passes/pipeline.ts";
import { familyOf, type Layer, layersOf } from "../../../src/run/layers.ts";
import { heWeights } from "../../../src/weights/initialise.ts";
import type { BuildAsk, Built } from "../protocol.ts";
import { bind } from "./checkpoint.ts";
import { neededNet } from "./documents.ts";

/** Of the network that was built for wasm last. */
let steps: readonly PlannedStep[] = [];

export function build({ target: wanted, trained, ...spec }: BuildAsk): Built {
  const start = performance.now();
  const net = neededNet(spec);
  const { bound, lines } = trained ? bind(net, spec) : { bound: undefined, lines: [] };
  if (trained && !bound) throw new Error(`The checkpoint does not fit: ${lines.join("; ")}.`);
  const weights = bound ?? heWeights(net.graph, 0);
  const weightsFrom = bound?.from ?? "He initialisation, seed 0";
  const target = targets.find(({ name }) => name === wanted)!;
  const notes: string[] = [];
  const { artifacts, diagnostics } = emit(net, {
    ...{ target, weights, weightsFrom, hasWeights: bound !== undefined },
    onNote: (line) => notes.push(line),
  });
  const [wrong] = diagnostics.filter(({ severity }) => severity === "error");
  if (wrong) throw new Error(`${wrong.message}${wrong.hint ? `: ${wrong.hint}` : ""}.`);
  if (target === wasm) steps = planGraph(runPasses(net.graph, wasm.passes), weights, planOptions()).steps;
  return {
    ...{ name: net.name, weightsFrom, trained: bound !== undefined, notes },
    files: artifacts.map(({ path, contents }) => ({ path, contents: alone(contents) })),
    seconds: (performance.now() - start) / 1000,
  };
}

/** Bytes in a buffer of their own, to be given away. */
const alone = (contents: string | Uint8Array): string | Uint8Array<ArrayBuffer> =>
  typeof contents === "string"
    ? contents
    : contents.byteLength === contents.buffer.byteLength && contents.buffer instanceof ArrayBuffer
      ? (contents as Uint8Array<ArrayBuffer>)
      : Uint8Array.from(contents);

/** The times of the steps as those of layers. */
export const layers = ({ times }: { readonly times: readonly number[] }): readonly Layer[] =>
  layersOf(
    steps.map(({ node, kernel, predictedMs }, i) => ({
      ...{ node, predictedMs, kernel: familyOf(kernel.name) },
      ms: times[i],
    })),
  );
