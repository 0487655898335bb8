/** A map at another height and width; the rule is that of ir/ops/resize.ts. */
import type { ResizeAttrs } from "../../../ir/ops/resize.ts";
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32, f32x4, type I32, i32, type V128, v128 } from "../assembler/values.ts";
import { at, bytes, hold, holdVector, type Kernel, type MapLayout, printLayout } from "./kernel.ts";
import { eachBlock, eachRowUnit, range, rowUnits, vectorBytes } from "./walk.ts";

export interface ResizeSpec {
  readonly input: MapLayout;
  readonly output: MapLayout;
  readonly method: ResizeAttrs["method"];
}

/** input > output. */
export function resizeKernel({ input, output, method }: ResizeSpec): Kernel {
  const units = rowUnits(output.height, output.channels);
  const emitRow = method === "bilinear" ? emitMixed : output.width % input.width ? emitChosen : emitRepeated;
  return {
    name: `resize ${method} ${printLayout(input)}>${printLayout(output)}`,
    units: units.units,
    emit(f, args) {
      eachRowUnit(f, args, units, (row, start) => {
        const from = hold(f, i32.add(args.input, start));
        const to = hold(f, i32.add(at(args.output, row, output.rowStride), start));
        emitRow({ f, input, output, row, from, to, vectors: units.vectors });
      });
    },
  };
}

/** A row to make: `from` is the part's place in the map's first pixel, `to` that in the row's, which moves along. */
interface RowOfResult {
  readonly f: FunctionBuilder;
  readonly input: MapLayout;
  readonly output: MapLayout;
  readonly row: I32;
  readonly from: Local<"i32">;
  readonly to: Local<"i32">;
  readonly vectors: number;
}

/** floor(i from / to) */
const chosen = (i: I32, from: number, to: number): I32 => i32.div_u(i32.mul(i, from), to);

/** Nearest neighbour, the width a multiple: whole pixels one after the other, so that the stores of each are neighbours. */
function emitRepeated({ f, input, output, row, from, to, vectors }: RowOfResult): void {
  const scale = output.width / input.width;
  const source = hold(f, at(from, chosen(row, input.height, output.height), input.rowStride));
  f.for(f.local("i32"), 0, input.width, 1, () => {
    eachBlock(f, vectors, 4, (block, count) => {
      const values = loadVectors(f, hold(f, i32.add(source, block)), count);
      const target = hold(f, i32.add(to, block));
      for (const copy of range(scale)) {
        for (const [i, value] of values.entries())
          f.store(target, value, bytes(copy * output.pixelStride) + i * vectorBytes);
      }
    });
    f.increment(source, bytes(input.pixelStride));
    f.increment(to, bytes(scale * output.pixelStride));
  });
}

function emitChosen({ f, input, output, row, from, to, vectors }: RowOfResult): void {
  const line = hold(f, at(from, chosen(row, input.height, output.height), input.rowStride));
  const column = f.local("i32");
  f.for(column, 0, output.width, 1, () => {
    f.scope(() => {
      const source = hold(f, at(line, chosen(column, input.width, output.width), input.pixelStride));
      eachBlock(f, vectors, 4, (block, count) => {
        const values = loadVectors(f, hold(f, i32.add(source, block)), count);
        const target = hold(f, i32.add(to, block));
        for (const [i, value] of values.entries()) f.store(target, value, i * vectorBytes);
      });
    });
    f.increment(to, bytes(output.pixelStride));
  });
}

/** Bilinear: two places of each of two rows. */
function emitMixed({ f, input, output, row, from, to, vectors }: RowOfResult): void {
  const down = tap(f, row, from, [input.height, output.height], input.rowStride);
  const below = hold(f, i32.sub(down.second, down.first));
  const column = f.local("i32");
  f.for(column, 0, output.width, 1, () => {
    f.scope(() => {
      const across = tap(f, column, down.first, [input.width, output.width], input.pixelStride);
      const beside = hold(f, i32.sub(across.second, across.first));
      eachBlock(f, vectors, 2, (block, count) => {
        const left = hold(f, i32.add(across.first, block));
        const right = hold(f, i32.add(left, beside));
        const along = (a: Local<"i32">, b: Local<"i32">) =>
          range(count).map((i) =>
            mix(f, v128.load(a, i * vectorBytes), v128.load(b, i * vectorBytes), across.share),
          );
        const upper = along(left, right);
        const lower = along(hold(f, i32.add(left, below)), hold(f, i32.add(right, below)));
        const target = hold(f, i32.add(to, block));
        for (const i of range(count))
          f.store(target, mix(f, upper[i], lower[i], down.share), i * vectorBytes);
      });
    });
    f.increment(to, bytes(output.pixelStride));
  });
}

/** `tapOf` at run time: the addresses of the two places, and the weight of the second in every lane. */
function tap(
  f: FunctionBuilder,
  i: I32,
  address: Local<"i32">,
  [from, to]: readonly [from: number, to: number],
  stride: number,
): { first: Local<"i32">; second: Local<"i32">; share: Local<"v128"> } {
  const place = hold(f, i32.max_s(hold(f, i32.sub(i32.mul(i, 2 * from), to - from)), 0));
  const first = hold(f, i32.div_u(place, 2 * to));
  const rest = i32.sub(place, i32.mul(first, 2 * to));
  const share = f32.mul(f32.convert_i32_u(rest), f32.const(1 / (2 * to)));
  const second = hold(f, i32.add(first, 1));
  return {
    first: hold(f, at(address, first, stride)),
    second: hold(f, at(address, hold(f, i32.min_u(second, from - 1)), stride)),
    share: holdVector(f, f32x4.splat(share)),
  };
}

/** a + share (b - a) */
const mix = (f: FunctionBuilder, a: V128, b: V128, share: V128): Local<"v128"> => {
  const start = holdVector(f, a);
  return holdVector(f, f32x4.add(start, f32x4.mul(share, f32x4.sub(b, start))));
};

const loadVectors = (f: FunctionBuilder, source: Local<"i32">, count: number): Local<"v128">[] =>
  range(count).map((i) => holdVector(f, v128.load(source, i * vectorBytes)));
