/**
 * Two-dimensional Winograd convolution: an algorithm along each axis, products as matrix products.
 *
 *     V[slot][tile][c]  = BT x B       inputs of a tile, transformed
 *     M[tile][slot][o]  = V U          one small matrix product a slot; a slot is a pair of points
 *     y[tile][…][o]     = AT M A + bias + residual, activation
 *
 * U: [panel][weight pair][channel in][8]. M is of one panel only and stays in the first cache. On large maps
 * (`fusedKernel`) a thread does a block of tiles from input to output, V in its scratch memory. On small maps, where
 * the weights are what is large, all tiles are transformed first (`transformKernel`), then threads share the panels
 * (`productKernel`), so that each weight is read by one thread only. U is four times as large as the weights; where
 * few tiles use it, it takes less time to make it again in every run, a piece at a time in the second cache, than
 * to read it from memory. The sums go on in the same order, so no bit depends on that choice.
 */
import { printActivation } from "../../../ir/activation.ts";
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import type { FunctionRef } from "../assembler/module.ts";
import { f32x4, type I32, i32, v128 } from "../assembler/values.ts";
import { epilogue } from "./epilogue.ts";
import { type Engine, fetchWeights } from "./gemm.ts";
import { at, bytes, type Kernel, type MapLayout, printLayout, type StepArguments } from "./kernel.ts";
import type { KernelLibrary } from "./library.ts";
import type { AxisAlgorithm, Tiling } from "./winograd-algorithm.ts";
import {
  chunkDepth,
  chunkFloats,
  chunksOf,
  type Geometry,
  geometryOf,
  panelFloats,
  productsFloats,
  type Rectangle,
  rowFloats,
  segmentsOf,
  slotFloats,
  transformedFloats,
  type WinogradSpec,
  weightStep,
} from "./winograd-geometry.ts";
import { emitProducts } from "./winograd-products.ts";
import {
  algorithmName,
  inputTransform,
  outputTransform,
  passBytes,
  productBytes,
  tileBytes,
  weightsTransform,
} from "./winograd-transforms.ts";

export {
  extentOf,
  type Geometry,
  geometryOf,
  productsOf,
  transformedFloats,
  type WinogradSpec,
  winogradTiles,
  winogradWeightFloats,
} from "./winograd-geometry.ts";

function nameOf(what: string, spec: WinogradSpec): string {
  const { algorithm, input, output, residual, depth, panels, activation, engine } = spec;
  return [
    `winograd ${algorithmName(algorithm)} ${what}`,
    ...(what.startsWith("fused") ? [`${printLayout(input)}>${printLayout(output)}`] : [printLayout(output)]),
    `${depth}x${panels * 8}${inChunks(spec)}`,
    ...(residual ? [`+${printLayout(residual)}`] : []),
    ...(activation ? [printActivation(activation)] : []),
    ...(engine.relaxed ? ["relaxed"] : []),
  ].join(" ");
}

/** " in 128s": U is made on the way, for so many channels in at a time. */
const inChunks = ({ chunk }: WinogradSpec): string => (chunk === undefined ? "" : ` in ${chunk}s`);

/** The thread's own memory: vectors between the passes of a transform, a tile of outputs, M. */
function scratchOf(spec: WinogradSpec, tiles: number) {
  const passes = passBytes(spec.algorithm);
  const products = passes + tileBytes(spec.algorithm);
  return { tile: passes, products, end: products + bytes(productsFloats(spec, tiles)) };
}

/** `input` → V at `output`, chunk by chunk of the channels where there are chunks; units are tiles. */
export function transformKernel(spec: WinogradSpec): Kernel {
  const geometry = geometryOf(spec);
  const { depth, algorithm, input, output } = spec;
  const places = `${output.height}x${output.width}`;
  return {
    name: `winograd ${algorithmName(algorithm)} transform ${printLayout(input)}>${places} ${depth}${inChunks(spec)}${spec.engine.relaxed ? " relaxed" : ""}`,
    units: geometry.tiles,
    scratchBytes: passBytes(algorithm),
    emit(f, args, library) {
      for (const rectangle of geometry.rectangles) {
        const end = rectangle.first + rectangle.height * rectangle.width;
        forTiles(f, args, rectangle.first, end, (tile) => {
          const { row, column } = placeIn(f, tile, rectangle);
          const from = windowAt(f, args.input, spec, geometry, row, column);
          const to = f.let("i32", at(args.output, tile, rowFloats(spec)));
          repeat(f, chunksOf(spec), () => {
            f.do(callInput(library, spec, geometry.tiles, from, to, args.scratch));
            f.increment(from, bytes(chunkDepth(spec)));
            f.increment(to, bytes(chunkFloats(spec, geometry.tiles)));
          });
        });
      }
    },
  };
}

