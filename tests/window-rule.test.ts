/**
 * The window rule of the language against one that slides a window by hand: which places it starts at, and what of
 * the map it can read, instead of a formula.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { around, codesOf, netOf } from "./support/compiled.ts";

interface Window {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly pad: "same" | "tf" | number;
  readonly ceil: boolean;
}

/** How many windows there are along one side, found by moving one until it no longer fits. */
function countWindows({ size, kernel, stride, dilation, pad, ceil }: Window): number {
  const offsets = Array.from({ length: kernel }, (_, i) => i * dilation);
  const reach = offsets[kernel - 1] + 1;
  if (pad === "tf") {
    // TensorFlow's SAME: one window for every stride-th place of the map.
    let count = 0;
    for (let place = 0; place < size; place += stride) count++;
    return count;
  }
  // torch's usual padding keeps the size of an odd kernel.
  let before = 0;
  if (pad === "same") while (2 * (before + 1) + size - reach + 1 <= size) before++;
  else before = pad;
  const places = Array.from({ length: size + 2 * before }, (_, i) => i - before);
  const last = places[places.length - 1];
  let count = 0;
  for (let start = -before; ; start += stride) {
    const fits = start + reach - 1 <= last;
    // Rounding up lets a window hang over the end if it starts in the map or in front of it, and if the one
    // before left something unread.
    const hangs =
      ceil &&
      start < size &&
      (count === 0 ? start + reach - 1 - last < stride : start - stride + reach - 1 < last);
    if (!fits && !hangs) return count;
    count++;
  }
}

const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 11, 14];
const pads = ["same", "tf", 0, 1, 2] as const;

/** All windows to try, as rows of one net each: height and width take different sizes. */
function check(operation: "conv" | "maxpool" | "avgpool"): number {
  let count = 0;
  for (const kernel of [1, 2, 3, 4, 5, 7])
    for (const stride of [1, 2, 3, 4])
      for (const dilation of operation === "conv" ? [1, 2, 3] : [1])
        for (const pad of pads)
          for (const ceil of operation === "conv" ? [false] : [false, true]) {
            // With TensorFlow's padding everything is covered, and rounding up changes nothing.
            if (pad === "tf" && ceil) continue;
            const settings = [
              `kernel = ${kernel}`,
              `stride = ${stride}`,
              `pad = ${pad === "same" || pad === "tf" ? `"${pad}"` : pad}`,
              ...(operation === "conv" ? [`dilation = ${dilation}`, "channels = 1"] : [`ceil = ${ceil}`]),
            ];
            const rows = `${operation}(${settings.join(", ")})`;
            for (const [i, height] of sizes.entries()) {
              const width = sizes[(i * 3 + 1) % sizes.length];
              const wanted = [height, width].map((size) =>
                countWindows({ size, kernel, stride, dilation, pad, ceil }),
              );
              const text = around(rows, `${height}x${width}x1`);
              count++;
              if (wanted.includes(0)) {
                assert.equal(codesOf(text), ["window-too-large"], text);
                continue;
              }
              const [, h, w] = netOf(text).graph.outputs[0].node.type.shape;
              assert.equal([h, w], wanted, text);
            }
          }
  return count;
}

test("the slow count knows the usual cases", () => {
  const usual = { kernel: 3, stride: 2, dilation: 1, pad: "same", ceil: false } as const;
  assert.is(countWindows({ ...usual, size: 224, kernel: 7 }), 112);
  assert.is(countWindows({ ...usual, size: 112 }), 56);
  assert.is(countWindows({ ...usual, size: 112, pad: 0, ceil: true }), 56);
  assert.is(countWindows({ ...usual, size: 112, pad: 0 }), 55);
  assert.is(countWindows({ ...usual, size: 7, pad: 1, ceil: true }), 4);
  assert.is(countWindows({ ...usual, size: 6, kernel: 2, stride: 1 }), 5);
  assert.is(countWindows({ ...usual, size: 5, kernel: 3, stride: 1, pad: 0, dilation: 2 }), 1);
});

test("convolutions", () => {
  assert.is(check("conv"), 6 * 4 * 3 * 5 * 10);
});

test("pools, rounded down and up", () => {
  assert.is(check("maxpool"), 6 * 4 * 9 * 10);
  assert.is(check("avgpool"), 6 * 4 * 9 * 10);
});

test.run();
