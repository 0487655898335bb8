/** What follows from the shape of a Winograd convolution before code is written: tiles, slots, sizes. */
import type { Activation } from "../../../ir/activation.ts";
import type { Engine } from "./gemm.ts";
import type { MapLayout } from "./kernel.ts";
import { type AxisAlgorithm, outputsOf, type Tiling, tileStart, tilingOf } from "./winograd-algorithm.ts";

export interface WinogradSpec {
  readonly algorithm: AxisAlgorithm;
  readonly input: MapLayout;
  readonly output: MapLayout;
  readonly residual?: MapLayout | undefined;
  /** Channels in. */
  readonly depth: number;
  /** Panels of eight channels out. */
  readonly panels: number;
  readonly activation?: Activation | undefined;
  readonly engine: Engine;
  /**
   * When given, there is no U in memory: product kernels make it from the weights as they are stored, for so many
   * channels in at a time. A divisor of the depth.
   */
  readonly chunk?: number | undefined;
}

/** Tiles of one shape: rows and columns of tiles, and how many outputs of each are in the map. */
export interface Rectangle {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
  readonly rows: number;
  readonly columns: number;
  /** The number of its first tile. */
  readonly first: number;
}

/** A pair of points: one small matrix product. Slots are numbered row by row. */
export interface Slot {
  /** Which of U. */
  readonly weight: number;
  /** The tiles that need it. */
  readonly start: number;
  readonly count: number;
}

export interface Geometry {
  readonly vertical: Tiling;
  readonly horizontal: Tiling;
  readonly tiles: number;
  readonly rectangles: readonly Rectangle[];
  readonly slots: readonly Slot[];
}

/** Neighbouring tiles of an axis with equally many outputs. */
export interface Segment {
  readonly first: number;
  readonly count: number;
  readonly outputs: number;
}

export function segmentsOf(tiling: Tiling): readonly Segment[] {
  const found: Segment[] = [];
  for (let i = 0; i < tiling.tiles; i++) {
    const outputs = outputsOf(tiling, i);
    const last = found.at(-1);
    if (last?.outputs === outputs) found[found.length - 1] = { ...last, count: last.count + 1 };
    else found.push({ first: i, count: 1, outputs });
  }
  return found;
}

export function geometryOf({ algorithm, output }: WinogradSpec): Geometry {
  const vertical = tilingOf(output.height, algorithm);
  const horizontal = tilingOf(output.width, algorithm);
  const isWhole = (outputs: number) => outputs === algorithm.outputs;
  // Ordered so that the tiles which need a last point in either axis are neighbours.
  const order = (rows: number, columns: number) =>
    isWhole(rows) ? (isWhole(columns) ? 1 : 0) : isWhole(columns) ? 2 : 3;
  const shapes = segmentsOf(vertical)
    .flatMap((v) => segmentsOf(horizontal).map((h) => ({ v, h, order: order(v.outputs, h.outputs) })))
    .sort((a, b) => a.order - b.order);
  const counts = [0, 0, 0, 0];
  const rectangles: Rectangle[] = [];
  let tiles = 0;
  for (const { v, h, order } of shapes) {
    rectangles.push({
      top: v.first,
      left: h.first,
      height: v.count,
      width: h.count,
      rows: v.outputs,
      columns: h.outputs,
      first: tiles,
    });
    counts[order] += v.count * h.count;
    tiles += v.count * h.count;
  }
  const rangeOf = (rowLast: boolean, columnLast: boolean) => {
    const start = columnLast ? counts[0] : 0;
    const end = rowLast ? counts[0] + counts[1] : columnLast ? tiles - counts[3] : tiles;
    return { start, count: end - start };
  };
  const { points, g } = algorithm;
  const slots = points.flatMap((row) =>
    points.map((column) => ({
      weight: row.weight * g.length + column.weight,
      ...rangeOf(row.lastOnly, column.lastOnly),
    })),
  );
  return { vertical, horizontal, tiles, rectangles, slots };
}

export const winogradTiles = (spec: WinogradSpec): number => geometryOf(spec).tiles;

/** Products a pair of channels: what is left of height x width x taps² multiplications. */
export const productsOf = (spec: WinogradSpec, isFused: boolean): number => {
  const { slots, tiles } = geometryOf(spec);
  return slots.reduce((sum, { count }) => sum + (isFused ? tiles : count), 0);
};

/** How far from the first window's corner the kernels read, in pixels of the input. */
export const extentOf = (spec: WinogradSpec): readonly [height: number, width: number] => {
  const { algorithm } = spec;
  const { vertical, horizontal } = geometryOf(spec);
  const reach = (tiling: Tiling) => algorithm.stride * tileStart(tiling, tiling.tiles - 1) + algorithm.inputs;
  return [reach(vertical), reach(horizontal)];
};

// ---- memory -----------------------------------------------------------------------------------------

type Depth = Pick<WinogradSpec, "depth" | "chunk">;

/** Channels in that a product sums up at a time. */
export const chunkDepth = ({ depth, chunk = depth }: Depth): number => chunk;

/** Products of a slot, one after the other. */
export const chunksOf = (spec: Depth): number => spec.depth / chunkDepth(spec);

/** Floats of a row of V: the channels of a tile, or a chunk of them. */
export const rowFloats = (spec: Depth): number => Math.ceil(chunkDepth(spec) / 4) * 4;

/** From a slot of V to the next: not a power of two, or the stores of a tile would share one set of the cache. */
export const slotFloats = (spec: WinogradSpec, tiles: number): number => tiles * rowFloats(spec) + 16;

/** From a chunk of V to the next: all slots. */
export const chunkFloats = (spec: WinogradSpec, tiles: number): number =>
  spec.algorithm.points.length ** 2 * slotFloats(spec, tiles);

/** Floats of V for so many tiles; the products of a last short register tile may read a little further. */
export const transformedFloats = (spec: WinogradSpec, tiles: number): number =>
  chunksOf(spec) * chunkFloats(spec, tiles) + 8 * rowFloats(spec);

/** From a slot of U to the next; one that is made on the way must not be a power of two either. */
export const weightStep = ({ depth, chunk }: Depth): number => 8 * (chunk === undefined ? depth : chunk + 2);

/** Of U for one panel and chunk. */
export const panelFloats = (spec: Depth & Pick<WinogradSpec, "algorithm">): number =>
  spec.algorithm.g.length ** 2 * weightStep(spec);

/** Floats of U, where it is in memory. */
export const winogradWeightFloats = ({ panels, algorithm, depth }: WinogradSpec): number =>
  panels * panelFloats({ algorithm, depth });

/** From a tile of M to the next: eight floats a slot, and never a power of two. */
export const productFloats = ({ points }: AxisAlgorithm): number => ((points.length ** 2) | 1) * 8;

/** Floats of M; the products of a last short register tile may write a little further. */
export const productsFloats = ({ algorithm }: WinogradSpec, tiles: number): number =>
  (tiles + 3) * productFloats(algorithm);