/** V at `input`, U or the weights as stored at `weights` → `output`; units are panels. */
export function productKernel(spec: WinogradSpec): Kernel {
  const { tiles, rectangles, slots, vertical, horizontal } = geometryOf(spec);
  const { algorithm, depth, chunk, engine } = spec;
  const scratch = scratchOf(spec, tiles);
  return {
    name: nameOf("product", spec),
    units: spec.panels,
    scratchBytes: scratch.end + (chunk === undefined ? 0 : bytes(panelFloats(spec))),
    emit(f, args, library) {
      const panel = f.local("i32");
      const m0 = f.let("i32", i32.add(args.scratch, scratch.products));
      const products = (v: Local<"i32">, u: Local<"i32">) =>
        emitProducts(f, library, spec, slots, tiles, { v, u, m: m0 });
      const floats = chunk === undefined ? panelFloats(spec) : algorithm.taps ** 2 * depth * 8;
      const weights = f.let("i32", at(args.weights, args.from, floats));
      const u0 = chunk === undefined ? weights : f.let("i32", i32.add(args.scratch, scratch.end));
      f.for(panel, args.from, args.to, 1, () => {
        f.scope(() => {
          if (chunk === undefined) products(args.input, weights);
          else {
            const [w, v] = [f.let("i32", weights), f.let("i32", args.input)];
            if (chunksOf(spec) > 1) f.fill(m0, 0, bytes(productsFloats(spec, tiles)));
            repeat(f, chunksOf(spec), () => {
              fetchWeights(f, w, 32 * chunk * algorithm.taps ** 2, args.scratch);
              const u = weightsTransform(library, algorithm, engine);
              f.do(u.call("i32", w, u0, 32 * chunk, bytes(weightStep(spec))));
              products(v, u0);
              f.increment(w, 32 * chunk * algorithm.taps ** 2);
              f.increment(v, bytes(chunkFloats(spec, tiles)));
            });
          }
          const offset = f.let("i32", i32.mul(panel, 32));
          const m = f.let("i32", m0);
          for (const { top, left, height, width, rows, columns } of rectangles) {
            const [row, column] = [f.local("i32"), f.local("i32")];
            f.for(row, top, top + height, 1, () =>
              f.for(column, left, left + width, 1, () => {
                f.scope(() => {
                  const y = startOf(f, row, vertical);
                  const x = startOf(f, column, horizontal);
                  emitOutputTile(f, args, library, spec, { m, offset, y, x, rows, columns });
                });
                f.increment(m, productBytes(algorithm));
              }),
            );
          }
          f.increment(weights, bytes(floats));
        });
      });
    },
  };
}

/** `input`, U at `weights` → `output`, `block` tiles at a time; units are tiles. */
export function fusedKernel(spec: WinogradSpec, block: number): Kernel {
  const geometry = geometryOf(spec);
  const { horizontal, vertical, slots, tiles } = geometry;
  const { algorithm, panels } = spec;
  const capacity = Math.min(block, tiles);
  const scratch = scratchOf(spec, capacity);
  return {
    name: `${nameOf("fused", spec)} block ${capacity}`,
    units: tiles,
    scratchBytes: scratch.end + bytes(transformedFloats(spec, capacity)),
    emit(f, args, library) {
      const m0 = f.let("i32", i32.add(args.scratch, scratch.products));
      const v0 = f.let("i32", i32.add(args.scratch, scratch.end));
      const start = f.local("i32");
      f.for(start, args.from, args.to, capacity, () => {
        const count = f.let("i32", i32.min_u(i32.sub(args.to, start), capacity));
        const end = f.let("i32", i32.add(start, count));
        const tile = f.local("i32");
        const placed = (body: (row: Local<"i32">, column: Local<"i32">) => void) =>
          f.for(tile, start, end, 1, () =>
            f.scope(() => {
              const row = f.let("i32", i32.div_u(tile, horizontal.tiles));
              body(row, f.let("i32", i32.sub(tile, i32.mul(row, horizontal.tiles))));
            }),
          );
        const v = f.let("i32", v0);
        placed((row, column) => {
          const from = windowAt(f, args.input, spec, geometry, row, column);
          f.do(callInput(library, spec, capacity, from, v, args.scratch));
          f.increment(v, bytes(rowFloats(spec)));
        });
        const panel = f.local("i32");
        const u = f.let("i32", args.weights);
        f.for(panel, 0, panels, 1, () => {
          emitProducts(f, library, spec, slots, capacity, { v: v0, u, m: m0, count });
          const offset = f.let("i32", i32.mul(panel, 32));
          const m = f.let("i32", m0);
          placed((row, column) => {
            const y = startOf(f, row, vertical);
            const x = startOf(f, column, horizontal);
            const rows = outputsAt(f, row, vertical);
            const columns = outputsAt(f, column, horizontal);
            emitOutputTile(f, args, library, spec, { m, offset, y, x, rows, columns });
            f.increment(m, productBytes(algorithm));
          });
          f.increment(u, bytes(panelFloats(spec)));
        });
      });
    },
  };
}

