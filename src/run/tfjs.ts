/**
 * Runs what the tfjs target made, without a disk: for `run`, `verify` and tests in Node.
 *
 * The module's text is imported as a data: URL. Node 20, 22 and 24 all take those, there is nothing to clean
 * up after a crash, and a temporary file would be cached by the loader just the same. Such a module cannot
 * import packages, so tfjs-core and the backend come from our own dependencies, and our kernels from next door.
 */
import { invariant } from "../base/invariant.ts";
import type { Artifact } from "../codegen/target.ts";
import type { Tensor } from "../ir/tensor.ts";

/** The backends that run in Node. */
export type NodeBackend = "wasm" | "cpu";

/** A network that is loaded and runs until it is disposed of. */
export interface StartedTfjs {
  /** `inputs` are NHWC, by the names of the net's inputs; results likewise. */
  run(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor>;
  /** The milliseconds of each call, named by its operation: the least of so many runs. */
  profile(
    inputs: Readonly<Record<string, Tensor>>,
    rounds?: number,
  ): { readonly label: string; readonly ms: number }[];
  dispose(): void;
}

export interface StartTfjs {
  /** What the target emitted. */
  readonly artifacts: readonly Artifact[];
  readonly backend?: NodeBackend;
}

export interface ImportedTfjs {
  readonly tf: typeof import("@tensorflow/tfjs-core");
  readonly kernels: typeof import("../tfjs-kernels/register.ts");
  greetAgain(): void;
}

/** tfjs and our kernels for it, which modules of data: addresses do not find. It greets nobody on stderr until `greetAgain`. */
export async function importTfjs(backend: NodeBackend): Promise<ImportedTfjs> {
  const [tf, kernels] = await Promise.all([
    import("@tensorflow/tfjs-core"),
    import("../tfjs-kernels/register.ts"),
    backend === "wasm" ? import("@tensorflow/tfjs-backend-wasm") : import("@tensorflow/tfjs-backend-cpu"),
  ]);
  // The one thing that this flag changes: what the cpu backend says when it starts.
  const isProduction = tf.env().getBool("PROD");
  tf.env().set("PROD", true);
  return { tf, kernels, greetAgain: () => tf.env().set("PROD", isProduction) };
}

export async function startTfjs({ artifacts, backend = "wasm" }: StartTfjs): Promise<StartedTfjs> {
  const { tf, kernels, greetAgain } = await importTfjs(backend);
  const { load } = await importText(contentsOf(artifacts, ".js"));
  const network = await load({ tf, backend, kernels, weights: contentsOf(artifacts, ".weights") });
  return {
    run(inputs) {
      const tensors = Object.entries(inputs).map(([name, { shape, data }]) => {
        return [name, tf.tensor(Float32Array.from(data), [...shape])] as const;
      });
      try {
        const results = network.execute(Object.fromEntries(tensors));
        const values = Object.entries(results).map(([name, tensor]) => {
          return [name, { shape: tensor.shape, data: tensor.dataSync<"float32">() }] as const;
        });
        tf.dispose(results);
        return Object.fromEntries(values);
      } finally {
        tf.dispose(tensors.map(([, tensor]) => tensor));
      }
    },
    profile(inputs, rounds) {
      const { steps } = JSON.parse(contentsOf(artifacts, ".json")) as { steps: string[] };
      const arrays = Object.entries(inputs).map(
        ([name, { data }]) => [name, Float32Array.from(data)] as const,
      );
      return network.profile(Object.fromEntries(arrays), rounds).map((ms, i) => ({ label: steps[i], ms }));
    },
    dispose() {
      network.dispose();
      greetAgain();
    },
  };
}

export interface RunTfjs extends StartTfjs {
  readonly inputs: Readonly<Record<string, Tensor>>;
}

/** One run and away. */
export async function runTfjs({ inputs, ...how }: RunTfjs): Promise<Record<string, Tensor>> {
  const started = await startTfjs(how);
  try {
    return started.run(inputs);
  } finally {
    started.dispose();
  }
}

/** What startTfjs uses of a generated module; NAME.d.ts has the whole of it. */
interface GeneratedModule {
  load(options: {
    readonly tf: typeof import("@tensorflow/tfjs-core");
    readonly backend: NodeBackend;
    /** For those that were built with them. */
    readonly kernels: typeof import("../tfjs-kernels/register.ts");
    readonly weights: Uint8Array;
  }): Promise<{
    execute(
      inputs: Record<string, import("@tensorflow/tfjs-core").Tensor>,
    ): Record<string, import("@tensorflow/tfjs-core").Tensor>;
    profile(inputs: Record<string, Float32Array>, rounds?: number): number[];
    dispose(): void;
  }>;
}

function importText(text: string): Promise<GeneratedModule> {
  return import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
}

function contentsOf(artifacts: readonly Artifact[], ending: ".js" | ".json"): string;
function contentsOf(artifacts: readonly Artifact[], ending: ".weights"): Uint8Array;
function contentsOf(artifacts: readonly Artifact[], ending: string): string | Uint8Array {
  const found = artifacts.find(({ path }) => path.endsWith(ending));
  invariant(found, `the tfjs target made no ${ending} file`);
  return found.contents;
}
