/** Which block of the language a submodule is written as. */
import { isOp } from "../../ir/graph.ts";
import { ops } from "../../ir/ops/index.ts";
import type { Unit } from "./units.ts";

/**
 * A submodule is a block if it has the steps of one with weights, and no other's. `blocks` has the block of every scope
 * of our own names.
 */
export function blockFinder(
  blocks: ReadonlyMap<string, string>,
  units: readonly Unit[],
): (path: readonly string[], inside: readonly Unit[]) => string | undefined {
  const weighted = units.filter(hasWeights);
  const counts = new Map<string, number>();
  for (const { node } of weighted)
    for (const scope of scopesOf(node.name)) counts.set(scope, (counts.get(scope) ?? 0) + 1);
  return (_path, inside) => {
    const own = inside.filter(hasWeights);
    if (own.length === 0) return undefined;
    const all = own.map(({ node }) => scopesOf(node.name));
    // The outermost block whose steps these are.
    const shared = all[0].filter((scope) => all.every((scopes) => scopes.includes(scope)));
    const found = shared.filter((scope) => blocks.has(scope) && counts.get(scope) === own.length);
    return found.length > 0 ? blocks.get(found[0]) : undefined;
  };
}

const hasWeights = ({ node, path, loose }: Unit): boolean =>
  path !== undefined || loose.length > 0 || isOp(node, ops.batchNorm);

/** What stands before each dot, the outermost first. */
function scopesOf(name: string): string[] {
  const parts = name.split(".");
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("."));
}
