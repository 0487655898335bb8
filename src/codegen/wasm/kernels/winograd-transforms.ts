/**
 * The transforms of Winograd convolution, as functions of the module: an algorithm's are made once and serve all
 * layers, since strides come as arguments. They are long, straight code.
 */
import type { Local } from "../assembler/function.ts";
import type { FunctionRef } from "../assembler/module.ts";
import { i32, v128 } from "../assembler/values.ts";
import type { Engine } from "./gemm.ts";
import type { KernelLibrary } from "./library.ts";
import { emitLinear, type Matrix, same } from "./linear.ts";
import type { AxisAlgorithm } from "./winograd-algorithm.ts";
import { productFloats } from "./winograd-geometry.ts";

const nameOf = ({ outputs, taps, stride }: AxisAlgorithm): string =>
  `F(${outputs},${taps})${stride > 1 ? `/${stride}` : ""}`;

export { nameOf as algorithmName };

const inWords = ({ relaxed }: Engine): string => (relaxed ? " relaxed" : "");

/** Bytes of scratch memory that a transform puts vectors aside in between its passes. */
export const passBytes = ({ points, inputs }: AxisAlgorithm): number => 16 * points.length * inputs;

/** Bytes of what the output transform makes: eight channels of outputs x outputs places. */
export const tileBytes = ({ outputs }: AxisAlgorithm): number => 32 * outputs ** 2;

/**
 * (from, to, bytes, rowBytes, pixelBytes, slotBytes, scratch): BT x B for `bytes` of channels of one tile. `from` is
 * the corner of its window, `to` its row in V's first slot.
 */
export function inputTransform(
  library: KernelLibrary,
  algorithm: AxisAlgorithm,
  engine: Engine,
): FunctionRef {
  const { inputs, points, bt } = algorithm;
  return library.function(
    `${nameOf(algorithm)} input${inWords(engine)}`,
    { params: Array(7).fill("i32") },
    (f) => {
      const [from, to, size, rowBytes, pixelBytes, slotBytes, scratch] = f.params as Local<"i32">[];
      const end = f.let("i32", i32.add(from, size));
      const rows = multiples(rowBytes, inputs);
      const slots = multiples(slotBytes, points.length);
      const [column, slot] = [f.local("i32"), f.local("i32")];
      f.loop((again) => {
        f.set(column, from);
        for (let j = 0; j < inputs; j++) {
          emitLinear(
            f,
            bt,
            (row) => v128.load(i32.add(column, rows[row])),
            (point, value) => f.store(scratch, value, 16 * (point * inputs + j)),
            engine,
          );
          f.increment(column, pixelBytes);
        }
        f.set(slot, to);
        for (let i = 0; i < points.length; i++) {
          emitLinear(
            f,
            bt,
            (j) => v128.load(scratch, 16 * (i * inputs + j)),
            (point, value) => f.store(i32.add(slot, slots[point]), value),
            engine,
          );
          f.increment(slot, i32.mul(slotBytes, points.length));
        }
        f.increment(from, 16);
        f.increment(to, 16);
        f.branchIf(again, i32.ne(from, end));
      });
    },
  );
}

/** 0, bytes, 2 bytes, …: the engine computes them once, outside the loop. */
const multiples = (bytes: Local<"i32">, count: number) =>
  Array.from({ length: count }, (_, i) => i32.mul(bytes, i));

/** (m, to, scratch): AT M A of one tile, eight channels a place, to `to`. */
export function outputTransform(
  library: KernelLibrary,
  algorithm: AxisAlgorithm,
  engine: Engine,
): FunctionRef {
  const { outputs, points, at } = algorithm;
  return library.function(
    `${nameOf(algorithm)} output${inWords(engine)}`,
    { params: ["i32", "i32", "i32"] },
    (f) => {
      const [m, to, scratch] = f.params as Local<"i32">[];
      const end = f.let("i32", i32.add(m, 32));
      f.loop((again) => {
        for (let point = 0; point < points.length; point++) {
          emitLinear(
            f,
            at,
            (i) => v128.load(m, 32 * (i * points.length + point)),
            (i, value) => f.store(scratch, value, 16 * (i * points.length + point)),
            engine,
          );
        }
        for (let i = 0; i < outputs; i++) {
          emitLinear(
            f,
            at,
            (point) => v128.load(scratch, 16 * (i * points.length + point)),
            (j, value) => f.store(to, value, 32 * (i * outputs + j)),
            engine,
          );
        }
        f.increment(m, 16);
        f.increment(to, 16);
        f.branchIf(again, i32.ne(m, end));
      });
    },
  );
}

/**
 * (from, to, bytes, slotBytes): G w GT for as many channels in as have `bytes` in a slot of U, from weights as they are
 * stored, [channel in][row][column][8]. Rows of G that differ in signs only are made together, each pair or single
 * row in a loop of its own: what lives at a time fits into registers.
 */
export function weightsTransform(
  library: KernelLibrary,
  algorithm: AxisAlgorithm,
  engine: Engine,
): FunctionRef {
  const { taps, g } = algorithm;
  return library.function(
    `${nameOf(algorithm)} weights${inWords(engine)}`,
    { params: Array(4).fill("i32") },
    (f) => {
      const [from, to, size, slotBytes] = f.params as Local<"i32">[];
      const slots = multiples(slotBytes, g.length);
      const [done, tap, slot] = [f.local("i32"), f.local("i32"), f.local("i32")];
      for (const rows of mirroredRows(g)) {
        f.for(done, 0, size, 16, () =>
          f.scope(() => {
            const channel = i32.mul(i32.and(done, -32), taps * taps);
            f.set(tap, i32.add(from, channel, i32.and(done, 16)));
            const part = rows.map((row) => g[row]);
            const columns = Array.from({ length: taps }, (_, column) => {
              const made = rows.map(() => f.local("v128"));
              emitLinear(
                f,
                part,
                (row) => v128.load(tap, 32 * (row * taps + column)),
                (i, value) => f.set(made[i], value),
                engine,
              );
              return made;
            });
            rows.forEach((row, i) => {
              f.set(slot, i32.add(to, done, i32.mul(slotBytes, row * g.length)));
              emitLinear(
                f,
                g,
                (column) => columns[column][i],
                (j, value) => f.store(i32.add(slot, slots[j]), value),
                engine,
              );
            });
          }),
        );
      }
    },
  );
}

/** The rows of a matrix, those together that differ in signs only. */
function mirroredRows(matrix: Matrix): readonly (readonly number[])[] {
  const groups: number[][] = [];
  matrix.forEach((row, i) => {
    const group = groups.find(([first]) =>
      row.every((value, k) => same(Math.abs(value), Math.abs(matrix[first][k]))),
    );
    if (group) group.push(i);
    else groups.push([i]);
  });
  return groups;
}

/** Bytes from a tile of M to the next. */
export const productBytes = (algorithm: AxisAlgorithm): number => 4 * productFloats(algorithm);
