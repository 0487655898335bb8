/**
 * What the poolings share: windows that slide over a map without a halo. Where whole windows lie inside the map and
 * are small, all their taps are unrolled; windows that the border clips, and large ones, are walked by loops.
 */
import type { Pads } from "../../../ir/tensor.ts";
import { printPads } from "../../../ir/window.ts";
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32, f32x4, type I32, i32, type V128, type Value, v128 } from "../assembler/values.ts";
import { at, bytes, hold, holdVector, type MapLayout, printLayout, type StepArguments } from "./kernel.ts";
import { eachBlock, eachOther, eachRowUnit, type RowUnits, range, vectorBytes } from "./walk.ts";

export interface SlidingWindow {
  readonly input: MapLayout;
  /** As many channels as the input; its size says how far windows reach below and on the right. */
  readonly output: MapLayout;
  readonly kernel: readonly [height: number, width: number];
  readonly stride: number;
  readonly pads: Pads;
}

export interface Reduction {
  /** What an empty window holds. */
  readonly start: number;
  readonly combine: (result: V128, value: V128) => V128;
  /** Given when results are divided by how many places a window has: how far places count beyond the map. */
  readonly counted?: Pads;
}

export const printWindow = ({ input, output, kernel, stride, pads }: SlidingWindow): string =>
  `${kernel.join("x")}/${stride}${printPads(pads)} ${printLayout(input)}>${printLayout(output)}`;

/** Unrolled taps are all loaded before they are combined, so registers bound them. */
const mostTaps = 9;

export function emitSlidingWindow(
  f: FunctionBuilder,
  args: StepArguments,
  units: RowUnits,
  window: SlidingWindow,
  reduction: Reduction,
): void {
  const { input, output, kernel } = window;
  const [down, along] = axes(window, reduction);
  const isUnrolled = kernel[0] * kernel[1] <= mostTaps && down.whole > 0 && along.whole > 0;
  const isAllWhole = isUnrolled && down.whole === output.height && along.whole === output.width;
  eachRowUnit(f, args, units, (row, start) => {
    const from = hold(f, i32.add(args.input, start));
    const to = hold(f, i32.add(at(args.output, row, output.rowStride), start));
    const column = f.local("i32");
    const isWholeRow = hold(f, i32.lt_u(i32.sub(row, down.firstWhole), down.whole));
    if (isUnrolled) {
      f.if(isWholeRow, () =>
        f.scope(() => {
          const windowRow = hold(f, at(from, firstPlace(down, row), input.rowStride));
          f.for(column, along.firstWhole, along.firstWhole + along.whole, 1, () =>
            f.scope(() => {
              const windows = hold(f, at(windowRow, firstPlace(along, column), input.pixelStride));
              const pixel = hold(f, at(to, column, output.pixelStride));
              wholeWindow(f, units.vectors, window, reduction, windows, pixel);
            }),
          );
        }),
      );
    }
    if (isAllWhole) return;
    const rows = clip(f, down, row);
    const leftOut = { when: isWholeRow, first: along.firstWhole, count: along.whole };
    eachOther(f, column, output.width, isUnrolled ? leftOut : undefined, () => {
      const pixel = hold(f, at(to, column, output.pixelStride));
      const columns = clip(f, along, column);
      clippedWindow(f, units.vectors, window, reduction, { from, rows, columns }, pixel);
    });
  });
}

/** Windows along one direction. */
interface Axis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly before: number;
  /** The windows that lie inside the map are neighbours. */
  readonly firstWhole: number;
  readonly whole: number;
  /** Places before and behind the map that count. */
  readonly counted: readonly [before: number, after: number];
}

