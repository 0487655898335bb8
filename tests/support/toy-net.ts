/** The generated module of a toy network, as tests see it; tests/wasm-files.test.ts checks the real types with tsc. */
import type { Toy } from "./toy-image.ts";

export interface LoadedToy {
  readonly info: {
    readonly name: string;
    readonly threads: { readonly used: number; readonly why: string };
    readonly bytes: { readonly weights: number; readonly memory: number };
  };
  run(inputs: unknown, outputs?: unknown): Record<string, Float32Array>;
  warmUp(): Promise<void>;
  profile(inputs: unknown, rounds?: number): number[];
  dispose(): void;
}

export interface ToyModule {
  load(options?: {
    threads?: unknown;
    weights?: unknown;
    wasm?: unknown;
    onProgress?: (progress: { loaded: number; total: number }) => void;
    signal?: AbortSignal;
  }): Promise<LoadedToy>;
}

export const contentsOf = ({ artifacts }: Pick<Toy, "artifacts">, ending: string): Uint8Array => {
  const found = artifacts.find(({ path }) => path.endsWith(ending));
  if (!found) throw new Error(`no ${ending} file`);
  return new Uint8Array(Buffer.from(found.contents));
};

let evaluations = 0;

/** Evaluates the module anew, so that it sees what a test has made of the globals. */
export const importToy = (toy: Pick<Toy, "artifacts">): Promise<ToyModule> => {
  const text = `${new TextDecoder().decode(contentsOf(toy, ".js"))}//# sourceURL=toy-${evaluations++}.js\n`;
  return import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
};
