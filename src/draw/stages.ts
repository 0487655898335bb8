/**
 * Names ──► the labels at the left: `conv3.1.conv2` is block 1 of stage conv3, `i3a.cbr2.conv` belongs to i3a, and
 * inside a part that is a network itself, `body.conv3.1.conv2`, to body.conv3.
 */
import type { Step } from "./steps.ts";

export interface Stage {
  readonly name: string;
  readonly block: string | undefined;
}

/** Inputs and outputs belong to no stage. */
export function stageOf({ kind, name }: Step): Stage | undefined {
  if (kind === "input" || kind === "output") return undefined;
  const parts = name.split(".");
  const number = parts.findIndex((part, i) => i > 0 && /^\d+$/.test(part));
  if (number < 0) return { name: parts[0], block: undefined };
  return { name: parts.slice(0, number).join("."), block: parts[number] };
}
