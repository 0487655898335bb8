/**
 * One kernel in a module of its own, run on memory where nothing it does stays unseen: everything around and
 * between the maps is a NaN of its own kind, the output too. A run fails if a float of the output is not written,
 * if any other float of the memory changes, or if the bits depend on how the units are dealt out.
 */
import * as assert from "uvu/assert";
import { ModuleBuilder } from "../../src/codegen/wasm/assembler/module.ts";
import {
  type Kernel,
  lanes,
  type MapLayout,
  printLayout,
  stepArguments,
  stepSignature,
} from "../../src/codegen/wasm/kernels/kernel.ts";
import { KernelLibrary } from "../../src/codegen/wasm/kernels/library.ts";
import { noPads, type Pads } from "../../src/ir/tensor.ts";

/** A map in memory: its values, and what lies around them. */
export interface KernelMap {
  readonly layout: MapLayout;
  /** Dense NHWC, height x width x channels; the output has none. */
  readonly values?: ArrayLike<number>;
  /** Places around the map that the row stride leaves room for: zeros of an input, untouchable in an output. */
  readonly halo?: Pads;
  /** The place that the argument is the address of; [-1, -1] is where the first window of a 3x3 with pad 1 starts. */
  readonly origin?: readonly [row: number, column: number];
  /** How many floats of a pixel an output gets; all lanes when absent. */
  readonly written?: number;
}

/** Vectors and packed weights are as they are. */
export type Region = KernelMap | Float32Array;

export interface KernelRun {
  readonly kernel: Kernel;
  readonly input?: Region;
  readonly weights?: Region;
  /** Values of which the kernel may write any it likes, if it is no map. */
  readonly output: Region;
  readonly bias?: Region;
  readonly residual?: Region;
  readonly extra?: Region;
  /** The argument whose map the output lies upon; their layouts are the same. */
  readonly inPlace?: "input" | "residual";
}

const argumentNames = ["input", "weights", "output", "bias", "residual", "extra"] as const;

/** A NaN that no arithmetic makes. */
const untouched = 0x7fc0dead;

/** What lies in lanes beyond the channels of an input: finite, and wrong wherever it shows. */
const beyondChannels = 12345.5;

/** Floats of NaN around each region. */
const guard = 256;

/** A layout without gaps. */
export function denseLayout(height: number, width: number, channels: number): MapLayout {
  return gappedLayout(height, width, channels, 0, 0);
}

/** A layout with so many spare floats behind each pixel and so many spare pixels behind each row. */
export function gappedLayout(
  height: number,
  width: number,
  channels: number,
  spareFloats: number,
  sparePixels: number,
): MapLayout {
  const pixelStride = lanes(channels) + spareFloats;
  return { height, width, channels, pixelStride, rowStride: (width + sparePixels) * pixelStride };
}

/** A vector as kernels want it: zeros up to whole panels. */
export function panels(values: ArrayLike<number>): Float32Array {
  const filled = new Float32Array(lanes(values.length));
  filled.set(values);
  return filled;
}

/** A module with the kernel as its export `run`. */
export function moduleOf(kernel: Kernel): Uint8Array {
  const module = new ModuleBuilder();
  const library = new KernelLibrary(module);
  const ref = module.function(kernel.name, stepSignature, (f) => kernel.emit(f, stepArguments(f), library));
  module.export("run", ref);
  return module.encode();
}

/** The kernel's function on a memory. */
export function instantiateKernel(
  kernel: Kernel,
  memory: WebAssembly.Memory,
): (...args: readonly number[]) => void {
  const compiled = new WebAssembly.Module(moduleOf(kernel).slice().buffer);
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports.run as (...args: number[]) => void;
}

/** Runs the kernel over all its units, dealt out in several ways, and gives the output's values: dense NHWC. */
export function runKernel(run: KernelRun): Float32Array {
  const { kernel, output, inPlace } = run;
  const places = new Map<string, number>();
  let end = guard;
  for (const name of argumentNames) {
    const region = run[name];
    if (!region || (name === "output" && inPlace)) continue;
    places.set(name, end);
    end += Math.ceil(sizeOf(region) / 16) * 16 + guard;
  }
  const scratch = end;
  const scratchFloats = (kernel.scratchBytes ?? 0) / 4;
  assert.is(scratchFloats % 1, 0, `${kernel.name}: whole floats of scratch`);
  const memory = new WebAssembly.Memory({ initial: Math.ceil((scratch + scratchFloats + guard) / 16384) });
  const floats = new Float32Array(memory.buffer);
  const words = new Uint32Array(memory.buffer);

  words.fill(untouched);
  for (const [name, start] of places) fill(floats, start, run[name as keyof KernelRun] as Region);
  if (inPlace) places.set("output", places.get(inPlace)!);
  const before = words.slice();

  const addresses = argumentNames.map((name) =>
    places.has(name) ? 4 * (places.get(name)! + originOf(run[name]!)) : 0,
  );
  const own = instantiateKernel(kernel, memory);
  const within = (word: number) => word >= scratch && word < scratch + scratchFloats;
  const start = places.get("output")!;
  const isLoose = output instanceof Float32Array;
  const written = isLoose ? new Map<number, boolean>() : writtenWords(output, start);
  const isOutput = (word: number) =>
    isLoose ? word >= start && word < start + output.length : written.has(word);
  let first: Uint32Array | undefined;
  for (const ranges of dealings(kernel.units)) {
    words.set(before);
    for (const [from, to] of ranges) own(...addresses, from, to, 4 * scratch);
    for (let word = 0; word < words.length; word++) {
      if (words[word] === before[word] || isOutput(word) || within(word)) continue;
      throw new Error(`${kernel.name} writes ${whereIs(word, places, run)}`);
    }
    const isFirst = first === undefined;
    first ??= words.slice();
    for (let word = start; word < end; word++) {
      if (!isFirst && isOutput(word) && first[word] !== words[word])
        throw new Error(`${kernel.name}: other bits with units ${JSON.stringify(ranges)}`);
    }
    for (const [word, isValue] of written) {
      if (words[word] === untouched) throw new Error(`${kernel.name} leaves ${whereIs(word, places, run)}`);
      if (!isValue && !Number.isFinite(floats[word]))
        throw new Error(`${kernel.name} puts ${floats[word]} into a lane beyond the channels`);
    }
  }
  if (isLoose) return floats.slice(start, start + output.length);
  return dense(floats, start, output);
}

