/**
 * The machine that the planner imagines: one x86-64 core of 2023 under V8 of Node 20, from measured kernels. Only
 * ratios matter to the choices; predicted milliseconds are those of this core.
 */

/** Multiply-adds a nanosecond of the register tile, everything in the first caches. */
export const multiplyAddsPerNs = 24;

/** Bytes a nanosecond of weights that no cache holds, read once from front to back. */
export const streamBytesPerNs = 13;

/** The same where a loop does nothing but read them. */
export const fetchBytesPerNs = 27;

/** Of what the second cache holds, and how much that is. */
export const cachedBytesPerNs = 40;
export const cachedBytes = 1024 * 1024;

/** What it takes to make a byte of U from weights at hand. */
export const makeNsPerByte = 0.024;

/** What a transform takes for each number it writes; reads and arithmetic are in it. */
export const transformNsPerFloat = 0.25;

/** What elementwise steps and pools take for each number they read or write. */
export const moveNsPerFloat = 0.12;

/** A step's own cost: the call, the barrier. */
export const stepNs = 500;

/** The part of the full rate that tiles of so many rows reach in turn, by rows in all. */
export function tileEfficiency(rows: number): number {
  if (rows <= 2) return 0.6 * (rows / 2);
  if (rows === 5) return 0.8;
  return rows % 4 === 0 ? 1 : 0.93;
}
