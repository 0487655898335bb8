/**
 * Fast convolution along one axis (Winograd 1980; Lavin & Gray 2016), as matrices. A tile of m outputs is
 *
 *     y = AT [(G w) * (BT x)]
 *
 * with one product a point instead of r an output. Points are 0, ±a, ±b and infinity (Cook-Toom). They are chosen
 * so that the infinite point touches only the last output: a tile that needs one output less leaves that product
 * out and is otherwise the same, with the same transformed weights. So 14 = 4 + 4 + 3 + 3 costs 22 products an
 * axis where four tiles of 4 cost 24.
 *
 * Stride 2 is two convolutions of stride 1, of the even and the odd inputs, that add up. With three taps the even
 * ones (two taps) go through F(4,2), and the odd ones (one tap) are plain products: 9 instead of 12.
 */
import type { Matrix } from "./linear.ts";

/** One product along an axis. */
export interface Point {
  /** The row of G that makes its weight; points may share one. */
  readonly weight: number;
  /** Only the last output needs it. */
  readonly lastOnly: boolean;
}

export interface AxisAlgorithm {
  readonly taps: number;
  readonly stride: 1 | 2;
  /** Outputs of a whole tile, and the inputs they read: stride (outputs - 1) + taps. */
  readonly outputs: number;
  readonly inputs: number;
  readonly points: readonly Point[];
  /** points x inputs. */
  readonly bt: Matrix;
  /** weights x taps. */
  readonly g: Matrix;
  /** outputs x points. */
  readonly at: Matrix;
}

/** Half the error of the usual 0, ±1, ±2 at the same cost: measured on networks and on random data. */
const fivePoints = [0, Math.SQRT1_2, -Math.SQRT1_2, Math.SQRT2, -Math.SQRT2];
const sixPoints = [0, 1, -1, 2, -2, 0.5];
const fourPoints = [0, 1, -1, 2];
const threePoints = [0, 1, -1];

const finitePoints: Readonly<Record<number, readonly number[]>> = {
  4: threePoints,
  5: fourPoints,
  6: fivePoints,
  7: sixPoints,
};

/** F(outputs, taps) of stride 1. */
export function cookToom(outputs: number, taps: number): AxisAlgorithm {
  const n = outputs + taps - 1;
  const finite = finitePoints[n];
  const products = finite.map((_, j) => polynomial(finite.filter((_, l) => l !== j)));
  // The divisor of Lagrange's basis: into G, so that BT keeps small numbers.
  const divisors = finite.map((a, j) => finite.reduce((p, b, l) => (l === j ? p : p * (a - b)), 1));
  return {
    taps,
    stride: 1,
    outputs,
    inputs: n,
    points: [...finite.map((_, weight) => ({ weight, lastOnly: false })), { weight: n - 1, lastOnly: true }],
    bt: [...products.map((p) => [...p, 0]), polynomial(finite)],
    g: [
      ...finite.map((a, j) => range(taps, (k) => a ** k / divisors[j])),
      range(taps, (k) => (k === taps - 1 ? 1 : 0)),
    ],
    at: range(outputs, (i) => [...finite.map((a) => a ** i), i === outputs - 1 ? 1 : 0]),
  };
}

/** Three taps of stride 2: F(outputs, 2) on the even inputs, one product an output on the odd ones. */
export function strided(outputs: number): AxisAlgorithm {
  const even = cookToom(outputs, 2);
  const inputs = 2 * outputs + 1;
  const odd = even.points.length;
  const spread = (row: readonly number[], offset: number, size: number) =>
    range(size, (k) => (k % 2 === offset ? (row[(k - offset) / 2] ?? 0) : 0));
  const unit = range(outputs, (i) => range(outputs, (k) => (k === i ? 1 : 0)));
  return {
    taps: 3,
    stride: 2,
    outputs,
    inputs,
    points: [...even.points, ...unit.map((_, i) => ({ weight: odd, lastOnly: i === outputs - 1 }))],
    bt: [...even.bt.map((row) => spread(row, 0, inputs)), ...unit.map((row) => spread(row, 1, inputs))],
    g: [...even.g.map((row) => spread(row, 0, 3)), [0, 1, 0]],
    at: even.at.map((row, i) => [...row, ...unit[i]]),
  };
}

/** Coefficients of the product of (x - root), constant first. */
function polynomial(roots: readonly number[]): number[] {
  let product = [1];
  for (const root of roots) {
    const next = [0, ...product];
    product.forEach((c, k) => {
      next[k] -= root * c;
    });
    product = next;
  }
  return product;
}

const range = <T>(size: number, make: (index: number) => T): T[] =>
  Array.from({ length: size }, (_, i) => make(i));

/** How an axis is cut: `whole` tiles of all outputs, then tiles of one less; the last may overhang the map. */
export interface Tiling {
  readonly size: number;
  readonly tiles: number;
  readonly whole: number;
  readonly outputs: number;
}

export function tilingOf(size: number, { outputs }: AxisAlgorithm): Tiling {
  const tiles = Math.ceil(size / outputs);
  return { size, tiles, whole: Math.max(0, size - (outputs - 1) * tiles), outputs };
}

/** Outputs of tile `i` that are in the map. */
export const outputsOf = ({ size, whole, outputs }: Tiling, i: number): number =>
  Math.min(i < whole ? outputs : outputs - 1, size - tileStart({ whole, outputs }, i));

/** The first output of tile `i`. */
export const tileStart = ({ whole, outputs }: Pick<Tiling, "whole" | "outputs">, i: number): number =>
  (outputs - 1) * i + Math.min(i, whole);

/** How far the inputs of the last tile reach, from the first input of the first tile: what the halo must hold. */
export const inputReach = (tiling: Tiling, { stride, inputs }: AxisAlgorithm): number =>
  stride * tileStart(tiling, tiling.tiles - 1) + inputs;
