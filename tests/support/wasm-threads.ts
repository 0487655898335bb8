/** An encoded image on memory that a test sees, with threads started by the test: the runtime without the loader. */
import { Worker } from "node:worker_threads";
import { encodeImage, type Image } from "../../src/codegen/wasm/image.ts";
import { control, lineBytes } from "../../src/codegen/wasm/runtime.ts";

export interface RuntimeExports {
  execute(first: number, last: number): void;
  join(): number;
  work(thread: number): void;
  checksum(address: number, bytes: number): void;
  digest(bytes: number): void;
}

export interface StartedModule {
  readonly exports: RuntimeExports;
  readonly memory: WebAssembly.Memory;
  readonly words: Int32Array;
  /** The steps of the run, and those of each chunk. */
  readonly run: readonly [first: number, last: number];
  readonly chunks: readonly (readonly [bytes: number, address: number, first: number, last: number])[];
  /** The first word of the scratch memory that kernels get, by thread. */
  scratchOf(thread: number): number;
  /** One thread more. */
  hire(): Promise<void>;
  /** Resolves when all threads have returned. */
  stop(): Promise<void>;
}

const threadText = `const { parentPort, workerData } = require("node:worker_threads");
const { module, memory } = workerData;
const { join, work } = new WebAssembly.Instance(module, { env: { memory } }).exports;
const thread = join();
parentPort.postMessage(thread);
work(thread);`;

/** `most`: how many threads there may be; with one the memory is not shared. */
export function startModule(image: Image, most: number, { mayWait = true } = {}): StartedModule {
  const { wasm, memoryFlagOffset, memoryBytes, scratchBytes, first, last, chunkTable, chunkCount } =
    encodeImage(image);
  const bytes = wasm.slice();
  if (most > 1) bytes[memoryFlagOffset] = 3;
  const module = new WebAssembly.Module(bytes);
  const initial = Math.ceil((memoryBytes + most * scratchBytes) / 65536);
  const memory = new WebAssembly.Memory({ initial, maximum: initial, shared: most > 1 });
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as RuntimeExports;
  const words = new Int32Array(memory.buffer);
  words[control.mayWait / 4] = mayWait ? 1 : 0;
  const ends: Promise<unknown>[] = [];
  return {
    ...{ exports, memory, words },
    run: [first, last],
    chunks: Array.from({ length: chunkCount }, (_, i) => {
      const [bytes, address, first, last] = new Uint32Array(memory.buffer, chunkTable + 16 * i, 4);
      return [bytes, address, first, last] as const;
    }),
    scratchOf: (thread) => (memoryBytes + thread * scratchBytes + lineBytes) / 4,
    hire() {
      const worker = new Worker(threadText, { eval: true, execArgv: [], workerData: { module, memory } });
      ends.push(new Promise((resolve) => worker.once("exit", resolve)));
      return new Promise((resolve, reject) => worker.once("message", () => resolve()).once("error", reject));
    },
    async stop() {
      Atomics.store(words, control.phase / 4, -1);
      Atomics.notify(words, control.phase / 4);
      await Promise.all(ends);
    },
  };
}

/** What a loader does with the weights file. */
export function loadWeights({ exports, memory, chunks }: StartedModule, weights: Uint8Array): void {
  let taken = 0;
  for (const [bytes, address, first, last] of chunks) {
    new Uint8Array(memory.buffer, address, bytes).set(weights.subarray(taken, taken + bytes));
    exports.execute(first, last);
    taken += bytes;
  }
}