// ---- tiles ------------------------------------------------------------------------------------------

/** The body so many times, as code once. */
function repeat(f: FunctionBuilder, count: number, body: () => void): void {
  if (count === 1) body();
  else f.for(f.local("i32"), 0, count, 1, body);
}

/** The tiles of [first, end) that are in this call's range. */
function forTiles(
  f: FunctionBuilder,
  { from, to }: StepArguments,
  first: number,
  end: number,
  body: (tile: Local<"i32">) => void,
): void {
  f.scope(() => {
    const tile = f.local("i32");
    const last = f.let("i32", i32.min_u(to, end));
    f.for(tile, i32.max_u(from, first), last, 1, () => f.scope(() => body(tile)));
  });
}

function placeIn(f: FunctionBuilder, tile: Local<"i32">, { first, width, top, left }: Rectangle) {
  const inside = f.let("i32", i32.sub(tile, first));
  const row = f.let("i32", i32.div_u(inside, width));
  const column = f.let("i32", i32.add(i32.sub(inside, i32.mul(row, width)), left));
  f.increment(row, top);
  return { row, column };
}

/** The first output of a tile: tileStart with the index in a local. */
function startOf(f: FunctionBuilder, index: Local<"i32">, { whole, tiles, outputs }: Tiling): Local<"i32"> {
  if (whole === tiles) return f.let("i32", i32.mul(index, outputs));
  const even = i32.mul(index, outputs - 1);
  return f.let("i32", whole === 0 ? even : i32.add(even, i32.min_u(index, whole)));
}

/** How many outputs of a tile are in the map: outputsOf with the index in a local. */
function outputsAt(f: FunctionBuilder, index: Local<"i32">, tiling: Tiling): I32 {
  const [first, ...rest] = segmentsOf(tiling);
  if (rest.length === 0) return first.outputs;
  const outputs = f.let("i32", first.outputs);
  for (const segment of rest) f.if(i32.ge_u(index, segment.first), () => f.set(outputs, segment.outputs));
  return outputs;
}

function windowAt(
  f: FunctionBuilder,
  input: Local<"i32">,
  { input: layout, algorithm }: WinogradSpec,
  { vertical, horizontal }: Geometry,
  row: Local<"i32">,
  column: Local<"i32">,
): Local<"i32"> {
  const y = startOf(f, row, vertical);
  const x = startOf(f, column, horizontal);
  const rowAt = at(input, y, algorithm.stride * layout.rowStride);
  return f.let("i32", at(rowAt, x, algorithm.stride * layout.pixelStride));
}

const callInput = (
  library: KernelLibrary,
  spec: WinogradSpec,
  capacity: number,
  from: Local<"i32">,
  to: Local<"i32">,
  scratch: Local<"i32">,
) =>
  inputTransform(library, spec.algorithm, spec.engine).call(
    "i32",
    from,
    to,
    bytes(rowFloats(spec)),
    bytes(spec.input.rowStride),
    bytes(spec.input.pixelStride),
    bytes(slotFloats(spec, capacity)),
    scratch,
  );

