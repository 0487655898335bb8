/**
 * Seeded weights for a net that has none yet: He normal (He et al. 2015a, section 2.2: standard deviation
 * sqrt(2 / fan in)), biases and shifts 0, scales 1, means 0, variances 1, as torch begins.
 *
 * The same seed gives the same bits on every machine: each tensor has its own generator, seeded by the seed
 * and its name, so neither the order of asking nor other tensors matter; the generator works on 32-bit
 * integers; and the normal numbers take only + - * / and Math.sqrt, which IEEE 754 rounds in one way. Math.log
 * and Math.exp may differ between engines, so normal.ts has its own.
 */
import { invariant } from "../base/invariant.ts";
import { type Graph, isOp, type Node } from "../ir/graph.ts";
import type { WeightSource } from "../ir/interpret.ts";
import { type ParamAttrs, param } from "../ir/ops/param.ts";
import { elements, type Shape } from "../ir/tensor.ts";
import { fillNormal, seedOf } from "./normal.ts";

/** A weight's values are made when asked for and not kept. */
export function heWeights(graph: Graph, seed: number): WeightSource {
  const params = new Map<string, Node<ParamAttrs>>();
  for (const node of graph.nodes) if (isOp(node, param) && !node.attrs.compute) params.set(node.name, node);
  return {
    get(name) {
      const node = params.get(name);
      invariant(node, `${name} is no loaded weight of ${graph.name}`);
      return initialValues(node, seed);
    },
  };
}

function initialValues({ name, attrs: { role, shape } }: Node<ParamAttrs>, seed: number): Float32Array {
  const values = new Float32Array(elements(shape));
  if (role === "weight" && shape.length > 1)
    fillNormal(values, Math.sqrt(2 / fanIn(shape)), seedOf(seed, name));
  // A weight that is a vector is the slope of a PReLU; 0.25 is torch's, and He et al.'s.
  else if (role === "weight") values.fill(0.25);
  else if (role === "scale" || role === "var") values.fill(1);
  return values;
}

/** HWIO and [h, w, c, units] alike: every side but the last feeds one output. */
const fanIn = (shape: Shape): number => Math.max(1, elements(shape.slice(0, -1)));
