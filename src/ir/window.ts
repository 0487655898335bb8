/** The arithmetic of sliding windows, shared by convolution and pooling. */
import type { Pads } from "./tensor.ts";

/** How far a dilated kernel reaches: e = dilation (k - 1) + 1. */
export const reach = (kernel: number, dilation: number): number => dilation * (kernel - 1) + 1;

/** out = floor((in + before + after - reach) / stride) + 1; below 1 when the window does not fit. */
export function slidingSize(
  size: number,
  window: number,
  stride: number,
  before: number,
  after: number,
): number {
  return Math.floor((size + before + after - window) / stride) + 1;
}

/** " pad 3" or " pad 0,1,0,1" (top, bottom, left, right); nothing when there is none. */
export function printPads({ top, bottom, left, right }: Pads): string {
  if (top === bottom && left === right && top === left) return top === 0 ? "" : ` pad ${top}`;
  return ` pad ${top},${bottom},${left},${right}`;
}
