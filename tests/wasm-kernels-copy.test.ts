/** The kernels that move values, and what the harness itself complains about. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FunctionBuilder } from "../src/codegen/wasm/assembler/function.ts";
import { v128 } from "../src/codegen/wasm/assembler/values.ts";
import { copyKernel } from "../src/codegen/wasm/kernels/copy.ts";
import { copyInKernel } from "../src/codegen/wasm/kernels/copy-in.ts";
import { copyOutKernel } from "../src/codegen/wasm/kernels/copy-out.ts";
import {
  at,
  dense,
  type Kernel,
  lanes,
  type MapLayout,
  type StepArguments,
} from "../src/codegen/wasm/kernels/kernel.ts";
import { spaceToDepthKernel } from "../src/codegen/wasm/kernels/space-to-depth.ts";
import { ops } from "../src/ir/ops/index.ts";
import { noPads } from "../src/ir/tensor.ts";
import { assertClose } from "./support/close-to.ts";
import { pad } from "./support/operands.ts";
import { randomTensor } from "./support/random.ts";
import { reference } from "./support/reference.ts";
import { denseLayout, gappedLayout, type KernelMap, runKernel } from "./support/wasm-kernel.ts";

const channelCounts = [1, 2, 3, 4, 7, 8, 20, 41];

const mapOf = ({ height, width, channels }: MapLayout) => randomTensor(1, [1, height, width, channels]);

test("pad: places around, channels beside", () => {
  for (const channels of channelCounts) {
    for (const [i, pads] of [noPads, pad(1, 2, 3, 0), pad(0, 0, 0, 1), pad(2, 0, 0, 0)].entries()) {
      for (const [before, after] of [
        [0, 0],
        [1, 3],
        [4, 0],
        [8, 8],
        [0, 5],
      ]) {
        const input = i % 2 ? gappedLayout(3, 5, channels, 4, 1) : denseLayout(3, 5, channels);
        const x = mapOf(input);
        const expected = reference(ops.pad, { pads, before, after }, [x]);
        const [, height, width, wide] = expected.shape;
        const output =
          (before + i) % 2 ? denseLayout(height, width, wide) : gappedLayout(height, width, wide, 8, 2);
        const kernel = copyKernel({ input, output, pads, before, after: lanes(wide) - channels - before });
        const y = runKernel({ kernel, input: { layout: input, values: x.data }, output: { layout: output } });
        assertClose({ data: y }, expected, 0, kernel.name);
      }
    }
  }
});

test("concat: each operand into its channels of the wider map, and nowhere else", () => {
  for (const channels of channelCounts) {
    const input = gappedLayout(2, 3, channels, 4, 1);
    const x = mapOf(input);
    // A slice of 64 channels that starts at an odd one.
    const output = { ...input, pixelStride: 64, rowStride: 5 * 64 };
    for (const after of [0, 1, 6]) {
      const kernel = copyKernel({ input, output, before: 0, after });
      const y = runKernel({
        kernel,
        input: { layout: input, values: x.data },
        output: { layout: output, written: channels + after },
      });
      assertClose({ data: y }, x, 0, kernel.name);
    }
  }
});

test("copy in and copy out", () => {
  for (const channels of channelCounts) {
    for (const map of [
      denseLayout(4, 5, channels),
      gappedLayout(1, 1, channels, 8, 2),
      gappedLayout(3, 7, channels, 4, 2),
    ]) {
      const x = mapOf(map);
      const plain: KernelMap = { layout: dense(map), written: channels };
      const own = { layout: map, values: x.data };
      const kernelIn = copyInKernel({ output: map });
      const y = runKernel({ kernel: kernelIn, input: { ...plain, values: x.data }, output: { layout: map } });
      assertClose({ data: y }, x, 0, kernelIn.name);
      const kernelOut = copyOutKernel({ input: map });
      assertClose(
        { data: runKernel({ kernel: kernelOut, input: own, output: plain }) },
        x,
        0,
        kernelOut.name,
      );
    }
  }
});

/** Place (2Y + a - top, 2X + b - left) in channels (2a + b) C … of place (Y, X). */
function spaceToDepth(
  x: Float32Array,
  input: MapLayout,
  top: number,
  left: number,
  output: MapLayout,
): number[] {
  const { height, width, channels } = input;
  const y: number[] = [];
  for (let row = 0; row < output.height; row++) {
    for (let column = 0; column < output.width; column++) {
      for (let k = 0; k < 4 * channels; k++) {
        const quarter = Math.floor(k / channels);
        const r = 2 * row + (quarter >> 1) - top;
        const c = 2 * column + (quarter & 1) - left;
        const isInside = r >= 0 && r < height && c >= 0 && c < width;
        y.push(isInside ? x[(r * width + c) * channels + (k % channels)] : 0);
      }
    }
  }
  return y;
}

