/**
 * What a planned network is, and its module: the kernels, the runtime that calls them, and the program as data.
 *
 * The memory: control words, what the planner placed (weights, arena), the program and the table of chunks, then
 * the scratch memory of each thread. The planner starts at `firstAddress` and need not know the program's size.
 */
import { invariant } from "../../base/invariant.ts";
import type { Shape } from "../../ir/tensor.ts";
import { ByteWriter } from "./assembler/bytes.ts";
import { type FunctionRef, ModuleBuilder } from "./assembler/module.ts";
import { checksum, hexOf } from "./checksum.ts";
import { type Kernel, stepArguments, stepSignature } from "./kernels/kernel.ts";
import { KernelLibrary } from "./kernels/library.ts";
import { encodeSteps, type Step, stepBytes } from "./program.ts";
import { addRuntime, controlBytes, lineBytes } from "./runtime.ts";

export interface Image {
  readonly run: readonly Step[];
  /** The weights file, in order and without gaps. */
  readonly chunks: readonly WeightChunk[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** The end of all that is placed. */
  readonly fixedBytes: number;
  /** What each thread needs for itself: the most that a kernel wants. */
  readonly scratchBytes: number;
}

/** A piece of the weights file. It is put to its address, then its steps are executed, before the next is read. */
export interface WeightChunk {
  /** A multiple of 16. */
  readonly bytes: number;
  readonly address: number;
  readonly prepare: readonly Step[];
}

/** A map that goes in or out: dense NHWC float32. */
export interface Port {
  readonly name: string;
  /** Without the batch. */
  readonly shape: Shape;
  readonly address: number;
}

/** The lowest address that a planner may use. */
export const firstAddress = controlBytes;

/** NAME.wasm, and what a loader must know about it. */
export interface EncodedImage {
  readonly wasm: Uint8Array;
  /** Equal for equal modules; also in the custom section "build". */
  readonly id: string;
  /** Where the byte is that makes the imported memory a shared one, by being 3. */
  readonly memoryFlagOffset: number;
  /** Bytes of memory for no threads, and what each thread has for itself. */
  readonly memoryBytes: number;
  readonly scratchBytes: number;
  /** The table of chunks: bytes, address, first step, last step + 1, as 32-bit words. */
  readonly chunkTable: number;
  readonly chunkCount: number;
  /** The run's steps. */
  readonly first: number;
  readonly last: number;
}

export function encodeImage(image: Image): EncodedImage {
  const steps = [...image.chunks.flatMap(({ prepare }) => prepare), ...image.run];
  for (const { label, kernel } of steps) invariant(kernel.units > 0, `${label} would never be over`);
  const first = steps.length - image.run.length;
  const program = aligned(image.fixedBytes);
  const chunkTable = program + stepBytes * steps.length;
  const chunks = encodeChunks(image.chunks);
  const memoryBytes = aligned(chunkTable + chunks.length);
  const scratchBytes = lineBytes + aligned(image.scratchBytes);

  const module = new ModuleBuilder();
  module.memory({ initial: pages(memoryBytes + scratchBytes), maximum: 65536 });
  addRuntime(module, { program, scratch: memoryBytes, scratchBytes });
  const elements = addKernels(module, steps);
  module.data(
    program,
    encodeSteps(steps, ({ name }) => elements.get(name)!),
  );
  module.data(chunkTable, chunks);
  const unnamed = module.encode();
  const id = hexOf(checksum([padded(unnamed)]));
  return {
    wasm: withSection(unnamed, "build", id),
    id,
    memoryFlagOffset: module.memoryFlagOffset,
    memoryBytes,
    scratchBytes,
    chunkTable,
    chunkCount: image.chunks.length,
    first,
    last: steps.length,
  };
}

/** Each kernel once, by name, as elements of the table. */
function addKernels(module: ModuleBuilder, steps: readonly Step[]): ReadonlyMap<string, number> {
  const library = new KernelLibrary(module);
  const elements = new Map<string, number>();
  for (const { kernel } of steps) {
    if (!elements.has(kernel.name))
      elements.set(kernel.name, module.element(addKernel(module, kernel, library)));
  }
  return elements;
}

const addKernel = (module: ModuleBuilder, kernel: Kernel, library: KernelLibrary): FunctionRef =>
  module.function(shortName(kernel), stepSignature, (f) => kernel.emit(f, stepArguments(f), library));

/** What a profiler shows: the operation and its maps, "conv 1x1/1 14x14x1024>14x14x256". */
function shortName({ name }: Kernel): string {
  const words = name.split(" ");
  const maps = words.findIndex((word) => word.includes(">"));
  return words
    .slice(0, maps < 0 ? 4 : maps + 1)
    .join(" ")
    .replaceAll(/[+@]\d+/g, "");
}

function encodeChunks(chunks: readonly WeightChunk[]): Uint8Array {
  const words: number[] = [];
  let step = 0;
  for (const { bytes, address, prepare } of chunks) {
    words.push(bytes, address, step, step + prepare.length);
    step += prepare.length;
  }
  const view = new DataView(new ArrayBuffer(4 * words.length));
  words.forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  return new Uint8Array(view.buffer);
}

/** Behind a module, any number of custom sections may stand. */
function withSection(wasm: Uint8Array, name: string, text: string): Uint8Array {
  const out = new ByteWriter();
  out.bytes(wasm);
  out.byte(0);
  out.sized((section) => {
    section.text(name);
    section.bytes(new TextEncoder().encode(text));
  });
  return out.result().slice();
}

/** To whole cache lines. */
const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;

const pages = (bytes: number): number => Math.ceil(bytes / 65536);

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / 16) * 16);
  whole.set(bytes);
  return whole;
}
