/** How many elements a shape from a file has, before anything is made of it. */
import { ensure, Unreadable } from "./unreadable.ts";

/** Torch and NumPy know no more; and a list of a million sides would cost time with each tensor that shares it. */
const maxSides = 64;

/** `whose` starts the sentence: "`conv1.weight` has 65 sides". */
export function checkRank(sides: number, whose: string): void {
  ensure(sides <= maxSides, `${whose} has ${sides} sides, at most ${maxSides} are read`);
}

/**
 * The product of the sides, which are whole numbers that are not negative. Refused is what cannot be counted exactly,
 * even if a side of 0 makes the tensor empty: part of the product may be what somebody asks memory for.
 */
export function countElements(shape: readonly number[], whose: string): number {
  checkRank(shape.length, whose);
  const full = shape.reduce((product, side) => product * Math.max(side, 1), 1);
  if (full > Number.MAX_SAFE_INTEGER)
    throw new Unreadable(`${whose} is [${shape.join(", ")}], more elements than can be counted`);
  return shape.includes(0) ? 0 : full;
}
