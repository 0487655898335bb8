/**
 * HDF5 by the package h5wasm, the format's own library in WebAssembly. It is an optional peer: large, and wanted
 * for files of Keras alone, so it is loaded when such a file is opened and not before.
 *
 * It runs in a thread of its own (hdf5-worker.ts), for it traps on some damaged files and on others never comes
 * back. Opening checkpoints is synchronous: each question to the thread is waited for, and not for ever.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { type Hdf5Dataset, type Hdf5Group, hdf5Missing, type OpenHdf5 } from "../weights/hdf5.ts";
import { Unreadable } from "../weights/unreadable.ts";
import type { Described } from "./hdf5-library.ts";
import type { Answer, Question, Started, WorkerData } from "./hdf5-worker.ts";
import { packageFile } from "./package-files.ts";

/** Always a reader: where the package is not installed or does not start, one that says so. */
export type LoadHdf5 = () => Promise<OpenHdf5>;

export interface Hdf5LoaderOptions {
  /** What is imported. */
  readonly package?: string;
  /** How long an answer may take; the largest arrays take seconds. */
  readonly patience?: number;
}

export const loadHdf5: LoadHdf5 = hdf5Loader();

export function hdf5Loader({
  package: name = "h5wasm",
  patience = 20_000,
}: Hdf5LoaderOptions = {}): LoadHdf5 {
  let thread: Thread | undefined;
  return async () => {
    if (!thread?.alive) {
      const started = await startThread(name, patience);
      if (typeof started === "string") {
        return () => {
          throw new Unreadable(started);
        };
      }
      thread = started;
    }
    const { open } = thread;
    return open;
  };
}

/** From source, as tests run it, the built worker is taken: Node reads no TypeScript in a thread. */
const workerFile = packageFile("build/node/hdf5-worker.js");

async function startThread(name: string, patience: number): Promise<Thread | string> {
  const { port1, port2 } = new MessageChannel();
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const workerData: WorkerData = { package: name, port: port2, signal };
  const worker = new Worker(workerFile, { workerData, transferList: [port2] });
  const started = await new Promise<Started>((resolve) => {
    worker.once("message", resolve);
    worker.once("error", (error) => resolve({ ready: false, code: "", why: String(error) }));
  });
  // Neither keeps the process from ending.
  worker.unref();
  port1.unref();
  if (started.ready) return new Thread(worker, port1, signal, patience);
  void worker.terminate();
  if (["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"].includes(started.code)) return hdf5Missing;
  return `it is an HDF5 file (Keras), but the package h5wasm does not start: ${started.why}`;
}

class Thread {
  alive = true;
  readonly #worker: Worker;
  readonly #port: MessageChannel["port1"];
  readonly #signal: Int32Array;
  readonly #patience: number;

  constructor(worker: Worker, port: MessageChannel["port1"], signal: Int32Array, patience: number) {
    this.#worker = worker;
    this.#port = port;
    this.#signal = signal;
    this.#patience = patience;
  }

  readonly open: OpenHdf5 = (bytes) => {
    // Only this part of what the bytes are a view on, and moved.
    const copy = new Uint8Array(bytes);
    try {
      this.#ask({ ask: "open", bytes: copy }, [copy.buffer]);
    } catch (error) {
      this.#close();
      throw error;
    }
    return { root: this.#group("/"), close: () => this.#close() };
  };

  #close(): void {
    if (this.alive) this.#ask({ ask: "close" });
  }

  #group(path: string): Hdf5Group {
    let names: readonly string[] | undefined;
    return {
      kind: "group",
      names: () => {
        names ??= this.#ask<readonly string[]>({ ask: "names", path });
        return names;
      },
      get: (name) => {
        const inner = path === "/" ? `/${name}` : `${path}/${name}`;
        const found = this.#ask<Described | undefined>({ ask: "get", path: inner });
        if (found?.kind === "group") return this.#group(inner);
        return found && this.#dataset(inner, found);
      },
      texts: (name) => this.#ask({ ask: "texts", path, name }),
    };
  }

  #dataset(path: string, described: Extract<Described, { kind: "dataset" }>): Hdf5Dataset {
    return {
      ...described,
      read: () => this.#ask({ ask: "read", path }),
      texts: (name) => this.#ask({ ask: "texts", path, name }),
    };
  }

  #ask<T>(question: Question, moved: readonly ArrayBuffer[] = []): T {
    if (!this.alive) throw new Unreadable("HDF5's library was given up on it");
    Atomics.store(this.#signal, 0, 0);
    this.#port.postMessage(question, [...moved]);
    const end = performance.now() + this.#patience;
    // The notice of the answer before may come only now, and ends a wait for this one.
    while (Atomics.load(this.#signal, 0) === 0) {
      if (Atomics.wait(this.#signal, 0, 0, Math.max(0, end - performance.now())) !== "timed-out") continue;
      this.#giveUp();
      throw new Unreadable(`HDF5's library did not come to an end on it in ${this.#patience / 1000} seconds`);
    }
    const answer = receiveMessageOnPort(this.#port)?.message as Answer;
    if ("value" in answer) return answer.value as T;
    if (answer.crashed) this.#giveUp();
    throw new Unreadable(answer.why);
  }

  #giveUp(): void {
    this.alive = false;
    void this.#worker.terminate();
  }
}