test("space to depth", () => {
  for (const channels of [1, 2, 3, 4, 5]) {
    for (const [height, width] of [
      [8, 6],
      [7, 9],
      [1, 1],
      [5, 2],
    ]) {
      for (const [top, left] of [
        [0, 0],
        [1, 1],
        [3, 3],
        [2, 3],
      ]) {
        for (const more of [0, 1, 2]) {
          const input = dense(denseLayout(height, width, channels));
          const wide = 4 * channels;
          const rows = Math.ceil((height + top) / 2) + more;
          const columns = Math.ceil((width + left) / 2) + more;
          const pixelStride = more === 2 ? lanes(wide) : wide;
          const output = {
            height: rows,
            width: columns,
            channels: wide,
            pixelStride,
            rowStride: (columns + more) * pixelStride,
          };
          const x = mapOf(input);
          const kernel = spaceToDepthKernel({ height, width, channels, top, left, output });
          const y = runKernel({
            kernel,
            input: { layout: input, values: x.data },
            output: { layout: output, written: pixelStride },
          });
          assert.equal([...y], spaceToDepth(x.data, input, top, left, output), kernel.name);
        }
      }
    }
  }
});

// ---- the harness ----------------------------------------------------------------------------------

const layout = denseLayout(2, 3, 8);

/** Copies vectors of the map, and then does something wrong. */
const faulty = (unit: (f: FunctionBuilder, args: StepArguments) => void): Kernel => ({
  name: "faulty",
  units: 2,
  emit(f, args) {
    const row = f.local("i32");
    f.for(row, args.from, args.to, 1, () => {
      for (let i = 0; i < 6; i++)
        f.store(at(args.output, row, 24), v128.load(at(args.input, row, 24), 16 * i), 16 * i);
    });
    unit(f, args);
  },
});

const complaint = (unit: (f: FunctionBuilder, args: StepArguments) => void) => {
  const x = mapOf(layout);
  try {
    runKernel({ kernel: faulty(unit), input: { layout, values: x.data }, output: { layout } });
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

test("the harness sees what a kernel does wrong", () => {
  const loadInput = ({ input }: StepArguments) => v128.load(input);
  assert.is(
    complaint(() => {}),
    "",
  );
  assert.match(
    complaint((f, args) => f.store(args.output, loadInput(args), 4 * 48)),
    /writes the output at row 2, column 0, float 0/,
  );
  assert.match(
    complaint((f, args) => f.store(args.input, v128.load(args.input, 16))),
    /writes the input at row 0, column 0, float 0/,
  );
  assert.match(
    complaint((f, args) => f.store(args.output, v128.load(args.output, 4 * 48), 16)),
    /leaves the output at row 0, column 0, float 4/,
  );
  assert.match(
    complaint((f, args) => f.store(args.scratch, loadInput(args))),
    /^faulty writes/,
  );
  // The last call of several has the last word.
  assert.match(
    complaint((f, args) => f.store(args.output, args.from)),
    /other bits with units/,
  );
});

test.run();
