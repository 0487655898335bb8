/**
 * tfjs' memory as a guest uses it: blocks from tfjs' own allocator, one that all layers work in, and a view of the
 * numbers when they are needed. The memory may grow whenever tfjs allocates, so no view is kept; it is never grown
 * from here, which would pull the buffer from under tfjs.
 */
import type { Tf, WasmBackend } from "./tfjs.ts";

/** Memory of ours within tfjs'. */
export interface Block {
  /** Of a cache line's start. */
  readonly address: number;
  free(): void;
}

const alignment = 64;

export class Host {
  readonly memory: WebAssembly.Memory;
  readonly backend: WasmBackend;
  #workspace: Block | undefined;
  #workspaceBytes = 0;
  #zeros: Block | undefined;
  #zeroFloats = 0;

  constructor(backend: WasmBackend, memory: WebAssembly.Memory) {
    this.backend = backend;
    this.memory = memory;
  }

  get isShared(): boolean {
    return isSharedMemory(this.memory);
  }

  /** Throws when there is no memory left. */
  allocate(bytes: number): Block {
    const { wasm } = this.backend;
    const start = wasm._malloc(bytes + alignment) >>> 0;
    if (start === 0) throw new Error("no memory left");
    return {
      address: Math.ceil(start / alignment) * alignment,
      free: () => wasm._free(start),
    };
  }

  floats(address: number, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, count);
  }

  addressOf(dataId: object): number {
    return this.backend.dataIdMap.get(dataId).memoryOffset;
  }

  /** Memory for what one layer computes in between; the next one uses it again. */
  workspace(bytes: number): number {
    if (!this.#workspace || bytes > this.#workspaceBytes) {
      this.#workspace?.free();
      this.#workspace = undefined;
      this.#workspace = this.allocate(bytes);
      this.#workspaceBytes = bytes;
    }
    return this.#workspace.address;
  }

  /** A vector of zeros: the bias of layers that have none. */
  zeros(count: number): number {
    if (!this.#zeros || count > this.#zeroFloats) {
      this.#zeros?.free();
      this.#zeros = undefined;
      this.#zeros = this.allocate(4 * count);
      this.#zeroFloats = count;
      this.floats(this.#zeros.address, count).fill(0);
    }
    return this.#zeros.address;
  }

  free(): void {
    this.#workspace?.free();
    this.#zeros?.free();
    this.#workspace = undefined;
    this.#zeros = undefined;
  }
}

const isSharedMemory = ({ buffer }: WebAssembly.Memory): boolean =>
  typeof SharedArrayBuffer !== "undefined" && buffer instanceof SharedArrayBuffer;

/** The backend's memory, or why it stays with tfjs' kernels. */
export function hostOf(tf: Tf, backend: WasmBackend, withThreads: boolean): Host | string {
  const { wasm } = backend;
  const memory = memoryOf(backend);
  if (!memory) return "this version of tfjs keeps its memory elsewhere";
  if (typeof wasm._malloc !== "function" || typeof wasm._free !== "function")
    return "this version of tfjs keeps its allocator elsewhere";
  if (tf.env().getFlags().WASM_HAS_SIMD_SUPPORT === false) return "tfjs runs without SIMD";
  const threads = threadsOf(backend);
  if (threads > 1 && !withThreads) return `tfjs runs on ${threads} threads, which its own kernels use`;
  return new Host(backend, memory);
}

function memoryOf({ wasm }: WasmBackend): WebAssembly.Memory | undefined {
  const found = wasm?.wasmMemory ?? wasm?.asm?.memory;
  return found instanceof WebAssembly.Memory ? found : undefined;
}

function threadsOf({ wasm }: WasmBackend): number {
  return wasm.tfjs?.getThreadsCount?.() ?? 1;
}