function axes({ input, output, kernel, stride, pads }: SlidingWindow, { counted }: Reduction): [Axis, Axis] {
  const axis = (size: number, count: number, length: number, before: number, edge: Axis["counted"]): Axis => {
    const firstWhole = Math.ceil(before / stride);
    const end = Math.min(Math.floor((size - length + before) / stride) + 1, count);
    const whole = Math.max(end - firstWhole, 0);
    return { size, kernel: length, stride, before, firstWhole, whole, counted: edge };
  };
  const edges = counted ?? { top: 0, bottom: 0, left: 0, right: 0 };
  return [
    axis(input.height, output.height, kernel[0], pads.top, [edges.top, edges.bottom]),
    axis(input.width, output.width, kernel[1], pads.left, [edges.left, edges.right]),
  ];
}

/** The map's place where a window starts; below 0 in the pads. */
const firstPlace = ({ stride, before }: Axis, index: I32): Value<"i32"> =>
  i32.sub(i32.mul(index, stride), before);

/** The part of a window that lies inside the map, and how many places count. */
interface Clipped {
  readonly from: Local<"i32">;
  readonly to: Local<"i32">;
  readonly count: Local<"i32">;
}

function clip(f: FunctionBuilder, axis: Axis, index: I32): Clipped {
  const first = hold(f, firstPlace(axis, index));
  const end = hold(f, i32.add(first, axis.kernel));
  const [before, after] = axis.counted;
  return {
    from: hold(f, i32.max_s(first, 0)),
    // Not below 0, so that an empty window is empty for comparisons without sign.
    to: hold(f, i32.max_s(i32.min_s(end, axis.size), 0)),
    count: hold(f, i32.sub(i32.min_s(end, axis.size + after), i32.max_s(first, -before))),
  };
}

function wholeWindow(
  f: FunctionBuilder,
  vectors: number,
  { input, kernel: [height, width] }: SlidingWindow,
  { combine, counted }: Reduction,
  from: Local<"i32">,
  to: Local<"i32">,
): void {
  const taps = range(height).flatMap((row) =>
    range(width).map((column) => bytes(row * input.rowStride + column * input.pixelStride)),
  );
  eachBlock(f, vectors, 4, (start, count) => {
    const source = hold(f, i32.add(from, start));
    const target = hold(f, i32.add(to, start));
    for (const i of range(count)) {
      const values = taps.map((tap): V128 => v128.load(source, tap + i * vectorBytes));
      const result = values.reduce((sum, value) => combine(sum, value));
      const scaled = counted ? f32x4.mul(result, f32x4.const(1 / taps.length)) : result;
      f.store(target, scaled, i * vectorBytes);
    }
  });
}

function clippedWindow(
  f: FunctionBuilder,
  vectors: number,
  { input }: SlidingWindow,
  { start: empty, combine, counted }: Reduction,
  { from, rows, columns }: { from: Local<"i32">; rows: Clipped; columns: Clipped },
  to: Local<"i32">,
): void {
  const corner = hold(f, at(at(from, rows.from, input.rowStride), columns.from, input.pixelStride));
  const share =
    counted &&
    f.let("v128", f32x4.splat(f32.div(f32.const(1), f32.convert_i32_s(i32.mul(rows.count, columns.count)))));
  const [row, column] = [f.local("i32"), f.local("i32")];
  eachBlock(f, vectors, 4, (start, count) => {
    const results = range(count).map(() => holdVector(f, f32x4.const(empty)));
    const line = hold(f, i32.add(corner, start));
    const place = f.local("i32");
    f.for(row, rows.from, rows.to, 1, () => {
      f.set(place, line);
      f.for(column, columns.from, columns.to, 1, () => {
        results.forEach((result, i) => {
          f.set(result, combine(result, v128.load(place, i * vectorBytes)));
        });
        f.increment(place, bytes(input.pixelStride));
      });
      f.increment(line, bytes(input.rowStride));
    });
    const target = hold(f, i32.add(to, start));
    results.forEach((result, i) => {
      f.store(target, share ? f32x4.mul(result, share) : result, i * vectorBytes);
    });
  });
}
