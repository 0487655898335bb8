/**
 * The caller's picture with 2x2 places as one of four times the channels: a convolution of stride 2 over the picture
 * is one of stride 1 over this, with a quarter of the places. Place (2Y + a - top, 2X + b - left) becomes channels
 * (2a + b) C … of place (Y, X); what lies outside the picture is zero.
 */
import type { FunctionBuilder, Local } from "../assembler/function.ts";
import { f32, f32x4, i32, shuffle32, type V128, type Value, v128 } from "../assembler/values.ts";
import { at, bytes, hold, type Kernel, lanes, type MapLayout, printLayout } from "./kernel.ts";
import { eachOther, range, vectorBytes } from "./walk.ts";

export interface SpaceToDepthSpec {
  /** The picture, dense NHWC. */
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Zeros that come before the picture. */
  readonly top: number;
  readonly left: number;
  /** Of 4 C channels; its pixels may take 4 C floats instead of whole panels. */
  readonly output: MapLayout;
}

/** input, the dense picture > output. Units are rows of the output. */
export function spaceToDepthKernel(spec: SpaceToDepthSpec): Kernel {
  const { height, width, channels, top, left, output } = spec;
  // The columns both of whose places lie in the picture.
  const first = Math.min(Math.ceil(left / 2), output.width);
  const whole = Math.max(Math.min(Math.floor((width + left) / 2), output.width) - first, 0);
  return {
    name: `spaceToDepth ${height}x${width}x${channels} pad ${top},${left}>${printLayout(output)}`,
    units: output.height,
    emit(f, args) {
      const [row, column] = [f.local("i32"), f.local("i32")];
      f.for(row, args.from, args.to, 1, () =>
        f.scope(() => {
          const to = hold(f, at(args.output, row, output.rowStride));
          const firstRow = hold(f, i32.sub(i32.mul(row, 2), top));
          const rows = [0, 1].map((a) => {
            const inputRow = i32.add(firstRow, a);
            // Of a row outside the picture the address is never used.
            const start = i32.sub(at(args.input, inputRow, width * channels), bytes(left * channels));
            return { start: hold(f, start), isInside: hold(f, i32.lt_u(inputRow, height)) };
          });
          const isWhole = hold(f, i32.and(rows[0].isInside, rows[1].isInside));
          if (whole > 0) {
            f.if(isWhole, () =>
              f.scope(() => {
                const target = hold(f, at(to, first, output.pixelStride));
                const sources = rows.map(({ start }) => hold(f, at(start, 2 * first, channels)));
                f.for(column, 0, whole, 1, () => {
                  wholePlace(f, channels, sources, target);
                  zeroBehind(f, spec, target);
                  for (const source of sources) f.increment(source, bytes(2 * channels));
                  f.increment(target, bytes(output.pixelStride));
                });
              }),
            );
          }
          eachOther(f, column, output.width, { when: isWhole, first, count: whole }, () => {
            const target = hold(f, at(to, column, output.pixelStride));
            for (const [a, { start, isInside }] of rows.entries()) {
              for (const b of [0, 1]) {
                const inputColumn = i32.add(i32.mul(column, 2), b);
                const isPlace = i32.and(isInside, i32.lt_u(i32.sub(inputColumn, left), width));
                const offset = bytes((2 * a + b) * channels);
                f.if(
                  isPlace,
                  () =>
                    f.scope(() => copyFloats(f, target, at(start, inputColumn, channels), offset, channels)),
                  () => zeroFloats(f, target, offset, channels),
                );
              }
            }
            zeroBehind(f, spec, target);
          });
        }),
      );
    },
  };
}

/** The 2 C neighbouring floats of each of two rows. The vector in the middle may take two of either. */
function wholePlace(
  f: FunctionBuilder,
  channels: number,
  [above, below]: readonly Local<"i32">[],
  to: Local<"i32">,
): void {
  const run = 2 * channels;
  const vectors = range(channels).map((i): V128 => {
    const start = 4 * i;
    if (start + 4 <= run) return v128.load(above, bytes(start));
    if (start >= run) return v128.load(below, bytes(start - run));
    return shuffle32(v128.load64_zero(above, bytes(start)), v128.load64_zero(below), [0, 1, 4, 5]);
  });
  for (const [i, vector] of vectors.entries()) f.store(to, vector, i * vectorBytes);
}

function copyFloats(
  f: FunctionBuilder,
  to: Local<"i32">,
  address: Value<"i32">,
  offset: number,
  count: number,
): void {
  const from = hold(f, address);
  for (const i of range(count)) f.store(to, f32.load(from, bytes(i)), offset + bytes(i));
}

function zeroFloats(f: FunctionBuilder, to: Local<"i32">, offset: number, count: number): void {
  for (const i of range(count)) f.store(to, f32.const(0), offset + bytes(i));
}

function zeroBehind(f: FunctionBuilder, { channels, output }: SpaceToDepthSpec, to: Local<"i32">): void {
  const own = 4 * channels;
  if (Math.min(lanes(own), output.pixelStride) > own) f.store(to, f32x4.const(0), bytes(own));
}
