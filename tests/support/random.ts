/** Numbers that look random and are the same on every run and machine. */
import { elements, type Shape } from "../../src/ir/tensor.ts";

/** Uniform in [low, high), as float32; mulberry32 (Tommy Ettinger). */
export function randomValues(seed: number, count: number, low = -1, high = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return low + ((high - low) * ((t ^ (t >>> 14)) >>> 0)) / 2 ** 32;
  });
}

export function randomTensor(seed: number, shape: Shape, low = -1, high = 1) {
  return { shape, data: randomValues(seed, elements(shape), low, high) };
}
