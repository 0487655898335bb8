/** Whether a measured value reaches its floor, and whether it is worth measuring again. */
import type { Floor } from "./floors.ts";

export type Verdict = "aim" | "pass" | "near" | "miss";

/** This near to its floor a miss may be noise. */
const noise = 0.03;

type Limits = Pick<Floor, "sense" | "floor" | "aim">;

/** The verdict on the best of several values. */
export function verdictOn(values: readonly number[], { sense, floor, aim }: Limits): Verdict {
  const value = best(values, sense);
  const reaches = (limit: number) => (sense === "at least" ? value >= limit : value <= limit);
  if (aim !== undefined && reaches(aim)) return "aim";
  if (reaches(floor)) return "pass";
  return reaches(sense === "at least" ? floor * (1 - noise) : floor * (1 + noise)) ? "near" : "miss";
}

export const best = (values: readonly number[], sense: Floor["sense"]): number =>
  sense === "at least" ? Math.max(...values) : Math.min(...values);
