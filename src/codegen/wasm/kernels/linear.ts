/**
 * Small constant matrices times vectors of registers, as the transforms of Winograd convolution need them: zeros
 * and ones cost nothing, and the pairs that points a and -a make are computed together.
 */
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32, f32x4, type V128 } from "../assembler/values.ts";
import { baseline, type Engine, multiplyAdd } from "./gemm.ts";

export type Matrix = readonly (readonly number[])[];

/** One term of a sum: a register and its factor. */
interface Term {
  readonly value: Local<"v128">;
  readonly factor: number;
}

/** Up to the rounding of coefficients that are computed. */
export const same = (a: number, b: number): boolean => Math.abs(a - b) < 1e-12;

/**
 * store(i, sum over k of matrix[i][k] load(k)) for each row. Every column that some row needs is loaded once,
 * before anything is stored.
 */
export function emitLinear(
  f: FunctionBuilder,
  matrix: Matrix,
  load: (column: number) => V128,
  store: (row: number, value: V128) => void,
  engine: Engine = baseline,
): void {
  for (const { rows, columns } of components(matrix)) {
    f.scope(() => {
      const loaded = columns.map((column) => f.let("v128", load(column)));
      const part = rows.map((row) => columns.map((column) => matrix[row][column]));
      emitRows(f, ...pairColumns(f, part, loaded), (i, value) => store(rows[i], value), engine);
    });
  }
}

/** Rows that share columns, together: what is independent need not be in registers at the same time. */
function components(matrix: Matrix): { readonly rows: number[]; readonly columns: number[] }[] {
  const found: { rows: number[]; columns: Set<number> }[] = [];
  matrix.forEach((row, i) => {
    const columns = new Set(row.flatMap((factor, k) => (factor === 0 ? [] : [k])));
    const joined = found.filter((other) => [...columns].some((k) => other.columns.has(k)));
    for (const other of joined) found.splice(found.indexOf(other), 1);
    found.push({
      rows: [...joined.flatMap(({ rows }) => rows), i],
      columns: new Set([...joined.flatMap((other) => [...other.columns]), ...columns]),
    });
  });
  return found.map(({ rows, columns }) => ({ rows, columns: [...columns].sort((a, b) => a - b) }));
}

/** Columns that are equal but for the sign in some rows become their sum and their difference. */
function pairColumns(
  f: FunctionBuilder,
  matrix: Matrix,
  loaded: readonly Local<"v128">[],
): [Matrix, Local<"v128">[]] {
  const columns = loaded.map((value, k) => ({ value, factors: matrix.map((row) => row[k]) }));
  const result: { value: Local<"v128">; factors: number[] }[] = [];
  while (columns.length > 0) {
    const first = columns.shift()!;
    const mate = columns.findIndex(({ factors }) => isMirrored(first.factors, factors));
    if (mate < 0) {
      result.push(first);
      continue;
    }
    const [second] = columns.splice(mate, 1);
    const isEqual = first.factors.map((factor, i) => same(factor, second.factors[i]));
    const sum = f.let("v128", f32x4.add(first.value, second.value));
    const difference = f.let("v128", f32x4.sub(first.value, second.value));
    result.push({ value: sum, factors: first.factors.map((factor, i) => (isEqual[i] ? factor : 0)) });
    result.push({ value: difference, factors: first.factors.map((factor, i) => (isEqual[i] ? 0 : factor)) });
  }
  const rows = matrix.map((_, i) => result.map(({ factors }) => factors[i]));
  return [rows, result.map(({ value }) => value)];
}

/** Equal in absolute value everywhere, and both signs occur more than once: only then does the pair pay. */
function isMirrored(a: readonly number[], b: readonly number[]): boolean {
  const equal = a.filter((value, i) => value !== 0 && same(value, b[i])).length;
  const opposite = a.filter((value, i) => value !== 0 && same(value, -b[i])).length;
  const zero = a.filter((value, i) => value === 0 && b[i] === 0).length;
  return equal > 0 && opposite > 0 && equal + opposite > 2 && equal + opposite + zero === a.length;
}

function emitRows(
  f: FunctionBuilder,
  matrix: Matrix,
  values: readonly Local<"v128">[],
  store: (row: number, value: V128) => void,
  engine: Engine,
): void {
  const terms = (row: readonly number[], keep: (column: number) => boolean): Term[] =>
    row.flatMap((factor, k) => (factor !== 0 && keep(k) ? [{ value: values[k], factor }] : []));
  const done = new Set<number>();
  matrix.forEach((row, i) => {
    if (done.has(i)) return;
    const mate = matrix.findIndex((other, q) => q > i && !done.has(q) && isPair(row, other));
    if (mate < 0) {
      store(
        i,
        sum(
          terms(row, () => true),
          engine,
        ),
      );
      return;
    }
    done.add(mate);
    const stays = (k: number) => same(row[k], matrix[mate][k]);
    f.scope(() => {
      const even = f.let("v128", sum(terms(row, stays), engine));
      const odd = f.let(
        "v128",
        sum(
          terms(row, (k) => !stays(k)),
          engine,
        ),
      );
      store(i, f32x4.add(even, odd));
      store(mate, f32x4.sub(even, odd));
    });
  });
}

/** Rows that differ in the signs of some columns, where both parts have more than one term. */
function isPair(a: readonly number[], b: readonly number[]): boolean {
  const stay = a.filter((value, k) => value !== 0 && same(value, b[k])).length;
  const turn = a.filter((value, k) => value !== 0 && same(value, -b[k])).length;
  const zero = a.filter((value, k) => value === 0 && b[k] === 0).length;
  return stay > 0 && turn > 0 && stay + turn + zero === a.length && stay + turn > 2;
}

/** The sum of the terms, a term of factor 1 first where there is one, so that nothing is negated. */
function sum(terms: readonly Term[], engine: Engine): V128 {
  const ordered = [...terms].sort((a, b) => Number(same(b.factor, 1)) - Number(same(a.factor, 1)));
  const [first, ...rest] = ordered;
  let total: V128 = scaled(first.value, first.factor);
  for (const { value, factor } of rest) {
    if (engine.relaxed && !same(Math.abs(factor), 1)) {
      total = multiplyAdd(engine, value, splat(factor), total);
      continue;
    }
    total = factor < 0 ? f32x4.sub(total, scaled(value, -factor)) : f32x4.add(total, scaled(value, factor));
  }
  return total;
}

const scaled = (value: V128, factor: number): V128 =>
  same(factor, 1) ? value : f32x4.mul(value, splat(factor));

/** Eleven bytes shorter than a vector constant, and equally fast. */
const splat = (factor: number): V128 => f32x4.splat(f32.const(factor));
