/**
 * Runs what the wasm target made, without a disk: for `run`, `verify` and tests in Node. The module's text is
 * imported as a data: URL, as run/tfjs.ts does it and for the same reasons.
 */
import { invariant } from "../base/invariant.ts";
import type { Artifact } from "../codegen/target.ts";
import type { Tensor } from "../ir/tensor.ts";

/** A network that is loaded and runs until it is disposed of. */
export interface StartedWasm {
  readonly threads: { readonly used: number; readonly why: string };
  /** `inputs` are NHWC, by the names of the net's inputs; results likewise. */
  run(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor>;
  /** The milliseconds of each step that computes, named: the least of so many runs. */
  profile(inputs: Readonly<Record<string, Tensor>>, rounds?: number): StepTime[];
  dispose(): void;
}

export interface StepTime {
  readonly label: string;
  readonly ms: number;
}

export interface StartWasm {
  /** What the target emitted. */
  readonly artifacts: readonly Artifact[];
  /** "auto" when absent: the processors there are, 8 at most. */
  readonly threads?: "auto" | number;
}

export async function startWasm({ artifacts, threads = "auto" }: StartWasm): Promise<StartedWasm> {
  const { load } = await importText(contentsOf(artifacts, ".js") as string);
  const network = await load({
    threads,
    ...kernelsOf(artifacts),
    weights: artifacts
      .filter(({ path }) => path.endsWith(".weights"))
      .map(({ contents }) => contents as Uint8Array),
  });
  const { outputs, threads: used } = network.info;
  return {
    threads: used,
    run(inputs) {
      const results = network.run(arraysOf(inputs));
      const [{ shape }] = Object.values(inputs);
      return Object.fromEntries(
        outputs.map((output) => [
          output.name,
          { shape: [shape[0], ...output.shape.slice(1)], data: results[output.name] },
        ]),
      );
    },
    profile(inputs, rounds) {
      const { steps } = JSON.parse(contentsOf(artifacts, ".json") as string) as { steps: string[] };
      return network.profile(arraysOf(inputs), rounds).map((ms, i) => ({ label: steps[i], ms }));
    },
    dispose: () => network.dispose(),
  };
}

export interface RunWasm extends StartWasm {
  readonly inputs: Readonly<Record<string, Tensor>>;
}

/** One run and away. */
export async function runWasm({ inputs, ...how }: RunWasm): Promise<Record<string, Tensor>> {
  const started = await startWasm(how);
  try {
    return started.run(inputs);
  } finally {
    started.dispose();
  }
}

type Arrays = Record<string, Float32Array>;

const arraysOf = (tensors: Readonly<Record<string, Tensor>>): Arrays =>
  Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, Float32Array.from(data)]));

/** What startWasm uses of a generated module; NAME.d.ts has the whole of it. */
interface GeneratedModule {
  load(options: {
    readonly threads: "auto" | number;
    readonly wasm: Uint8Array;
    readonly relaxed: boolean;
    /** In the order of their names. */
    readonly weights: readonly Uint8Array[];
  }): Promise<{
    readonly info: {
      readonly threads: { readonly used: number; readonly why: string };
      readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
    };
    run(inputs: Arrays): Arrays;
    profile(inputs: Arrays, rounds?: number): number[];
    dispose(): void;
  }>;
}

/** The kernels for this engine. */
function kernelsOf(artifacts: readonly Artifact[]): { readonly wasm: Uint8Array; readonly relaxed: boolean } {
  const relaxed = artifacts.find(({ path }) => path.endsWith(".relaxed.wasm"))
    ?.contents as Uint8Array<ArrayBuffer>;
  if (relaxed && WebAssembly.validate(relaxed)) return { wasm: relaxed, relaxed: true };
  return { wasm: contentsOf(artifacts, ".wasm", ".relaxed.wasm") as Uint8Array, relaxed: false };
}

/** With a name, so that a stack trace does not show the whole text. */
const importText = (text: string): Promise<GeneratedModule> =>
  import(
    `data:text/javascript;base64,${Buffer.from(`${text}//# sourceURL=network.js\n`).toString("base64")}`
  );

function contentsOf(artifacts: readonly Artifact[], ending: string, not?: string): string | Uint8Array {
  const found = artifacts.find(({ path }) => path.endsWith(ending) && !(not && path.endsWith(not)));
  invariant(found, `the wasm target made no ${ending} file`);
  return found.contents;
}