interface OutputTile {
  readonly m: Local<"i32">;
  /** Bytes of the panel within a pixel. */
  readonly offset: Local<"i32">;
  /** The first output. */
  readonly y: Local<"i32">;
  readonly x: Local<"i32">;
  /** Outputs that are in the map. */
  readonly rows: I32;
  readonly columns: I32;
}

/** AT M A of one tile and panel, then bias, residual and activation for the places that are in the map. */
function emitOutputTile(
  f: FunctionBuilder,
  { output, bias, residual, scratch }: StepArguments,
  library: KernelLibrary,
  spec: WinogradSpec,
  { m, offset, y, x, rows, columns }: OutputTile,
): void {
  const tile = outputTile(library, spec);
  f.do(tile.call("i32", m, offset, y, x, rows, columns, output, bias, residual, scratch));
}

/** emitOutputTile as a function of the module, for all layers with these strides and what follows the sum. */
function outputTile(library: KernelLibrary, spec: WinogradSpec): FunctionRef {
  const { algorithm, output, residual, activation, engine } = spec;
  const strides = (layout: MapLayout) => `${layout.pixelStride},${layout.rowStride}`;
  const name = [
    `${algorithmName(algorithm)} output to ${strides(output)}`,
    ...(residual ? [`+${strides(residual)}`] : []),
    ...(activation ? [printActivation(activation)] : []),
    ...(engine.relaxed ? ["relaxed"] : []),
  ];
  return library.function(name.join(" "), { params: Array(10).fill("i32") }, (f) => {
    const [m, offset, y, x, rows, columns, outputAt, biasAt, residualAt, scratch] =
      f.params as Local<"i32">[];
    const from = f.let("i32", i32.add(scratch, scratchOf(spec, 0).tile));
    f.do(outputTransform(library, algorithm, engine).call("i32", m, from, scratch));
    const place = (address: Local<"i32">, layout: MapLayout) =>
      f.let("i32", i32.add(at(at(address, y, layout.rowStride), x, layout.pixelStride), offset));
    const to = place(outputAt, output);
    const add = residual && place(residualAt, residual);
    const bias = i32.add(biasAt, offset);
    const shifts = [0, 16].map((half) => f.let("v128", v128.load(bias, half)));
    const [row, column] = [f.local("i32"), f.local("i32")];
    /** What is left of a row when its outputs are done, if they are not all. */
    const skip = (full: number) => i32.mul(i32.sub(algorithm.outputs, columns), full);
    f.for(row, 0, rows, 1, () => {
      f.for(column, 0, columns, 1, () => {
        const sums = shifts.map((shift, half) => {
          const sum = f32x4.add(v128.load(from, 16 * half), shift);
          const extra = add && v128.load(add, 16 * half);
          return f.let("v128", epilogue(sum, extra, activation, library));
        });
        sums.forEach((sum, half) => {
          f.store(to, sum, 16 * half);
        });
        f.increment(from, 32);
        f.increment(to, bytes(output.pixelStride));
        if (add && residual) f.increment(add, bytes(residual.pixelStride));
      });
      f.increment(from, skip(32));
      f.increment(to, i32.sub(bytes(output.rowStride), i32.mul(columns, bytes(output.pixelStride))));
      if (add && residual)
        f.increment(add, i32.sub(bytes(residual.rowStride), i32.mul(columns, bytes(residual.pixelStride))));
    });
  });
}

// ---- weights ----------------------------------------------------------------------------------------

/**
 * Weights as stored, [panel][channel in][row][column][8] at `input` → U at `output`; `extra` is the number of channels
 * in. Units are panels; their number is that of the step.
 */
export function weightsKernel(algorithm: AxisAlgorithm, panels: number, engine: Engine): Kernel {
  const { taps, g } = algorithm;
  return {
    name: `winograd ${algorithmName(algorithm)} weights${engine.relaxed ? " relaxed" : ""}`,
    units: panels,
    emit(f, args, library) {
      const row = f.let("i32", i32.mul(args.extra, 32));
      const panel = f.local("i32");
      f.for(panel, args.from, args.to, 1, () =>
        f.scope(() => {
          const from = i32.add(args.input, i32.mul(panel, i32.mul(row, taps ** 2)));
          const to = i32.add(args.output, i32.mul(panel, i32.mul(row, g.length ** 2)));
          f.do(weightsTransform(library, algorithm, engine).call("i32", from, to, row, row));
        }),
      );
    },
  };
}
