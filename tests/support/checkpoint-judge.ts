/**
 * What every file must do, whatever is in it: open as a checkpoint or give exactly one diagnostic that is a sentence,
 * in time, and without asking for more memory than a file of its size may.
 *
 * How memory is caught: resident memory is no measure, since 2 GB of fresh zeros are not there until they are
 * touched, and garbage is not there any more when one looks. So the constructors of ArrayBuffer and of all typed
 * arrays are replaced by ones that add up what they are asked for and throw `TooMuchMemory` *before* asking, which no
 * reader catches. What is no typed array (strings, objects, maps) lies in V8's heap: whoever judges many files does so
 * in a worker with a limit for that (`resourceLimits`), and takes its death as the verdict.
 */
import { collect, type Diagnostic } from "../../src/base/diagnostic.ts";
import { type Checkpoint, type CheckpointFiles, openCheckpoint } from "../../src/weights/checkpoint.ts";
import type { OpenHdf5 } from "../../src/weights/hdf5.ts";

/** The file, then the files beside it, by path. */
export type Case = Readonly<Record<string, Uint8Array>>;

export interface Verdict {
  /** What is wrong with how it was read; undefined if nothing is. */
  readonly fault: string | undefined;
  readonly tensors: number;
  readonly message: string | undefined;
  readonly ms: number;
  /** Bytes of typed arrays that were asked for, all in all. */
  readonly asked: number;
}

export interface Limits {
  readonly ms: number;
  readonly bytes: number;
}

/**
 * One byte may become a float64, in two steps; a reader that does so to every tensor once stays below 32 bytes for
 * one of the file. Tables (float16's has 256 KB) and small things are in the 64 MB.
 */
export const limitsFor = (files: Case): Limits => ({
  ms: 1000,
  bytes: 64 * 2 ** 20 + 32 * Object.values(files).reduce((sum, bytes) => sum + bytes.length, 0),
});

class TooMuchMemory extends Error {}

let asked = 0;
let allowed = Number.POSITIVE_INFINITY;

function count(bytes: number): void {
  asked += bytes;
  if (asked > allowed) throw new TooMuchMemory(`asked for ${asked} bytes, may have ${allowed}`);
}

/** What `new Kind(first)` takes: nothing for a view on a buffer. */
function wanted(first: unknown, width: number): number {
  if (typeof first === "number") return first * width;
  const isBuffer = first instanceof ArrayBuffer || first instanceof SharedArrayBuffer;
  return typeof first === "object" && first !== null && !isBuffer && "length" in first
    ? Number(first.length) * width
    : 0;
}

type Sliceable = { slice(start?: number, end?: number): { readonly byteLength: number } };
let isCounting = false;

/** From here on this process counts; there is no way back, and none is needed. */
function countMemory(): void {
  if (isCounting) return;
  isCounting = true;
  const scope = globalThis as unknown as Record<string, new (...args: unknown[]) => object>;
  const kinds = Object.getOwnPropertyNames(globalThis).filter((name) =>
    /^(Big)?(Ui|I)nt\d+(Clamped)?Array$/.test(name),
  );
  for (const name of [...kinds, "Float32Array", "Float64Array", "ArrayBuffer"]) {
    const kind = scope[name];
    const width = (kind as unknown as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
    scope[name] = new Proxy(kind, {
      construct(target, args: unknown[]) {
        count(wanted(args[0], width));
        return Reflect.construct(target, args);
      },
    });
  }
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function (this: WebAssembly.Memory, pages) {
    count(pages * pageBytes);
    return grow.call(this, pages);
  };
  // slice() makes its copy by a way that meets no constructor of ours.
  for (const proto of [Object.getPrototypeOf(Uint8Array.prototype), ArrayBuffer.prototype] as Sliceable[]) {
    const { slice } = proto;
    proto.slice = function (this: Sliceable, start, end) {
      const copy = slice.call(this, start, end);
      count(copy.byteLength);
      return copy;
    };
  }
}

const pageBytes = 65_536;

export type Open = typeof openCheckpoint;

/** Opens the first of the files and reads every tensor. */
export function judge(
  files: Case,
  limits: Limits = limitsFor(files),
  open: Open = openCheckpoint,
  hdf5?: OpenHdf5,
): Verdict {
  countMemory();
  // The machine may be busy with other things: a file is slow if it is so three times.
  for (let attempt = 1; ; attempt++) {
    const verdict = judgeOnce(files, limits, open, hdf5);
    if (verdict.fault !== undefined || verdict.ms <= limits.ms) return verdict;
    if (attempt === 3) return { ...verdict, fault: `took ${Math.round(verdict.ms)} ms` };
  }
}

function judgeOnce(files: Case, limits: Limits, open: Open, hdf5: OpenHdf5 | undefined): Verdict {
  const { report, diagnostics } = collect();
  const reader: CheckpointFiles = {
    read: (path) => (Object.hasOwn(files, path) ? files[path] : "no such file"),
    hdf5,
  };
  let checkpoint: Checkpoint | undefined;
  let fault: string | undefined;
  asked = 0;
  allowed = limits.bytes;
  const start = performance.now();
  try {
    checkpoint = open(Object.keys(files)[0], reader, report);
    for (const tensor of checkpoint?.tensors.values() ?? []) {
      const { length } = tensor.read();
      const count = tensor.shape.reduce((product, side) => product * side, 1);
      if (length !== count) fault ??= `${length} values for [${tensor.shape.join(", ")}]`;
    }
  } catch (error) {
    fault = error instanceof Error ? `threw ${error.name}: ${error.message.slice(0, 200)}` : `threw ${error}`;
    if (error instanceof TooMuchMemory) fault = error.message;
    else if (error instanceof Error) fault += `\n${error.stack?.split("\n").slice(1, 4).join("\n")}`;
  } finally {
    allowed = Number.POSITIVE_INFINITY;
  }
  const ms = performance.now() - start;
  // Libraries in WebAssembly take "no" for an answer and go on.
  if (asked > limits.bytes) fault ??= `asked for ${asked} bytes, may have ${limits.bytes}`;
  fault ??= faultOf(checkpoint, diagnostics);
  return { fault, tensors: checkpoint?.tensors.size ?? 0, message: diagnostics[0]?.message, ms, asked };
}

/** A message longer than this is not read by anybody. */
const maxMessage = 1000;

function faultOf(checkpoint: Checkpoint | undefined, diagnostics: readonly Diagnostic[]): string | undefined {
  if (checkpoint) return diagnostics.length > 0 ? "opened, and something was reported" : undefined;
  if (diagnostics.length !== 1) return `gave ${diagnostics.length} diagnostics`;
  const [{ message }] = diagnostics;
  if (message.length > maxMessage) return `a message of ${message.length} characters`;
  const isOdd = /\bundefined\b|\[object |(?<!this is )-?\b(NaN|Infinity)\b/.test(message);
  return isOdd ? `a message that is no sentence: ${message}` : undefined;
}