/** All units at once; each alone, the last first; three unequal ranges. */
function dealings(units: number): (readonly [from: number, to: number])[][] {
  assert.ok(Number.isInteger(units) && units > 0, "a kernel has units");
  const cuts = [0, Math.ceil(units / 5), Math.ceil((units * 4) / 7), units];
  return [
    [[0, units]],
    Array.from({ length: units }, (_, i) => [units - 1 - i, units - i] as const),
    [0, 1, 2].map((i) => [cuts[i], cuts[i + 1]] as const).filter(([from, to]) => from < to),
  ];
}

const haloOf = ({ halo = noPads }: KernelMap): Pads => halo;

/** Floats from the region's start to pixel (0, 0). */
const insideOf = (map: KernelMap): number =>
  haloOf(map).top * map.layout.rowStride + haloOf(map).left * map.layout.pixelStride;

function sizeOf(region: Region): number {
  if (region instanceof Float32Array) return region.length;
  const { top, bottom, left } = haloOf(region);
  const { height, rowStride, pixelStride } = region.layout;
  return (top + height + bottom) * rowStride + left * pixelStride;
}

function originOf(region: Region): number {
  if (region instanceof Float32Array) return 0;
  const [row, column] = region.origin ?? [0, 0];
  return insideOf(region) + row * region.layout.rowStride + column * region.layout.pixelStride;
}

function fill(memory: Float32Array, start: number, region: Region): void {
  if (region instanceof Float32Array) {
    memory.set(region, start);
    return;
  }
  const { values } = region;
  if (!values) return;
  const { height, width, channels, pixelStride, rowStride } = region.layout;
  assert.is(values.length, height * width * channels, `the values of a ${printLayout(region.layout)}`);
  const { top, bottom, left, right } = haloOf(region);
  const taken = Math.min(lanes(channels), pixelStride);
  for (let row = -top; row < height + bottom; row++) {
    for (let column = -left; column < width + right; column++) {
      const at = start + insideOf(region) + row * rowStride + column * pixelStride;
      const isInside = row >= 0 && row < height && column >= 0 && column < width;
      for (let k = 0; k < taken; k++) {
        const value = k < channels ? values[(row * width + column) * channels + k] : beyondChannels;
        memory[at + k] = isInside ? value : 0;
      }
    }
  }
}

/** The output's words; true for those of channels, false for lanes beyond them. */
function writtenWords(output: KernelMap, start: number): Map<number, boolean> {
  const { height, width, channels, pixelStride, rowStride } = output.layout;
  const words = new Map<number, boolean>();
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = start + insideOf(output) + row * rowStride + column * pixelStride;
      for (let k = 0; k < (output.written ?? lanes(channels)); k++) words.set(at + k, k < channels);
    }
  }
  return words;
}

function dense(memory: Float32Array, start: number, map: KernelMap): Float32Array {
  const { height, width, channels, pixelStride, rowStride } = map.layout;
  const values = new Float32Array(height * width * channels);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = start + insideOf(map) + row * rowStride + column * pixelStride;
      values.set(memory.subarray(at, at + channels), (row * width + column) * channels);
    }
  }
  return values;
}

/** "the output at row 3, column 0, float 9": a word of the memory for people. */
function whereIs(word: number, places: ReadonlyMap<string, number>, run: KernelRun): string {
  for (const [name, start] of places) {
    const region = run[name as keyof KernelRun] as Region;
    const offset = word - start;
    if (offset < -guard || offset >= sizeOf(region) + guard) continue;
    if (region instanceof Float32Array) return `${name}, float ${offset}`;
    const { rowStride, pixelStride } = region.layout;
    const inside = offset - haloOf(region).left * pixelStride;
    const row = Math.floor(inside / rowStride);
    const column = Math.floor((inside - row * rowStride) / pixelStride);
    const float = inside - row * rowStride - column * pixelStride;
    return `the ${name} at row ${row - haloOf(region).top}, column ${column}, float ${float}`;
  }
  return `word ${word}, which belongs to nothing`;
}
