/**
 * The thread in which HDF5 files are read. The library traps, and does not come to an end, on some damaged files:
 * then the other side gives this thread up and starts another. Each question has one answer, which the other side
 * waits for without coming back to its own loop: a message in the port first, then the signal.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { Unreadable } from "../weights/unreadable.ts";
import { Hdf5Reader, type Library } from "./hdf5-library.ts";

/** What the thread is started with. */
export interface WorkerData {
  /** What is imported as h5wasm. */
  readonly package: string;
  readonly port: MessagePort;
  readonly signal: Int32Array;
}

/** The first message, to the parent. */
export type Started =
  | { readonly ready: true }
  | { readonly ready: false; readonly code: string; readonly why: string };

export type Question =
  | { readonly ask: "open"; readonly bytes: Uint8Array }
  | { readonly ask: "names" | "get" | "read"; readonly path: string }
  | { readonly ask: "texts"; readonly path: string; readonly name: string }
  | { readonly ask: "close" };

export type Answer = { readonly value: unknown } | { readonly why: string; readonly crashed: boolean };

const { package: name, port, signal } = workerData as WorkerData;

/** What the library may take: a part that is always fine, and a multiple of the file, which it does not hold itself. */
const memory = { free: 2 ** 27, ratio: 4 } as const;

let most: number = memory.free;

/** Damaged files claim sizes that the library believes. Refused, it says that it has no memory, and ends. */
function limitMemory(): void {
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function (this: WebAssembly.Memory, pages: number): number {
    if (this.buffer.byteLength + pages * 65536 > most) throw new RangeError("more than a file may take");
    return grow.call(this, pages);
  };
}

function answer(reader: Hdf5Reader, question: Question): Answer {
  try {
    return { value: ask(reader, question) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { why, crashed: reader.crashed || !(error instanceof Unreadable) };
  }
}

function ask(reader: Hdf5Reader, question: Question): unknown {
  switch (question.ask) {
    case "open":
      most = memory.free + memory.ratio * question.bytes.length;
      return reader.open(question.bytes);
    case "names":
      return reader.names(question.path);
    case "get":
      return reader.get(question.path);
    case "read":
      return reader.read(question.path);
    case "texts":
      return reader.texts(question.path, question.name);
    case "close":
      return reader.close();
  }
}

async function start(): Promise<Started> {
  try {
    limitMemory();
    const { ready } = (await import(name)) as { readonly ready: Promise<Library> };
    const reader = new Hdf5Reader(await ready);
    port.on("message", (question: Question) => {
      const found = answer(reader, question);
      const moved =
        "value" in found && found.value instanceof Uint8Array ? [found.value.buffer as ArrayBuffer] : [];
      port.postMessage(found, moved);
      Atomics.store(signal, 0, 1);
      Atomics.notify(signal, 0);
    });
    return { ready: true };
  } catch (error) {
    const { code = "", message = String(error) } = error as NodeJS.ErrnoException;
    return { ready: false, code, why: message };
  }
}

parentPort?.postMessage(await start());
